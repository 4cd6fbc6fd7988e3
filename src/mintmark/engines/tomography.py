"""Computed tomography with few photons: what a low-dose restoration learns to undo.

A slice is projected along parallel rays, photons are counted behind it, and the slice is
reconstructed by filtered back projection (Kak and Slaney, "Principles of Computerized
Tomographic Imaging", 1988, chapter 3). Both ways are one sparse matrix each, made once for a
size: about 100 MB for 128 x 128 pixels and 180 views.

Left out, as real scanners have it: scatter, beam hardening, electronic noise, fans and spirals.
"""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.training.draws import Draws

WINDOW = (-1000.0, 1000.0)  # Hounsfield units that are black and white: air to dense bone
WATER = 0.02  # attenuation of water at about 65 keV, 1/mm (NIST XCOM)
Filter = Literal["ramp", "hann"]


@dataclass(frozen=True)
class Scanner:
    """A geometry of parallel rays, which lie a pixel apart.

    At the angle a, the ray through a pixel x to the right of the centre and y above it meets
    the detector at x cos(a) + y sin(a).

    Attributes:
        views: Angles, evenly over half a turn.
        field: Millimetres that the longer side of a slice covers.
        filter: `ramp`, sharp, or `hann`, which calms noise and blurs.
    """

    views: int = 180
    field: float = 320.0
    filter: Filter = "ramp"

    def project(self, slices: Tensor) -> Tensor:
        """Line integrals of the attenuation.

        Args:
            slices: Samples in [-1, 1] of `WINDOW`, (N, 1, H, W), float32.

        Returns:
            Sinograms, (N, views, detectors), without unit.
        """
        height, width = slices.shape[2:]
        attenuation = WATER * (1 + hounsfield(slices) / 1000)  # 1/mm
        rays = _rays(height, width, self.views, slices.device)
        sums = rays @ attenuation.reshape(len(slices), -1).T.contiguous()  # (views * detectors, N)
        millimetres = self.field / max(height, width)
        return millimetres * sums.T.reshape(len(slices), self.views, -1)

    def reconstruct(self, sinograms: Tensor, height: int, width: int) -> Tensor:
        """Filtered back projection.

        Args:
            sinograms: What `project` gives, or measured so.
            height: Rows of the slices.
            width: Their columns.

        Returns:
            Samples in [-1, 1] of `WINDOW`, (N, 1, height, width); what lies beyond is clipped,
            as a file does.
        """
        filtered = _filtered(sinograms, self.filter).flatten(1).T.contiguous()
        back = _back(height, width, self.views, sinograms.device)
        sums = (back @ filtered).T.reshape(-1, 1, height, width)  # over the views
        millimetres = self.field / max(height, width)
        attenuation = sums * math.pi / (self.views * millimetres)
        return samples((attenuation / WATER - 1) * 1000).clamp(-1, 1)


@dataclass(frozen=True)
class LowDose:
    """A slice as a scanner reconstructs it that spends few photons.

    Colours become grey: a slice has none.

    Attributes:
        photons: Least and most photons that start along a ray; each row's logarithm is uniform
            between theirs.
        sizes: Least and most of the scanner's field that a slice covers, a uniform share each
            row: less of it weakens the rays less.
        scanner: The geometry.
    """

    photons: tuple[float, float]
    sizes: tuple[float, float] = (1.0, 1.0)
    scanner: Scanner = Scanner()
    kind: Literal["low_dose"] = "low_dose"

    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        """Damages a batch; see `degrade.Damage`."""
        with torch.no_grad(), torch.autocast(clean.device.type, enabled=False):
            least, most = self.sizes
            size = least + (most - least) * draws.uniform("damage/size", 1, 1)  # (N, 1, 1)
            sinograms = size * self.scanner.project(clean.mean(1, keepdim=True))
            low, high = (math.log(one) for one in self.photons)
            started = low + (high - low) * draws.uniform("damage/photons", 1, 1)  # (N, 1, 1), log
            chance = draws.normal("damage/counts", *sinograms.shape[1:])
            counted = poisson((started - sinograms).exp(), chance)
            # Where no photon came through, the logarithm of one is taken.
            measured = (started - counted.clamp(min=1).log()) / size
            made = self.scanner.reconstruct(measured, clean.shape[2], clean.shape[3])
            return made.expand(-1, clean.shape[1], -1, -1)


def hounsfield(values: Tensor) -> Tensor:
    """Hounsfield units of samples in [-1, 1]: air is -1000, water 0."""
    low, high = WINDOW
    return low + (high - low) * (values + 1) / 2


def samples(units: Tensor) -> Tensor:
    """Samples of Hounsfield units, in [-1, 1] inside `WINDOW`."""
    low, high = WINDOW
    return (units - low) / (high - low) * 2 - 1


def poisson(mean: Tensor, chance: Tensor) -> Tensor:
    """Poisson numbers of standard normal ones, by the expansion of Cornish and Fisher (1938).

    Rounded; what that and the expansion add to the variance (1/12 and 1/18) is left out of its
    first term. Mean and variance are within 1 % of the right ones from 3 photons on.

    Args:
        mean: Any shape, above 0.
        chance: Standard normal numbers of that shape.

    Returns:
        Whole numbers from 0.
    """
    spread = (mean - 5 / 36).clamp(min=0).sqrt()
    near = mean + spread * chance + (chance.square() - 1) / 6
    return near.round().clamp(min=0)


