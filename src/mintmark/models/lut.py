"""A table of colours, mixed anew for each picture: better tones and colours of photographs.

Source: Zeng et al., "Learning Image-adaptive 3D Lookup Tables for High Performance
Photo Enhancement in Real-time", TPAMI 2020: a small network looks at a thumbnail and gives
the weights of a few learned tables; their sum maps colours to colours, by trilinear
interpolation. Within one picture the new colour depends on the old colour alone, so nothing
can be invented and no tile can differ from the next.

Departures: a wrong exposure or white balance multiplies each channel, so the network gives a gain
for each first, and weighted tables, which begin at zero, are added to what these give; training
starts near the picture itself. The network sees the colours of the thumbnail without their places
(convolutions of 1 x 1, then mean, deviation and maximum), which learns more from few photographs.
It sees them over the mean of their channel too, where a scene is the same under every gain (as in
Barron, "Convolutional Color Constancy", ICCV 2015), and those means. Monotony is built in rather
than asked for by a penalty, the penalty for smoothness is on second differences, and tables end in
a soft shoulder: what was not black or white before never becomes so.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import presets
from mintmark.models.layers.residual import SLOPE

SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller
THUMBNAIL = 32  # pixels a side that the network looks at, whatever the shape of the picture
GENTLE = 0.3  # of what the network gives to the logarithm of a gain, near 0 at first
DARKEST = 0.05  # added to samples in [0, 1] before the logarithm
ROOM = 0.6  # of a cell that inner vertices keep from the ends; over 0.5, see `_within`
SMOOTH = 4e-2  # weight of the penalty for tables that bend


@dataclass(frozen=True)
class LUTArgs:
    """What the network is built from.

    Attributes:
        height: Rows of the pictures that it learned from; it takes any others too.
        width: Columns of those.
        channels: 1 grey, 3 RGB.
        vertices: Vertices of the tables along each channel.
        bases: How many tables are mixed beside the gains.
        features: Width of the network that looks.
    """

    height: int
    width: int
    channels: int
    vertices: int = 17
    bases: int = 4
    features: int = 16

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "vertices": (self.vertices, range(3, 34)),
            "bases": (self.bases, range(1, 65)),
            "features": (self.features, range(4, 257)),
        }
        presets.require("lut", allowed)


class Look(nn.Module):
    """What the colours of a thumbnail ask for, wherever they lie in it."""

    def __init__(self, channels: int, features: int, count: int) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Conv2d(3 * channels, features, 1)
        self.second = nn.Conv2d(features, 2 * features, 1)
        self.hidden = nn.Linear(6 * features + channels, 64)
        self.last = nn.Linear(64, channels + count)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures in [-1, 1], (N, channels, H, W), to gains and weights.

        Returns:
            A gain of the samples of each channel, (N, channels), and the weight of each table,
            (N, count).
        """
        small = F.interpolate(x, (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True)
        # An error of exposure or white balance is a sum in the logarithm.
        logarithm = ((small.clamp(-1, 1) + 1) / 2 + DARKEST).log() / 2 + 0.5
        means = logarithm.mean((2, 3), keepdim=True)
        seen = torch.cat([small, logarithm, logarithm - means], 1)
        y = F.leaky_relu(self.first(seen), SLOPE)
        y = self.second(y)  # (N, 2 * features, THUMBNAIL, THUMBNAIL)
        pooled = [y.mean((2, 3)), y.std((2, 3)), y.amax((2, 3)), means.flatten(1)]
        found = self.last(F.leaky_relu(self.hidden(torch.cat(pooled, 1)), SLOPE)).float()
        gains, weights = found.split([self.channels, found.shape[1] - self.channels], 1)
        return (GENTLE * gains).exp(), weights


class Fixed(nn.Module):
    """The table of one picture.

    Attributes:
        sheet: It as one sheet, see `sheets`.
    """

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.sheet = nn.Parameter(sheets(table), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures or parts of the picture in [-1, 1], (N, channels, H, W), to the same shape."""
        rows = x.permute(2, 1, 0, 3)  # (H, channels, N, W): pictures of their own to the threads
        return through(self.sheet.expand(len(rows), -1, -1, -1), rows).permute(2, 1, 0, 3)


class Enhancer(nn.Module):
    """Maps the colours of each picture by a table of its own.

    Attributes:
        plain: The table that changes nothing, (channels, 1 or vertices, 1 or vertices,
            vertices); red is the last axis, as `F.grid_sample` has it.
    """

    plain: Tensor

    def __init__(self, args: LUTArgs) -> None:
        super().__init__()
        self.channels = args.channels
        self.cell = 2 / (args.vertices - 1)
        self.look = Look(args.channels, args.features, args.bases)
        levels = torch.linspace(-1, 1, args.vertices)
        if args.channels == 1:
            plain = levels.view(1, 1, 1, -1)
        else:
            blue, green, red = torch.meshgrid(levels, levels, levels, indexing="ij")
            plain = torch.stack([red, green, blue])
        self.register_buffer("plain", plain)
        self.bases = nn.Parameter(torch.zeros(args.bases, *plain.shape))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (N, channels, H, W), to the same shape."""
        return through(sheets(self.tables(x)), x)

    def looked(self, picture: Tensor) -> Fixed:
        """The table of a picture, to be used on parts of it.

        Args:
            picture: In [-1, 1], (channels, H, W); a thumbnail of 32 pixels a side or more will do.
        """
        with torch.no_grad():
            return Fixed(self.tables(picture[None].to(self.bases)))

    def tables(self, x: Tensor) -> Tensor:
        """The table of each picture: never falling along its own channel, not clipping.

        Args:
            x: Pictures in [-1, 1], (N, channels, H, W).

        Returns:
            (N, channels, ...) with the axes of `plain`.
        """
        gains, weights = self.look(x)
        with torch.autocast(x.device.type, enabled=False):  # steps of bfloat16 would show
            lit = (self.plain + 1) * gains.view(-1, self.channels, 1, 1, 1) - 1
            mixed = lit + (weights @ self.bases.flatten(1)).view(-1, *self.plain.shape)
            rising = [mixed[:, c].cummax(-1 - c).values for c in range(self.channels)]
            return self._within(torch.stack(rising, 1))

    def _within(self, table: Tensor) -> Tensor:
        """Bends what comes near the ends; hard only where the input is black or white itself.

        A sample one level from white is a level's share of the last cell away from it, so it
        comes out at least ROOM of a level from white and is not rounded to it, at any depth.
        """
        knee, room = 1 - self.cell, (1 - ROOM) * self.cell  # the identity lies below the knee
        over = (table.abs() - knee).clamp(min=0)
        soft = table.sign() * (table.abs().clamp(max=knee) + room * torch.tanh(over / room))
        own = (self.plain.abs() == 1) & (self.plain * table > 0)  # white at white, black at black
        return torch.where(own, table.clamp(-1, 1), soft)

    def regularity(self) -> Tensor:
        """A penalty for tables that bend: colours never seen go on as their neighbours do."""
        axes = range(-self.channels, 0)
        bends = [self.bases.diff(n=2, dim=axis) / self.cell**2 for axis in axes]  # curvature
        return SMOOTH * torch.stack([bend.square().mean() for bend in bends]).sum()


def sheets(tables: Tensor) -> Tensor:
    """Tables laid out in two dimensions, where `F.grid_sample` is more than twice as fast.

    The slices of each blue lie one below the other, and behind the colours of each those of the
    next. A row is repeated at both ends of a slice, so that a place off by a rounding error
    reads the same and not the next slice.

    Args:
        tables: (N, channels, ...), see `Enhancer.tables`.

    Returns:
        (N, 6, (vertices - 1) * (vertices + 2), vertices); of grey (N, 1, 1, vertices).
    """
    if tables.shape[1] == 1:
        return tables[:, :, 0]
    slices = F.pad(tables, (0, 0, 1, 1, 0, 0), "replicate")
    return torch.cat([slices[:, :, :-1], slices[:, :, 1:]], 1).flatten(2, 3)


def through(sheets: Tensor, x: Tensor) -> Tensor:
    """Colours by a table for each picture, interpolated linearly along each channel.

    Args:
        sheets: Of each, see `sheets`.
        x: Pictures in [-1, 1], (N, channels, H, W).
    """
    with torch.autocast(x.device.type, enabled=False):
        place, vertices = x.float().clamp(-1, 1), sheets.shape[3]
        if x.shape[1] == 1:
            return _read(sheets, place[:, 0], torch.zeros_like(place[:, 0]))
        red, green, blue = place.unbind(1)  # (N, H, W) each
        cells = (vertices - 1) / 2  # in a unit
        depth = (blue + 1) * cells
        first = depth.floor().clamp(max=vertices - 2)  # of the two slices that blue lies between
        row = first * (vertices + 2) + (green + 1) * cells + 1
        here, beyond = _read(sheets, red, row * (2 / (sheets.shape[2] - 1)) - 1).chunk(2, 1)
        return torch.lerp(here, beyond, (depth - first)[:, None])


def _read(sheets: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Sheets at places in [-1, 1], (N, H, W), from the first vertex to the last."""
    grid = torch.stack([across, down], -1)  # (N, H, W, 2)
    return F.grid_sample(sheets, grid, padding_mode="border", align_corners=True)


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"vertices": 17, "bases": 4, "features": 16},  # a CPU and few photographs
    "small": {"vertices": 33, "bases": 12, "features": 32},
    "base": {"vertices": 33, "bases": 24, "features": 64},
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """A freshly initialised network.

    Args:
        args: The fields of `LUTArgs`, as plain JSON values.

    Returns:
        `{"G": Enhancer}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    return {"G": Enhancer(presets.checked(LUTArgs, args, "lut"))}
