from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pytorch_msssim import ms_ssim as peer_ms_ssim
from pytorch_msssim.ssim import _fspecial_gauss_1d as peer_window
from pytorch_msssim.ssim import _ssim as peer_terms
from scipy.ndimage import uniform_filter
from skimage import metrics

from mintmark.core.errors import ConfigError
from mintmark.metrics.picture import ms_ssim, pairs, psnr, ssim

PEER: Any = metrics  # its functions have no types

Array = NDArray[np.float64]
Metric = Callable[[Any, Any, float], Array]
METRICS = [psnr, ssim, ms_ssim]


def pictures(seed: int, *shape: int) -> tuple[Array, Array]:
    """Smooth pictures in [0, 1] and noisy ones of them."""
    rng = np.random.default_rng(seed)
    n, c, h, w = shape
    rows, columns = np.sin(np.arange(h) / 9), np.cos(np.arange(w) / 7)
    first = 0.5 + 0.3 * np.outer(rows, columns) * rng.uniform(0.5, 1, (n, c, 1, 1))
    first = (first + rng.normal(0, 0.03, shape)).clip(0, 1)
    return first, (first * 0.9 + rng.normal(0, 0.1, shape)).clip(0, 1)


def test_psnr_of_four_numbers() -> None:
    a = np.array([[[[0, 1], [2, 3]]]])
    assert psnr(a, a[..., ::-1, ::-1], 3) == pytest.approx([10 * np.log10(9 / 5)], rel=1e-14)
    assert psnr(a, a[..., ::-1, ::-1], 3) == pytest.approx([2.5527], abs=5e-5)


def test_psnr_is_of_each_picture() -> None:
    a = np.zeros((2, 3, 4, 4))
    b = np.stack([np.full((3, 4, 4), 0.1), np.full((3, 4, 4), 0.01)])
    assert psnr(a, b, 1) == pytest.approx([20, 40])


def test_psnr_of_identical_pictures_is_infinite() -> None:
    a, b = pictures(0, 2, 1, 12, 12)
    b[1] = a[1]
    values = psnr(a, b, 1)
    assert np.isfinite(values[0])
    assert values[1] == np.inf


@pytest.mark.parametrize("data_range", [1, 255])
def test_psnr_as_scikit_image(data_range: float) -> None:
    a, b = (x * data_range for x in pictures(1, 3, 3, 20, 17))
    peer = [
        PEER.peak_signal_noise_ratio(x, y, data_range=data_range) for x, y in zip(a, b, strict=True)
    ]
    assert psnr(a, b, data_range) == pytest.approx(peer, rel=1e-12)


