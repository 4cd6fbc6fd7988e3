"""Damage to photographs: what a restoration learns to undo.

Each damage is a record of plain numbers. All that is random comes row by row from the
draws of the step, so a batch cut into pieces is damaged as it would be whole. What stands
for a file (`Downscale`, `Noise`, `SensorNoise`, `Jpeg`, `SecondOrder`, the end of a `Chain`)
is rounded to 256 levels; what happens to the light or the print before is not. In linear
light means: the sRGB curve (IEC 61966-2-1) is undone before and applied after.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.engines import masks
from mintmark.training.draws import Draws

LEVEL = 2 / 255  # one of the 256 levels, on the scale of [-1, 1]
REACH = 3  # sigmas after which a blur is cut off
AGED = (0.25, 0.1, -0.25)  # what an old colour print tends to, sRGB in [-1, 1]


class Damage(Protocol):
    """Turns clean pictures into damaged ones, without gradients."""

    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        """Damages a batch.

        Args:
            clean: (N, C, H, W), float32 in [-1, 1], sRGB; C is 1 or 3.
            draws: Randomness for these N rows, on the same device.

        Returns:
            Likewise; `Downscale` and `SecondOrder` divide the sides.
        """


class _Step(ABC):
    """Without gradients, and in float32 whatever the networks compute in."""

    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        with torch.no_grad(), torch.autocast(clean.device.type, enabled=False):
            return self._damaged(clean, draws)

    @abstractmethod
    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor: ...


@dataclass(frozen=True)
class Downscale(_Step):
    """Fewer pixels: bicubic and antialiased, as the benchmarks of super-resolution have it.

    Attributes:
        factor: What the sides are divided by, 2 or 4.
    """

    factor: int
    kind: Literal["downscale"] = "downscale"

    def _damaged(self, clean: Tensor, _: Draws) -> Tensor:
        size = _reduced(clean, self.factor)
        return _saved(F.interpolate(clean, size=size, mode="bicubic", antialias=True))


@dataclass(frozen=True)
class Noise(_Step):
    """White Gaussian noise, as the benchmarks of denoising have it.

    Attributes:
        low: Least standard deviation, in levels of 255.
        high: Largest; each row's is uniform between them.
    """

    low: float
    high: float
    kind: Literal["noise"] = "noise"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        sigma = LEVEL * _between(self.low, self.high, draws, "noise/sigma")
        return _saved(clean + sigma * draws.normal("damage/noise", *clean.shape[1:]))


@dataclass(frozen=True)
class SensorNoise(_Step):
    """Noise that grows with the light, as of a sensor.

    In linear light (white is 1) the variance is shot * light + read^2, the Gaussian
    approximation of Foi et al. (2008), "Practical Poissonian-Gaussian noise modeling and
    fitting for single-image raw-data". Phones: shot 0.0001 to 0.012, read up to 0.015 (Brooks
    et al., 2019, "Unprocessing images"). Departure: no mosaic, so pixels are independent.

    Attributes:
        shot: Range of the variance at white; each row's is uniform in it.
        read: Range of the standard deviation at black; likewise.
    """

    shot: tuple[float, float]
    read: tuple[float, float]
    kind: Literal["sensor"] = "sensor"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        light = _linear(clean)
        shot = _between(*self.shot, draws, "sensor/shot")
        read = _between(*self.read, draws, "sensor/read")
        sigma = (shot * light + read.square()).sqrt()
        return _saved(_encoded(light + sigma * draws.normal("damage/sensor", *clean.shape[1:])))


@dataclass(frozen=True)
class Jpeg(_Step):
    """Compressed by the real codec (libjpeg), colours at half the resolution (4:2:0).

    Attributes:
        low: Least quality, 1 to 100.
        high: Largest; each row's is a whole number between them, both included.
    """

    low: int
    high: int
    kind: Literal["jpeg"] = "jpeg"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        part = draws.uniform("damage/jpeg/quality")
        qualities = self.low + (part * (self.high + 1 - self.low)).int()
        pairs = zip(_levels(clean).byte().cpu(), qualities.tolist(), strict=True)
        rows = [_compressed(levels, quality) for levels, quality in pairs]
        return torch.stack(rows).to(clean.device).float().div(127.5).sub(1)


@dataclass(frozen=True)
class Blur(_Step):
    """Out of focus, or moved: a Gaussian, round in half of the rows, else turned anyhow.

    Attributes:
        low: Least standard deviation along either axis, in pixels.
        high: Largest; uniform between them for each axis of each row.
    """

    low: float
    high: float
    kind: Literal["blur"] = "blur"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        along, across = _between(self.low, self.high, draws, "blur/sigma", 2).chunk(2, 1)
        angle, odds = _between(0, 1, draws, "blur/shape", 2).chunk(2, 1)
        across = torch.where(odds < 0.5, along, across)
        # A mirrored border has one pixel less than the picture.
        radius = min(math.ceil(REACH * self.high), min(clean.shape[2:]) - 1)
        kernels = _gaussians(radius, along, across, math.pi * angle)
        return _filtered(clean, kernels).clamp(-1, 1)


@dataclass(frozen=True)
class LowLight(_Step):
    """Exposed too short: all light is multiplied by 2^-stops.

    Attributes:
        low: Least number of stops.
        high: Largest; each row's is uniform between them.
    """

    low: float
    high: float
    kind: Literal["low_light"] = "low_light"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        stops = _between(self.low, self.high, draws, "low_light/stops")
        return _encoded(_linear(clean) * torch.exp2(-stops))


@dataclass(frozen=True)
class Exposure(_Step):
    """Exposed too short or too long; what exceeds white is lost.

    Attributes:
        stops: Most, either way; each row's is uniform in [-stops, stops].
    """

    stops: float
    kind: Literal["exposure"] = "exposure"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        stops = _between(-self.stops, self.stops, draws, "exposure/stops")
        return _encoded(_linear(clean) * torch.exp2(stops))


@dataclass(frozen=True)
class Cast(_Step):
    """A wrong white balance: a gain for each channel, 1 on average; grey pictures have none.

    Attributes:
        strength: Gains are uniform in 1 +- strength, then divided by their mean; in [0, 1).
    """

    strength: float
    kind: Literal["cast"] = "cast"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        gains = 1 + self.strength * _between(-1, 1, draws, "cast/gains", clean.shape[1])
        return _encoded(_linear(clean) * gains / gains.mean(1, keepdim=True))


@dataclass(frozen=True)
class Fade(_Step):
    """An old print: drawn towards a mid tone, which in colour is more or less yellow.

    Attributes:
        strength: Most contrast that is lost, in [0, 1]; each row loses a uniform share of it.
    """

    strength: float
    kind: Literal["fade"] = "fade"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        lost = _between(0, self.strength, draws, "fade/contrast")
        yellow = _between(0, 1, draws, "fade/yellow")
        aged = clean.new_tensor(AGED if clean.shape[1] == 3 else (0.0,)).view(-1, 1, 1)
        return clean + lost * (yellow * aged - clean)


@dataclass(frozen=True)
class Scratches(_Step):
    """Thin bright or dark lines, nearly upright as on film, and a few specks of dust.

    Attributes:
        most: Lines at most; each row has a uniform number from 0.
    """

    most: int
    kind: Literal["scratches"] = "scratches"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        return masks.scratched(clean, self.most, draws, "damage/scratches")


@dataclass(frozen=True)
class Chain(_Step):
    """One damage after the other, then rounded as a file is.

    Attributes:
        steps: The first comes first; each has draws of its own.
    """

    steps: tuple[Damage, ...]
    kind: Literal["chain"] = "chain"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        damaged = clean
        for number, step in enumerate(self.steps):
            damaged = step(damaged, _apart(draws, number))
        return _saved(damaged)


@dataclass(frozen=True)
class Sometimes(_Step):
    """A damage that spares some of the rows.

    Attributes:
        step: The damage, of a kind that keeps the size.
        p: Probability of it for each row.
    """

    step: Damage
    p: float
    kind: Literal["sometimes"] = "sometimes"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        on = _between(0, 1, draws, "sometimes") < self.p
        return torch.where(on, self.step(clean, _apart(draws, "step")), clean)


@dataclass(frozen=True)
class SecondOrder(_Step):
    """A picture that was saved small, passed on, and saved once more.

    Blur, resize, noise and JPEG, twice, with the ranges of Wang et al. (2021), "Real-ESRGAN".
    Departures: Gaussian blur and noise only, no ringing (sinc), and a last JPEG in half of
    the rows where theirs changes the order; each row has scales of its own.

    Attributes:
        factor: What the sides are divided by in the end; 1 keeps the size.
    """

    factor: int
    kind: Literal["second_order"] = "second_order"

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        size = _reduced(clean, self.factor)
        large = _Resize(clean.shape[2:], 0.15, 1.5, down=0.7, keep=0.1)
        small = _Resize(size, 0.3, 1.2, down=0.4, keep=0.3)
        first = Blur(0.2, 3), large, Noise(1, 30), Jpeg(30, 95)
        second = Sometimes(Blur(0.2, 1.5), 0.8), small, Noise(1, 25), Jpeg(30, 95)
        both = Chain((*first, *second, _Resize(size), Sometimes(Jpeg(30, 95), 0.5)))
        # A row's draws are its own from here on, because rows differ in size.
        own = replace(draws, total=1, first=0, last=1)
        rows = zip(clean.unbind(), range(draws.first, draws.last), strict=True)
        return torch.cat([both(row[None], _apart(own, number)) for row, number in rows])


@dataclass(frozen=True)
class _Resize(_Step):
    """To a random multiple of a size, by a random filter, aliased as by simple programs.

    With probability `down` the scale is uniform in [low, 1], with `keep` 1, else in [1, high].
    """

    size: tuple[int, ...]
    low: float = 1
    high: float = 1
    down: float = 0
    keep: float = 1

    def _damaged(self, clean: Tensor, draws: Draws) -> Tensor:
        odds, part, choice = _between(0, 1, draws, "resize", 3).flatten().tolist()  # of one row
        scale = 1.0
        if odds < self.down:
            scale = self.low + part * (1 - self.low)
        elif odds >= self.down + self.keep:
            scale = 1 + part * (self.high - 1)
        size = [max(round(side * scale), 1) for side in self.size]
        mode = ("area", "bilinear", "bicubic")[int(3 * choice)]
        return F.interpolate(clean, size=size, mode=mode).clamp(-1, 1)


def _apart(draws: Draws, name: str | int) -> Draws:
    """Draws that differ from these though they are asked for under the same names."""
    return replace(draws, seed=derive(draws.seed, "damage", name))


def _between(low: float, high: float, draws: Draws, name: str, count: int = 1) -> Tensor:
    """`count` uniform numbers in [low, high) for each row, (N, count, 1, 1)."""
    return low + (high - low) * draws.uniform(f"damage/{name}", count, 1, 1)


def _levels(images: Tensor) -> Tensor:
    """The 256 levels of a file, 0 to 255."""
    return images.add(1).mul(127.5).round().clamp(0, 255)


def _saved(images: Tensor) -> Tensor:
    """As read back from a file."""
    return _levels(images).div(127.5).sub(1)


def _linear(images: Tensor) -> Tensor:
    """Linear light in [0, 1] of sRGB in [-1, 1]."""
    v = images.add(1).div(2)
    return torch.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)


def _encoded(light: Tensor) -> Tensor:
    """SRGB in [-1, 1] of linear light, of which only [0, 1] can be kept."""
    v = light.clamp(0, 1)
    encoded = torch.where(v > 0.0031308, 1.055 * v ** (1 / 2.4) - 0.055, 12.92 * v)
    return encoded.mul(2).sub(1).clamp(-1, 1)


def _reduced(images: Tensor, factor: int) -> tuple[int, int]:
    """Rows and columns divided by `factor`."""
    height, width = images.shape[2:]
    if height % factor or width % factor:
        raise ConfigError(f"Sides of {width} x {height} do not divide by {factor}; crop them.")
    return height // factor, width // factor


def _compressed(levels: Tensor, quality: int) -> Tensor:
    """A picture as levels, (C, H, W), before and after JPEG."""
    pixels = levels.permute(1, 2, 0).numpy()  # (H, W, C)
    file = BytesIO()
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    picture.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(file) as decoded:
        return torch.from_numpy(np.array(decoded).reshape(pixels.shape)).permute(2, 0, 1)


def _gaussians(radius: int, along: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """Kernels that sum to 1, (N, 1, 2 * radius + 1, 2 * radius + 1); all else is (N, 1, 1, 1)."""
    offset = torch.arange(-radius, radius + 1, device=angle.device)
    y, x = offset.view(1, 1, -1, 1), offset.view(1, 1, 1, -1)
    u = (x * angle.cos() + y * angle.sin()) / along.clamp(min=0.01)  # no division by zero
    v = (y * angle.cos() - x * angle.sin()) / across.clamp(min=0.01)
    kernel = (-(u.square() + v.square()) / 2).exp()
    return kernel / kernel.sum((2, 3), keepdim=True)


def _filtered(images: Tensor, kernels: Tensor) -> Tensor:
    """Each picture by its own kernel, (N, 1, K, K), mirrored at the border."""
    padded = F.pad(images, [kernels.shape[-1] // 2] * 4, mode="reflect")
    weights = kernels.repeat_interleave(images.shape[1], dim=0)  # (N * C, 1, K, K)
    one = padded.reshape(1, len(weights), *padded.shape[2:])
    return F.conv2d(one, weights, groups=len(weights)).reshape(images.shape)
