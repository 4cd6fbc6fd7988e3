"""Fast Fourier convolutions, for filling what is missing in pictures.

Source: Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier
Convolutions" (LaMa), WACV 2022, after Chi, Jiang, Mu, "Fast Fourier Convolution", NeurIPS
2020: part of the channels are mixed in the frequencies of the whole picture, so each
place can see all others however large the hole.

Departures: residual blocks without normalisation, whose last convolutions begin at zero;
skips from each resolution to the same one on the way up; the network is given two smooth
fillings (`layers.plates`), a little too stiff and a little too soft for the roughness of the
picture, and the grain that they lack (`layers.grain`), chooses between the two and how much of
the third at each place, beginning in the middle, and adds to them, since a short run learns no
equation; what is known is put back by the network itself, so no training can change it.
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import grain, patches, plates, presets
from mintmark.models.layers.resample import enlarge
from mintmark.models.layers.residual import GAIN, SLOPE, conv

CELL = 4  # pixels a side of one place where the blocks work
SUITED, POWER = 2.8, 6.7  # roughness that a tension of 1 suits, and how fast that grows with it
LEAST, MOST = 0.003, 5.0  # of that tension: what lies beyond changes little
APART = 3.0  # times less and more are the tensions of the plates that it begins at
TINY = 1e-8  # of what is even
GRAIN = 0.25  # share of the mirrored detail that it begins with
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller


@dataclass(frozen=True)
class FourierArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned to fill; it takes any others too.
        width: Columns of those.
        channels: 1 grey, 3 RGB.
        features: Channels at full resolution; four times as many at a quarter of it.
        blocks: Residual blocks at a quarter of the resolution.
    """

    height: int
    width: int
    channels: int
    features: int = 24
    blocks: int = 3

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "features": (self.features, range(8, 257, 4)),
            "blocks": (self.blocks, range(1, 65)),
        }
        presets.require("fourier", allowed)


class Spectral(nn.Module):
    """A convolution of single frequencies: every place sees the whole picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = conv(2 * width, 2 * width, 1, GAIN, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same shape."""
        with torch.autocast(x.device.type, enabled=False):  # no transform of half precision
            waves = torch.fft.rfft2(x.float(), norm="ortho")  # (N, width, H, W / 2 + 1)
            parts = torch.cat([waves.real, waves.imag], 1)
            mixed = F.leaky_relu(self.mix(parts), SLOPE)
            real, imaginary = mixed.chunk(2, 1)
            back: Tensor = torch.fft.irfft2(
                torch.complex(real, imaginary), x.shape[2:], norm="ortho"
            )
        return back.to(x.dtype)


class Block(nn.Module):
    """Two convolutions added to their input; half of the channels also see the whole."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.far = width // 2
        self.conv1 = conv(width, width, 3, scale * GAIN, bias=True)
        self.spectral = Spectral(self.far)
        self.conv2 = conv(width, width, 3, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same shape."""
        near = self.conv1(x)
        far = near[:, : self.far] + self.spectral(x[:, : self.far])
        y: Tensor = self.conv2(F.leaky_relu(torch.cat([far, near[:, self.far :]], 1), SLOPE))
        return x + y