def _filtered(sinograms: Tensor, kind: Filter) -> Tensor:
    """Each view by the ramp |frequency|, (N, views, detectors)."""
    detectors = sinograms.shape[2]
    length = 1 << (2 * detectors - 1).bit_length()  # so that no end reaches the other
    response = torch.from_numpy(_response(length, kind)).to(sinograms.device)
    waves = torch.fft.rfft(sinograms, length) * response
    filtered: Tensor = torch.fft.irfft(waves, length)[..., :detectors]
    return filtered


def _response(length: int, kind: Filter) -> NDArray[np.float32]:
    """The filter at the frequencies of `rfft`, of samples in space (Kak and Slaney, eq. 61).

    Samples of |frequency| itself would darken whole slices.
    """
    place = np.fft.fftfreq(length, 1 / length)  # 0, 1, ..., -1
    ramp = np.zeros(length)
    odd = place % 2 == 1
    ramp[odd] = -1 / (math.pi * place[odd]) ** 2
    ramp[0] = 0.25
    response = np.fft.rfft(ramp).real
    if kind == "hann":
        response *= (1 + np.cos(np.linspace(0, math.pi, len(response)))) / 2
    return response.astype(np.float32)


@dataclass(frozen=True)
class _Taps:
    """The pixels or detectors that each sum takes part of.

    Attributes:
        at: Their numbers, (sums, taps); those outside are -1.
        weight: Likewise.
    """

    at: NDArray[np.int64]
    weight: NDArray[np.float64]


@lru_cache(maxsize=4)
def _rays(height: int, width: int, views: int, device: torch.device) -> Tensor:
    """From pixels, (H * W), to sums along rays, (views * detectors), in pixels."""
    taps = [_along(angle, height, width) for angle in _angles(views)]
    return _matrix(taps, height * width).to(device)


def _along(angle: float, height: int, width: int) -> _Taps:
    """The pixels of each ray of a view: two in each row or column (Joseph, 1982)."""
    sine, cosine = -math.sin(angle), math.cos(angle)  # rows count downwards
    detectors = _detectors(height, width)
    offset = np.arange(detectors)[:, None] - (detectors - 1) / 2  # (detectors, 1)
    steep = abs(cosine) >= abs(sine)
    lines, places = (height, width) if steep else (width, height)
    line = np.arange(lines) - (lines - 1) / 2  # of pixel centres
    mine, other = (cosine, sine) if steep else (sine, cosine)
    crossed = (offset - line * other) / mine + (places - 1) / 2  # (detectors, lines)
    first = np.floor(crossed).astype(np.int64)
    part = crossed - first
    at = []
    for place in (first, first + 1):
        number = np.arange(lines) * width + place if steep else place * width + np.arange(lines)
        at.append(np.where((place >= 0) & (place < places), number, -1))
    weight = np.concatenate([1 - part, part], 1) / abs(mine)
    return _Taps(np.concatenate(at, 1), weight)


@lru_cache(maxsize=4)
def _back(height: int, width: int, views: int, device: torch.device) -> Tensor:
    """From filtered views, (views * detectors), to sums at pixels, (H * W)."""
    detectors = _detectors(height, width)
    y, x = np.mgrid[:height, :width].reshape(2, -1, 1)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    angles = np.array(_angles(views))
    seen = x * np.cos(angles) - y * np.sin(angles) + (detectors - 1) / 2  # (H * W, views)
    first = np.floor(seen).astype(np.int64)
    part = seen - first
    number = np.arange(views) * detectors + first
    taps = _Taps(np.concatenate([number, number + 1], 1), np.concatenate([1 - part, part], 1))
    return _matrix([taps], views * detectors).to(device)


def _angles(views: int) -> list[float]:
    return [math.pi * view / views for view in range(views)]


def _detectors(height: int, width: int) -> int:
    """So many, a pixel apart, that even the corners of a slice cast their shadow inside."""
    return 2 * math.ceil(math.hypot(height, width) / 2) + 1


def _matrix(blocks: list[_Taps], columns: int) -> Tensor:
    """A sparse matrix of the sums of all blocks, (sums, columns), float32."""
    insides = [taps.at >= 0 for taps in blocks]
    pairs = list(zip(blocks, insides, strict=True))
    counts = np.concatenate([inside.sum(1) for inside in insides])
    at = np.concatenate([taps.at[inside].astype(np.int32) for taps, inside in pairs])
    weight = np.concatenate([taps.weight[inside].astype(np.float32) for taps, inside in pairs])
    ends = np.concatenate([[0], counts.cumsum()]).astype(np.int32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse", UserWarning)  # that it is young, each time
        return torch.sparse_csr_tensor(
            torch.from_numpy(ends),
            torch.from_numpy(at),
            torch.from_numpy(weight),
            (len(counts), columns),
            check_invariants=False,
        )
