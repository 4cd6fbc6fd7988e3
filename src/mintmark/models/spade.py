"""Spatially-adaptive normalisation, from maps of parts to pictures.

Source: Park, Liu, Wang, Zhu, "Semantic Image Synthesis with Spatially-Adaptive
Normalization", CVPR 2019: the map scales and shifts every place of every normalised layer,
so that no layer can wash it out; no encoder reads the map.

Departures: a map is a picture whose colours name the parts; features are normalised over
the channels of a place, which needs no statistics of a batch; no noise, so a map has one
picture; the discriminator scores patches and sees the map beside the picture, or names the
part of each pixel (`parts.PartsDiscriminator`).
"""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers import patches, presets
from mintmark.models.layers.parts import PartsDiscriminator, named, parts_of
from mintmark.models.layers.resample import upsample
from mintmark.models.layers.residual import GAIN, SLOPE, conv

LEVELS = (3, 2, 1)  # channels of each resolution from the lowest up, times `features`
CELL = 2 ** len(LEVELS)  # pixels a side of one place at the start
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller
MOST_PARTS = 256
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class SpadeArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned to make; it makes any others too.
        width: Columns of those.
        channels: 3, RGB.
        palette: The colour of each part in its maps, red, green and blue of 255.
        features: Channels at the highest resolution.
        scales: Resolutions that a discriminator of patches judges at, from the full one down by
            halves.
        segments: Whether the discriminator names the part of each pixel in the place of that.
    """

    height: int
    width: int
    channels: int
    palette: tuple[Colour, ...]
    features: int = 32
    scales: int = 2
    segments: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "palette", _colours(self.palette))
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (3,)),
            "features": (self.features, range(8, 257)),
            "scales": (self.scales, (1, 2)),
        }
        presets.require("spade", allowed)
        if not isinstance(self.segments, bool):
            raise ConfigError("spade takes true or false as segments; correct it.")


def _colours(given: Sequence[Sequence[int]]) -> tuple[Colour, ...]:
    """A palette from JSON.

    Raises:
        ConfigError: It is none, or too long.
    """
    try:
        found = tuple((int(red), int(green), int(blue)) for red, green, blue in given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"spade takes colours as palette, not {given!r}; correct it.") from error
    levels = {level for colour in found for level in colour}
    if not 2 <= len(set(found)) == len(found) <= MOST_PARTS or not levels <= set(range(256)):
        raise ConfigError(
            f"spade takes 2 to {MOST_PARTS} different colours of 0 to 255 as palette, "
            f"not {len(found)}; correct it."
        )
    return found


class Spade(nn.Module):
    """Normalises maps of features, then scales and shifts each place by the part it shows."""

    def __init__(self, width: int, parts: int, inner: int) -> None:
        super().__init__()
        self.read = conv(parts, inner, 3, 1.0, bias=True)
        self.scale = conv(inner, width, 3, 0.1, bias=True)
        self.shift = conv(inner, width, 3, 0.1, bias=True)

    def forward(self, x: Tensor, parts: Tensor) -> Tensor:
        """(N, width, h, w) and shares of the parts, (N, parts, h, w), to (N, width, h, w)."""
        normal = x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        read = F.leaky_relu(self.read(parts), SLOPE)
        changed: Tensor = normal * (1 + self.scale(read)) + self.shift(read)
        return changed


class Block(nn.Module):
    """Two convolutions behind a `Spade` each, added to their input."""

    def __init__(self, width: int, parts: int, inner: int) -> None:
        super().__init__()
        self.spade1, self.spade2 = (Spade(width, parts, inner) for _ in range(2))
        self.conv1 = conv(width, width, 3, GAIN)
        self.conv2 = conv(width, width, 3, 0.0)

    def forward(self, x: Tensor, parts: Tensor) -> Tensor:
        """(N, width, h, w) and (N, parts, h, w) to (N, width, h, w)."""
        y = self.conv1(F.leaky_relu(self.spade1(x, parts), SLOPE))
        change: Tensor = self.conv2(F.leaky_relu(self.spade2(y, parts), SLOPE))
        return x + change


class Painter(nn.Module):
    """Paints maps of any size."""

    palette: Tensor

    def __init__(self, args: SpadeArgs) -> None:
        super().__init__()
        widths = [level * args.features for level in LEVELS]
        parts, inner = len(args.palette), args.features
        self.register_buffer("palette", named(args.palette))  # (parts, 3)
        self.first = conv(parts, widths[0], 3, math.sqrt(2))
        self.blocks = nn.ModuleList(Block(width, parts, inner) for width in widths)
        ends = [*widths[1:], widths[-1]]
        self.widen = nn.ModuleList(conv(a, b, 1, 1.0) for a, b in zip(widths, ends, strict=True))
        self.finish = Block(widths[-1], parts, inner)
        self.last = conv(widths[-1], args.channels, 3, 0.1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Paints maps.

        Args:
            x: Maps in the colours of the palette, in [-1, 1], (N, 3, H, W).

        Returns:
            Pictures, (N, channels, H, W).
        """
        height, width = x.shape[2:]
        parts = self.parts(F.pad(x, (0, -width % CELL, 0, -height % CELL), "replicate"))
        shares = [F.avg_pool2d(parts, 2**step) for step in range(len(LEVELS), 0, -1)]
        y = self.first(shares[0])  # (N, widest, H / 8, W / 8)
        for block, widen, share in zip(self.blocks, self.widen, shares, strict=True):
            y = upsample(widen(block(y, share)))  # (N, next width, 2h, 2w)
        y = self.finish(y, parts)  # (N, features, H, W)
        made: Tensor = self.last(F.leaky_relu(y, SLOPE))
        return made[:, :, :height, :width]

    def parts(self, x: Tensor) -> Tensor:
        """Which part each place shows, (N, parts, H, W) of 0 and 1; see `parts.parts_of`."""
        return parts_of(x, self.palette)


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 32},  # a CPU
    "small": {"features": 64},
    "base": {"features": 128},
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` but its palette, by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `SpadeArgs`, as plain JSON values.

    Returns:
        `{"G": Painter, "D": PartsDiscriminator or ScalesDiscriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(SpadeArgs, args, "spade")
    if checked.segments:
        return {"G": Painter(checked), "D": PartsDiscriminator(checked.channels, checked.palette)}
    judge = patches.ScalesDiscriminator(3 + checked.channels, checked.scales)
    return {"G": Painter(checked), "D": judge}
