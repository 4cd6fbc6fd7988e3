"""An independent judge of attributes: does a picture show what was asked?

A classifier of several attributes at once, trained on real pictures alone. Its
answers on generated ones mean as much as its accuracy on reals that it did not
learn from, so that accuracy goes with it and with every figure by it. Train it on
all combinations that it shall judge, also on those that the generator never saw: a
judge that was shown no green cross may take "green" for "no cross".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError, InputError, PackageError
from mintmark.core.files import atomic_path
from mintmark.core.seeds import derive
from mintmark.core.strict_json import parse_json
from mintmark.metrics.features import layout
from mintmark.metrics.judges import (
    FEATURES,
    IMAGES,
    SMALLEST,
    Pixels,
    Share,
    factor,
    reduced,
    require_pixels,
    scaled,
    share,
    train,
    trunk,
)

LARGEST = 64  # pixels a side that the convolutions see
MOST = 256  # attributes
MISSING = -1
FORMAT = "mintmark.attributes/1"
KEPT_OUT = 10  # one picture in so many is not learned from

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Attribute:
    """What a picture can have in one of several ways.

    Attributes:
        name: Of the attribute, "hair".
        values: What it can be, at least 2; a label is the index of its value.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """How often pictures show what was asked, in the eyes of one judge.

    Attributes:
        attributes: By name, over the pictures of which that attribute was asked.
        every: Pictures of which all asked attributes are right at once, over
            those of which at least one was asked.
        judge: By name, how often the judge is right on real pictures that it did
            not learn from.
    """

    attributes: dict[str, Share]
    every: Share
    judge: dict[str, Share]


