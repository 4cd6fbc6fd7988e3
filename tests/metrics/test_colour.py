from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import color

from mintmark.core.errors import ConfigError
from mintmark.metrics.colour import ciede2000, colour_difference, lab

PEER: Any = color  # its functions have no types

Array = NDArray[np.float64]

# Sharma, Wu and Dalal 2005, table I: L a b, L a b, difference.
PUBLISHED = """
50 2.6772 -79.7751   50 0 -82.7485   2.0425
50 3.1571 -77.2803   50 0 -82.7485   2.8615
50 2.8361 -74.0200   50 0 -82.7485   3.4412
50 -1.3802 -84.2814   50 0 -82.7485   1.0000
50 -1.1848 -84.8006   50 0 -82.7485   1.0000
50 -0.9009 -85.5211   50 0 -82.7485   1.0000
50 0 0   50 -1 2   2.3669
50 -1 2   50 0 0   2.3669
50 2.49 -0.001   50 -2.49 0.0009   7.1792
50 2.49 -0.001   50 -2.49 0.0010   7.1792
50 2.49 -0.001   50 -2.49 0.0011   7.2195
50 2.49 -0.001   50 -2.49 0.0012   7.2195
50 -0.001 2.49   50 0.0009 -2.49   4.8045
50 -0.001 2.49   50 0.0010 -2.49   4.8045
50 -0.001 2.49   50 0.0011 -2.49   4.7461
50 2.5 0   50 0 -2.5   4.3065
50 2.5 0   73 25 -18   27.1492
50 2.5 0   61 -5 29   22.8977
50 2.5 0   56 -27 -3   31.9030
50 2.5 0   58 24 15   19.4535
50 2.5 0   50 3.1736 0.5854   1.0000
50 2.5 0   50 3.2972 0   1.0000
50 2.5 0   50 1.8634 0.5757   1.0000
50 2.5 0   50 3.2592 0.3350   1.0000
60.2574 -34.0099 36.2677   60.4626 -34.1751 39.4387   1.2644
63.0109 -31.0961 -5.8663   62.8187 -29.7946 -4.0864   1.2630
61.2901 3.7196 -5.3901   61.4292 2.2480 -4.9620   1.8731
35.0831 -44.1164 3.7933   35.0232 -40.0716 1.5901   1.8645
22.7233 20.0904 -46.6940   23.0331 14.9730 -42.5619   2.0373
36.4612 47.8580 18.3852   36.2715 50.5065 21.2231   1.4146
90.8027 -2.0831 1.4410   91.1528 -1.6435 0.0447   1.4441
90.9257 -0.5406 -0.9208   88.6381 -0.8985 -0.7239   1.5381
6.7747 -0.2908 -2.4247   5.8714 -0.0985 -2.2286   0.6377
2.0776 0.0795 -1.1350   0.9033 -0.0636 -0.5514   0.9082
"""


