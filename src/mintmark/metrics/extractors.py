"""Extractors: frozen networks that turn pictures of any size into features.

Three kinds of feature are told apart by their digest: those of the published
Inception graph, which alone give FID, KID and IS their names; those of the small
networks that ship with Mintmark; and those of a network fitted to the user's own
data. What happens to a picture before the network sees it is part of the record,
because it changes the numbers (Parmar et al. 2022, "On aliased resizing and
surprising subtleties in GAN evaluation").
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.errors import ConfigError, PackageError
from mintmark.metrics import features, inception
from mintmark.metrics.features import FeatureNet
from mintmark.metrics.inception import Inception

SHIPPED = ("digits", "pictures")
CHUNK = 16  # pictures at once; fixed, because results may depend on it in the last bit
MID_GREY = 128.0
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's mode L uses

CHANNELS_TEXT = "grey repeated to RGB, RGB to grey by BT.601, alpha over grey 128"
BICUBIC_TEXT = (
    f"{CHANNELS_TEXT}; to a square by torch.nn.functional.interpolate(mode='bicubic', "
    "antialias=True, align_corners=False) in float32 from uint8, clipped to [0, 255]; "
    "none where the size already fits"
)
TF1_TEXT = (
    f"{CHANNELS_TEXT}; to a square by the bilinear rule of TensorFlow 1 "
    "(align_corners=False, no half-pixel centres, no antialias) in float32 from uint8"
)


@dataclass(frozen=True)
class Extractor:
    """A network and all that decides what it makes of a picture.

    Attributes:
        name: What it is called: `inception`, `digits`, `pictures`, or the user's name.
        digest: SHA-256 of its weights; of the published graph for Inception.
        dimensions: Length of a feature vector.
        size: Side of the pictures that the network sees, in pixels.
        channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA.
        resize: How channels and size are brought to that, in words for the protocol.
        scaling: How samples in [0, 255] become the network's input, in words.
        net: The network, in evaluation mode.
    """

    name: str
    digest: str
    dimensions: int
    size: int
    channels: int
    resize: str
    scaling: str
    net: FeatureNet | Inception


def from_net(net: FeatureNet, name: str) -> Extractor:
    """The extractor of a copy of a feature network, for instance one fitted to the user's data."""
    return Extractor(
        name=name,
        digest=features.digest(net),
        dimensions=features.DIMENSIONS,
        size=net.arguments["size"],
        channels=net.arguments["channels"],
        resize=BICUBIC_TEXT,
        scaling="x / 127.5 - 1",
        net=copy.deepcopy(net).eval(),  # training may go on, and the digest must stay true
    )


def from_inception(net: Inception) -> Extractor:
    """The extractor of an Inception network."""
    return Extractor(
        name="inception",
        digest=net.digest,
        dimensions=inception.DIMENSIONS,
        size=inception.SIZE,
        channels=3,
        resize=TF1_TEXT,
        scaling="(x - 128) / 128",
        net=net.eval(),
    )


def shipped(name: str) -> Extractor:
    """One of the extractors that come with Mintmark.

    Args:
        name: `digits`, for grey pictures like handwritten digits, or `pictures`.

    Raises:
        ConfigError: There is none of that name.
        PackageError: Its file is missing or damaged: the installation is not whole.
    """
    if name not in SHIPPED:
        raise ConfigError(f"No extractor {name!r} is shipped; choose one of {', '.join(SHIPPED)}.")
    file = files("mintmark.metrics") / "shipped" / f"{name}.safetensors"
    if not file.is_file():
        raise PackageError(f"The shipped extractor {name!r} is missing; install Mintmark again.")
    with as_file(file) as path:
        return from_net(features.load(path), name)


