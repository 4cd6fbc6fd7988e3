import numpy as np
import pytest
import torch
from arrays import normal
from fidelity import fidelity
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.frechet import (
    frechet,
    frechet_bias,
    frechet_distance,
    frechet_error,
)
from mintmark.metrics.distribution.moments import moments_of

Array = NDArray[np.float64]


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
    assert frechet_distance(few, many) == pytest.approx(frechet_distance(many, few), rel=1e-12)


@pytest.mark.parametrize("n", [2, 4, 16, 256])
@pytest.mark.parametrize("d", [1, 4, 32, 128])
def test_fd_is_never_nan_and_zero_for_equal_sets(n: int, d: int) -> None:
    rows = normal(2023, n, d)
    assert 0 <= frechet_distance(rows, rows) < 1e-11
    assert frechet_distance(rows, rows[::-1] + 3) == pytest.approx(9 * d, rel=1e-12)


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


def test_fd_in_few_of_the_dimensions_in_closed_form() -> None:
    a, b = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.0])
    plane = rotation(0, 20)[:3]  # (3, 20): 17 directions hold no variance
    real, fake = whitened(1, 50, 3) * np.sqrt(a), whitened(2, 40, 3) * np.sqrt(b) + 1
    exact = 3 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(real @ plane, fake @ plane) == pytest.approx(exact, rel=1e-12)
    assert frechet(moments_of(real @ plane), moments_of(fake @ plane)) == pytest.approx(
        exact, rel=1e-12
    )


def test_fd_sees_a_feature_that_hardly_varies_in_one_set() -> None:
    real, fake = whitened(0, 50, 2) * [1, 1e-8], whitened(1, 50, 2)
    assert frechet_distance(real, fake) == pytest.approx((1 - 1e-8) ** 2, rel=1e-12)


def test_fd_keeps_a_direction_of_little_variance() -> None:
    turn = rotation(2, 2)  # every feature varies, but one direction hardly does
    real, fake = whitened(0, 50, 2) * [1, 1e-4] @ turn, whitened(1, 50, 2) @ turn
    assert frechet_distance(real, fake) == pytest.approx((1 - 1e-4) ** 2, rel=1e-10)


def truth(real: Array, fake: Array) -> float:
    """FD by the singular values of the product of the centred sets: no covariance is formed."""
    x = (real - real.mean(0)) / np.sqrt(len(real) - 1)
    y = (fake - fake.mean(0)) / np.sqrt(len(fake) - 1)
    overlap = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    shift = real.mean(0) - fake.mean(0)
    return float(shift @ shift + (x**2).sum() + (y**2).sum() - 2 * overlap)


def peer(real: Array, fake: Array) -> float:
    """FID of torch-fidelity."""
    module = fidelity("metric_fid")
    first, second = (
        module.fid_features_to_statistics(torch.from_numpy(rows)) for rows in (real, fake)
    )
    return float(module.fid_statistics_to_metric(first, second, False)[module.KEY_METRIC_FID])


DEFICIENT = ("few", "mixed", "repeated", "one mixed")


