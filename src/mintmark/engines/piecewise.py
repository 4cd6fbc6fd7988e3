"""A whole picture through a network, of which only a few tiles are ever numbers of 32 bits.

The picture and the result lie in memory as 8 or 16 bits; a tile becomes float when it is its
turn, and a row of tiles becomes whole numbers again as soon as no other tile changes it. The
depth, the greyness and the transparency of the picture are those of the result.
"""

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.media import Picture
from mintmark.engines.tiles import OVERLAP, Change, Span, in_tiles

GLANCE = 256  # most pixels a side
STRIP = 256  # rows that are numbers of 32 bits at once


def worked(
    change: Change, picture: Picture, channels: int, scale: int, tile: int
) -> Generator[tuple[int, int], None, Picture]:
    """What a network makes of a picture.

    Args:
        change: The network.
        picture: Any.
        channels: What the network takes: 1 or 3.
        scale: How many times the sides grow.
        tile: Pixels of the input a side at once.

    Yields:
        Tiles done, and tiles in all.

    Returns:
        The result, of the picture's depth; grey where the picture is, or where the network is.
    """
    height, kind = scale * picture.height, picture.array.dtype
    made: NDArray[np.uint8] | NDArray[np.uint16] | None = None

    def read(rows: Span, columns: Span) -> Tensor:
        part = picture.array[rows.first : rows.last, columns.first : columns.last]
        return planes(part, channels)

    def finish(top: int, strip: NDArray[np.float32]) -> None:
        nonlocal made
        rows = levels(strip, picture.channels in (1, 2), np.iinfo(kind).max)
        if made is None:
            made = np.empty((height, *rows.shape[1:]), kind)  # (height, width, channels)
        made[top : top + len(rows)] = rows

    if picture.channels in (2, 4):
        change = _with_alpha(change, scale)
    size = (picture.height, picture.width)
    yield from in_tiles(change, read, size, finish, scale, tile, OVERLAP)
    assert made is not None  # a picture has pixels
    return Picture(made)


def recoloured(
    change: Change, picture: Picture, channels: int, tile: int
) -> Generator[tuple[int, int], None, Picture]:
    """What becomes of a picture whose pixels change each by itself: no tiles, so nothing twice.

    Args:
        change: What changes them.
        picture: Any.
        channels: What the network takes: 1 or 3.
        tile: The square root of the pixels that are worked on at once.

    Yields:
        Strips done, and strips in all.

    Returns:
        As of `worked`.
    """
    change = _with_alpha(change, 1) if picture.channels in (2, 4) else change
    rows, most = max(1, tile**2 // picture.width), np.iinfo(picture.array.dtype).max
    tops, strips = range(0, picture.height, rows), []
    for count, top in enumerate(tops, 1):
        made = change(planes(picture.array[top : top + rows], channels)[None])[0].numpy()
        strip = levels(made, picture.channels in (1, 2), most)
        strips.append(strip.astype(picture.array.dtype))
        yield count, len(tops)
    return Picture(np.concatenate(strips))


def glance(picture: Picture, channels: int, most: int = GLANCE) -> Tensor:
    """The picture box-reduced, whole times, to so many pixels a side at most, without alpha.

    Args:
        picture: Any.
        channels: 1 or 3.
        most: Pixels a side.

    Returns:
        Samples in [-1, 1], (channels, h, w).
    """
    step = max(1, -(-max(picture.height, picture.width) // most))
    rows = step * max(1, STRIP // step)  # of whole boxes
    strips = []
    for top in range(0, picture.height, rows):
        samples = planes(picture.array[top : top + rows], channels)[:channels]
        strips.append(F.avg_pool2d(samples, step, ceil_mode=True))
    return torch.cat(strips, dim=1)


def between(picture: Picture, made: Picture, strength: float) -> Picture:
    """What lies between a picture and what was made of it at its own size.

    Args:
        picture: As it was.
        made: Of the same size and depth; the result has its channels.
        strength: 0 is the picture, 1 what was made.
    """
    colours, most = 1 if made.channels in (1, 2) else 3, np.iinfo(made.array.dtype).max
    array = np.empty_like(made.array)
    for top in range(0, made.height, STRIP):
        rows = slice(top, top + STRIP)
        ends = planes(picture.array[rows], colours), planes(made.array[rows], colours)
        array[rows] = levels(torch.lerp(*ends, strength).numpy(), grey=False, most=most)
    return Picture(array)


def planes(array: NDArray[np.uint8] | NDArray[np.uint16], channels: int) -> Tensor:
    """A part of a picture as a network takes it, in [-1, 1], (channels, h, w), any alpha last."""
    samples = torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1).contiguous()
    planes = samples.float().div_(np.iinfo(array.dtype).max).mul_(2).sub_(1)
    if len(planes) == channels:
        return planes
    colours = planes[:-1] if len(planes) in (2, 4) else planes
    alpha = planes[len(colours) :]  # one plane or none
    if channels == 3:
        return torch.cat([colours.expand(3, -1, -1), alpha])
    return torch.cat([colours.mean(0, keepdim=True), alpha])


def levels(strip: NDArray[np.float32], grey: bool, most: int) -> NDArray[np.float32]:
    """Samples of a picture as whole numbers, in their place.

    Args:
        strip: In [-1, 1], (C, rows, width); it is changed.
        grey: Whether colours become their mean; any alpha, the last of 2 or 4, stays.
        most: The number that 1 becomes.

    Returns:
        (rows, width, C').
    """
    if grey:
        colours = strip[: len(strip) - (len(strip) in (2, 4))]
        strip = np.concatenate([colours.mean(0, keepdims=True), strip[len(colours) :]])
    strip += 1
    strip /= 2
    np.clip(strip, 0, 1, out=strip)
    strip *= most
    np.rint(strip, out=strip)
    return strip.transpose(1, 2, 0)


def _with_alpha(change: Change, scale: int) -> Change:
    """A change that enlarges a last plane smoothly beside the others."""

    def both(tile: Tensor) -> Tensor:
        alpha = tile[:, -1:]
        if scale > 1:  # reaches 2 pixels, so tiles make no difference
            alpha = F.interpolate(alpha, scale_factor=scale, mode="bicubic")
        return torch.cat([change(tile[:, :-1]), alpha], dim=1)

    return both
