"""A small network, trained on the data set itself, whose features measure it.

No downloaded weights: a classifier of the data set's labels, or of rotations
where there are none (Gidaris et al. 2018, "Unsupervised representation
learning by predicting image rotations"). Its distances compare generators of
one data set with each other; they are not FID, whose network is another one.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError, PackageError
from mintmark.core.files import atomic_path
from mintmark.core.seeds import derive

DIMENSIONS = 64
SMALLEST = 8  # pixels a side
FORMAT = "mintmark.features/1"
ROTATIONS = 4  # quarter turns
BATCH = 64
IMAGES = 24_000  # how many are shown in a training of default length
LEARNING_RATE = 3e-3


class FeatureNet(nn.Module):
    """A plain convolutional classifier with global average pooling.

    Attributes:
        arguments: What it was built from.
    """

    def __init__(self, channels: int, size: int, classes: int) -> None:
        """Builds the layers.

        Args:
            channels: Of the pictures, 1 to 4.
            size: Side of the pictures it is trained on, >= 8; decides the depth.
            classes: How many it tells apart, >= 2.

        Raises:
            ConfigError: An argument is out of range.
        """
        super().__init__()
        if not 1 <= channels <= 4 or size < SMALLEST or classes < 2:
            raise ConfigError(
                "A feature network needs pictures of 1 to 4 channels and at least 8 x 8 pixels "
                f"and 2 classes, not {channels}, {size} x {size} and {classes}."
            )
        self.arguments = {"channels": channels, "size": size, "classes": classes}
        layers = [stage(channels, _width(size), stride=1)]
        while size > 4:
            width, size = _width(size), (size + 1) // 2
            layers.append(stage(width, _width(size), stride=2))
            layers.append(stage(_width(size), _width(size), stride=1))
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(DIMENSIONS, classes)

    def features(self, x: Tensor) -> Tensor:
        """Features, (N, 64), of pictures in [-1, 1], (N, C, S, S)."""
        maps: Tensor = self.trunk(x)  # (N, 64, s, s), s <= 4 at the size of training
        return maps.mean(dim=(2, 3))

    def maps(self, x: Tensor) -> list[Tensor]:
        """Maps after each resolution, (N, c, s, s) from fine to coarse, of pictures in [-1, 1].

        For perceptual distances; the mean of the last one over (s, s) is `features`.
        """
        found = []
        for index, part in enumerate(self.trunk):
            x = part(x)
            if index % 2 == 0:  # the odd ones only halve the side
                found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (N, classes), of pictures in [-1, 1], (N, C, S, S)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _width(side: int) -> int:
    """Channels of maps of that side: few where maps are large, to keep large pictures cheap."""
    return min(DIMENSIONS, max(16, 512 // side))


def stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A convolution of 3 x 3 with its norm, (N, inputs, H, W) to (N, outputs, H', W')."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def fit(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    seed: int,
    epochs: int | None = None,
) -> FeatureNet:
    """Trains a feature network on a data set.

    Args:
        pixels: Pictures, (N, C, S, S), in [0, 255]. The time grows with S squared;
            above 64 it is wise to reduce them first, here and for `extract`.
        labels: Classes from 0, (N,); with None, or one class only, it learns to
            tell rotations by quarter turns apart.
        seed: Decides weights, order and shifts. On one machine with one number
            of threads the same seed gives the same network.
        epochs: Passes over the data; None shows about 24,000 pictures.

    Returns:
        The network, in evaluation mode.

    Raises:
        ConfigError: The pictures or labels have the wrong shape, type or range.
    """
    _check(pixels, labels)
    if labels is not None and labels.max() == 0:
        labels = None
    classes = ROTATIONS if labels is None else int(labels.max()) + 1
    epochs = max(1, round(IMAGES / len(pixels))) if epochs is None else epochs
    net = _build(pixels.shape[1], pixels.shape[2], classes, derive(seed, "features", "weights"))
    steps = epochs * -(-len(pixels) // BATCH)
    optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for epoch in range(epochs):
        for x, y in _batches(pixels, labels, derive(seed, "features", epoch)):
            optimiser.zero_grad()
            torch.autograd.backward(F.cross_entropy(net(x), y))
            optimiser.step()
            schedule.step()
    return net.eval()


def _check(pixels: NDArray[np.uint8], labels: NDArray[np.int64] | None) -> None:
    if pixels.ndim != 4 or pixels.shape[2] != pixels.shape[3] or pixels.dtype != np.uint8:
        raise ConfigError(
            f"Pictures must be uint8 (N, C, S, S), not {pixels.dtype} {pixels.shape}; convert them."
        )
    if len(pixels) < 2:
        raise ConfigError("A feature network needs at least 2 pictures to learn from; give more.")
    if labels is not None and (labels.shape != (len(pixels),) or labels.min() < 0):
        raise ConfigError("Labels must be one number from 0 for each picture; check their file.")


def _build(channels: int, size: int, classes: int, seed: int) -> FeatureNet:
    # torch draws first weights from its global generator, which stays untouched here.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeatureNet(channels, size, classes)


def _batches(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64] | None, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order, each batch shifted by up to one pixel."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pixels))
    side = pixels.shape[2]
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        padded = F.pad(_scaled(pixels[chosen]), (1, 1, 1, 1), mode="replicate")
        down, right = rng.integers(0, 3, size=2)
        x = padded[:, :, down : down + side, right : right + side]
        yield _rotated(x) if labels is None else (x, torch.from_numpy(labels[chosen]))


def _scaled(pixels: NDArray[np.uint8]) -> Tensor:
    """Pictures in [-1, 1] from [0, 255], same shape."""
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)


def _rotated(x: Tensor) -> tuple[Tensor, Tensor]:
    """A quarter of the batch by each quarter turn, and the number of turns."""
    turns = torch.arange(len(x)) % ROTATIONS
    turned = [
        torch.rot90(picture, int(turn), (1, 2)) for picture, turn in zip(x, turns, strict=True)
    ]
    return torch.stack(turned), turns


def extract(net: FeatureNet, pixels: NDArray[np.uint8], batch: int = 256) -> NDArray[np.float64]:
    """Features of pictures, whatever the batch size and the order.

    Args:
        net: The network; it is left in evaluation mode.
        pixels: Pictures, (N, C, S, S), in [0, 255].
        batch: Pictures at a time.

    Returns:
        Features, (N, 64); computed in float32.
    """
    net.eval()
    with torch.inference_mode():
        parts = [net.features(x).cpu().double().numpy() for x in _in_order(net, pixels, batch)]
    return np.concatenate(parts)


def accuracy(net: FeatureNet, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Share of pictures, (N, C, S, S), whose label, (N,), the network names."""
    net.eval()
    with torch.inference_mode():
        named = [net(x).argmax(dim=1).cpu().numpy() for x in _in_order(net, pixels, 256)]
    return float((np.concatenate(named) == labels).mean())