def case(kind: str, seed: int) -> tuple[Array, Array]:
    """Two random sets, from different laws."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(4, 64))
    n, m = rng.integers(2, d + 1, 2) if kind == "few" else rng.integers(2 * d, 6 * d, 2)
    real, fake = rng.normal(size=(n, d)), rng.normal(1, size=(m, d)) * 1.5
    mix = rng.normal(size=(d // 3, d))
    if "mixed" in kind:
        real = real[:, : len(mix)] @ mix
    if kind == "mixed":
        fake = fake[:, : len(mix)] @ mix
    if kind == "repeated":
        real = np.repeat(real[: d // 2], 6, axis=0)
    if kind == "constant":
        real[:, 0], fake[:, -1] = 2, 3
    return real, fake


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["full", "constant", *DEFICIENT])
def test_fd_equals_torch_fidelity(kind: str, seed: int) -> None:
    real, fake = case(kind, seed)
    exact = truth(real, fake)
    assert frechet_distance(real, fake) == pytest.approx(exact, rel=1e-12)
    assert frechet(moments_of(real), moments_of(fake)) == pytest.approx(exact, rel=1e-12)
    # Where directions hold no variance, roots of the peer's noisy eigenvalues add up.
    close = 1e-6 if kind in DEFICIENT else 1e-9
    assert frechet_distance(real, fake) == pytest.approx(peer(real, fake), rel=close)


@pytest.mark.parametrize("d", [2**i for i in range(1, 8)])
def test_fd_on_the_grid_of_torch_fidelity(d: int) -> None:
    for n in (2**i for i in range(1, 11)):
        rng = np.random.default_rng(2023)
        real, fake = rng.normal(size=(2, n, d))
        ours = frechet_distance(real, fake)
        assert ours == pytest.approx(truth(real, fake), rel=1e-10), n
        # It is noisy by about the root of eps for each direction without variance.
        close = 1e-4 if n <= d else 1e-9 * ours
        assert ours == pytest.approx(peer(real, fake), rel=0, abs=close), n


def test_fd_from_moments_needs_two_samples_and_equal_dimensions() -> None:
    rows = normal(0, 9, 3)
    for measure in (frechet, frechet_bias):
        with pytest.raises(ConfigError, match="at least 2 samples and got 1"):
            measure(moments_of(rows), moments_of(rows[:1]))
        with pytest.raises(ConfigError, match=r"differ in dimensions \(3 and 2\)"):
            measure(moments_of(rows), moments_of(rows[:, :2]))


def test_fd_from_moments_leaves_them_as_they_are() -> None:
    a, b = moments_of(normal(0, 9, 3)), moments_of(normal(1, 9, 3))
    assert frechet(a, b) == frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-12)
    np.testing.assert_array_equal(a.scatter, moments_of(normal(0, 9, 3)).scatter)


def test_fd_bias_of_the_unit_normal_law_in_closed_form() -> None:
    a, b = moments_of(whitened(0, 101, 6)), moments_of(whitened(1, 101, 6))
    assert frechet_bias(a, b) == pytest.approx(2 * 6 / 101 + 6 * 7 / (2 * 100), rel=1e-12)
    # A direction without variance adds nothing.
    a, b = (moments_of(whitened(i, 101, 6) @ np.eye(6, 9)) for i in range(2))
    assert frechet_bias(a, b) == pytest.approx(2 * 6 / 101 + 6 * 7 / (2 * 100), rel=1e-9)


def test_fd_bias_is_what_two_sets_of_one_law_give() -> None:
    scales = 1 / np.arange(1, 9)
    pairs = [
        (normal(2 * i, 200, 8) * scales, normal(2 * i + 1, 600, 8) * scales) for i in range(300)
    ]
    values = [frechet_distance(*pair) for pair in pairs]
    predicted = np.mean([frechet_bias(moments_of(x), moments_of(y)) for x, y in pairs])
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - predicted) < 3 * error + 0.02 * predicted


@pytest.mark.parametrize(("n", "m", "scale", "shift"), [(300, 300, 1.0, 0.4), (300, 600, 1.5, 0.0)])
def test_fd_error_is_what_other_samples_would_move(
    n: int, m: int, scale: float, shift: float
) -> None:
    pairs = [(normal(2 * i, n, 6), normal(2 * i + 1, m, 6) * scale + shift) for i in range(80)]
    spread = np.std([frechet_distance(*pair) for pair in pairs], ddof=1)
    claimed = np.mean([frechet_error(*pair) for pair in pairs])
    assert claimed == pytest.approx(spread, rel=0.3)


def test_fd_error_does_not_follow_repeated_rows() -> None:
    # Few distinct rows, as a collapsed generator gives them: groups made of whole
    # values would claim far more, groups that share each value out evenly far less.
    values = normal(0, 12, 3) * 2
    sets = [values[np.random.default_rng(i).integers(0, 12, 400)] for i in range(60)]
    pairs = [(normal(100 + i, 400, 3), rows) for i, rows in enumerate(sets)]
    spread = np.std([frechet_distance(*pair) for pair in pairs], ddof=1)
    claimed = np.mean([frechet_error(*pair) for pair in pairs])
    assert claimed == pytest.approx(spread, rel=0.3)


def test_fd_error_does_not_depend_on_the_order() -> None:
    real, fake = normal(0, 60, 4), normal(1, 50, 4)
    order = np.random.default_rng(2).permutation(60)
    assert frechet_error(real[order], fake[::-1]) == frechet_error(real, fake)


def test_fd_error_refuses_what_does_not_divide() -> None:
    rows = normal(0, 19, 3)
    with pytest.raises(ConfigError, match="at least 20 real samples and got 19"):
        frechet_error(rows, rows)
    with pytest.raises(ConfigError, match="at least 2 groups"):
        frechet_error(rows, rows, groups=1)
    assert frechet_error(rows, rows * 2, groups=9) > 0
