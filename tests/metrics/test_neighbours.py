import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from arrays import normal
from fidelity import fidelity
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from prdc import compute_prdc

from mintmark.metrics.distribution import distances
from mintmark.metrics.distribution.neighbours import (
    Prdc,
    PrdcErrors,
    precision_recall_density_coverage,
)

Array = NDArray[np.float64]


def prdc_of(real: Array, fake: Array, k: int) -> Prdc:
    peer = compute_prdc(real, fake, k)
    figures = [float(peer[name]) for name in ("precision", "recall", "density", "coverage")]
    return Prdc(figures[0], figures[1], figures[2], figures[3])


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
        monkeypatch.setattr(distances, "BLOCK", block)
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


def shapes(seed: int) -> tuple[Array, Array]:
    """Sets of many kinds, ten by turns: no peer may differ on any."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(12, 90, 2)
    d = int(rng.choice([1, 3, 16, 200]))
    real, fake = rng.normal(size=(n, d)), rng.normal(size=(m, d)) * rng.choice([0.5, 1.0])
    match seed % 10:
        case 1:  # rank-deficient
            basis = rng.normal(size=(min(d, 2), d))
            real, fake = real[:, : len(basis)] @ basis, fake[:, : len(basis)] @ basis
        case 2 | 3:  # ties: whole numbers, with which the peers' arithmetic is exact too
            real, fake = np.round(real), np.round(fake)
        case 4 | 5:  # duplicates
            real, fake = np.round(real * 4), np.round(fake * 4)
            real[n // 2 :], fake[: m // 2] = real[: n - n // 2], real[0]
        case 6:  # constant features
            real[:, 0], fake[:, 0] = 2, 2
        case 7:  # one set constant
            real[:], fake = 3, np.round(fake)
        case 8:  # both constant
            real[:], fake[:] = 3, 3
        case 9:  # one far away
            real[0] += 100
    return real, fake


@pytest.mark.parametrize("seed", range(30))
def test_prdc_equals_both_peers(seed: int) -> None:
    real, fake = shapes(seed)
    k = 1 + seed % 5
    ours = precision_recall_density_coverage(real, fake, k)
    assert ours == prdc_of(real, fake, k)
    # torch-fidelity takes the generated set first, and counts the surface in.
    peer = fidelity("metric_prc").calculate_precision_recall_full(
        torch.from_numpy(fake), torch.from_numpy(real), k
    )
    inclusive = precision_recall_density_coverage(real, fake, k, ties="<=")
    # It gives shares in float32.
    assert (np.float32(inclusive.precision), np.float32(inclusive.recall)) == peer


def test_prdc_does_not_depend_on_the_order() -> None:
    real, fake = normal(0, 80, 5), normal(1, 70, 5)
    shuffled = precision_recall_density_coverage(real[::-1], np.roll(fake, 31, axis=0))
    assert shuffled == precision_recall_density_coverage(real, fake)


def test_errors_by_hand() -> None:
    # Two reals at 0 and 2, balls of radius 2; fakes at 0.9 (in both), -0.1 (in one), 9, 12.
    real, fake = np.array([[0.0], [2.0]]), np.array([[0.9], [-0.1], [9.0], [12.0]])
    found = precision_recall_density_coverage(real, fake, k=1)
    assert found == Prdc(0.5, 0.5, 0.75, 1.0)  # fakes' radii 1, 1, 3, 3: only 0 is recalled
    assert found.errors == PrdcErrors(
        precision=math.sqrt(0.25 / 4),
        recall=math.sqrt(0.25 / 2),
        density=math.sqrt(sum((count - 0.75) ** 2 for count in (2, 1, 0, 0)) / 3 / 4),
        coverage=0,
    )
    twice = precision_recall_density_coverage(np.repeat(real, 2, axis=0), fake, 2, "<=")
    assert twice.density == 0.75 * 2 / 2
    assert twice.errors.density == pytest.approx(found.errors.density, rel=1e-12)


def test_errors_tell_the_spread_over_other_samples() -> None:
    # Fakes for precision and density, reals for recall: what makes the balls stays.
    fixed = normal(0, 120, 3)
    others = [normal(1 + i, 150, 3) * 1.3 for i in range(150)]
    as_fakes = [precision_recall_density_coverage(fixed, other) for other in others]
    as_reals = [precision_recall_density_coverage(other, fixed) for other in others]
    for name, found in (("precision", as_fakes), ("density", as_fakes), ("recall", as_reals)):
        spread = np.std([getattr(one, name) for one in found], ddof=1)
        errors = [getattr(one.errors, name) for one in found]
        # A standard deviation of 150 values is known to 1 / sqrt(2 * 149) = 6 %.
        assert abs(spread / np.mean(errors) - 1) < 0.18, name


def test_errors_are_unknown_until_measured_and_not_compared() -> None:
    found = Prdc(1, 1, 1, 1)
    assert all(math.isnan(getattr(found.errors, field.name)) for field in fields(PrdcErrors))
    assert found == Prdc(1, 1, 1, 1, PrdcErrors(0, 0, 0, 0))
