"""How well scores tell two classes apart, and whether confidence is deserved."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from mintmark.core.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Auroc:
    """An area under the ROC curve.

    Attributes:
        value: Chance that a random positive scores above a random negative,
            equal scores counting half; .5 for scores that know nothing.
        error: Its standard error by DeLong et al. 1988; None with fewer than
            two of a class. It is 0 where the classes are apart, which is not
            certainty but too few samples to see the overlap.
    """

    value: float
    error: float | None


def auroc(labels: NDArray[Any], scores: NDArray[Any]) -> Auroc | None:
    """The area under the ROC curve, ties by mid-rank (Hanley and McNeil 1982).

    It does not depend on how many positives there are, so with few of them it
    flatters: give `average_precision` beside it. With under about 30 of a
    class, look at the error before the value.

    Args:
        labels: 0 or 1 (or booleans), (N,).
        scores: Higher for what is more likely 1, (N,), finite.

    Returns:
        The area, or None where one of the classes is absent: it is undefined.

    Raises:
        ConfigError: The labels or scores are not of that form.
    """
    truth, values = _checked(labels, scores)
    positive, negative = values[truth], values[~truth]
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return None
    ranks = rankdata(values)  # ties share their mean rank
    # Ranks among all less ranks among its own: how many of the other class lie below.
    above = (ranks[truth] - rankdata(positive)) / n  # (m,)
    below = 1 - (ranks[~truth] - rankdata(negative)) / m  # (n,)
    error = None
    if m > 1 and n > 1:
        error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    return Auroc(float(above.mean()), error)


def average_precision(labels: NDArray[Any], scores: NDArray[Any]) -> float | None:
    """Average precision: the sum over thresholds of precision times the step in recall.

    A step sum, not the trapezoids, which would flatter (Davis and Goadrich
    2006). Scores that know nothing reach the share of positives, so compare
    only at equal shares; a handful of positives moves it by chance.

    Args:
        labels: 0 or 1 (or booleans), (N,).
        scores: Higher for what is more likely 1, (N,), finite.

    Returns:
        The figure, or None where one of the classes is absent: it is undefined.

    Raises:
        ConfigError: The labels or scores are not of that form.
    """
    truth, values = _checked(labels, scores)
    if truth.all() or not truth.any():
        return None
    return float(average_precision_score(truth, values))


def expected_calibration_error(
    correct: NDArray[Any], confidence: NDArray[Any], bins: int = 15
) -> float:
    """The mean gap between confidence and accuracy, over bins of equal width.

    `sum_b n_b / N |accuracy_b - confidence_b|` with bins (a, b] (Guo et al.
    2017, "On Calibration of Modern Neural Networks"). It never averages out:
    a perfectly calibrated classifier shows about `sqrt(2 a (1 - a) / (pi n))`
    in a bin of n samples and accuracy a, .03 for a = .8 and n = 100. Compare
    only at equal counts and bins.

    Args:
        correct: Whether the predicted class was right, 0 or 1 (or booleans), (N,).
        confidence: Probability that was given to the predicted class, (N,), in [0, 1].
        bins: How many, >= 1; N must be no smaller.

    Raises:
        ConfigError: The arrays are not of that form, or fewer than `bins`.
    """
    truth, values = _checked(correct, confidence)
    if values.min(initial=0) < 0 or values.max(initial=0) > 1:
        raise ConfigError("Confidence must lie in [0, 1]; give probabilities, not logits.")
    if not 1 <= bins <= len(values):
        raise ConfigError(
            f"Calibration over {bins} bins needs at least 1 bin and as many samples, and got "
            f"{len(values)} samples; give more, or ask for fewer bins."
        )
    edges = np.linspace(0, 1, bins + 1)
    # 0 belongs to the first bin, which is closed on both sides.
    places = np.searchsorted(edges[1:-1], values, side="left")
    gaps = np.bincount(
        places, weights=truth - values, minlength=bins
    )  # n_b (accuracy - confidence)
    return float(np.abs(gaps).sum() / len(values))


def _checked(labels: NDArray[Any], scores: NDArray[Any]) -> tuple[NDArray[np.bool_], Floats]:
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ConfigError(
            f"Labels and scores must be two lists of one length, not {labels.shape} and "
            f"{scores.shape}."
        )
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ConfigError("The scores hold NaN or Inf; check what made them.")
    if not np.isin(labels, (0, 1)).all():
        raise ConfigError("Labels must be 0 or 1; for more classes judge one against the rest.")
    return labels.astype(bool), values