def _in_order(net: FeatureNet, pixels: NDArray[np.uint8], batch: int) -> Iterator[Tensor]:
    device = net.head.weight.device
    for start in range(0, len(pixels), batch):
        yield _scaled(pixels[start : start + batch]).to(device)


def digest(net: FeatureNet) -> str:
    """SHA-256 over names, shapes and bytes of the weights."""
    total = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        total.update(tensor.cpu().numpy().tobytes())
    return total.hexdigest()


def save(net: FeatureNet, path: Path) -> None:
    """Writes a network as safetensors, atomically, its arguments in the header."""
    header = {"format": FORMAT} | {name: str(value) for name, value in net.arguments.items()}
    with atomic_path(path) as part:
        save_file(net.state_dict(), part, header)


def load(path: Path) -> FeatureNet:
    """Reads a network that `save` wrote, in evaluation mode.

    Raises:
        PackageError: The file is truncated, foreign or does not fit its header.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        weights = load_file(path)
        if header.get("format") != FORMAT:
            raise PackageError(f"{path} is not a feature network of this version; delete it.")
        # Built without memory first, so that a hostile header costs nothing.
        with torch.device("meta"):
            net = FeatureNet(
                **{name: int(header[name]) for name in ("channels", "size", "classes")}
            )
    except (SafetensorError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise PackageError(
            f"{path} is not a whole feature network ({error}); delete it."
        ) from error
    if layout(weights) != layout(net.state_dict()):
        raise PackageError(f"The weights in {path} do not fit its header; delete it.")
    net.load_state_dict(weights, assign=True)
    return net.eval()


def layout(weights: dict[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """What must be equal for weights to fit a network."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
