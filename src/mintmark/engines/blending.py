"""The Gauss-Poisson step: colours of one picture, details of another, by a closed form.

Source: Wu, Zheng, Zhang, Huang, "GP-GAN: Towards Realistic High-Resolution Image Blending",
ACM Multimedia 2019: a picture whose low frequencies are those of a small, plausible one, and
whose gradients are those of the composite (Perez, Gangnet, Blake, "Poisson Image Editing",
SIGGRAPH 2003), found in the frequency domain at any size.

Departures: cosine transforms, which mirror the borders where Fourier's join them; one step at
the full resolution instead of a pyramid; across the edge of what was pasted the gradients are
those of the small picture, since the composite's are what looks wrong.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

Floats = NDArray[np.floating[Any]]


def gauss_poisson(
    low: Floats, down: Floats, across: Floats, sigma: float, weight: float = 1.0
) -> Floats:
    """The picture x that minimises |Dy x - down|^2 + |Dx x - across|^2 + weight |g * (x - low)|^2.

    D are differences of neighbours and g is a Gaussian, exp(-sigma^2 omega^2 / 2) at the
    frequency omega, over a picture that is mirrored at its borders. All three are diagonal in
    the cosine transform (DCT-II), so x is found exactly by dividing there.

    Args:
        low: Its low frequencies, (H, W, C).
        down: Differences of each pixel below less the one above, (H - 1, W, C).
        across: Differences of each pixel to the right less the one to the left, (H, W - 1, C).
        sigma: Standard deviation of the Gaussian, in pixels.
        weight: Of the low frequencies, greater than 0; the paper's beta.

    Returns:
        (H, W, C).
    """
    height, width = low.shape[:2]
    y, x = (np.pi * np.arange(side) / side for side in (height, width))  # frequencies
    laplace = (2 - 2 * np.cos(y))[:, None] + (2 - 2 * np.cos(x))
    trust = weight * np.exp(-(sigma**2) * (y[:, None] ** 2 + x**2))
    none_below, none_right = ((0, 1), (0, 0), (0, 0)), ((0, 0), (0, 1), (0, 0))
    none_above, none_left = ((1, 0), (0, 0), (0, 0)), ((0, 0), (1, 0), (0, 0))
    bend = np.pad(down, none_above) - np.pad(down, none_below)  # D^T of both differences
    bend += np.pad(across, none_left) - np.pad(across, none_right)
    wanted = _waves(bend) + trust[..., None] * _waves(low)
    found: Floats = idctn(wanted / (laplace + trust)[..., None], axes=(0, 1), norm="ortho")
    return found


def _waves(picture: Floats) -> Floats:
    waves: Floats = dctn(picture, axes=(0, 1), norm="ortho")
    return waves


def blended(picture: Floats, low: Floats, pasted: NDArray[np.bool_], sigma: float) -> Floats:
    """A composite whose pasted part has the low frequencies of another picture.

    Args:
        picture: The composite, (H, W, C).
        low: What it should look like at a low resolution, enlarged, (H, W, C).
        pasted: Where something was pasted, (H, W).
        sigma: How much coarser than the composite `low` is, in pixels.

    Returns:
        (H, W, C); what was not pasted is the composite's, to the last bit.
    """
    inside = pasted[..., None]
    low = np.where(inside, low, picture)
    steps = []
    for axis in (0, 1):
        edge = np.diff(inside, axis=axis)  # True where the two belong to different parts
        steps.append(np.where(edge, np.diff(low, axis=axis), np.diff(picture, axis=axis)))
    found: Floats = gauss_poisson(low, steps[0], steps[1], sigma)
    return np.where(inside, found, picture)
