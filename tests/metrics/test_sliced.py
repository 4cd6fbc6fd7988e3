import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray

from mintmark.metrics.distribution.sliced import sliced_wasserstein

Array = NDArray[np.float64]


def test_mind_of_a_line_by_hand() -> None:
    # Sorted pairs differ by 1, 1 and 4; d = 1 and every direction is +1 or -1.
    real, fake = np.array([[5.0], [0.0], [2.0]]), np.array([[9.0], [1.0], [1.0]])
    estimate = sliced_wasserstein(real, fake, seed=0)
    assert estimate.value == pytest.approx(3 * (1 + 1 + 16) / 3)
    assert estimate.error == pytest.approx(0, abs=1e-12)
    assert estimate.size == 3


@pytest.mark.parametrize("d", [2, 16])
def test_mind_of_a_shift_is_three_d_mu_squared(d: int) -> None:
    rows, mu = normal(0, 40, d), 0.5
    estimate = sliced_wasserstein(rows, rows + mu, seed=1)
    assert abs(estimate.value - 3 * d * mu**2) < 3 * estimate.error
    assert estimate.error < 0.1 * estimate.value


def test_mind_of_gaussians_of_other_scale() -> None:
    # On every line N(0, 1) against N(0, 4): (2 - 1)^2, and so 3 d.
    values = [
        sliced_wasserstein(normal(2 * i, 4000, 3), normal(2 * i + 1, 4000, 3) * 2, i, 50).value
        for i in range(20)
    ]
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - 9) < 3 * error + 0.02  # sorting noise is of order 1 / N


def test_mind_error_is_what_other_directions_would_move() -> None:
    real, fake = normal(0, 60, 8), normal(1, 60, 8) + 0.5
    estimates = [sliced_wasserstein(real, fake, seed, 100) for seed in range(60)]
    spread = np.std([estimate.value for estimate in estimates], ddof=1)
    assert np.mean([estimate.error for estimate in estimates]) == pytest.approx(spread, rel=0.3)


def test_mind_is_zero_for_equal_sets_and_symmetric() -> None:
    rows, others = normal(0, 50, 8), normal(1, 50, 8)
    order = np.random.default_rng(2).permutation(50)
    assert sliced_wasserstein(rows, rows[order], seed=0).value == 0
    assert sliced_wasserstein(rows, others, 0) == sliced_wasserstein(others, rows, 0)
    few = others[:30]
    assert sliced_wasserstein(rows, few, 0) == sliced_wasserstein(few, rows, 0)


def test_mind_of_unequal_counts_takes_a_seeded_part_of_the_larger() -> None:
    rows, few = normal(0, 50, 2), normal(1, 20, 2) + 1
    estimate = sliced_wasserstein(rows, few, seed=0)
    assert estimate.size == 20
    order = np.random.default_rng(2).permutation(50)
    assert sliced_wasserstein(rows[order], few[::-1], seed=0) == estimate
    assert sliced_wasserstein(rows, few, seed=1).value != estimate.value
    # A part of a shifted copy is another part of the law, not the first rows of it.
    line = np.arange(1000.0)[:, None]
    parts = [sliced_wasserstein(line, line[:100], seed, 2).value for seed in range(5)]
    assert min(parts) > 3 * 300**2


def test_mind_does_not_depend_on_how_many_directions_are_held_at_a_time() -> None:
    # 130 directions are two blocks and a rest; every one must count.
    rows = normal(0, 30, 2)
    estimate = sliced_wasserstein(rows, rows + np.array([0.0, 1.0]), seed=3, directions=130)
    assert abs(estimate.value - 3) < 3 * estimate.error
