"""How many modes generated samples cover, read off what a classifier says of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr, softmax

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked

DRAWS = 300  # perfect generators that the floor of the KL is taken from


@dataclass(frozen=True)
class InceptionScore:
    """How sure and how varied a classifier finds generated samples.

    Attributes:
        value: The mean over the splits, in [1, classes].
        deviation: The standard deviation over the splits (ddof = 0), which is
            what papers print after the sign "±". It is no standard error: that
            would be smaller, about `deviation / sqrt(splits - 1)`.
        splits: How many there were.
    """

    value: float
    deviation: float
    splits: int


@dataclass(frozen=True)
class ModeCoverage:
    """Which modes of a known law generated samples reach.

    Attributes:
        found: Modes of the reference with at least one generated sample.
        kl: KL(generated || reference) in nats; infinite where a sample lies in
            a mode that the reference does not have.
    """

    found: int
    kl: float


@dataclass(frozen=True)
class Floor:
    """What a perfect generator would show.

    Attributes:
        value: The mean.
        deviation: The standard deviation from one set of samples to the next.
    """

    value: float
    deviation: float


def inception_score(logits: NDArray[Any], seed: int, splits: int = 10) -> InceptionScore:
    """The Inception Score, `exp(E KL(p(y|x) || p(y)))`.

    Salimans et al. 2016, "Improved Techniques for Training GANs". The name
    belongs to the logits of the Inception network without their bias, 50,000
    samples and 10 splits. Of another classifier it compares generators of one
    data set only. It sees neither the real samples nor variety within a class,
    and p(y) of few samples is coarse: a split of n samples cannot score above
    n, so let a split hold many times more samples than there are classes.

    Args:
        logits: A classifier's outputs before the softmax, (N, classes),
            N >= 2 * splits, classes >= 2, in any order.
        seed: Decides which samples share a split.
        splits: Parts that are scored apart, >= 1.

    Raises:
        ConfigError: There are too few samples, classes or splits.
    """
    ordered = canonical(_checked_logits(logits, splits))
    rng = np.random.default_rng(derive(seed, "inception score"))
    return ordered_inception_score(ordered[rng.permutation(len(ordered))], splits)


def ordered_inception_score(logits: NDArray[Any], splits: int = 10) -> InceptionScore:
    """The same of samples that are in random order already: splits are runs of them.

    Samples sorted by class would make each split look poor in classes.

    Args:
        logits: As of `inception_score`.
        splits: As of `inception_score`.

    Raises:
        ConfigError: There are too few samples, classes or splits.
    """
    probabilities = softmax(_checked_logits(logits, splits), axis=1)  # (N, classes)
    edges = np.arange(splits + 1) * len(logits) // splits
    scores = np.array(
        [
            np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean())
            for part in np.split(probabilities, edges[1:-1])
        ]
    )
    return InceptionScore(float(scores.mean()), float(scores.std()), splits)


def mode_coverage(
    labels: NDArray[Any], modes: int, reference: NDArray[Any] | None = None
) -> ModeCoverage:
    """How many modes the samples reach, and how far their shares are from the reference.

    As on StackedMNIST (Metz et al. 2017, "Unrolled GANs"), where a classifier
    names the mode of each sample. Few samples look worse than they are: a
    perfect generator shows about `(modes - 1) / (2 N)` and not 0, see
    `kl_floor`; with N near `modes` it also misses some. So compare only at
    equal N, and tell how often the classifier errs.

    Args:
        labels: The mode of each generated sample, (N,) integers in [0, modes), N >= 1.
        modes: How many there are.
        reference: How often each occurs in the data, (modes,) counts or shares;
            None for all alike.

    Raises:
        ConfigError: The labels are no modes, or the reference does not fit them.
    """
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype.kind not in "iu":
        raise ConfigError(
            f"Modes must be a list of integers, one a sample, not {labels.dtype} {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= modes:
        raise ConfigError(
            f"Modes must lie in [0, {modes}), and some are in "
            f"[{labels.min()}, {labels.max()}]; give the number of modes that the classifier has."
        )
    law = _law(np.ones(modes) if reference is None else reference, modes)
    shares = np.bincount(labels, minlength=modes) / len(labels)
    found = int(((shares > 0) & (law > 0)).sum())
    return ModeCoverage(found, float(rel_entr(shares, law).sum()))


def kl_floor(
    counts: NDArray[Any], samples: int, seed: int, against: NDArray[Any] | None = None
) -> Floor:
    """The KL of `mode_coverage` that a perfect generator shows with so many samples.

    The mean of 300 simulated generators that follow the data, about
    `(modes - 1) / (2 N)`. A figure more than five deviations below it is too
    good to be true: look for a fault in the evaluation.

    Args:
        counts: How often each mode occurs in the data, (modes,).
        samples: How many generated samples are scored, >= 1.
        seed: Decides the simulated samples.
        against: The reference that the KL is measured against, (modes,), where
            it is not `counts` itself. Data that is not balanced, measured
            against equal shares, has a higher floor.

    Raises:
        ConfigError: There are no samples, or the counts are no law.
    """
    if samples < 1:
        raise ConfigError(f"A floor needs at least 1 sample, not {samples}.")
    law = _law(counts, len(counts))
    reference = law if against is None else _law(against, len(counts))
    rng = np.random.default_rng(derive(seed, "kl floor"))
    shares = rng.multinomial(samples, law, size=DRAWS) / samples  # (draws, modes)
    divergences = rel_entr(shares, reference).sum(axis=1)
    return Floor(float(divergences.mean()), float(divergences.std(ddof=1)))


def _checked_logits(logits: NDArray[Any], splits: int) -> Features:
    if splits < 1:
        raise ConfigError(f"An Inception Score needs at least 1 split, not {splits}.")
    (logits,) = checked(2 * splits, generated=logits)
    if logits.shape[1] < 2:
        raise ConfigError("An Inception Score needs the logits of at least 2 classes, not of 1.")
    return logits


def _law(counts: NDArray[Any], modes: int) -> Features:
    """Counts as shares, (modes,)."""
    weights = np.asarray(counts, dtype=np.float64)
    proper = weights.shape == (modes,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not proper or weights.sum() <= 0:
        raise ConfigError(
            f"A reference law must be {modes} counts that are not negative nor all 0; "
            "count the modes of the real data."
        )
    law: Features = weights / weights.sum()
    return law
