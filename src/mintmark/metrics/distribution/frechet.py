"""The Fréchet distance of the Gaussians that fit two sets of features."""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh, svdvals
from scipy.linalg.lapack import dpstrf

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked
from mintmark.metrics.distribution.moments import (
    Moments,
    merged,
    moments_of,
    require_one_space,
)

# Pivots of directions that hold no variance came out below 32 eps (d <= 256, N <= 200,000).
NOISE = 4 * np.finfo(np.float64).eps  # a dimension

Gaussian = tuple[Features, Features]  # mean (d,) and root R (rank, d), covariance R' R


def frechet_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """The squared Fréchet distance of the Gaussians that fit two sets.

    `|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^1/2 S2 S1^1/2)^1/2)` with ddof = 1
    (Dowson and Landau 1982; Heusel et al. 2017). For equal laws the figure is
    not 0 but what `frechet_bias` says: compare only at equal counts.

    Args:
        real: Features, (N, d), N >= 2.
        fake: Features, (M, d), M >= 2.

    Returns:
        The distance, >= 0, in squared units of the features.

    Raises:
        ConfigError: The sets cannot be compared.
    """
    real, fake = checked(2, real=real, generated=fake)
    return _distance(_of_rows(real), _of_rows(fake))


def frechet(a: Moments, b: Moments) -> float:
    """The squared Fréchet distance of two sets from their moments.

    Equal to `frechet_distance` up to rounding, in whatever batches and order the
    moments were collected.

    Raises:
        ConfigError: A set has fewer than two samples, or the sets differ in dimensions.
    """
    _require_fit(a, b)
    return _distance(_of_scatter(a, a.scatter.copy()), _of_scatter(b, b.scatter.copy()))


def frechet_bias(a: Moments, b: Moments) -> float:
    """The Fréchet distance to expect at these counts if both sets came from one law.

    For a Gaussian law with the pooled covariance, of eigenvalues l, the means give
    `(1/N + 1/M) sum_i l_i`. For the covariances, the distance to second order is
    `1/2 sum_ij E_ij^2 / (l_i + l_j)` (Bhatia, Jain and Lim 2019) in their difference
    E, and an entry of a Wishart covariance has the variance
    `l_i l_j (1 + [i = j]) / (N - 1)`. With N = M and unit covariance that is about
    `2 d / N + d (d + 1) / (2 N)`. Only where N and M are several times the number of
    dimensions with variance: with fewer samples it says too much.

    Args:
        a: Moments of the one set, N >= 2.
        b: Moments of the other, M >= 2.

    Raises:
        ConfigError: A set has fewer than two samples, or the sets differ in dimensions.
    """
    _require_fit(a, b)
    pooled = (a.scatter + b.scatter) / (a.count + b.count - 2)
    values = eigvalsh(pooled).clip(min=0)  # rounding may leave tiny negative ones
    products, sums = np.outer(values, values), np.add.outer(values, values)  # (d, d)
    pairs = np.divide(products, sums, out=products, where=sums > 0)
    spread = (pairs.sum() + pairs.trace()) / 2
    means = (1 / a.count + 1 / b.count) * values.sum()
    return float(means + (1 / (a.count - 1) + 1 / (b.count - 1)) * spread)


def frechet_error(real: NDArray[Any], fake: NDArray[Any], groups: int = 10) -> float:
    """The standard error of `frechet_distance`: what other samples would move it.

    Delete-a-group jackknife (Shao and Wu 1989): one group of each set is left out
    at a time. Rows fall into groups by what they hold and not by their order. For
    equal laws, where the distance is all bias, it says more than the spread.

    Args:
        real: Features, (N, d), N >= 2 `groups`.
        fake: Features, (M, d), M >= 2 `groups`.
        groups: How many groups, >= 2; each costs one distance.

    Raises:
        ConfigError: The sets cannot be compared, or `groups` is below 2.
    """
    if groups < 2:
        raise ConfigError("The error of the Fréchet distance needs at least 2 groups.")
    real, fake = checked(2 * groups, real=real, generated=fake)
    first, second = _grouped(real, groups), _grouped(fake, groups)
    values = [frechet(_without(first, group), _without(second, group)) for group in range(groups)]
    return float(np.std(values) * np.sqrt(groups - 1))


def _grouped(rows: Features, groups: int) -> list[Moments]:
    """The moments of random groups of the rows, whatever the order of the rows."""
    rng = np.random.default_rng(derive(0, "jackknife"))
    # Equal rows are neighbours in the canonical order, and groups must not follow them.
    order = rng.permutation(len(rows))
    rows = canonical(rows)
    return [moments_of(rows[part]) for part in np.array_split(order, groups)]


def _without(parts: list[Moments], group: int) -> Moments:
    return reduce(merged, parts[:group] + parts[group + 1 :])


def _require_fit(a: Moments, b: Moments) -> None:
    if min(a.count, b.count) < 2:
        raise ConfigError(
            f"A covariance needs at least 2 samples and got {min(a.count, b.count)}; give more."
        )
    require_one_space(a, b)


def _distance(first: Gaussian, second: Gaussian) -> float:
    (mean1, root1), (mean2, root2) = first, second
    # tr((S1^1/2 S2 S1^1/2)^1/2) is the sum of the singular values of R1 R2'. Each of
    # those is right to eps times the largest, where the root of an eigenvalue that
    # should be 0 is only right to the root of eps.
    product = root1 @ root2.T  # (rank1, rank2)
    overlap = svdvals(product.T, overwrite_a=True).sum()  # LAPACK's order, so in its place
    shift = mean1 - mean2
    value = shift @ shift + np.vdot(root1, root1) + np.vdot(root2, root2) - 2 * overlap
    return max(float(value), 0.0)


def _of_rows(rows: Features) -> Gaussian:
    n, d = rows.shape
    if n > d:
        moments = moments_of(rows)
        return _of_scatter(moments, moments.scatter)
    mean = rows.mean(axis=0)
    return mean, (rows - mean) / np.sqrt(n - 1)


def _of_scatter(moments: Moments, scatter: Features) -> Gaussian:
    """The Gaussian of these moments; the scatter, its own or a copy, is used up."""
    root = _root(scatter)
    root /= np.sqrt(moments.count - 1)
    return moments.mean, root


def _root(scatter: Features) -> Features:
    """A root R (rank, d) of the scatter R' R, by Cholesky with pivoting, in its place.

    The scatter is scaled to unit variances first, so that what counts as rounding
    is small beside a feature's own variance and not beside the largest one.
    """
    d = len(scatter)
    scales = np.sqrt(scatter.diagonal())
    scales[scales == 0] = 1
    scatter /= scales
    scatter /= scales[:, None]
    upper, pivots, rank, _ = dpstrf(scatter.T, tol=d * NOISE, overwrite_a=True)
    root = np.zeros((rank, d))
    for i in range(rank):  # np.triu would take two more arrays of this size
        root[i, pivots[i:] - 1] = upper[i, i:]
    root *= scales
    return root
