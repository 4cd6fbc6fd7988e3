import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from prdc import compute_prdc

from mintmark.core.errors import ConfigError
from mintmark.metrics import distribution
from mintmark.metrics.distribution import (
    Prdc,
    frechet_distance,
    kernel_distance,
    precision_recall_density_coverage,
)

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


def prdc_of(real: Array, fake: Array, k: int) -> Prdc:
    peer = compute_prdc(real, fake, k)
    return Prdc(**{name: float(value) for name, value in peer.items()})


# Fréchet distance


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


# Kernel distance


def test_kid_of_two_points_by_hand() -> None:
    # Four samples a set, subsets of two; all of a set's samples are the same,
    # so every subset gives k(x, x) + k(y, y) - 2 k(x, y) with d = 2.
    x, y = np.array([1.0, 0.0]), np.array([1.0, 2.0])
    estimate = kernel_distance(np.tile(x, (4, 1)), np.tile(y, (4, 1)), seed=0)
    assert estimate.value == pytest.approx(1.5**3 + 3.5**3 - 2 * 1.5**3)
    assert estimate.error == pytest.approx(0, abs=1e-12)
    assert estimate.size == 2


def test_kid_is_unbiased_on_the_same_law_and_may_be_negative() -> None:
    values = [
        kernel_distance(normal(2 * i, 24, 4), normal(2 * i + 1, 24, 4), i, subsets=10).value
        for i in range(200)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / np.sqrt(len(values))
    assert min(values) < 0


def test_kid_is_unbiased_for_a_known_difference() -> None:
    # With one dimension and points 0 and N(1, 1): 1 + E(y y' + 1)^3 - 2.
    # E(y y')^j = m_j^2 with moments 1, 2, 4 of N(1, 1), so 1 + (16 + 3 * 4 + 3 * 1 + 1) - 2.
    zeros = np.zeros((16, 1))
    values = [kernel_distance(zeros, normal(i, 16, 1) + 1, i, subsets=10).value for i in range(400)]
    assert abs(np.mean(values) - 31) < 3 * np.std(values, ddof=1) / np.sqrt(len(values))


def test_kid_error_is_what_other_samples_would_move() -> None:
    estimates = [
        kernel_distance(normal(2 * i, 120, 8), normal(2 * i + 1, 120, 8) + 0.5, i, subsets=40)
        for i in range(60)
    ]
    spread = np.std([estimate.value for estimate in estimates], ddof=1)
    claimed = np.mean([estimate.error for estimate in estimates])
    assert 0.7 * spread < claimed < 1.4 * spread


def test_kid_error_of_few_subsets_of_many_samples_is_std_over_root_subsets() -> None:
    real, fake = normal(0, 20_000, 2), normal(1, 20_000, 2) + 0.5
    few = [kernel_distance(real, fake, seed, subsets=20, size=20) for seed in range(40)]
    spread = np.std([estimate.value for estimate in few], ddof=1)
    assert np.mean([estimate.error for estimate in few]) == pytest.approx(spread, rel=0.35)


def test_kid_depends_on_the_seed_only() -> None:
    real, fake = normal(0, 60, 4), normal(1, 50, 4)
    first = kernel_distance(real, fake, seed=7, subsets=5)
    assert first == kernel_distance(real, fake, seed=7, subsets=5)
    assert first.value != kernel_distance(real, fake, seed=8, subsets=5).value
    assert first.size == 25
    assert kernel_distance(real, fake, seed=7, subsets=5, size=20).size == 20


# Precision, recall, density, coverage


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(8, 60),
    m=st.integers(8, 60),
    d=st.integers(1, 12),
    k=st.integers(1, 6),
    grid=st.booleans(),
)
def test_prdc_equals_its_reference(seed: int, n: int, m: int, d: int, k: int, grid: bool) -> None:
    real, fake = normal(seed, n, d), normal(seed + 1, m, d) * 0.7
    if grid:  # many duplicates and ties, and exact arithmetic in the reference too
        real, fake = np.round(real), np.round(fake)
    assert precision_recall_density_coverage(real, fake, k) == prdc_of(real, fake, k)


