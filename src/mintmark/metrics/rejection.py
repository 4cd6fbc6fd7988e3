"""Which of several candidates to keep: those that both judges find least flawed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import Features, checked
from mintmark.metrics.distribution.distances import blocks, kth_neighbour, within


def typicality(
    real_features: NDArray[Any], fake_features: NDArray[Any], k: int = 5
) -> NDArray[np.float64]:
    """How deep each generated sample lies among the real ones.

    The density of Naeem et al. 2020 (section 3.1) before its mean over the
    samples: the number of balls around reals that hold the sample, over k. A ball
    reaches to the k-th nearest other real; its surface is outside. The mean is
    about 1 for equal laws. A sample of 0 lies in no ball, which also befalls good
    samples of a kind that is rare among the reals.

    Args:
        real_features: (N, d), N > k.
        fake_features: Of the candidates, (M, d).
        k: Which neighbour sets the radius, >= 1.

    Returns:
        One number >= 0 a candidate, (M,); it does not depend on the others.

    Raises:
        ConfigError: The sets cannot be compared, or `k` is out of range.
    """
    if k < 1:
        raise ConfigError(f"k must be at least 1, not {k}; 5 is usual.")
    real: Features
    real, fake = checked(1, real=real_features, generated=fake_features)
    (real,) = checked(k + 1, real=real)
    radii = kth_neighbour(real, k)
    balls = np.zeros(len(fake), dtype=np.int64)  # real balls around each candidate
    for block in blocks(real, fake):
        balls += within(block, radii[block.rows, None], np.less).sum(axis=0)
    return balls / k


def best(
    scores_by_discriminator: NDArray[Any], typicality: NDArray[Any], keep: int
) -> NDArray[np.int64]:
    """The candidates that do best by the mean of their two ranks.

    Ranks and not values, since the scores of a discriminator have no unit. Equal
    values share their mean rank; of equal candidates the first is kept.

    Args:
        scores_by_discriminator: Higher for what looks more real, (M,), finite.
        typicality: Of `typicality`, (M,), finite.
        keep: How many, in [1, M].

    Returns:
        Their indices, the best first, (keep,).

    Raises:
        ConfigError: The two lists differ in length or hold NaN or Inf, or `keep`
            is out of range.
    """
    figures = (scores_by_discriminator, typicality)
    count = len(typicality)
    if any(values.shape != (count,) or not np.isfinite(values).all() for values in figures):
        raise ConfigError(
            "Scores and typicality must be one finite number a candidate each; check what made "
            f"them: they are {scores_by_discriminator.shape} and {typicality.shape}."
        )
    if not 1 <= keep <= count:
        raise ConfigError(f"Of {count} candidates 1 to {count} can be kept, not {keep}.")
    from scipy.stats import rankdata  # 0.5 s, and needed only here

    ranks = rankdata(scores_by_discriminator) + rankdata(typicality)
    return np.argsort(-ranks, kind="stable")[:keep].astype(np.int64)
