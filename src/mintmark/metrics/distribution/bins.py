"""Which regions of feature space generated samples fill too much or too little."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import norm
from sklearn.cluster import KMeans

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked

PER_BIN = 5  # expected samples in a bin below which the normal law of a share is too coarse
ROUNDS = 100  # of k-means


@dataclass(frozen=True)
class BinDifference:
    """How the shares of two sets differ over bins.

    Attributes:
        ndb: Share of bins whose two shares differ significantly (NDB / K), in
            [0, 1]. For equal laws about `alpha`, and less where many bins
            hold under about 10 samples.
        js: Jensen-Shannon divergence of the shares in nats, in [0, ln 2]. For
            equal laws about `(K - 1) / 8 * (2 / N + 1 / M)`, likewise less.
        bins: How many there were, K.
    """

    ndb: float
    js: float
    bins: int


def different_bins(
    real: NDArray[Any], fake: NDArray[Any], seed: int, bins: int = 100, alpha: float = 0.05
) -> BinDifference:
    """NDB and JS over the k-means bins of the real samples.

    Richardson and Weiss 2018, "On GANs and GMMs": a two-proportion z-test a
    bin. They count the samples that the bins were fitted to, whose shares are
    not those of new samples: each drew a centre towards itself. For Gaussian
    samples and equal laws, 50 a bin, that gives .30 instead of .05 in 256
    dimensions and .02 in 64. So here a random half of the real samples makes
    the bins and the other half is counted: the figure is not that of their code.

    For equal laws NDB / K moves by about `sqrt(alpha (1 - alpha) / K)` from one
    set of samples to the next. More samples find smaller differences: compare
    only at equal counts. Copies within a set make its shares look surer than
    they are.

    Args:
        real: Features, (N, d), N >= 10 * bins.
        fake: Features, (M, d), M >= 5 * bins.
        seed: Decides the halves and the start of k-means.
        bins: How many, K >= 2.
        alpha: Level of each test, in (0, 1).

    Raises:
        ConfigError: The sets cannot be compared, are too small for so many
            bins, or the real one holds too few different samples.
    """
    real, fake = checked(1, real=real, generated=fake)
    if bins < 2 or not 0 < alpha < 1:
        raise ConfigError(f"Bins must be at least 2 and alpha in (0, 1), not {bins} and {alpha}.")
    if len(real) < 2 * PER_BIN * bins or len(fake) < PER_BIN * bins:
        raise ConfigError(
            f"{bins} bins need at least {2 * PER_BIN * bins} real and {PER_BIN * bins} generated "
            f"samples and got {len(real)} and {len(fake)}; give more, or ask for fewer bins."
        )
    order = np.random.default_rng(derive(seed, "halves")).permutation(len(real))
    halves = canonical(real)[order]
    made, counted = halves[: len(halves) // 2], halves[len(halves) // 2 :]
    model = _fitted(made, bins, derive(seed, "k-means"))
    first, second = _counts(model, counted), _counts(model, fake)
    differ = _p_values(first, second) < alpha
    return BinDifference(float(differ.mean()), _jensen_shannon(first, second), bins)


def _fitted(rows: Features, bins: int, seed: int) -> KMeans:
    distinct = len(np.unique(rows, axis=0))
    if distinct < bins:
        raise ConfigError(
            f"Half of the real samples hold only {distinct} different ones, too few for {bins} "
            "bins; ask for fewer bins or remove copies."
        )
    start = seed % 2**32  # all that scikit-learn takes
    return KMeans(bins, n_init=1, max_iter=ROUNDS, random_state=start).fit(rows)


def _counts(model: KMeans, rows: Features) -> Features:
    """How many rows fall into each bin, (K,)."""
    counts = np.bincount(model.predict(rows), minlength=model.n_clusters)
    return counts.astype(np.float64)


def _p_values(first: Features, second: Features) -> Features:
    """Two-sided p-values of the pooled two-proportion z-test a bin, (K,)."""
    n, m = first.sum(), second.sum()
    pooled = (first + second) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    # Without any spread, a bin that is empty in both sets or holds all of both,
    # the shares are equal: z is 0 and not 0 / 0.
    gap = np.abs(first / n - second / m)
    z = np.divide(gap, error, out=np.zeros_like(gap), where=error > 0)
    p_values: Features = 2 * norm.sf(z)
    return p_values


def _jensen_shannon(first: Features, second: Features) -> float:
    """The Jensen-Shannon divergence of two sets of counts, in nats."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float((rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2)