def naive_inclusive(real: Array, fake: Array, k: int) -> Prdc:
    def distance(a: Array, b: Array) -> float:
        return float(np.sqrt(((a - b) ** 2).sum()))

    def radius(rows: Array, i: int) -> float:
        return sorted(distance(rows[i], rows[j]) for j in range(len(rows)) if j != i)[k - 1]

    n, m = len(real), len(fake)
    pairs = [[distance(a, b) for b in fake] for a in real]
    in_real = [[pairs[i][j] <= radius(real, i) for j in range(m)] for i in range(n)]
    in_fake = [[pairs[i][j] <= radius(fake, j) for j in range(m)] for i in range(n)]
    return Prdc(
        precision=sum(any(in_real[i][j] for i in range(n)) for j in range(m)) / m,
        recall=sum(any(row) for row in in_fake) / n,
        density=sum(map(sum, in_real)) / (k * m),
        coverage=sum(any(row) for row in in_real) / n,
    )


@pytest.mark.parametrize("seed", range(5))
def test_prdc_with_ties_inside(seed: int) -> None:
    real, fake = np.round(normal(seed, 14, 2)), np.round(normal(seed + 9, 11, 2))
    ours = precision_recall_density_coverage(real, fake, k=2, ties="<=")
    exact = naive_inclusive(real, fake, k=2)
    assert (ours.precision, ours.recall, ours.coverage) == (
        exact.precision,
        exact.recall,
        exact.coverage,
    )
    assert ours.density == pytest.approx(exact.density, rel=1e-15)
    assert ours != precision_recall_density_coverage(real, fake, k=2, ties="<")


def test_prdc_of_duplicates_ties_exactly() -> None:
    # Each row three times: every ball of k = 2 has radius 0, whatever the rounding.
    rows = np.repeat(normal(0, 20, 32) + 100, 3, axis=0)
    assert precision_recall_density_coverage(rows, rows, k=2, ties="<") == Prdc(0, 0, 0, 0)
    assert precision_recall_density_coverage(rows, rows, k=2, ties="<=") == Prdc(1, 1, 1.5, 1)


def test_prdc_does_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = normal(0, 103, 6), normal(1, 97, 6)
    whole = precision_recall_density_coverage(real, fake)
    for block in (1, 7, 103):
        monkeypatch.setattr(distribution, "BLOCK", block)
        assert precision_recall_density_coverage(real, fake) == whole


def test_prdc_expectations_on_the_same_law() -> None:
    n, k = 150, 5
    found = [
        precision_recall_density_coverage(normal(2 * i, n, 4), normal(2 * i + 1, n, 4), k)
        for i in range(60)
    ]
    missed = np.prod([(n - 1 - i) / (2 * n - 1 - i) for i in range(k)])
    for name, exact in (("density", 1.0), ("coverage", 1 - missed)):
        values = [getattr(one, name) for one in found]
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values) - exact) < 3.5 * error, name


def test_a_collapsed_generator_has_precision_without_recall() -> None:
    real, fake = normal(0, 300, 4) * 3, normal(1, 300, 4) * 0.1
    collapsed = precision_recall_density_coverage(real, fake)
    assert collapsed.precision > 0.8
    assert collapsed.recall < 0.3
    assert collapsed.coverage < 0.3
    swapped = precision_recall_density_coverage(fake, real)
    assert (swapped.precision, swapped.recall) == (collapsed.recall, collapsed.precision)


def test_prdc_of_sets_far_apart_is_zero() -> None:
    real = normal(0, 30, 3)
    assert precision_recall_density_coverage(real, real + 1e3) == Prdc(0, 0, 0, 0)


# Refusals


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (normal(0, 9, 3), normal(1, 9, 4), "one extractor"),
        (normal(0, 9, 3), normal(1, 9), "samples, dimensions"),
        (normal(0, 9, 3), np.full((9, 3), np.nan), "generated features hold NaN"),
        (np.full((9, 3), np.inf), normal(1, 9, 3), "real features hold NaN"),
        (normal(0, 9, 3), normal(1, 1, 3), "generated samples and got 1"),
    ],
)
def test_sets_that_do_not_compare_are_refused(real: Array, fake: Array, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        frechet_distance(real, fake)
    with pytest.raises(ConfigError, match=words):
        kernel_distance(real, fake, seed=0)
    with pytest.raises(ConfigError, match=words):
        precision_recall_density_coverage(real, fake)


def test_arguments_out_of_range_are_refused() -> None:
    rows = normal(0, 9, 3)
    with pytest.raises(ConfigError, match="at least 10 real samples and got 9"):
        precision_recall_density_coverage(rows, rows, k=9)
    with pytest.raises(ConfigError, match="k must be at least 1"):
        precision_recall_density_coverage(rows, rows, k=0)
    with pytest.raises(ConfigError, match="at least 2 subsets"):
        kernel_distance(rows, rows, seed=0, subsets=1)
