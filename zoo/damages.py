"""What goes wrong with pictures, at strengths from 0, just visible, to 1, gross.

All take a picture of (64, 64, 3) in [0, 255] and return a new one.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

Pixels = NDArray[np.uint8]
Damage = Callable[[Pixels, float, Generator], Pixels]

SIDE = 64


def none(x: Pixels, _strength: float, _rng: Generator) -> Pixels:
    """Nothing."""
    return x


def blur(x: Pixels, strength: float, _rng: Generator) -> Pixels:
    """Gaussian, of 0.5 to 2.5 pixels."""
    return _whole(gaussian_filter(x.astype(float), (0.5 + 2 * strength,) * 2 + (0,)))


def noise(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """Gaussian, of standard deviation 5 to 40 of 255."""
    return _whole(x + rng.normal(0, 5 + 35 * strength, x.shape))


def jpeg(x: Pixels, strength: float, _rng: Generator) -> Pixels:
    """Compression at quality 70 down to 10."""
    buffer = BytesIO()
    Image.fromarray(x).save(buffer, "JPEG", quality=round(70 - 60 * strength))
    return np.asarray(Image.open(buffer))


def scaling(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """Down to 0.8 to 0.25 of the side, and up again."""
    side = round(SIDE * (0.8 - 0.55 * strength))
    up = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    small = Image.fromarray(x).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize((SIDE, SIDE), up[rng.integers(3)]))


def cast(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """A colour cast: the channels times 1 +- 0.06 to 0.4."""
    tint = rng.normal(size=3)
    tint -= tint.mean()
    return _whole(x * (1 + (0.06 + 0.34 * strength) * tint / np.abs(tint).max()))


def contrast(x: Pixels, strength: float, _rng: Generator) -> Pixels:
    """Loss of 0.15 to 0.75 of the contrast."""
    return _whole(x + (0.15 + 0.6 * strength) * (x.mean() - x))


def grid(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """A checkerboard of period 2 to 8, as transposed convolutions leave, of 4 to 32 of 255."""
    half, (row, column) = rng.integers(1, 5), np.indices((SIDE, SIDE))
    board = (row // half + column // half) % 2 * 2 - 1
    return _whole(x + (4 + 28 * strength) * board[:, :, None])


def ringing(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """Over-sharpening by 0.5 to 3 times the detail."""
    smooth = gaussian_filter(x.astype(float), (rng.uniform(0.8, 2),) * 2 + (0,))
    return _whole(x + (0.5 + 2.5 * strength) * (x - smooth))


def seam(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """Two squares of 10 to 30 pixels a side change places."""
    side, out = int(10 + 20 * strength), x.copy()
    (a, b), (c, d) = rng.integers(0, SIDE - side + 1, (2, 2))
    out[a : a + side, b : b + side] = x[c : c + side, d : d + side]
    out[c : c + side, d : d + side] = x[a : a + side, b : b + side]
    return out


def _whole(x: NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


DAMAGES: tuple[Damage, ...] = (
    none, blur, noise, jpeg, scaling, cast, contrast, grid, ringing, seam,
)  # fmt: skip


def warm(x: Pixels, strength: float, _rng: Generator) -> Pixels:
    """One colour cast for all pictures: red times 1.04 to 1.34, blue as much less."""
    return _whole(x * (1 + (0.04 + 0.3 * strength) * np.array([1, 0, -1])))


def posterise(x: Pixels, strength: float, _rng: Generator) -> Pixels:
    """Only 24 down to 5 levels a channel; not among the damages trained on."""
    steps = round(23 - 19 * strength)
    return _whole(np.rint(x / 255 * steps) * 255 / steps)


def pepper(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """From 0.6 to 12 % of pixels black or white; not among the damages trained on."""
    drawn, share = rng.random((SIDE, SIDE, 1)), 0.003 + 0.057 * strength
    return np.where(drawn < share, 0, np.where(drawn > 1 - share, 255, x)).astype(np.uint8)


def warp(x: Pixels, strength: float, rng: Generator) -> Pixels:
    """Smooth displacements of 0.5 to 4.5 pixels; not among the damages trained on."""
    moves = gaussian_filter(rng.normal(size=(2, SIDE, SIDE)), (0, 5, 5))
    places = np.indices((SIDE, SIDE)) + moves * (0.5 + 4 * strength) / moves.std()
    channels = [map_coordinates(x[:, :, c], places, order=1, mode="nearest") for c in range(3)]
    return np.stack(channels, axis=2)


JUDGED: tuple[Damage, ...] = (
    blur, noise, jpeg, scaling, warm, contrast, grid, ringing, seam, posterise, pepper, warp,
)  # fmt: skip
