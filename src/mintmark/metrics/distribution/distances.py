"""Exact Euclidean distances between many rows: filtered in float32, decided in float64.

A distance that a result rests on is the root of a sum of squared differences in
float64, as scipy's `cdist` takes it, so equal rows are at distance 0 and equal
pairs tie exactly. That sum is slow, and nearly all pairs can be told to be out of
question without it: from dot products in float32, with a proven bound on
their error. Results therefore do not depend on blocks or on the order of rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import Features

BLOCK = 256  # queries whose bounds are held at a time
CHUNK = 1024  # dimensions summed up at a time: fewer err less
ROUNDING = 2.0**-24  # of float32, relative
LARGEST = 1e150  # a feature whose square float64 still holds
SMALLEST = -400  # exponent below which features are not scaled up

Bounds = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """Bounds of the squared distances of some queries to all references.

    Attributes:
        rows: Which queries.
        lower: At most the squared distance, (b, M), in `unit` squared.
        upper: At least the squared distance, (b, M), in `unit` squared.
        unit: A power of two above the largest coordinate, so that no square overflows.
        queries: The queries of the block, (b, d).
        references: All references, (M, d).
    """

    rows: slice
    lower: Bounds
    upper: Bounds
    unit: float
    queries: Features
    references: Features

    def exact(self, row: int, columns: NDArray[np.intp]) -> Features:
        """Distances of one query of the block to some references."""
        from scipy.spatial.distance import cdist  # a third of a second, and needed only here

        few = 2 * len(columns) < len(self.references)  # else a copy would cost more
        chosen = self.references[columns] if few else self.references
        distances: Features = cdist(self.queries[row : row + 1], chosen)[0]
        return distances if few else distances[columns]


def blocks(queries: Features, references: Features) -> Iterator[Block]:
    """Bounds of all squared distances, some queries at a time.

    Rows are centred and scaled by a power of two. With c = (n + 16) u /
    (1 - (n + 16) u), u = 2^-24 and n terms in the longest chain of additions,
    `|x|^2 + |y|^2 - 2 x.y` in float32 lies within c (|x|^2 + |y|^2) of the truth:
    n u is the most that a dot product errs in any order of summation (Higham
    2002, section 3.1), 10 u the most that rounding of rows, norms, sums and of
    the radii they are compared with can add, and 6 u are to spare. What
    underflows is below 2^-120 (n + 16) together.

    Args:
        queries: (N, d).
        references: (M, d).

    Raises:
        ConfigError: A feature is beyond 1e150: its square would overflow.
    """
    largest = max(queries.max(), -queries.min(), references.max(), -references.min())
    if largest > LARGEST:
        raise ConfigError(f"Features beyond {LARGEST:g} cannot be compared; scale them down.")
    unit = 2.0 ** max(int(np.frexp(largest)[1]), SMALLEST)
    centre = references.mean(axis=0)
    y, y_squares = _scaled(references, centre, unit)
    terms = min(CHUNK, y.shape[1]) + y.shape[1] // CHUNK + 16
    share = terms * ROUNDING / (1 - terms * ROUNDING)
    floor = terms * 2.0**-121  # once for the query, once for the reference
    y_lower = ((1 - share) * y_squares - floor).astype(np.float32)
    y_upper = ((1 + share) * y_squares + floor).astype(np.float32)
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, start + BLOCK)
        x, x_squares = _scaled(queries[rows], centre, unit)
        x *= -2
        lower = x[:, :CHUNK] @ y[:, :CHUNK].T  # (b, M)
        for first in range(CHUNK, x.shape[1], CHUNK):
            lower += x[:, first : first + CHUNK] @ y[:, first : first + CHUNK].T
        upper = lower + y_upper
        upper += ((1 + share) * x_squares + floor).astype(np.float32)[:, None]
        lower += y_lower
        lower += ((1 - share) * x_squares - floor).astype(np.float32)[:, None]
        yield Block(rows, lower, upper, unit, queries[rows], references)


def within(
    block: Block, radii: Features, inside: Callable[[Any, Any], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Which references lie within a radius of which queries of a block, (b, M).

    Args:
        block: One of `blocks`.
        radii: Distances that broadcast to (b, M).
        inside: Compares a distance with its radius: `np.less` or `np.less_equal`.
    """
    limits = np.square(radii / block.unit).astype(np.float32)
    decided = block.upper < limits
    radii = np.broadcast_to(radii, decided.shape)
    for row, columns in _by_row((block.lower <= limits) & ~decided):
        decided[row, columns] = inside(block.exact(row, columns), radii[row, columns])
    return decided


def kth_neighbour(rows: Features, k: int) -> Features:
    """Distance of each row to its k-th nearest other row, (N,).

    Args:
        rows: (N, d), N > k.
        k: Which neighbour, >= 1; the row itself does not count.
    """
    distances = np.empty(len(rows))
    for block in blocks(rows, rows):
        limits = _kth_bound(block.upper, k + 1)  # a row is its own nearest
        for row, columns in _by_row(block.lower <= limits):
            near = block.exact(row, columns)
            distances[block.rows.start + row] = np.partition(near, k)[k]
    return distances


def nearest(queries: Features, references: Features) -> tuple[Features, NDArray[np.int64]]:
    """Distance to and index of the nearest reference of each query, (N,) each.

    Of several at the same distance it is the first.

    Args:
        queries: (N, d).
        references: (M, d), M >= 1.
    """
    distances = np.empty(len(queries))
    indices = np.empty(len(queries), dtype=np.int64)
    for block in blocks(queries, references):
        limits = block.upper.min(axis=1, keepdims=True)
        for row, columns in _by_row(block.lower <= limits):
            near = block.exact(row, columns)
            distances[block.rows.start + row] = near.min()
            indices[block.rows.start + row] = columns[near.argmin()]
    return distances, indices


def _kth_bound(upper: Bounds, k: int) -> Bounds:
    """At least the k-th smallest of each row, (b, 1), at a fraction of its cost.

    The k-th smallest of the minima of disjoint groups is not below it, and
    little above it where groups are many: 64 k.
    """
    groups = min(64 * k, upper.shape[1])
    size = upper.shape[1] // groups
    # A group takes every `groups`-th column: equal rows that follow each other part.
    minima = upper[:, : size * groups].reshape(len(upper), size, groups).min(axis=1)
    bound: Bounds = np.partition(minima, k - 1, axis=1)[:, k - 1 : k]
    return bound


def _by_row(mask: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each row that has a marked column, with its marked columns."""
    for row in np.flatnonzero(mask.any(axis=1)):
        yield int(row), np.flatnonzero(mask[row])


def _scaled(rows: Features, centre: Features, unit: float) -> tuple[Bounds, Features]:
    """Rows about a centre in float32, (N, d), and their squared norms in float64, (N,)."""
    scaled = rows - centre
    scaled /= unit
    return scaled.astype(np.float32), np.einsum("nd,nd->n", scaled, scaled)