def colours(seed: int, n: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.uniform([0, -100, -100], [100, 100, 100], (n, 3))


def flat(*rgb: float, side: int = 10) -> Array:
    """One picture of one colour, (1, 3, side, side)."""
    return np.broadcast_to(np.reshape(rgb, (1, 3, 1, 1)), (1, 3, side, side)).copy()


def test_the_published_differences() -> None:
    table = np.array(PUBLISHED.split(), np.float64).reshape(34, 7)
    first, second, exact = table[:, :3], table[:, 3:6], table[:, 6]
    assert ciede2000(first, second) == pytest.approx(exact, abs=5.1e-5)
    assert ciede2000(second, first) == pytest.approx(exact, abs=5.1e-5)


def test_differences_as_scikit_image() -> None:
    first, second = colours(0, 20_000).reshape(100, 200, 3), colours(1, 20_000).reshape(100, 200, 3)
    first[:10, :, 1:] = 0  # grey
    second[5:20, :, 1:] = 0
    found = ciede2000(first, second)
    assert found.shape == (100, 200)
    assert found == pytest.approx(PEER.deltaE_ciede2000(first, second), rel=1e-9, abs=1e-9)
    near = first + np.random.default_rng(2).normal(0, 2, first.shape)
    assert ciede2000(first, near) == pytest.approx(PEER.deltaE_ciede2000(first, near), rel=1e-9)


def test_difference_of_equal_colours_is_zero() -> None:
    same = colours(3, 500)
    assert (ciede2000(same, same) == 0).all()


def test_grey_has_no_hue_whatever_the_sign_of_zero() -> None:
    colour = np.array([50.0, 20.0, -80.0])
    for a in (0.0, -0.0):
        for b in (0.0, -0.0):
            grey = np.array([60.0, a, b])
            assert ciede2000(grey, colour) == ciede2000(np.array([60.0, 0.0, 0.0]), colour)


def test_difference_of_greys_is_that_of_lightness() -> None:
    dark, light = np.array([0.0, 0.0, 0.0]), np.array([100.0, 0.0, 0.0])
    assert ciede2000(dark, light) == pytest.approx(100)  # the offset from 50 is 0


def test_lab_as_scikit_image() -> None:
    picture = np.random.default_rng(4).uniform(size=(3, 30, 40)) ** 3  # dark ones too
    found = lab(picture)
    assert found.shape == (30, 40, 3)
    # scikit-image has another rounding of the matrix and of white.
    assert found == pytest.approx(
        PEER.rgb2lab(picture, channel_axis=0).transpose(1, 2, 0), abs=0.02
    )


def test_lab_of_white_black_grey_and_red() -> None:
    def of(*rgb: float) -> Any:
        return lab(np.reshape(rgb, (3, 1, 1)))[0, 0]

    assert of(1, 1, 1) == pytest.approx([100, 0, 0], abs=1e-9)
    assert of(0, 0, 0) == pytest.approx([0, 0, 0], abs=1e-9)
    assert of(0.3, 0.3, 0.3)[1:] == pytest.approx([0, 0], abs=1e-9)
    assert of(1, 0, 0) == pytest.approx([53.24, 80.09, 67.20], abs=0.03)


def test_picture_difference_is_mean_and_percentile_of_each_pair() -> None:
    a = np.concatenate([flat(0.4, 0.4, 0.4)] * 3)
    b = a.copy()
    b[1, :, 0] = 0  # a tenth of the pixels is black
    b[2, :, 0, :4] = 0  # 4 % of them
    found = colour_difference(a, b, 1)
    black = colour_difference(a[:1], flat(0, 0, 0), 1).mean[0]
    assert black > 20
    assert found.mean == pytest.approx([0, black / 10, black * 0.04])
    assert found.percentile_95 == pytest.approx([0, black, 0])


def test_picture_difference_of_bytes_tensors_and_floats_is_one_number() -> None:
    a, b = np.random.default_rng(5).integers(0, 256, (2, 2, 3, 9, 8), dtype=np.uint8)
    exact = colour_difference(a / 255, b / 255, 1)
    for x, y in ((a, b), (torch.tensor(a), torch.tensor(b))):
        found = colour_difference(x, y, 255)
        assert found.mean == pytest.approx(exact.mean, rel=1e-12)
        assert found.percentile_95 == pytest.approx(exact.percentile_95, rel=1e-12)


def test_what_is_no_colour_is_refused() -> None:
    with pytest.raises(ConfigError, match="3 channels"):
        colour_difference(np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 4, 4)), 1)
    with pytest.raises(ConfigError, match="one shape"):
        colour_difference(np.zeros((1, 3, 4, 4)), np.zeros((2, 3, 4, 4)), 1)
    with pytest.raises(ConfigError, match="lie in"):
        colour_difference(flat(0, 0, 0) - 1, flat(0, 0, 0), 1)
    with pytest.raises(ConfigError, match="one shape"):
        ciede2000(np.zeros((4, 3)), np.zeros(3))
    with pytest.raises(ConfigError, match="one shape"):
        ciede2000(np.zeros((4, 2)), np.zeros((4, 2)))
