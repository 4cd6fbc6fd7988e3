import numpy as np
import pytest
from arrays import normal
from fidelity import fidelity
from numpy.typing import NDArray

from mintmark.metrics.distribution.kernel import kernel_distance, squared_mmd

Array = NDArray[np.float64]


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


@pytest.mark.parametrize("seed", range(30))
def test_kid_of_a_subset_equals_torch_fidelity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, d = (int(k) for k in rng.integers(2, 200, 2))
    x, y = rng.normal(size=(n, d)), rng.normal(0.2, 1.1, size=(n, d))
    if seed % 3 == 0:
        x[:, 0] = y[:, 0] = 2.0  # constant features
    if seed % 3 == 1:
        x[n // 2 :] = x[0]  # repeated rows
    theirs = fidelity("metric_kid").kernel_mmd(x, y)
    assert squared_mmd(x, y) == pytest.approx(float(theirs), rel=1e-10)


def test_kid_does_not_depend_on_the_order() -> None:
    real, fake = normal(0, 60, 4), normal(1, 50, 4)
    real[10:20], fake[7] = real[0], 0.0
    order = np.random.default_rng(2).permutation(60)
    first = kernel_distance(real, fake, seed=7, subsets=5)
    assert kernel_distance(real[order], fake[::-1], seed=7, subsets=5) == first
    fake[7] = -0.0
    assert kernel_distance(real, fake, seed=7, subsets=5) == first