@pytest.mark.parametrize("data_range", [1, 255])
@pytest.mark.parametrize("shape", [(3, 3, 32, 27), (2, 1, 11, 40), (1, 2, 11, 11)])
def test_ssim_as_scikit_image(shape: tuple[int, ...], data_range: float) -> None:
    a, b = (x * data_range for x in pictures(2, *shape))
    peer = [
        PEER.structural_similarity(
            x,
            y,
            data_range=data_range,
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for x, y in zip(a, b, strict=True)
    ]
    assert ssim(a, b, data_range) == pytest.approx(peer, abs=1e-10)


def test_ssim_of_three_quarters_of_noise() -> None:
    a = np.random.default_rng(3).uniform(size=(1, 3, 256, 256))
    assert ssim(a, 0.75 * a, 1) == pytest.approx([0.922], abs=2e-3)


@pytest.mark.parametrize("shape", [(2, 3, 176, 192), (1, 1, 208, 176)])
def test_ms_ssim_as_pytorch_msssim(shape: tuple[int, ...]) -> None:
    a, b = pictures(4, *shape)
    peer = peer_ms_ssim(torch.tensor(a), torch.tensor(b), data_range=1, size_average=False)
    assert ms_ssim(a, b, 1) == pytest.approx(peer.numpy(), abs=1e-6)  # its window is float32


def test_ms_ssim_of_odd_sides_as_the_paper_halves_them() -> None:
    # The first Matlab code: mean of 2 x 2 with mirrored borders, then each second pixel.
    # pytorch-msssim adds zeros instead, so only its terms of one scale serve here.
    a, b = pictures(5, 1, 1, 161, 171)
    window = peer_window(11, 1.5).double()[None]
    exact = 1.0
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        pair = torch.tensor(a), torch.tensor(b)
        value, structure = peer_terms(*pair, data_range=1, win=window)
        exact *= float(value if scale == 4 else structure) ** weight
        a, b = (
            uniform_filter(x, (1, 1, 2, 2), mode="reflect", origin=(0, 0, -1, -1))[..., ::2, ::2]
            for x in (a, b)
        )
    assert ms_ssim(*pictures(5, 1, 1, 161, 171), 1) == pytest.approx([exact], abs=1e-6)


def test_ms_ssim_of_a_negative_is_zero_and_no_nan() -> None:
    a, _ = pictures(6, 1, 3, 176, 176)
    assert ms_ssim(a, 1 - a, 1) == [0]


@pytest.mark.parametrize("metric", [ssim, ms_ssim])
def test_similarity_of_identical_and_of_constant_pictures(metric: Metric) -> None:
    a, b = pictures(7, 2, 3, 176, 176)
    assert metric(a, a, 1) == pytest.approx([1, 1], rel=1e-12)
    assert metric(a, b, 1) == pytest.approx(metric(b, a, 1), rel=1e-12)
    grey = np.full_like(a, 0.5)
    assert metric(grey, grey, 1) == pytest.approx([1, 1], rel=1e-12)


def test_ssim_of_two_constants_is_their_luminance_term() -> None:
    a, b = np.full((1, 1, 11, 11), 0.2), np.full((1, 1, 11, 11), 0.6)
    assert ssim(a, b, 1) == pytest.approx([(0.24 + 1e-4) / (0.4 + 1e-4)], rel=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_bytes_tensors_and_floats_give_one_number(metric: Metric) -> None:
    a, b = ((x * 255).round().astype(np.uint8) for x in pictures(8, 2, 1, 176, 176))
    exact = metric(a.astype(np.float64), b.astype(np.float64), 255)
    assert metric(a, b, 255).tolist() == exact.tolist()
    assert metric(torch.tensor(a), torch.tensor(b), 255).tolist() == exact.tolist()
    assert metric(torch.tensor(a).bfloat16(), b, 255).tolist() == exact.tolist()  # 8 bits fit
    assert metric(a, b, 255)[1:].tolist() == metric(a[1:], b[1:], 255).tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_no_pair_of_pictures_is_refused(metric: Metric) -> None:
    a, b = pictures(9, 2, 1, 176, 176)
    for first, second in ((a, b[:1]), (a[0], b[0]), (a[:0], b[:0])):
        with pytest.raises(ConfigError, match="one shape"):
            metric(first, second, 1)
    for data_range in (0, -1, np.inf, np.nan):
        with pytest.raises(ConfigError, match="data_range"):
            metric(a, b, data_range)
    for wrong in (a * 2 - 1, a + 1, np.where(a > 0.5, np.nan, a)):
        with pytest.raises(ConfigError, match=r"must lie in \[0, 1\]"):
            metric(wrong, b, 1)
        with pytest.raises(ConfigError, match=r"must lie in \[0, 1\]"):
            metric(a, wrong, 1)


def test_small_pictures_are_refused_by_their_smaller_side() -> None:
    with pytest.raises(ConfigError, match=r"more than 10 pixels .* not 40 x 10"):
        ssim(*pictures(10, 1, 1, 40, 10), 1)
    with pytest.raises(ConfigError, match=r"more than 160 pixels .* not 160 x 300"):
        ms_ssim(*pictures(10, 1, 1, 160, 300), 1)
    assert ms_ssim(*pictures(10, 1, 1, 161, 161), 1).shape == (1,)


def test_pairs_hold_one_picture_at_a_time_in_float64() -> None:
    a, b = (x.astype(np.float32) for x in pictures(11, 3, 2, 4, 5))
    for i, (x, y) in enumerate(pairs(a, b, 1)):
        assert x.dtype == y.dtype == np.float64
        assert (x == a[i]).all()
        assert (y == b[i]).all()
