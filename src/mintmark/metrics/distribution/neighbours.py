"""How two sets of features overlap, by balls around nearest neighbours."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import Features, checked

BLOCK = 1024  # rows whose distances are held at a time


@dataclass(frozen=True)
class Prdc:
    """How two sets overlap.

    Attributes:
        precision: Share of fakes inside a ball of some real, in [0, 1].
        recall: Share of reals inside a ball of some fake, in [0, 1].
        density: Real balls around a fake, over k; 1 for equal laws, may exceed 1.
        coverage: Share of reals with a fake inside their own ball, in [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    real: NDArray[Any], fake: NDArray[Any], k: int = 5, ties: Literal["<", "<="] = "<"
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
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)
    balls = np.zeros(len(fake), dtype=np.int64)  # real balls around each fake
    recalled = covered = 0
    for start in range(0, len(real), BLOCK):
        distances = cdist(real[start : start + BLOCK], fake)  # (block, M)
        within = inside(distances, real_radii[start : start + BLOCK, None])
        balls += within.sum(axis=0)
        covered += int(within.any(axis=1).sum())
        recalled += int(inside(distances, fake_radii).any(axis=1).sum())
    return Prdc(
        precision=float((balls > 0).mean()),
        recall=recalled / len(real),
        density=float(1 / k * balls.mean()),
        coverage=covered / len(real),
    )


def _radii(rows: Features, k: int) -> Features:
    """Distance of each row to its k-th nearest other row, (N,)."""
    radii = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        distances = cdist(rows[start : start + BLOCK], rows)  # (block, N), holds itself at 0
        radii[start : start + BLOCK] = np.partition(distances, k, axis=1)[:, k]
    return radii
