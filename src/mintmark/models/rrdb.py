"""Residual-in-residual dense blocks, for restoring and enlarging photographs.

Source: Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial
Networks", ECCV 2018 workshops: dense blocks of five convolutions, three of them in a
block, residuals scaled by 0.2, no normalisation. What does not enlarge works on 2 x 2
cells folded into channels, as in Wang et al., "Real-ESRGAN", ICCV 2021 workshops,
which costs a quarter.

Departures: the network adds to its input (enlarged bicubically), and its last layer
begins at zero, so that training starts at the plain baseline; the discriminator is of
this package's residual stages and scores patches (Isola et al., 2017).
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import patches, presets
from mintmark.models.layers.residual import SLOPE, conv

SCALED = 0.2  # of each residual, which keeps deep sums calm
FOLD = 2  # pixels a side of a cell where nothing is enlarged
CONVOLUTIONS = 5  # of a dense block
DENSE = 3  # dense blocks in a block
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller


@dataclass(frozen=True)
class RRDBArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned to make; it takes any others too.
        width: Columns of those.
        channels: 1 grey, 3 RGB.
        scale: How many times the sides grow: 1, 2 or 4.
        features: Channels between blocks.
        growth: Channels that each convolution of a dense block adds.
        blocks: How many blocks.
    """

    height: int
    width: int
    channels: int
    scale: int = 1
    features: int = 32
    growth: int = 16
    blocks: int = 2

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "scale": (self.scale, (1, 2, 4)),
            "features": (self.features, range(8, 513)),
            "growth": (self.growth, range(4, 257)),
            "blocks": (self.blocks, range(1, 65)),
        }
        presets.require("rrdb", allowed)


class DenseConvolutions(nn.Module):
    """Convolutions that each see all that came before them."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        inputs = [width + place * growth for place in range(CONVOLUTIONS)]
        outputs = [growth] * (CONVOLUTIONS - 1) + [width]
        self.layers = nn.ModuleList(
            conv(into, out, 3, 0.1, bias=True) for into, out in zip(inputs, outputs, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same shape."""
        found = [x]
        for layer in self.layers[:-1]:
            found.append(F.leaky_relu(layer(torch.cat(found, 1)), SLOPE))
        last: Tensor = self.layers[-1](torch.cat(found, 1))
        return x + SCALED * last


class Block(nn.Module):
    """Dense blocks, added to their input."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.parts = nn.Sequential(*(DenseConvolutions(width, growth) for _ in range(DENSE)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same shape."""
        changed: Tensor = self.parts(x)
        return x + SCALED * changed


class Restorer(nn.Module):
    """Restores or enlarges pictures of any size.

    Attributes:
        scale: How many times the sides grow.
        reach: Pixels of the input around a place that decide what it becomes.
    """

    def __init__(self, args: RRDBArgs) -> None:
        super().__init__()
        self.scale = args.scale
        self.fold = FOLD if args.scale == 1 else 1
        convolutions = 2 + args.blocks * DENSE * CONVOLUTIONS + 2
        self.reach = self.fold * convolutions
        width = args.features
        self.first = conv(args.channels * self.fold**2, width, 3, 1.0, bias=True)
        self.blocks = nn.Sequential(*(Block(width, args.growth) for _ in range(args.blocks)))
        self.trunk = conv(width, width, 3, 1.0, bias=True)
        doublings = int(math.log2(args.scale * self.fold))
        self.enlarge = nn.ModuleList(
            conv(width, 4 * width, 3, math.sqrt(2), bias=True) for _ in range(doublings)
        )
        self.last = conv(width, args.channels, 3, 0.0, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (N, channels, H, W), to (N, channels, scale * H, scale * W)."""
        height, width = x.shape[2:]
        odd = (-height % self.fold, -width % self.fold)
        cells = F.pixel_unshuffle(F.pad(x, (0, odd[1], 0, odd[0]), "replicate"), self.fold)
        y = self.first(cells)  # (N, width, H / fold, W / fold)
        y = y + self.trunk(self.blocks(y))
        for layer in self.enlarge:
            y = F.leaky_relu(F.pixel_shuffle(layer(y), 2), SLOPE)  # (N, width, 2H, 2W)
        change: Tensor = self.last(y)[:, :, : self.scale * height, : self.scale * width]
        return change + _enlarged(x, self.scale)


def _enlarged(x: Tensor, scale: int) -> Tensor:
    return x if scale == 1 else F.interpolate(x, scale_factor=scale, mode="bicubic")


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 32, "growth": 16, "blocks": 2},  # a CPU
    "small": {"features": 64, "growth": 32, "blocks": 6},
    "base": {"features": 64, "growth": 32, "blocks": 23},  # as published
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `RRDBArgs`, as plain JSON values.

    Returns:
        `{"G": Restorer, "D": PatchDiscriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(RRDBArgs, args, "rrdb")
    return {"G": Restorer(checked), "D": patches.of_cells(checked.channels)}
