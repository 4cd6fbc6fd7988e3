"""How two sets of features overlap, by balls around nearest neighbours."""

from dataclasses import dataclass, field
from math import nan, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import checked
from mintmark.metrics.distribution.distances import blocks, kth_neighbour, within

NEIGHBOURS = 5  # k, unless asked otherwise


@dataclass(frozen=True)
class PrdcErrors:
    """Standard errors of the figures of `Prdc`, the balls held fixed.

    Each tells how far other samples would typically move the figure where they
    fell into the same balls: fakes for precision and density, reals for recall
    and coverage. Left out is that other samples would also have made other
    balls. So they are too small, most of all for small sets, and they are 0 for a
    share of 0 or 1.

    Attributes:
        precision: Binomial, over the fakes.
        recall: Binomial, over the reals.
        density: Of the mean number of real balls around a fake, over k.
        coverage: Binomial, over the reals.
    """

    precision: float
    recall: float
    density: float
    coverage: float


UNKNOWN = PrdcErrors(nan, nan, nan, nan)


@dataclass(frozen=True)
class Prdc:
    """How two sets overlap.

    Attributes:
        precision: Share of fakes inside a ball of some real, in [0, 1].
        recall: Share of reals inside a ball of some fake, in [0, 1].
        density: Real balls around a fake, over k; 1 for equal laws, may exceed 1.
        coverage: Share of reals with a fake inside their own ball, in [0, 1].
        errors: Their standard errors; not compared.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    errors: PrdcErrors = field(default=UNKNOWN, compare=False)


def precision_recall_density_coverage(
    real: NDArray[Any], fake: NDArray[Any], k: int = NEIGHBOURS, ties: Literal["<", "<="] = "<"
) -> Prdc:
    """Precision, recall, density and coverage by k-nearest-neighbour balls.

    Precision and recall: Kynkäänniemi et al. 2019; density and coverage: Naeem
    et al. 2020. A ball reaches to the k-th neighbour in its own set, itself not
    counted. Distances are sums of squared differences, so equal samples are at
    distance 0 and equal pairs tie exactly.

    Args:
        real: Features, (N, d), N > k.
        fake: Features, (M, d), M > k.
        k: Which neighbour sets the radius, >= 1.
        ties: Whether a sample on the surface is outside (`<`, as in prdc) or
            inside (`<=`, as in StyleGAN3 and torch-fidelity).

    Raises:
        ConfigError: The sets cannot be compared, or `k` or `ties` is out of range.
    """
    if k < 1 or ties not in ("<", "<="):
        raise ConfigError(f"k must be at least 1 and ties '<' or '<=', not {k} and {ties!r}.")
    real, fake = checked(k + 1, real=real, generated=fake)
    inside = np.less if ties == "<" else np.less_equal
    real_radii, fake_radii = kth_neighbour(real, k), kth_neighbour(fake, k)
    balls = np.zeros(len(fake), dtype=np.int64)  # real balls around each fake
    recalled = covered = 0
    for block in blocks(real, fake):
        in_real = within(block, real_radii[block.rows, None], inside)  # (b, M)
        balls += in_real.sum(axis=0)
        covered += int(in_real.any(axis=1).sum())
        recalled += int(within(block, fake_radii, inside).any(axis=1).sum())
    precision, recall = float((balls > 0).mean()), recalled / len(real)
    coverage = covered / len(real)
    errors = PrdcErrors(
        precision=_binomial(precision, len(fake)),
        recall=_binomial(recall, len(real)),
        density=float(balls.std(ddof=1)) / sqrt(len(fake)) / k,
        coverage=_binomial(coverage, len(real)),
    )
    return Prdc(precision, recall, float(1 / k * balls.mean()), coverage, errors)


def _binomial(share: float, count: int) -> float:
    """Standard error of a share of independent samples."""
    return sqrt(share * (1 - share) / count)
