"""Pictures as samples of one shape: brought to it whole, or cut into pieces."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mintmark.core.media import Picture
from mintmark.data.pictures import fit

VIEWS = (1, 2, 3, 4)  # parts along each side that a picture is seen in
MOST_PIECES = 256  # of one picture, so that a large one does not outweigh the others

Cut = Callable[[Picture, int, int, int, bool], list[NDArray[np.uint8]]]
"""A picture and channels, rows and columns, and whether its colours are names that none may mix
(see `pictures.fit`), to samples of that shape."""


def fitted(
    picture: Picture, channels: int, height: int, width: int, exact: bool = False
) -> list[NDArray[np.uint8]]:
    """The whole picture, brought to a shape."""
    return [fit(picture, channels, height, width, exact)]


def cropped(
    picture: Picture, channels: int, height: int, width: int, exact: bool = False
) -> list[NDArray[np.uint8]]:
    """Pieces of a picture at its own resolution, (channels, height, width) each."""
    corners = places(picture.height, picture.width, height, width)
    array = picture.array
    pieces = [Picture(array[y : y + height, x : x + width].copy()) for y, x in corners]
    return [fit(piece, channels, height, width, exact) for piece in pieces]


def viewed(
    picture: Picture, channels: int, height: int, width: int, exact: bool = False
) -> list[NDArray[np.uint8]]:
    """The picture whole and in ever smaller parts, each brought to a shape.

    Many more different scenes than pictures, for what learns from tones and colours.
    """
    views = []
    for count in VIEWS:
        rows, columns = max(picture.height // count, 1), max(picture.width // count, 1)
        for place in range(count**2):
            y, x = divmod(place, count)
            top, left = min(y * rows, picture.height - 1), min(x * columns, picture.width - 1)
            part = picture.array[top : top + rows, left : left + columns]
            views.append(fit(Picture(part.copy()), channels, height, width, exact))
    return views


def contained(
    picture: Picture, channels: int, height: int, width: int, exact: bool = False
) -> list[NDArray[np.uint8]]:
    """An object: all of a picture that is not wholly transparent, in the middle of a shape.

    Args:
        picture: Grey or RGB, with alpha.
        channels: 2 or 4; alpha is the last.
        height: Rows of the shape.
        width: Its columns.
        exact: Whether no colours may be mixed.
    """
    shown = picture.array[..., -1] > 0
    rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
    found = np.full((channels, height, width), 255, np.uint8)
    found[-1] = 0
    if len(rows):
        part = picture.array[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = min(height / part.shape[0], width / part.shape[1])
        rows_of, columns_of = (max(1, round(scale * length)) for length in part.shape[:2])
        top, left = (height - rows_of) // 2, (width - columns_of) // 2
        small = fit(Picture(part.copy()), channels, rows_of, columns_of, exact)
        found[:, top : top + rows_of, left : left + columns_of] = small
    return [found]


def places(height: int, width: int, rows: int, columns: int) -> list[tuple[int, int]]:
    """Upper left corners of the pieces of a picture; none where it is smaller than one.

    They do not overlap, lie evenly, and are at most `MOST_PIECES`.

    Args:
        height: Rows of the picture.
        width: Its columns.
        rows: Of a piece.
        columns: Of a piece.
    """
    down = [place * rows + height % rows // 2 for place in range(height // rows)]
    across = [place * columns + width % columns // 2 for place in range(width // columns)]
    corners = [(y, x) for y in down for x in across]
    step = max(1, -(-len(corners) // MOST_PIECES))
    return corners[::step]
