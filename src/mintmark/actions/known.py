"""What a package keeps of its training pictures: features, and for a guard, thumbnails.

They serve two ends at the time of use, when the data may be far away: to say which of
several candidates is most like the data, and to turn down what is too near one picture
of it. A package holds them as `known.safetensors`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import torch as safetensors

from mintmark.core.errors import PackageError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.distances import kth_neighbour, nearest
from mintmark.metrics.extractors import Extractor, extract, shipped
from mintmark.models.package import Package, read_file
from mintmark.models.weights import MAX_HEADER
from mintmark.tasks._task import AnyTask

FILE = "known.safetensors"
MOST = 2048  # pictures whose features are kept where there is no guard
MOST_GUARDED = 8192
THUMBNAIL = 16  # pixels a side
NEAR = 0.05  # share of training pictures that lie nearer to another one than the guard allows


@dataclass(frozen=True)
class Known:
    """Training pictures as a package remembers them.

    Attributes:
        features: By the task's extractor, (N, d).
        names: What each was called, (N,); empty without a guard.
        thumbnails: Small copies, (N, C, h, w), or None without a guard.
        near: Distance below which a generated picture is too near one of them.
    """

    features: NDArray[np.float64]
    names: tuple[str, ...]
    thumbnails: NDArray[np.uint8] | None
    near: float


def remember(
    extractor: Extractor, pixels: NDArray[np.uint8], names: Sequence[str], guard: bool
) -> bytes:
    """The content of the file, from training pictures (N, C, H, W) and their names."""
    most = MOST_GUARDED if guard else MOST
    draw = np.random.Generator(np.random.PCG64(derive(0, "known")))
    chosen = np.sort(draw.permutation(len(pixels))[:most])
    kept = np.asarray(pixels[chosen])
    features = extract(extractor, kept)
    tensors = {"features": torch.from_numpy(features.astype(np.float16))}
    facts = {"names": [], "near": 0.0}
    if guard:
        tensors["thumbnails"] = torch.from_numpy(_small(kept))
        facts["names"] = [names[place] for place in chosen]
        apart = kth_neighbour(features.astype(np.float16).astype(np.float64), 1)
        apart = apart[apart > 0]  # repeats in the data say nothing about nearness
        facts["near"] = float(np.quantile(apart, NEAR)) if len(apart) else 0.0
    return safetensors.save(tensors, metadata={"mintmark": json.dumps(facts, sort_keys=True)})


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thumbnails by means of cells, (N, C, h, w)."""
    factor = max(1, min(pixels.shape[2:]) // THUMBNAIL)
    height, width = (side // factor for side in pixels.shape[2:])
    cut = pixels[:, :, : height * factor, : width * factor]
    cells = cut.reshape(*pixels.shape[:2], height, factor, width, factor)
    small: NDArray[np.uint8] = np.rint(cells.mean(axis=(3, 5))).astype(np.uint8)
    return small


def recall(package: Package, task: AnyTask) -> Known:
    """What a package remembers.

    Args:
        package: Where it is kept.
        task: Its task, which says what has to be there.

    Raises:
        PackageError: It has no such file, or a damaged one.
    """
    content = read_file(package, FILE)
    try:
        length = int.from_bytes(content[:8], "little")
        if length > MAX_HEADER:
            raise ValueError("the header is too long")
        tensors = safetensors.load(content)
        header = json.loads(content[8 : 8 + length])
        facts = json.loads(header["__metadata__"]["mintmark"])
        features = tensors["features"].double().numpy()
        thumbnails = tensors["thumbnails"].numpy() if "thumbnails" in tensors else None
        known = Known(features, tuple(facts["names"]), thumbnails, float(facts["near"]))
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackageError(
            f"{package.path}: {FILE} is damaged ({error}); fetch or train the package again."
        ) from error
    dimensions = shipped(task.extractor).dimensions
    sound = known.features.shape[1:] == (dimensions,) and len(known.features) > 1
    finite = np.isfinite(known.features).all() and np.isfinite(known.near) and known.near >= 0
    if not (sound and finite and _is_guarded(package, known) >= task.guard):
        raise PackageError(
            f"{package.path}: {FILE} contradicts itself; fetch or train the package again."
        )
    return known


def _is_guarded(package: Package, known: Known) -> bool:
    """Whether there are a thumbnail and a name of every picture."""
    small, count = known.thumbnails, len(known.features)
    return (
        small is not None
        and small.dtype == np.uint8
        and small.ndim == 4
        and small.shape[:2] == (count, package.config.channels)
        and min(small.shape[2:]) > 0
        and len(known.names) == count
        and all(isinstance(name, str) for name in known.names)
    )


def too_near(
    known: Known, features: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which generated pictures lie too near a training picture, and which one is nearest.

    Args:
        known: What the package remembers.
        features: Of the generated pictures, (M, d).

    Returns:
        (M,) each.
    """
    distances, places = nearest(features, known.features)
    return distances <= known.near, places
