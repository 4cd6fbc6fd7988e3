"""A light U-Net, for what has to see wide and answer for each pixel.

Source: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015; with a discriminator of patches as in Isola et al.,
"Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017.

It learns what stands out faster than `unet` (docs/explanation/measured.md), whose residual
blocks at every resolution pay where detail has to be restored.

Departures: three halvings by convolutions of stride 2; skips are added, not stacked, as in
`fourier`; residual blocks without normalisation at the lowest resolution; the network adds to
its input where that is a picture already, and its last layer begins at zero, so that training
starts at the picture as it is.
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers import patches, presets
from mintmark.models.layers.resample import enlarge
from mintmark.models.layers.residual import SLOPE, DenseBlock, conv

WIDER = (1, 2, 4, 4)  # times `features`, from the full resolution to an eighth of it
CELL = 1 << (len(WIDER) - 1)  # pixels a side of one place where the blocks work
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller


@dataclass(frozen=True)
class WideArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned from; it takes any others too.
        width: Columns of those.
        channels: Of the pictures that it makes: 1 grey, 3 RGB.
        more: Channels of the input beyond those, such as a mask.
        features: Channels at full resolution; four times as many at an eighth of it.
        blocks: Residual blocks at an eighth of the resolution.
        adds: Whether what it makes is added to the input.
    """

    height: int
    width: int
    channels: int
    more: int = 0
    features: int = 32
    blocks: int = 2
    adds: bool = True

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "more": (self.more, range(5)),
            "features": (self.features, range(8, 257, 4)),
            "blocks": (self.blocks, range(1, 65)),
        }
        presets.require("wide", allowed)
        if not isinstance(self.adds, bool):
            raise ConfigError(f"adds is true or false, not {self.adds!r}; correct it.")


class Wide(nn.Module):
    """Makes pictures of pictures of any size."""

    def __init__(self, args: WideArgs) -> None:
        super().__init__()
        self.added = args.channels if args.adds else 0
        widths = [times * args.features for times in WIDER]
        steps = list(pairwise(widths))
        self.first = conv(args.channels + args.more, widths[0], 3, 1.0, bias=True)
        self.down = nn.ModuleList(
            nn.Conv2d(into, out, 3, stride=2, padding=1) for into, out in steps
        )
        scale = args.blocks**-0.5  # fix-up, see `ResidualArgs.fixup`
        self.blocks = nn.Sequential(*(DenseBlock(widths[-1], scale) for _ in range(args.blocks)))
        self.up = nn.ModuleList(
            conv(out, into, 3, math.sqrt(2), bias=True) for into, out in reversed(steps)
        )
        self.mix = conv(widths[0], widths[0], 3, math.sqrt(2), bias=True)
        self.last = conv(widths[0], args.channels, 3, 0.0, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Inputs in [-1, 1], (N, channels + more, H, W), to pictures, (N, channels, H, W)."""
        height, width = x.shape[2:]
        y = F.pad(x, (0, -width % CELL, 0, -height % CELL), "replicate")
        y = F.leaky_relu(self.first(y), SLOPE)  # (N, features, H, W)
        seen = []
        for layer in self.down:
            seen.append(y)
            y = F.leaky_relu(layer(y), SLOPE)  # (N, wider, H / 2, W / 2)
        y = self.blocks(y)
        for layer in self.up:
            y = F.leaky_relu(layer(enlarge(y)), SLOPE) + seen.pop()  # (N, narrower, 2H, 2W)
        y = F.leaky_relu(self.mix(y), SLOPE)
        made: Tensor = self.last(y)[:, :, :height, :width]
        return x[:, : self.added] + made if self.added else made


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 16, "blocks": 2},  # a CPU
    "small": {"features": 64, "blocks": 6},
    "base": {"features": 96, "blocks": 8},
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `WideArgs`, as plain JSON values.

    Returns:
        `{"G": Wide, "D": PatchDiscriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(WideArgs, args, "wide")
    return {"G": Wide(checked), "D": patches.of_cells(checked.channels)}
