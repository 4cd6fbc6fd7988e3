"""The Fréchet distance of the Gaussians that fit two sets of features."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.metrics.distribution.checks import Features, checked


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