@torch.no_grad()
def begun(pictures: Tensor, missing: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a filling begins at, without learning.

    Args:
        pictures: (N, C, H, W), 0 where they are missing.
        missing: (N, 1, H, W), 1 where something is missing, else 0.

    Returns:
        The pictures filled by a stiff plate and by a soft one, within the range of what is known,
        and the grain that such fillings lack; (N, C, H, W) each, float32.
    """
    with torch.autocast(pictures.device.type, enabled=False):
        known, holes = pictures.float(), missing.float()
        suited, (low, high) = tension(known, holes), _range(known, holes)
        tensions = torch.cat([suited / APART, suited * APART])
        both = plates.plate(known.repeat(2, 1, 1, 1), holes.repeat(2, 1, 1, 1), tensions)
        stiff, soft = (one.clamp(low, high) for one in both.chunk(2))
        return stiff, soft, grain.mirrored(stiff, holes)


@torch.no_grad()
def tension(pictures: Tensor, missing: Tensor) -> Tensor:
    """Of the plate that comes nearest to pictures, (N, 1, 1, 1).

    By their roughness where all is known: the squares of the Laplacian over those of the gradient,
    5 of white noise and next to 0 of smooth pictures. At half the resolution, where it tells more
    of what a hole hides than the finest grain does.
    """
    halves = [F.avg_pool2d(part, 2, ceil_mode=True) for part in (pictures, 1 - missing)]
    known = (halves[1] == 1).to(pictures)
    seen = halves[0] * known
    bends = F.conv2d(seen, _cross(seen, -4), padding=1, groups=seen.shape[1])
    whole = F.conv2d(known, _cross(known, 1), padding=1) == 5  # a place and its neighbours
    bent = (bends.square() * whole).sum((1, 2, 3))
    steep = torch.zeros_like(bent)
    for axis in (2, 3):
        first, last = (known.narrow(axis, at, known.shape[axis] - 1) for at in (0, 1))
        steep += (seen.diff(dim=axis).square() * first * last).sum((1, 2, 3))
    rough = (bent + TINY) / (steep + TINY)  # of an even picture 1
    return (rough / SUITED).pow(POWER).clamp(LEAST, MOST)[:, None, None, None]


def _range(pictures: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Least and most of what is known, (N, C, 1, 1); where nothing is, of what there can be."""
    gone = missing > 0
    least = pictures.masked_fill(gone, 1).amin((2, 3), keepdim=True)
    most = pictures.masked_fill(gone, -1).amax((2, 3), keepdim=True)
    return torch.minimum(least, most), torch.maximum(least, most)


def _cross(like: Tensor, middle: float) -> Tensor:
    """A kernel of a place and its four neighbours, one a channel."""
    kernel = torch.tensor([[0.0, 1, 0], [1, middle, 1], [0, 1, 0]], device=like.device)
    return kernel.expand(like.shape[1], 1, 3, 3)


class Filler(nn.Module):
    """Fills what is missing in pictures of any size."""

    def __init__(self, args: FourierArgs) -> None:
        super().__init__()
        width = args.features
        self.channels = args.channels
        self.first = conv(3 * args.channels + 1, width, 5, 1.0, bias=True)
        self.down = nn.ModuleList(
            nn.Conv2d(one * width, 2 * one * width, 3, stride=2, padding=1) for one in (1, 2)
        )
        scale = args.blocks**-0.5  # fix-up, see `ResidualArgs.fixup`
        self.blocks = nn.Sequential(*(Block(4 * width, scale) for _ in range(args.blocks)))
        self.up = nn.ModuleList(
            conv(2 * one * width, one * width, 3, math.sqrt(2), bias=True) for one in (2, 1)
        )
        self.last = conv(width, args.channels + 2, 3, 0.0, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Fills pictures.

        Args:
            x: Pictures in [-1, 1], 0 where they are missing, and the mask of that, 1 for
                missing, (N, channels + 1, H, W).

        Returns:
            Pictures, (N, channels, H, W); what was known is as it was.
        """
        height, width = x.shape[2:]
        known, missing = x[:, : self.channels], x[:, self.channels :]
        stiff, soft, fine = begun(known, missing)
        odd = (0, -width % CELL, 0, -height % CELL)
        y = self.first(F.pad(torch.cat([stiff, soft, fine, missing], 1), odd, "replicate"))
        y = F.leaky_relu(y, SLOPE)  # (N, features, H, W)
        seen = []
        for layer in self.down:
            seen.append(y)
            y = F.leaky_relu(layer(y), SLOPE)  # (N, twice as many, H / 2, W / 2)
        y = self.blocks(y)
        for layer in self.up:
            y = F.leaky_relu(layer(enlarge(y)), SLOPE) + seen.pop()  # (N, half, 2H, 2W)
        change, choice, more = (
            self.last(y)[:, :, :height, :width].float().split([self.channels, 1, 1], 1)
        )
        smooth = torch.lerp(soft, stiff, choice.sigmoid())
        made: Tensor = smooth + (GRAIN + more) * fine + change
        return known * (1 - missing) + made * missing


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 24, "blocks": 3},  # a CPU
    "small": {"features": 64, "blocks": 9},  # LaMa's base
    "base": {"features": 64, "blocks": 18},  # LaMa's largest
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `FourierArgs`, as plain JSON values.

    Returns:
        `{"G": Filler, "D": PatchDiscriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(FourierArgs, args, "fourier")
    return {"G": Filler(checked), "D": patches.of_cells(checked.channels)}