def extract(extractor: Extractor, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Features of pictures.

    A picture's features are the same to the last bit, whatever else is extracted
    with it and in whatever order, on one machine with one number of threads.

    Args:
        extractor: The network.
        pixels: Pictures, (N, C, H, W), in [0, 255], of 1 to 4 channels and any size.

    Returns:
        Features, (N, d); computed in float32.

    Raises:
        ConfigError: The pictures have another shape or type.
    """
    pictures = pixels.dtype == np.uint8 and pixels.ndim == 4 and 1 <= pixels.shape[1] <= 4
    if not pictures or 0 in pixels.shape[2:]:
        raise ConfigError(
            f"Pictures must be uint8 (N, 1 to 4, H, W), not {pixels.dtype} {pixels.shape}; "
            "convert them."
        )

    def of(rows: Tensor) -> Tensor:
        return extractor.net.features(prepared(extractor, rows))

    return _in_chunks(of, pixels, extractor.dimensions)


def logits(extractor: Extractor, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits of the network's classes, from features that `extract` gave.

    Inception's are those without the bias, which the Inception Score takes.

    Args:
        extractor: The network.
        found: Features, (N, d).

    Returns:
        Logits, (N, classes), computed in float64.
    """
    head = extractor.net.head
    weight = head.weight.detach().cpu().double()  # (classes, d)
    bias = None if head.bias is None else head.bias.detach().cpu().double()
    return _in_chunks(lambda rows: F.linear(rows, weight, bias), found, len(weight))


def maps(extractor: Extractor, x: Tensor) -> list[Tensor]:
    """Feature maps, for perceptual distances.

    Args:
        extractor: The network; its weights decide the precision.
        x: Pictures, (N, C, H, W), in [-1, 1], of the type of its weights; clipped to
            that range only where they must be resized by the bicubic rule.

    Returns:
        A map for each resolution, (N, c, h, w), from fine to coarse.
    """
    return extractor.net.maps(_prepared(extractor, (x + 1) * 127.5))


def _in_chunks(
    of: Callable[[Tensor], Tensor], rows: NDArray[Any], width: int
) -> NDArray[np.float64]:
    """`of` over rows, (N, ...), in chunks of one size; (N, width)."""
    results = np.empty((len(rows), width))
    with torch.inference_mode():
        for first in range(0, len(rows), CHUNK):
            part = rows[first : first + CHUNK]
            padded = torch.from_numpy(_padded(part))
            results[first : first + CHUNK] = of(padded)[: len(part)].cpu().numpy()
    return results


def _padded(rows: NDArray[Any]) -> NDArray[Any]:
    """A copy in which the last row is repeated until there are CHUNK: shapes never differ."""
    return rows[np.minimum(np.arange(CHUNK), len(rows) - 1)]


def prepared(extractor: Extractor, pixels: Tensor) -> Tensor:
    """What the network takes, (N, channels, size, size), of pictures, uint8, (N, C, H, W)."""
    return _prepared(extractor, pixels.to(extractor.net.head.weight.device).float())


def _prepared(extractor: Extractor, x: Tensor) -> Tensor:
    """The same, of pictures in [0, 255] of any floating type."""
    x = with_channels(x, extractor.channels)
    if isinstance(extractor.net, Inception):
        return inception.scaled(x)
    return _fitted(x, extractor.size) / 127.5 - 1


def with_channels(x: Tensor, channels: int) -> Tensor:
    """Brings pictures in [0, 255], float, (N, C, H, W), to another number of channels.

    Alpha is laid over mid grey where the result has no room for it, and is opaque
    where only the result has it.
    """
    colour, alpha = (x, None) if x.shape[1] in (1, 3) else (x[:, :-1], x[:, -1:])
    if channels in (3, 4):
        colour = colour.expand(-1, 3, -1, -1)
    elif colour.shape[1] == 3:
        colour = (colour * x.new_tensor(LUMA).reshape(3, 1, 1)).sum(1, True)
    if channels in (1, 3):
        return colour if alpha is None else MID_GREY + (colour - MID_GREY) * (alpha / 255)
    return torch.cat([colour, torch.full_like(x[:, :1], 255) if alpha is None else alpha], dim=1)


def _fitted(x: Tensor, size: int) -> Tensor:
    """Pictures in [0, 255], (N, C, H, W), to (N, C, size, size) by antialiased bicubic."""
    if x.shape[2:] == (size, size):
        return x
    resized = F.interpolate(x, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp(0, 255)


@dataclass(frozen=True)
class Weights:
    """Published weights that a user may add to a folder.

    Attributes:
        name: What they are called.
        enables: The metrics that need them.
        files: Names of which one may lie in the folder.
        published: Where they are published; Mintmark never fetches them.
        digest: The published SHA-256, or None where the user converts them.
        path: Where they lie, or None where they are missing.
        matches: Whether the digest is the published one; None where they are
            missing or there is nothing to compare with.
    """

    name: str
    enables: str
    files: tuple[str, ...]
    published: str
    digest: str | None = None
    path: Path | None = None
    matches: bool | None = None


HEADS = "https://github.com/richzhang/PerceptualSimilarity/tree/master/lpips/weights/v0.1"
KNOWN = (
    Weights(
        "inception",
        "FID, KID and IS",
        (inception.GRAPH, inception.ARCHIVE),
        inception.PUBLISHED,
        inception.DIGEST,  # of the graph, also where the archive holds it
    ),
    Weights(
        "lpips-alex",
        "LPIPS (AlexNet)",
        ("lpips-alex.safetensors",),
        f"https://download.pytorch.org/models/alexnet-owt-7be5be79.pth and {HEADS}",
    ),
    Weights(
        "lpips-vgg",
        "LPIPS (VGG16), PPL",
        ("lpips-vgg.safetensors",),
        f"https://download.pytorch.org/models/vgg16-397923af.pth and {HEADS}",
    ),
)


def weights(folder: Path) -> tuple[Weights, ...]:
    """What of the published weights lies in a folder, and what is missing."""
    return tuple(_looked_up(known, folder) for known in KNOWN)


def _looked_up(known: Weights, folder: Path) -> Weights:
    path = _path(known, folder)
    matches = None if path is None or known.digest is None else _is_published(path)
    return replace(known, path=path, matches=matches)


def _path(known: Weights, folder: Path) -> Path | None:
    return next((folder / name for name in known.files if (folder / name).is_file()), None)


def _is_published(path: Path) -> bool:
    try:
        inception.published_graph(path)
    except PackageError:
        return False
    return True


def find_inception(folder: Path) -> Extractor:
    """The Inception extractor, from the weights in a folder.

    Raises:
        PackageError: The weights are missing, or are not the published ones.
    """
    path = _path(KNOWN[0], folder) or folder / inception.GRAPH
    return from_inception(inception.load_inception(path))
