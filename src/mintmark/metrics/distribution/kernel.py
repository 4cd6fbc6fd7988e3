"""The kernel distance (KID) between two sets of features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked


@dataclass(frozen=True)
class Estimate:
    """A number estimated from random draws.

    Attributes:
        value: The mean over the draws; an unbiased one may be negative.
        error: Its standard error; the function that made it says what it covers.
        size: How many samples of each set a draw holds.
    """

    value: float
    error: float
    size: int


def kernel_distance(
    real: NDArray[Any], fake: NDArray[Any], seed: int, subsets: int = 100, size: int = 1000
) -> Estimate:
    """The kernel distance KID: unbiased squared MMD, kernel `(x.y / d + 1)^3`.

    Mean over random subsets (Binkowski et al. 2018, "Demystifying MMD GANs").
    A subset takes at most half of the smaller set, so that the spread over the
    subsets still tells what other samples would have given. The order of the rows
    does not matter.

    Args:
        real: Features, (N, d), N >= 4.
        fake: Features, (M, d), M >= 4.
        seed: Decides the subsets.
        subsets: How many subsets, >= 2.
        size: Samples of each set in a subset, >= 2; less where the sets are small.

    Returns:
        The distance, the size that was used, and a standard error that tells how
        far another pair of sets of these sizes would typically move the distance;
        about twice that for equal laws.

    Raises:
        ConfigError: The sets cannot be compared, or `subsets` or `size` is below 2.
    """
    if subsets < 2 or size < 2:
        raise ConfigError("KID needs at least 2 subsets of at least 2 samples; ask for more.")
    real, fake = checked(4, real=real, generated=fake)
    real, fake = canonical(real), canonical(fake)
    smaller = min(len(real), len(fake))
    size = min(size, smaller // 2)
    draws = np.empty(subsets)
    for i in range(subsets):
        rng = np.random.default_rng(derive(seed, "kid", i))
        x = real[rng.choice(len(real), size, replace=False)]
        y = fake[rng.choice(len(fake), size, replace=False)]
        draws[i] = squared_mmd(x, y)
    # The subsets overlap, so var / subsets alone is only how well the mean over
    # all subsets is known. What the finite sets add is the delete-d jackknife
    # (Shao and Wu 1989): var * size / (n - size).
    spread = float(draws.std(ddof=1))
    error = spread * float(np.sqrt(1 / subsets + size / (smaller - size)))
    return Estimate(float(draws.mean()), error, size)


def squared_mmd(x: Features, y: Features) -> float:
    """The U-statistic of two sets of equal size, (n, d) each (Gretton et al. 2012, eq. 3)."""
    n, d = x.shape
    within = (x @ x.T / d + 1) ** 3 + (y @ y.T / d + 1) ** 3  # (n, n)
    between = (x @ y.T / d + 1) ** 3
    pairs = (within.sum() - np.trace(within)) / (n * (n - 1))
    return float(pairs - 2 * between.mean())
