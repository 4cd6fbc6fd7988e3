"""The Gauss-Poisson step: it minimises what it says, and leaves what was not pasted alone."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from mintmark.engines.blending import blended, gauss_poisson

Floats = NDArray[np.floating[Any]]
SIZE = (9, 12)


def noise(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def smooth(picture: Floats, sigma: float) -> Floats:
    """Under the Gaussian, mirrored at the borders, by its own transform."""
    y, x = (np.pi * np.arange(side) / side for side in SIZE)
    weight = np.exp(-(sigma**2) * (y[:, None] ** 2 + x**2) / 2)[..., None]
    found: Floats = idctn(weight * dctn(picture, axes=(0, 1)), axes=(0, 1))
    return found


def energy(x: Floats, low: Floats, steps: list[Floats], sigma: float, weight: float) -> float:
    """What is minimised, by its definition."""
    gradients = sum(np.square(np.diff(x, axis=axis) - steps[axis]).sum() for axis in (0, 1))
    return float(gradients + weight * np.square(smooth(x - low, sigma)).sum())


@pytest.mark.parametrize("sigma", [0.5, 3.0])
@pytest.mark.parametrize("weight", [0.1, 1.0])
def test_no_other_picture_has_less_of_what_is_minimised(sigma: float, weight: float) -> None:
    low, steps = noise(*SIZE, 2), [noise(8, 12, 2, seed=1), noise(9, 11, 2, seed=2)]
    found = gauss_poisson(low, steps[0], steps[1], sigma, weight)
    least = energy(found, low, steps, sigma, weight)
    for seed in range(20):  # it is a quadratic form: a small step up each way means a minimum
        way = 1e-3 * noise(*SIZE, 2, seed=seed + 3)
        there, back = (energy(found + s * way, low, steps, sigma, weight) for s in (1, -1))
        assert min(there, back) > least
        assert there + back - 2 * least == pytest.approx(there - least + back - least)
        assert abs(there - back) < 1e-6 * least  # no slope


def test_what_agrees_is_found_again() -> None:
    true = noise(*SIZE, 3)
    steps = [np.diff(true, axis=axis) for axis in (0, 1)]
    np.testing.assert_allclose(gauss_poisson(true, steps[0], steps[1], 2.0), true, atol=1e-10)


def test_the_mean_is_that_of_the_low_picture() -> None:
    low, detail = noise(*SIZE, 1), noise(*SIZE, 1, seed=1)
    steps = [np.diff(detail, axis=axis) for axis in (0, 1)]
    assert gauss_poisson(low, steps[0], steps[1], 2.0).mean() == pytest.approx(low.mean())


def test_a_wrong_level_goes_and_the_detail_stays() -> None:
    """The paper's purpose: the part was pasted too dark, the low picture says how light it is."""
    y, x = np.mgrid[:64, :64]
    true = (0.3 * np.sin(y / 3) + x / 64)[..., None]
    pasted = np.hypot(y - 32, x - 32) < 16
    composite = np.where(pasted[..., None], true - 0.4, true)
    low = np.repeat(np.repeat(true.reshape(8, 8, 8, 8, 1).mean((1, 3)), 8, 0), 8, 1)
    found = blended(composite, low, pasted, 8.0)
    assert np.array_equal(found[~pasted], composite[~pasted])
    assert np.abs(found - true)[pasted].mean() < 0.1 * np.abs(composite - true)[pasted].mean()
    assert np.abs(found - true)[pasted].mean() < 0.3 * np.abs(low - true)[pasted].mean()
