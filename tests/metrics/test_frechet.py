import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.metrics.distribution.frechet import frechet_distance

Array = NDArray[np.float64]


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def whitened(seed: int, n: int, d: int) -> Array:
    """Samples with mean exactly 0 and covariance (ddof = 1) exactly 1."""
    rows = normal(seed, n, d)
    rows -= rows.mean(axis=0)
    q, _ = np.linalg.qr(rows)
    return np.asarray(q * np.sqrt(n - 1))


def rotation(seed: int, d: int) -> Array:
    return np.linalg.qr(normal(seed, d, d))[0]


def test_fd_of_gaussians_with_commuting_covariances() -> None:
    a, b = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.25])
    shift = np.array([1.0, -2.0, 0.5])
    real, fake = whitened(0, 50, 3) * np.sqrt(a), whitened(1, 40, 3) * np.sqrt(b) + shift
    exact = (shift**2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(real, fake) == pytest.approx(exact, rel=1e-12)
    turn = rotation(2, 3)
    assert frechet_distance(real @ turn, fake @ turn) == pytest.approx(exact, rel=1e-12)


def test_fd_of_covariances_that_do_not_commute() -> None:
    real = normal(0, 60, 5) @ normal(1, 5, 5)
    fake = normal(2, 70, 5) @ normal(3, 5, 5) + 1
    first, second = np.cov(real.T), np.cov(fake.T)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real)
    exact = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(first + second) - 2 * roots.sum()
    assert frechet_distance(real, fake) == pytest.approx(exact, rel=1e-10)
    assert frechet_distance(fake, real) == pytest.approx(exact, rel=1e-10)


def test_fd_bias_on_the_same_law() -> None:
    d, n = 16, 1000
    values = [frechet_distance(normal(2 * i, n, d), normal(2 * i + 1, n, d)) for i in range(40)]
    predicted = 2 * d / n + d * (d + 1) / (2 * n)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - predicted) < 3 * error + 0.02 * predicted


def test_fd_with_fewer_samples_than_dimensions() -> None:
    n, d = 40, 128
    real, fake = normal(0, n, d), normal(1, n, d) * 2
    x = (real - real.mean(0)) / np.sqrt(n - 1)
    y = (fake - fake.mean(0)) / np.sqrt(n - 1)
    # The eigenvalues of S1 S2 that are not 0 are the squared singular values of x y'.
    overlap = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    exact = ((real.mean(0) - fake.mean(0)) ** 2).sum() + (x**2).sum() + (y**2).sum() - 2 * overlap
    assert frechet_distance(real, fake) == pytest.approx(exact, rel=1e-9)


def test_fd_is_symmetric_when_one_set_is_rank_deficient() -> None:
    few, many = normal(0, 40, 128), normal(1, 400, 128)
    assert frechet_distance(few, many) == pytest.approx(frechet_distance(many, few), abs=1e-5)


@pytest.mark.parametrize("n", [2, 4, 16, 256])
@pytest.mark.parametrize("d", [1, 4, 32, 128])
def test_fd_is_never_nan_and_zero_for_equal_sets(n: int, d: int) -> None:
    rows = normal(2023, n, d)
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(rows, rows[::-1] + 3) == pytest.approx(9 * d, abs=1e-9)


def test_fd_of_constant_features() -> None:
    constant = np.full((10, 3), 2.0)
    assert frechet_distance(constant, constant) == 0
    assert frechet_distance(constant, constant + 1) == pytest.approx(3)
    assert frechet_distance(constant, whitened(0, 9, 3) + 2) == pytest.approx(3)


def test_fd_computes_in_float64_whatever_comes_in() -> None:
    real, fake = normal(0, 500, 4) + 1e4, normal(1, 500, 4) + 1e4
    real32, fake32 = real.astype(np.float32), fake.astype(np.float32)
    assert frechet_distance(real32, fake32) == frechet_distance(
        real32.astype(np.float64), fake32.astype(np.float64)
    )
