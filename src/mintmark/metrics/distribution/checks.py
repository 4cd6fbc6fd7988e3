"""What every comparison of two sets of features asks of them first."""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError

Features = NDArray[np.float64]


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


def canonical(rows: Features) -> Features:
    """The rows in an order that depends on what they hold and not on how they came.

    Whoever draws subsets draws from this order, so that a shuffled set gives the
    same number. Rows are sorted by a digest of their bytes: an order without a
    pattern, in which equal rows are neighbours.

    Args:
        rows: Features, (N, d), as from `checked`.
    """
    plain = rows + 0.0  # -0.0 becomes 0.0, which it equals
    digests = [blake2b(row.tobytes(), digest_size=16).digest() for row in plain]
    return plain[sorted(range(len(plain)), key=digests.__getitem__)]
