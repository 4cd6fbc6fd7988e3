"""Distances and overlaps between two sets of features.

Arrays in, numbers out; everything is computed in float64. The features come
from `mintmark.metrics.features` or from anywhere else.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive

BLOCK = 1024  # rows whose distances are held at a time

Features = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number estimated from random subsets.

    Attributes:
        value: The mean over the subsets; an unbiased one may be negative.
        error: Its standard error: how far another pair of sets of these sizes
            would typically move it; about twice that for equal laws.
        size: How many samples of each set a subset holds.
    """

    value: float
    error: float
    size: int


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


def checked(least: int, **sets: NDArray[Any]) -> tuple[Features, ...]:
    """Sets of features as float64, (N, d) each, once they are fit to compare.

    Args:
        least: The fewest rows that a set may have.
        sets: The sets, (N, d) with one d for all, by the name to use in errors.

    Raises:
        ConfigError: A set is not two-dimensional, is smaller than `least`,
            holds NaN or Inf, or differs from the others in d.
    """
    for key, rows in sets.items():
        name = key.replace("_", "-")
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise ConfigError(
                f"The {name} features must be (samples, dimensions), not {rows.shape}."
            )
        if len(rows) < least:
            raise ConfigError(
                f"This figure needs at least {least} {name} samples and got {len(rows)}; give more."
            )
        if not np.isfinite(rows).all():
            raise ConfigError(f"The {name} features hold NaN or Inf; check what made them.")
    if len({rows.shape[1] for rows in sets.values()}) > 1:
        shapes = ", ".join(f"{name} {rows.shape}" for name, rows in sets.items())
        raise ConfigError(f"Features differ in dimensions ({shapes}); use one extractor for all.")
    return tuple(np.asarray(rows, dtype=np.float64) for rows in sets.values())


def frechet_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """The squared Fréchet distance of the Gaussians that fit two sets.

    `|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)` with ddof = 1
    (Dowson and Landau 1982; Heusel et al. 2017). The symmetric product keeps
    everything real, also when there are fewer samples than dimensions. For
    equal laws the figure is not 0 but about `2 d / N + d (d + 1) / (2 N)` (for
    N = M and unit covariance): compare only at equal counts.

    Args:
        real: Features, (N, d), N >= 2.
        fake: Features, (M, d), M >= 2.

    Raises:
        ConfigError: The sets cannot be compared.
    """
    real, fake = checked(2, real=real, generated=fake)
    shift = real.mean(axis=0) - fake.mean(axis=0)
    first, second = _covariance(real), _covariance(fake)
    values, vectors = np.linalg.eigh(first)
    # Eigenvalues below rounding are zeros whose roots would not be small: with
    # fewer samples than dimensions they would add up. Leave their directions out.
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])  # (d, rank)
    product = np.linalg.eigvalsh(root.T @ second @ root)  # (rank,)
    overlap = np.sqrt(product.clip(min=0)).sum()  # rounding may leave tiny negative ones
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * overlap)


def _covariance(rows: Features) -> Features:
    centred = rows - rows.mean(axis=0)
    covariance: Features = centred.T @ centred / (len(rows) - 1)  # (d, d)
    return covariance


def kernel_distance(
    real: NDArray[Any], fake: NDArray[Any], seed: int, subsets: int = 100, size: int = 1000
) -> Estimate:
    """The kernel distance KID: unbiased squared MMD, kernel `(x.y / d + 1)^3`.

    Mean over random subsets (Binkowski et al. 2018, "Demystifying MMD GANs").
    A subset takes at most half of the smaller set, so that the spread over the
    subsets still tells what other samples would have given.

    Args:
        real: Features, (N, d), N >= 4.
        fake: Features, (M, d), M >= 4.
        seed: Decides the subsets.
        subsets: How many subsets, >= 2.
        size: Samples of each set in a subset, >= 2; less where the sets are small.

    Returns:
        The distance with its standard error and the size that was used.

    Raises:
        ConfigError: The sets cannot be compared, or `subsets` or `size` is below 2.
    """
    if subsets < 2 or size < 2:
        raise ConfigError("KID needs at least 2 subsets of at least 2 samples; ask for more.")
    real, fake = checked(4, real=real, generated=fake)
    smaller = min(len(real), len(fake))
    size = min(size, smaller // 2)
    draws = np.empty(subsets)
    for i in range(subsets):
        rng = np.random.default_rng(derive(seed, "kid", i))
        x = real[rng.choice(len(real), size, replace=False)]
        y = fake[rng.choice(len(fake), size, replace=False)]
        draws[i] = _squared_mmd(x, y)
    # The subsets overlap, so var / subsets alone is only how well the mean over
    # all subsets is known. What the finite sets add is the delete-d jackknife
    # (Shao and Wu 1989): var * size / (n - size).
    spread = float(draws.std(ddof=1))
    error = spread * float(np.sqrt(1 / subsets + size / (smaller - size)))
    return Estimate(float(draws.mean()), error, size)


def _squared_mmd(x: Features, y: Features) -> float:
    """The U-statistic of two sets of equal size, (n, d) each (Gretton et al. 2012, eq. 3)."""
    n, d = x.shape
    within = (x @ x.T / d + 1) ** 3 + (y @ y.T / d + 1) ** 3  # (n, n)
    between = (x @ y.T / d + 1) ** 3
    pairs = (within.sum() - np.trace(within)) / (n * (n - 1))
    return float(pairs - 2 * between.mean())


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
