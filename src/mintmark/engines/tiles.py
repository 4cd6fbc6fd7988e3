"""Networks on pictures of any size: in overlapping tiles, whose seams are blended.

What a network makes of a place depends on the pixels within its reach, so a tile is wrong
near its border. Tiles overlap; of the overlap the outer quarters, nearest to a border, are
left to the other tile, and across the middle half one fades into the next. So no seam shows
even where the reach is longer. Memory is bounded by one row of tiles: finished rows are given
away.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TILE = 256  # pixels a side
OVERLAP = 32  # pixels between neighbours
STEP = 8  # that lengths of tiles are multiples of, as halvings within networks like it

Change = Callable[[Tensor], Tensor]
"""(1, C, h, w) to (1, C', scale * h, scale * w)."""


@dataclass(frozen=True)
class Span:
    """One tile along one side.

    Attributes:
        first: Its first pixel.
        last: One past its last pixel.
    """

    first: int
    last: int


Read = Callable[[Span, Span], Tensor]
"""Rows and columns of a picture to their pixels in [-1, 1], (C, h, w)."""
Finish = Callable[[int, NDArray[np.float32]], None]
"""The first of some rows of the result, and these, (C', rows, scale * W)."""


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Tiles of equal length that cover a side; each overlaps the next by `overlap` or more.

    They are no longer than so many need to be, since all that overlaps is computed twice.

    Args:
        length: Pixels of the side.
        tile: Most pixels of a tile, more than twice the overlap.
        overlap: Least pixels that neighbours share.
    """
    if length <= tile:
        return [Span(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    enough = -(-(length + (count - 1) * overlap) // count)
    each = min(tile, -(-enough // STEP) * STEP)
    firsts = np.linspace(0, length - each, count).round().astype(int).tolist()
    return [Span(first, first + each) for first in firsts]


def in_tiles(
    change: Change,
    read: Read,
    size: tuple[int, int],
    finish: Finish,
    scale: int = 1,
    tile: int = TILE,
    overlap: int = OVERLAP,
) -> Generator[tuple[int, int], None, None]:
    """Brings a network over a picture, tile by tile, and gives rows away as they are finished.

    Args:
        change: The network.
        read: Gives the pixels of a tile.
        size: Rows and columns of the picture.
        finish: Takes the finished rows of the result, from top to bottom; may change them.
        scale: How many times the sides grow.
        tile: Pixels of the input a side at once.
        overlap: Pixels of the input that neighbours share.

    Yields:
        Tiles done, and tiles in all.
    """
    height, width = size
    rows, columns = spans(height, tile, overlap), spans(width, tile, overlap)
    down, across = shares(rows, scale, overlap), shares(columns, scale, overlap)
    total = len(rows) * len(columns)
    begun: NDArray[np.float32] = np.zeros((1, 0, scale * width), np.float32)
    for y, row in enumerate(rows):
        band: NDArray[np.float32] | None = None  # what this row of tiles reaches, (C', h, W)
        for x, column in enumerate(columns):
            part = change(read(row, column)[None])[0].numpy()
            if band is None:
                band = np.zeros(
                    (len(part), scale * (row.last - row.first), scale * width), np.float32
                )
                band[:, : begun.shape[1]] = begun
            weights = np.outer(down[y], across[x]).astype(np.float32)
            band[:, :, scale * column.first : scale * column.last] += part * weights
            yield y * len(columns) + x + 1, total
        assert band is not None  # a picture has columns
        end = rows[y + 1].first if y + 1 < len(rows) else row.last
        done = scale * (end - row.first)
        begun = band[:, done:].copy()  # the next row of tiles goes on with it
        finish(scale * row.first, band[:, :done])


def shares(tiles: list[Span], scale: int, overlap: int) -> list[NDArray[np.float64]]:
    """The share of each tile at its pixels of the result; at every place they sum to 1.

    Args:
        tiles: Along one side.
        scale: How many times the sides grow.
        overlap: Pixels of the input that neighbours share at least.
    """
    windows = []
    for index, tile in enumerate(tiles):
        inside = np.arange(scale * (tile.last - tile.first)) + np.float64(0.5)  # pixel centres
        window = np.ones(len(inside))
        if index:
            window *= _rising(inside, scale * overlap)
        if index + 1 < len(tiles):
            window *= _rising(len(inside) - inside, scale * overlap)
        windows.append(window)
    total = np.zeros(scale * tiles[-1].last)
    for tile, window in zip(tiles, windows, strict=True):
        total[scale * tile.first : scale * tile.last] += window
    return [
        window / total[scale * tile.first : scale * tile.last]
        for tile, window in zip(tiles, windows, strict=True)
    ]


def _rising(distance: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """From 0 to 1 in the middle half of the way from a border."""
    return np.clip(2 * distance / width - 0.5, 0, 1)
