import numpy as np
import pytest
import torch
from fidelity import fidelity
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.modes import (
    inception_score,
    kl_floor,
    mode_coverage,
    ordered_inception_score,
)

Array = NDArray[np.float64]
# How often each digit occurs among the 60,000 of MNIST's training set.
MNIST = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
STACKED = np.einsum("i,j,k->ijk", MNIST, MNIST, MNIST).ravel()


def logits(seed: int, samples: int, classes: int, scale: float = 3.0) -> Array:
    return np.random.default_rng(seed).normal(size=(samples, classes)) * scale


def sure(labels: NDArray[np.int64], classes: int) -> Array:
    return np.eye(classes)[labels] * 1e4  # one-hot after the softmax, exactly


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_is_of_sure_and_evenly_spread_answers_is_the_number_of_classes(classes: int) -> None:
    score = inception_score(sure(np.arange(2 * classes) % classes, classes), seed=0, splits=1)
    assert score.value == pytest.approx(classes, rel=1e-12)
    assert (score.deviation, score.splits) == (0, 1)


def test_is_of_a_class_that_no_sample_has_is_a_number() -> None:
    assert ordered_inception_score(sure(np.arange(40) % 2, 5), 2).value == pytest.approx(2)


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [1.0, -2.0, 5.0], [1e4, 0.0, 0.0]])
def test_is_of_constant_answers_is_one(row: list[float]) -> None:
    score = inception_score(np.tile(row, (50, 1)), seed=0)
    assert score.value == pytest.approx(1, abs=1e-12)
    assert score.deviation == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("samples", "classes", "splits", "scale"),
    [(100, 10, 10, 3.0), (103, 7, 10, 0.01), (64, 1008, 3, 30.0), (20, 2, 10, 1.0), (9, 4, 1, 1e3)],
)
def test_is_equals_torch_fidelity_on_the_same_order(
    samples: int, classes: int, splits: int, scale: float
) -> None:
    rows = logits(samples, samples, classes, scale)
    peer = fidelity("metric_isc").isc_features_to_metric(
        torch.from_numpy(rows), splits, shuffle=False
    )
    score = ordered_inception_score(rows, splits)
    assert score.value == pytest.approx(peer["inception_score_mean"], rel=1e-12)
    assert score.deviation == pytest.approx(peer["inception_score_std"], rel=1e-11, abs=1e-12)


def test_is_of_float32_logits_is_computed_in_float64() -> None:
    rows = logits(0, 400, 10).astype(np.float32)
    assert ordered_inception_score(rows) == ordered_inception_score(rows.astype(np.float64))


def test_is_does_not_depend_on_the_order_but_on_the_seed() -> None:
    rows = np.eye(10)[np.arange(200) // 20] * 20 + logits(0, 200, 10)
    score = inception_score(rows, seed=3)
    assert score == inception_score(rows[::-1], seed=3)
    assert score != inception_score(rows, seed=4)
    # By class, each split would hold one class alone.
    assert ordered_inception_score(rows).value < 1.2
    assert score.value > 5


def test_is_refuses_too_little() -> None:
    with pytest.raises(ConfigError, match="at least 20 generated samples and got 19"):
        inception_score(logits(0, 19, 5), seed=0)
    with pytest.raises(ConfigError, match="1 split"):
        inception_score(logits(0, 19, 5), seed=0, splits=0)
    with pytest.raises(ConfigError, match="2 classes"):
        inception_score(logits(0, 30, 1), seed=0)
    with pytest.raises(ConfigError, match="NaN or Inf"):
        inception_score(np.full((30, 3), np.nan), seed=0)


def test_coverage_by_hand() -> None:
    uniform = mode_coverage(np.array([0, 0, 0, 1]), modes=4)
    assert uniform.found == 2
    assert uniform.kl == pytest.approx(0.75 * np.log(3) + 0.25 * np.log(1))
    skewed = mode_coverage(np.array([0, 0, 0, 1]), 4, reference=np.array([10, 10, 20, 0]))
    assert skewed.found == 2
    assert skewed.kl == pytest.approx(0.75 * np.log(3) + 0.25 * np.log(1))
    even = mode_coverage(np.array([0, 1, 2, 2]), 4, reference=np.array([2, 2, 4, 0]))
    assert (even.found, even.kl) == (3, 0)


def test_coverage_goes_from_the_generated_to_the_data() -> None:
    one = mode_coverage(np.array([0, 0]), 2, reference=np.array([1, 3]))
    assert one.kl == pytest.approx(np.log(4))


def test_a_sample_outside_the_reference_is_infinitely_far_and_finds_no_mode() -> None:
    outside = mode_coverage(np.array([0, 1]), 2, reference=np.array([5, 0]))
    assert (outside.found, outside.kl) == (1, np.inf)


@pytest.mark.parametrize(
    ("labels", "reference", "story"),
    [
        (np.array([], dtype=int), None, "list of integers"),
        (np.array([0.0, 1.0]), None, "list of integers"),
        (np.array([[0, 1]]), None, "list of integers"),
        (np.array([0, 3]), None, r"in \[0, 3\)"),
        (np.array([-1, 2]), None, r"in \[0, 3\)"),
        (np.array([0, 2]), np.array([1, 1]), "3 counts"),
        (np.array([0, 2]), np.array([1, -1, 1]), "3 counts"),
        (np.array([0, 2]), np.array([0, 0, 0]), "3 counts"),
        (np.array([0, 2]), np.array([1, np.nan, 0]), "3 counts"),
    ],
)
def test_coverage_refuses(labels: NDArray[np.int64], reference: Array | None, story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        mode_coverage(labels, 3, reference)


def test_floor_of_stacked_mnist() -> None:
    own = kl_floor(STACKED, 26_000, seed=0)
    assert own.value == pytest.approx(0.0193, abs=2e-4)
    assert 0.0006 < own.deviation < 0.0011
    even = kl_floor(np.ones(1000), 26_000, seed=0)
    assert even.value == pytest.approx(999 / 52_000, abs=3e-4)
    assert kl_floor(STACKED, 26_000, seed=0, against=np.ones(1000)).value == pytest.approx(
        0.0237, abs=3e-4
    )


def test_a_perfect_generator_stands_on_the_floor_and_finds_every_mode() -> None:
    rng = np.random.default_rng(0)
    floor = kl_floor(STACKED, 26_000, seed=0)
    for _ in range(5):
        labels = rng.choice(1000, 26_000, p=STACKED / STACKED.sum())
        coverage = mode_coverage(labels, 1000, STACKED)
        assert coverage.found == 1000
        assert abs(coverage.kl - floor.value) < 5 * floor.deviation


def test_an_evaluator_that_answers_in_turn_falls_through_the_floor() -> None:
    floor = kl_floor(np.ones(1000), 26_000, seed=0)
    assert mode_coverage(np.arange(26_000) % 1000, 1000).kl < floor.value - 5 * floor.deviation


def test_floor_depends_on_the_seed_only() -> None:
    assert kl_floor(MNIST, 500, 1) == kl_floor(MNIST, 500, 1)
    assert kl_floor(MNIST, 500, 1) != kl_floor(MNIST, 500, 2)
    with pytest.raises(ConfigError, match="at least 1 sample"):
        kl_floor(MNIST, 0, 1)
    with pytest.raises(ConfigError, match="10 counts"):
        kl_floor(MNIST, 10, 1, against=np.ones(9))
