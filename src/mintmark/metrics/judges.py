"""What the judges of pictures share: a small trunk, its pictures, and shares of right answers."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.features import stage

PLACES = 4  # rows and columns of the last maps
FEATURES = 64 * PLACES**2
SMALLEST = 8  # pixels a side
BATCH = 32  # small marks are learned in many steps rather than from many pictures
IMAGES = 30_000  # how many are shown in a training
LEARNING_RATE = 2e-3

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Share:
    """A share of samples.

    Attributes:
        value: In [0, 1]; NaN where there was nothing to count.
        error: Its binomial standard error, 0 for a share of 0 or 1; NaN as above.
        count: How many samples.
    """

    value: float
    error: float
    count: int


def share(hits: int, count: int) -> Share:
    """A share with its binomial standard error, `sqrt(p (1 - p) / count)`."""
    if count == 0:
        return Share(nan, nan, 0)
    value = hits / count
    return Share(value, sqrt(value * (1 - value) / count), count)


def require_pixels(pixels: Pixels, least: int) -> None:
    """Refuses what is not at least so many pictures.

    Raises:
        ConfigError: The array is not uint8 (N, C, H, W), or N is too small.
    """
    if pixels.ndim != 4 or pixels.dtype != np.uint8:
        raise ConfigError(
            f"Pictures must be uint8 (N, C, H, W), not {pixels.dtype} {pixels.shape}; convert them."
        )
    if len(pixels) < least:
        raise ConfigError(f"At least {least} pictures are needed, not {len(pixels)}; give more.")


def factor(height: int, width: int, largest: int) -> int:
    """The smallest side of blocks whose means leave at most `largest` pixels a side."""
    return max(1, -(-max(height, width) // largest))


def reduced(pixels: Pixels, largest: int) -> Pixels:
    """Pictures of `largest` pixels a side at most, by means over whole blocks.

    Args:
        pixels: (N, C, H, W); rows and columns that fill no block are cut off.
        largest: The longest side allowed, in pixels.

    Returns:
        (N, C, H // f, W // f) with the smallest f that is enough, rounded.
    """
    n, c, height, width = pixels.shape
    block = factor(height, width, largest)
    if block == 1:
        return pixels
    height, width = height // block, width // block
    cut = pixels[:, :, : height * block, : width * block]
    blocks = cut.reshape(n, c, height, block, width, block)
    means: NDArray[np.float32] = blocks.mean(axis=(3, 5), dtype=np.float32)
    return np.round(means).astype(np.uint8)


def scaled(pixels: Pixels) -> Tensor:
    """Pictures in [-1, 1] from [0, 255], same shape, channels last: a third faster on a CPU.

    Beside an alpha, colours are laid on mid grey: what cannot be seen decides nothing.
    """
    x = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)
    if x.shape[1] in (2, 4):
        x[:, :-1] *= (x[:, -1:] + 1) / 2
    return x.contiguous(memory_format=torch.channels_last)


def shifted(pixels: Pixels, down: int, right: int) -> Pixels:
    """Pictures, (N, C, H, W), moved by whole pixels of either sign, their edges repeated."""
    height, width = pixels.shape[2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return pixels[:, :, rows][..., columns]


def trunk(channels: int, side: int) -> nn.Sequential:
    """Convolutions to features that keep their place, (N, C, h, w) -> (N, 1024).

    64 maps of 4 x 4, and not their means: what is asked may be as small as a mouth.

    Args:
        channels: Of the pictures.
        side: The longer side of the pictures, in pixels; decides the depth. The
            first layer halves those above 32, which keeps them cheap.
    """
    stride = 2 if side > 32 else 1
    side, width = -(-side // stride), 32
    layers: list[nn.Module] = [stage(channels, width, stride)]
    while side > PLACES:
        side = (side + 1) // 2
        layers.append(stage(width, 64 if side <= 8 else 32, stride=2))
        width = 64 if side <= 8 else 32
    return nn.Sequential(
        *layers, stage(width, 64, stride=1), nn.AdaptiveAvgPool2d(PLACES), nn.Flatten()
    )


def train(
    net: nn.Module,
    loss: Callable[[Tensor, NDArray[np.int64]], Tensor],
    pixels: Pixels,
    images: int,
    seed: int,
) -> None:
    """Trains a judge with Adam and a cosine schedule; leaves it in evaluation mode.

    Args:
        net: The judge.
        loss: Of a batch of pictures in [-1, 1], (n, C, h, w), and which these are, (n,).
        pixels: Pictures, (N, C, h, w), already reduced.
        images: About how many are shown, repeats included; each pass shows all,
            each batch shifted by up to a 32nd of the side and at least 1 pixel. Nothing
            else is changed: colours, sizes and directions are what may be asked.
        seed: Decides order and shifts.
    """
    furthest = max(1, max(pixels.shape[2:]) // 32)
    epochs = max(1, round(images / len(pixels)))
    optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    steps = epochs * -(-len(pixels) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for epoch in range(epochs):
        rng = np.random.default_rng(derive(seed, epoch))
        order = rng.permutation(len(pixels))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            down, right = rng.integers(-furthest, furthest + 1, size=2).tolist()
            optimiser.zero_grad()
            torch.autograd.backward(loss(scaled(shifted(pixels[chosen], down, right)), chosen))
            optimiser.step()
            schedule.step()
    net.eval()
