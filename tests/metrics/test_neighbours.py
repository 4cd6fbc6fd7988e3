import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from prdc import compute_prdc

from mintmark.metrics.distribution import neighbours
from mintmark.metrics.distribution.neighbours import Prdc, precision_recall_density_coverage

Array = NDArray[np.float64]


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def prdc_of(real: Array, fake: Array, k: int) -> Prdc:
    peer = compute_prdc(real, fake, k)
    return Prdc(**{name: float(value) for name, value in peer.items()})


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
        monkeypatch.setattr(neighbours, "BLOCK", block)
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