class AttributeNet(nn.Module):
    """One convolutional trunk with a linear head an attribute.

    Attributes:
        channels: Of the pictures.
        height: Of the pictures as given, in pixels.
        width: Of the pictures as given, in pixels.
        attributes: What it names.
        accuracy: Right answers and answers, over reals kept out of its training,
            (A, 2) int64.
    """

    accuracy: Tensor

    def __init__(
        self, channels: int, height: int, width: int, attributes: Sequence[Attribute]
    ) -> None:
        """Builds the layers.

        Args:
            channels: Of the pictures, 1 to 4.
            height: Of the pictures, >= 8 after the reduction to 64 pixels at most.
            width: Likewise.
            attributes: What it shall name, 1 to 256 of them.

        Raises:
            ConfigError: An argument is out of range.
        """
        super().__init__()
        block = factor(height, width, LARGEST)
        if not 1 <= channels <= 4 or min(height, width) // block < SMALLEST:
            raise ConfigError(
                "A judge of attributes needs pictures of 1 to 4 channels, at least 8 x 8 pixels "
                f"and no narrow strips, not {channels}, {height} x {width}."
            )
        _check_attributes(attributes)
        self.channels, self.height, self.width = channels, height, width
        self.attributes = tuple(attributes)
        self.trunk = trunk(channels, max(height, width) // block)
        self.heads = nn.ModuleList(nn.Linear(FEATURES, len(one.values)) for one in attributes)
        self.register_buffer("accuracy", torch.zeros(len(attributes), 2, dtype=torch.int64))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Logits by attribute, (N, values) each, of reduced pictures in [-1, 1], (N, C, h, w)."""
        features = self.trunk(x)  # (N, 1024)
        return [head(features) for head in self.heads]


def _check_attributes(attributes: Sequence[Attribute]) -> None:
    names = [one.name for one in attributes]
    if not 1 <= len(names) <= MOST or len(set(names)) < len(names):
        raise ConfigError(f"Give 1 to {MOST} attributes with names of their own, not {names[:9]}.")
    for one in attributes:
        if len(one.values) < 2 or len(set(one.values)) < len(one.values):
            raise ConfigError(
                f"The attribute {one.name!r} needs 2 or more values, all different, not "
                f"{one.values[:9]}; leave it out or name its values."
            )


def fit(
    pixels: Pixels,
    labels: Labels,
    attributes: Sequence[Attribute],
    seed: int,
    images: int = IMAGES,
) -> AttributeNet:
    """Trains a judge of attributes on real pictures.

    A tenth of the pictures is kept out of the training and measures `accuracy`.
    The others are shown slightly shifted, with the cross-entropy of what is known
    of them.

    Args:
        pixels: Real pictures, (N, C, H, W), in [0, 255], N >= 20. Above 64 pixels
            a side they are reduced by whole blocks first.
        labels: Indices into the values of each attribute, -1 where missing, (N, A).
        attributes: The attributes, A of them.
        seed: Decides weights, order, shifts and which pictures are kept out. On one
            machine with one number of threads the same seed gives the same judge.
        images: About how many are shown, repeats included.

    Returns:
        The judge, in evaluation mode.

    Raises:
        ConfigError: Pictures, labels or attributes have the wrong shape, type or
            range, or some value of an attribute has no picture to learn from.
    """
    require_pixels(pixels, 2 * KEPT_OUT)
    channels, height, width = pixels.shape[1:]
    with torch.random.fork_rng(devices=[]):  # torch draws first weights from its global generator
        torch.manual_seed(derive(seed, "attributes", "weights"))
        net = AttributeNet(channels, height, width, attributes)
    _check_labels(net, pixels, labels)
    order = np.random.default_rng(derive(seed, "attributes", "kept out")).permutation(len(pixels))
    kept_out, learned = np.split(order, [len(order) // KEPT_OUT])
    _check_learned(net, labels[learned])
    known = torch.from_numpy(labels[learned].astype(np.int64))
    train(
        net,
        lambda x, chosen: _loss(net(x), known[chosen]),
        reduced(pixels[learned], LARGEST),
        images,
        derive(seed, "attributes", "batches"),
    )
    right, asked = _judged(net, pixels[kept_out], labels[kept_out])
    net.accuracy.copy_(torch.from_numpy(np.stack([right.sum(axis=0), asked.sum(axis=0)], axis=1)))
    return net


def _loss(logits: list[Tensor], labels: Tensor) -> Tensor:
    """Cross-entropy of what is known in the labels, (N, A), summed, over N."""
    columns = labels.unbind(dim=1)
    total = torch.zeros(())
    for one, y in zip(logits, columns, strict=True):
        # A mean would be over the known labels, and there may be none in a batch.
        total = total + F.cross_entropy(one, y, ignore_index=MISSING, reduction="sum")
    return total / len(labels)


def predict(net: AttributeNet, pixels: Pixels, batch: int = 256) -> Labels:
    """The most likely value of every attribute.

    Args:
        net: The judge; it is left in evaluation mode.
        pixels: Pictures, (N, C, H, W), of the size it was trained on, in [0, 255].
        batch: Pictures at a time.

    Returns:
        Indices into the values of each attribute, (N, A).

    Raises:
        ConfigError: The pictures are of another type, size or number of channels.
    """
    require_pixels(pixels, 1)
    if pixels.shape[1:] != (net.channels, net.height, net.width):
        raise ConfigError(
            f"This judge was trained on pictures of {net.channels} channels and {net.height} x "
            f"{net.width} and cannot judge {pixels.shape[1:]}; bring them to its size."
        )
    net.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            logits = net(scaled(reduced(pixels[start : start + batch], LARGEST)))
            found.append(torch.stack([one.argmax(dim=1) for one in logits], dim=1).numpy())
    return np.concatenate(found)


def agreement(net: AttributeNet, pixels: Pixels, labels: Labels) -> Agreement:
    """How often pictures show what was asked of them.

    Args:
        net: The judge.
        pixels: Pictures, (N, C, H, W), of the size it was trained on, in [0, 255].
        labels: What was asked, (N, A), -1 where nothing was.

    Raises:
        ConfigError: Pictures or labels do not fit the judge or each other.
    """
    _check_labels(net, pixels, labels)
    right, known = _judged(net, pixels, labels)
    asked = np.asarray(known.any(axis=1))
    wrong = np.asarray((known & ~right).any(axis=1))
    names = [one.name for one in net.attributes]
    judge = [share(int(hits), int(count)) for hits, count in net.accuracy.tolist()]
    shares = [share(int(right[:, i].sum()), int(known[:, i].sum())) for i in range(len(names))]
    return Agreement(
        attributes=dict(zip(names, shares, strict=True)),
        every=share(int((asked & ~wrong).sum()), int(asked.sum())),
        judge=dict(zip(names, judge, strict=True)),
    )


def _judged(
    net: AttributeNet, pixels: Pixels, labels: Labels
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which labels are known and rightly named, and which are known, (N, A) each."""
    known = labels != MISSING
    return known & (predict(net, pixels) == labels), known


def _check_labels(net: AttributeNet, pixels: Pixels, labels: Labels) -> None:
    counts = [len(one.values) for one in net.attributes]
    shape = (len(pixels), len(counts))
    if labels.shape != shape or labels.dtype.kind != "i":
        raise ConfigError(
            f"Labels must be integers {shape}, one a picture and attribute, not {labels.dtype} "
            f"{labels.shape}."
        )
    if ((labels < MISSING) | (labels >= np.array(counts))).any():
        raise ConfigError("A label is no index of a value of its attribute; -1 means missing.")


def _check_learned(net: AttributeNet, labels: Labels) -> None:
    for one, column in zip(net.attributes, labels.T, strict=True):
        if absent := sorted(set(range(len(one.values))) - set(column.tolist())):
            raise ConfigError(
                f"Too few pictures have {one.name!r} as {one.values[absent[0]]!r} for a judge to "
                "learn it; give more of them, or leave that value out."
            )


def save(net: AttributeNet, path: Path) -> None:
    """Writes a judge as safetensors, atomically, what it was built from in the header."""
    attributes = [[one.name, *one.values] for one in net.attributes]
    sides = {name: str(getattr(net, name)) for name in ("channels", "height", "width")}
    header = {"format": FORMAT, **sides, "attributes": json.dumps(attributes)}
    with atomic_path(path) as part:
        save_file(net.state_dict(), part, header)


def load(path: Path) -> AttributeNet:
    """Reads a judge that `save` wrote, in evaluation mode.

    Raises:
        PackageError: The file is truncated, foreign or does not fit its header.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        weights = load_file(path)
        if header.get("format") != FORMAT:
            raise PackageError(f"{path} is not a judge of attributes of this version; delete it.")
        sides = [int(header[name]) for name in ("channels", "height", "width")]
        # Built without memory first, so that a hostile header costs nothing.
        with torch.device("meta"):
            net = AttributeNet(sides[0], sides[1], sides[2], _parsed(header["attributes"]))
    except PackageError:
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
        raise PackageError(
            f"{path} is not a whole judge of attributes ({error}); delete it."
        ) from error
    if layout(weights) != layout(net.state_dict()) or not _sound(weights):
        raise PackageError(f"The weights in {path} do not fit its header; delete it.")
    net.load_state_dict(weights, assign=True)
    return net.eval()


def _parsed(text: str) -> list[Attribute]:
    found: Any = parse_json(text, "The list of attributes")
    lists = isinstance(found, list) and all(isinstance(one, list) and one for one in found)
    if not lists or not all(isinstance(word, str) for one in found for word in one):
        raise InputError("The list of attributes holds something else than texts.")
    return [Attribute(one[0], tuple(one[1:])) for one in found]


def _sound(weights: dict[str, Tensor]) -> bool:
    """Whether the counts of right answers can be true."""
    right, count = weights["accuracy"].unbind(dim=1)
    return bool(((right >= 0) & (right <= count)).all())
