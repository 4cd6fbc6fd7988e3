"""How near pictures come to given ones: PSNR, SSIM and MS-SSIM.

Pictures are arrays or tensors (N, C, H, W) with values in [0, data_range]. The
range is never guessed from a dtype, each picture gets a number of its own, and
none is resized. All arithmetic is in float64.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from mintmark.core.errors import ConfigError

Pictures = NDArray[Any] | Tensor
Floats = NDArray[np.float64]

SIGMA = 1.5  # of the Gaussian window, in pixels
RADIUS = 5  # of the window, which so has 11 taps
SIDE = 2 * RADIUS + 1
K1, K2 = 0.01, 0.03
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights from the finest to the coarsest
LARGEST_REFUSED = (SIDE - 1) << (len(SCALES) - 1)  # 160 pixels: no window on the coarsest


def psnr(a: Pictures, b: Pictures, data_range: float) -> Floats:
    """Peak signal-to-noise ratio, `10 log10(data_range^2 / MSE)`, of each pair.

    The mean over pictures of these is what papers report; the ratio of the mean
    MSE is another, lower number.

    Args:
        a: Pictures, (N, C, H, W), in [0, data_range].
        b: Pictures of the same shape and range.
        data_range: The largest value that a picture could hold: 255 for 8 bits.

    Returns:
        Decibels, (N,); infinite where the two are identical.

    Raises:
        ConfigError: The pictures are not of that form.
    """
    errors = np.array([np.square(x - y).mean() for x, y in pairs(a, b, data_range)])
    with np.errstate(divide="ignore"):
        decibels: Floats = 10 * np.log10(data_range**2 / errors)
    return decibels


def ssim(a: Pictures, b: Pictures, data_range: float) -> Floats:
    """Structural similarity of each pair (Wang, Bovik, Sheikh and Simoncelli 2004).

    Gaussian window of 11 taps and sigma 1.5, K = (.01, .03), population
    covariance, mean over the places where the whole window fits and then over
    channels. The pictures are not reduced first, as the first Matlab code does.

    Args:
        a: Pictures, (N, C, H, W), in [0, data_range], H and W >= 11.
        b: Pictures of the same shape and range.
        data_range: The largest value that a picture could hold: 255 for 8 bits.

    Returns:
        Similarities, (N,), at most 1, which identical pictures have.

    Raises:
        ConfigError: The pictures are not of that form.
    """
    _require_side(a, SIDE - 1, "SSIM")
    return np.array([_ssim(x, y, data_range)[0].mean() for x, y in pairs(a, b, data_range)])


def ms_ssim(a: Pictures, b: Pictures, data_range: float) -> Floats:
    """Multi-scale structural similarity of each pair (Wang, Simoncelli and Bovik 2003).

    Eq. 7 over five scales with the paper's weights, for each channel, then the
    mean over channels. A scale halves the last by means of 2 x 2 pixels; an odd
    side repeats its last pixel. A negative mean of the contrast and structure
    term counts as 0, since it has no real power.

    Args:
        a: Pictures, (N, C, H, W), in [0, data_range], H and W > 160.
        b: Pictures of the same shape and range.
        data_range: The largest value that a picture could hold: 255 for 8 bits.

    Returns:
        Similarities, (N,), in [0, 1].

    Raises:
        ConfigError: The pictures are not of that form.
    """
    _require_side(a, LARGEST_REFUSED, "MS-SSIM over 5 scales")
    return np.array([_ms_ssim(x, y, data_range).mean() for x, y in pairs(a, b, data_range)])


def pairs(a: Pictures, b: Pictures, data_range: float) -> Iterator[tuple[Floats, Floats]]:
    """Each picture of `a` with its own of `b`, as float64, (C, H, W), one pair at a time.

    Args:
        a: Pictures, (N, C, H, W), in [0, data_range], N >= 1.
        b: Pictures of the same shape and range.
        data_range: The largest value that a picture could hold, > 0.

    Raises:
        ConfigError: The pictures are not of that form.
    """
    require_pairs(a, b)
    if not 0 < data_range < np.inf:
        raise ConfigError(f"The data_range must be positive and finite, and it is {data_range}.")
    for x, y in zip(a, b, strict=True):
        yield _in_range(x, data_range), _in_range(y, data_range)


def require_pairs(a: Pictures, b: Pictures) -> None:
    """Refuses what is not as many pictures of one shape.

    Raises:
        ConfigError: They are not (N, C, H, W), not of one shape, or empty.
    """
    if a.ndim != 4 or a.shape != b.shape or 0 in a.shape:
        raise ConfigError(
            f"Pictures must be two sets (N, C, H, W) of one shape, not {tuple(a.shape)} and "
            f"{tuple(b.shape)}."
        )


def _in_range(picture: Pictures, data_range: float) -> Floats:
    if isinstance(picture, Tensor):
        picture = picture.detach().cpu().double().numpy()
    values = np.asarray(picture, np.float64)
    if not (values.min() >= 0 and values.max() <= data_range):  # false for NaN too
        raise ConfigError(
            f"Pictures must lie in [0, {data_range}] and hold values from {values.min():.4g} to "
            f"{values.max():.4g}; shift, scale or clip them, or give the data_range they have."
        )
    return values


def _require_side(pictures: Pictures, refused: int, what: str) -> None:
    if pictures.ndim == 4 and min(pictures.shape[2:]) <= refused:
        raise ConfigError(
            f"{what} needs pictures of more than {refused} pixels on the smaller side, not "
            f"{pictures.shape[2]} x {pictures.shape[3]}."
        )


def _ssim(x: Floats, y: Floats, data_range: float) -> tuple[Floats, Floats]:
    """Means over space of SSIM and of its contrast and structure term, (C,) each."""
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_x, mean_y = _windowed(x), _windowed(y)  # (C, H - 10, W - 10)
    variances = _windowed(x * x) - mean_x**2 + _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    structure = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return (luminance * structure).mean(axis=(1, 2)), structure.mean(axis=(1, 2))


def _windowed(values: Floats) -> Floats:
    """Means under the Gaussian window where it fits whole, (C, H - 10, W - 10)."""
    smooth: Floats = gaussian_filter(values, SIGMA, axes=(1, 2), radius=RADIUS)
    return smooth[:, RADIUS:-RADIUS, RADIUS:-RADIUS]


def _ms_ssim(x: Floats, y: Floats, data_range: float) -> Floats:
    """MS-SSIM of each channel, (C,)."""
    product = np.ones(len(x))
    for scale, weight in enumerate(SCALES):
        if scale:
            x, y = _halved(x), _halved(y)
        similarity, structure = _ssim(x, y, data_range)
        last = scale == len(SCALES) - 1  # alone has luminance
        product *= (similarity if last else structure).clip(min=0) ** weight
    return product


def _halved(x: Floats) -> Floats:
    """Means of 2 x 2 pixels, (C, ceil(H / 2), ceil(W / 2))."""
    channels, height, width = x.shape
    even = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    blocks = even.reshape(channels, -(-height // 2), 2, -(-width // 2), 2)
    halved: Floats = blocks.mean(axis=(2, 4))
    return halved
