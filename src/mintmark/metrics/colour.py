"""How far colours lie apart to the eye: CIEDE2000."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.core.srgb import TO_XYZ, WHITE
from mintmark.metrics.picture import Floats, Pictures, pairs

SEVENTH = 25.0**7


@dataclass(frozen=True)
class ColourDifference:
    """Colour differences within pairs of pictures, in units of CIEDE2000.

    About 1 is the least that can be seen side by side, and over 5 is plain.

    Attributes:
        mean: Mean over the pixels of each pair, (N,).
        percentile_95: What 95 % of its pixels do not exceed, (N,): small areas
            of a wrong colour hide in the mean.
    """

    mean: Floats
    percentile_95: Floats


def colour_difference(a: Pictures, b: Pictures, data_range: float) -> ColourDifference:
    """The CIEDE2000 differences, pixel by pixel, of each pair of sRGB pictures.

    Args:
        a: Pictures in sRGB as files hold them (not linear), (N, 3, H, W), in
            [0, data_range].
        b: Pictures of the same shape and range.
        data_range: The largest value that a picture could hold: 255 for 8 bits.

    Raises:
        ConfigError: The pictures are not of that form.
    """
    if a.ndim == 4 and a.shape[1] != 3:
        raise ConfigError(f"Colour differences need 3 channels, not {a.shape[1]}; give RGB.")
    maps = [ciede2000(lab(x / data_range), lab(y / data_range)) for x, y in pairs(a, b, data_range)]
    means = np.array([pixels.mean() for pixels in maps])
    return ColourDifference(means, np.array([np.percentile(pixels, 95) for pixels in maps]))


def lab(picture: Floats) -> Floats:
    """CIELAB under D65 of a picture in sRGB.

    Args:
        picture: Red, green and blue in [0, 1], (3, H, W).

    Returns:
        L* in [0, 100], a* and b*, (H, W, 3).
    """
    encoded = np.moveaxis(picture, 0, -1)  # (H, W, 3)
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    relative = linear @ TO_XYZ.T / WHITE
    edge = 6 / 29
    x, y, z = np.moveaxis(
        np.where(relative > edge**3, np.cbrt(relative), relative / (3 * edge**2) + 4 / 29), -1, 0
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(lab1: NDArray[Any], lab2: NDArray[Any]) -> Floats:
    """The CIEDE2000 difference of colours (Sharma, Wu and Dalal 2005, eq. 2 to 22).

    All weights k are 1. The formula is not continuous where hues are opposite,
    and made for differences below about 5.

    Args:
        lab1: L*, a* and b*, (..., 3).
        lab2: Likewise, of the same shape.

    Returns:
        Differences, (...), >= 0.

    Raises:
        ConfigError: The shapes differ or do not end in 3.
    """
    if lab1.shape != lab2.shape or lab1.shape[-1:] != (3,):
        raise ConfigError(
            f"Colours must be two arrays (..., 3) of one shape, not {lab1.shape} and {lab2.shape}."
        )
    l1, a1, b1 = np.moveaxis(np.asarray(lab1, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(lab2, np.float64), -1, 0)
    stretch = 1.5 - _share((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) / 2  # of a* near grey
    c1, h1 = _polar(stretch * a1, b1)
    c2, h2 = _polar(stretch * a2, b2)
    lightness, chroma, hue = (l1 + l2) / 2, (c1 + c2) / 2, _mean_hue(h1, h2)
    offset = (lightness - 50) ** 2
    dl = (l2 - l1) / (1 + 0.015 * offset / np.sqrt(20 + offset))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    turn = h2 - h1
    # Brought to [-180, 180], since the rotation minds the sign of the sine.
    turn = np.where(np.abs(turn) > 180, turn - 360 * np.sign(turn), turn)
    dh = 2 * np.sqrt(c1 * c2) * _sin(turn / 2) / (1 + 0.015 * chroma * _hue_weight(hue))
    rotation = -2 * _share(chroma) * _sin(60 * np.exp(-(((hue - 275) / 25) ** 2)))
    total: Floats = np.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)
    return total


def _share(chroma: Floats) -> Floats:
    """`sqrt(C^7 / (C^7 + 25^7))`, 0 for grey and near 1 for strong colours."""
    power = chroma**7
    share: Floats = np.sqrt(power / (power + SEVENTH))
    return share


def _polar(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Chroma, and hue in degrees from 0 to 360.

    Grey has no hue, and the paper gives it one and a mean of its own. Neither
    reaches the result: the hue difference has the factor C1 C2, which is 0.
    """
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _mean_hue(h1: Floats, h2: Floats) -> Floats:
    """The middle of the shorter arc between two hues, from 0 to 360 degrees."""
    around = np.where(h1 + h2 < 360, 180, -180)
    middle: Floats = (h1 + h2) / 2 + np.where(np.abs(h1 - h2) > 180, around, 0)
    return middle


def _hue_weight(hue: Floats) -> Floats:
    """T of the paper, eq. 15."""
    return (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )


def _sin(degrees: Floats) -> Floats:
    sine: Floats = np.sin(np.radians(degrees))
    return sine


def _cos(degrees: Floats) -> Floats:
    cosine: Floats = np.cos(np.radians(degrees))
    return cosine
