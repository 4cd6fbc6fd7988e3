from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mintmark.core.errors import ConfigError
from mintmark.metrics.judgement import (
    Auroc,
    auroc,
    average_precision,
    expected_calibration_error,
)

LABELS = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8])


def area(labels: NDArray[Any], scores: NDArray[Any]) -> Auroc:
    found = auroc(labels, scores)
    assert found is not None
    return found


def test_the_example_of_scikit_learn() -> None:
    assert area(LABELS, SCORES).value == 0.75
    assert average_precision(LABELS, SCORES) == pytest.approx(0.8333, abs=1e-4)


def test_the_standard_error_by_hand() -> None:
    # Positives lie above 1/2 and 2/2 of the negatives, negatives below 2/2 and
    # 1/2 of the positives: variances 1/8 each, over two each.
    assert area(LABELS, SCORES).error == pytest.approx(np.sqrt(1 / 8 / 2 + 1 / 8 / 2))


def test_constant_scores_know_nothing() -> None:
    assert area(LABELS, np.full(4, 0.3)) == Auroc(0.5, 0.0)
    assert average_precision(np.array([0, 1, 0, 0]), np.full(4, 0.3)) == 0.25


def test_apart_and_upside_down() -> None:
    assert area(LABELS, np.array([1, 2, 3, 4])).value == 1
    assert area(LABELS, -np.array([1, 2, 3, 4])).value == 0
    assert area(LABELS.astype(bool), np.array([1, 2, 3, 4])) == Auroc(1.0, 0.0)


@given(
    seed=st.integers(0, 10_000),
    positives=st.integers(1, 30),
    negatives=st.integers(1, 30),
    grid=st.booleans(),
)
def test_auroc_counts_pairs_as_scikit_learn_does(
    seed: int, positives: int, negatives: int, grid: bool
) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [positives, negatives])
    scores = rng.normal(size=len(labels)) + labels
    scores = np.round(scores) if grid else scores
    gaps = scores[labels == 1][:, None] - scores[labels == 0]
    found = area(labels, scores)
    assert found.value == pytest.approx(((gaps > 0) + (gaps == 0) / 2).mean(), abs=1e-14)
    assert found.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert (found.error is None) == (min(positives, negatives) == 1)


def test_the_error_is_what_other_samples_would_move() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [40, 120])
    widths = np.where(labels, 0.3, 2.0)  # so that the two classes add unequal parts
    found = [area(labels, widths * rng.normal(size=160) + labels) for _ in range(400)]
    spread = np.std([one.value for one in found], ddof=1)
    claimed = np.mean([one.error for one in found if one.error is not None])
    assert claimed == pytest.approx(spread, rel=0.12)


def naive_precision(labels: NDArray[Any], scores: NDArray[Any]) -> float:
    total, seen = 0.0, 0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        hits = int(labels[scores >= threshold].sum())
        total += (hits - seen) / labels.sum() * hits / (scores >= threshold).sum()
        seen = hits
    return total


@pytest.mark.parametrize("seed", range(10))
def test_average_precision_is_the_step_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 30), np.round(rng.normal(size=30), 1)
    assert average_precision(labels, scores) == pytest.approx(naive_precision(labels, scores))


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_alone_is_undefined(labels: list[int]) -> None:
    truth, scores = np.array(labels, dtype=int), np.arange(len(labels)) / 3
    assert auroc(truth, scores) is None
    assert average_precision(truth, scores) is None


def test_calibration_by_hand() -> None:
    # Bins of a quarter: (0, .25] holds .1 and .25, (.75, 1] holds .9, 1 and .8.
    confidence = np.array([0.1, 0.25, 0.9, 1.0, 0.8])
    correct = np.array([0, 1, 1, 1, 0])
    low, high = abs(1 - 0.35), abs(2 - 2.7)
    found = expected_calibration_error(correct, confidence, bins=4)
    assert found == pytest.approx((low + high) / 5)


def test_calibration_counts_gaps_within_bins_only() -> None:
    confidence, correct = np.array([0.8, 0.6]), np.array([0, 1])
    assert expected_calibration_error(correct, confidence, bins=1) == pytest.approx(0.2)
    assert expected_calibration_error(correct, confidence, bins=2) == pytest.approx(0.2)
    either = expected_calibration_error(np.array([1, 0]), np.array([0.4, 0.6]), bins=2)
    assert either == pytest.approx(0.6)
    apart = np.array([0.9, 0.6, 0.9, 0.6])
    truth = np.array([1, 0, 1, 0])
    assert expected_calibration_error(truth, apart, bins=4) == pytest.approx((0.2 + 1.2) / 4)


def test_sure_answers_are_as_wrong_as_they_err() -> None:
    correct = np.repeat([1, 0], [75, 25])
    assert expected_calibration_error(correct, np.ones(100)) == 0.25
    assert expected_calibration_error(correct, np.zeros(100)) == 0.75
    assert expected_calibration_error(correct, np.full(100, 0.75)) == pytest.approx(0)


def test_calibrated_answers_show_the_noise_that_is_documented() -> None:
    rng = np.random.default_rng(0)
    found = [
        expected_calibration_error(rng.random(100) < 0.8, np.full(100, 0.8)) for _ in range(400)
    ]
    assert np.mean(found) == pytest.approx(np.sqrt(2 * 0.8 * 0.2 / (np.pi * 100)), rel=0.1)


def test_fifteen_bins_unless_told() -> None:
    # One answer in the middle of each fifteenth, as sure as that: all gaps are within one bin.
    confidence = np.repeat((np.arange(15) + 0.5) / 15, 30)
    correct = np.tile(np.arange(30), 15) < np.repeat(2 * np.arange(15) + 1, 30)
    assert expected_calibration_error(correct, confidence) == pytest.approx(0)
    swapped = correct.reshape(15, 30)[[1, 0, *range(2, 15)]].ravel()
    assert expected_calibration_error(swapped, confidence) == pytest.approx(2 / 15 / 15)


@pytest.mark.parametrize("judge", [auroc, average_precision, expected_calibration_error])
def test_judges_refuse(judge: Any) -> None:
    with pytest.raises(ConfigError, match="one length"):
        judge(LABELS, SCORES[:3])
    with pytest.raises(ConfigError, match="one length"):
        judge(LABELS[None], SCORES[None])
    with pytest.raises(ConfigError, match="NaN or Inf"):
        judge(LABELS, np.array([0, 1, np.nan, 0]))
    with pytest.raises(ConfigError, match="0 or 1"):
        judge(np.array([-1, 1, 1, -1]), SCORES)


@pytest.mark.parametrize(
    ("confidence", "bins", "story"),
    [
        (SCORES + 1, 1, "logits"),
        (SCORES - 0.2, 1, "logits"),
        (SCORES, 5, "got 4 samples"),
        (SCORES, 0, "at least 1 bin"),
    ],
)
def test_calibration_refuses(confidence: NDArray[Any], bins: int, story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        expected_calibration_error(LABELS, confidence, bins)
