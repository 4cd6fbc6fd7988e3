"""Several pictures on one: grids, contact sheets with captions, pairs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mintmark.core.media import Picture
from mintmark.data.pictures import eight_bits, fit

LEAST_SIDE = 40  # pixels a tile is enlarged to at least, whole times, without smoothing
LEAST_CAPTIONED = 128
LINE = 16  # pixels of a caption
WIDEST = 2048  # pixels of a comparison
INK = 60  # grey of its letters


def enlarged(array: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """A picture (H, W, C) repeated whole times until its height is at least `least`."""
    times = max(1, -(-least // array.shape[0]))
    return np.repeat(np.repeat(array, times, axis=0), times, axis=1)


def sheet(tiles: Sequence[Picture], columns: int) -> Picture:
    """Lays pictures of one size out in rows, with a thin border between them."""
    arrays = [enlarged(eight_bits(tile.array), LEAST_SIDE) for tile in tiles]
    return Picture(_laid(arrays, columns, max(1, arrays[0].shape[0] // 20)))


def captioned(tiles: Sequence[Picture], captions: Sequence[str], columns: int) -> Picture:
    """A contact sheet: the same, each picture above its caption, which is cut to its width."""
    arrays = [enlarged(eight_bits(tile.array), LEAST_CAPTIONED) for tile in tiles]
    pairs = zip(arrays, captions, strict=True)
    return Picture(_laid([_labelled(array, text) for array, text in pairs], columns, 8))


def beside(left: Picture, right: Picture) -> Picture:
    """Two pictures of one number of channels side by side, the right one as high as the left."""
    ours, theirs = eight_bits(left.array), eight_bits(right.array)
    size = (left.height * right.width // right.height, left.height)
    image = Image.fromarray(theirs.squeeze() if right.channels == 1 else theirs)
    scaled = np.asarray(image.resize(size, Image.Resampling.NEAREST))
    return Picture(np.concatenate([ours, scaled.reshape(*size[::-1], left.channels)], axis=1))


def before_and_after(before: Picture, after: Picture) -> Picture:
    """A picture, enlarged as plain filters do, left of what was made of it.

    Both have the size of the result; together they are at most `WIDEST` pixels wide.
    """
    width = min(after.width, WIDEST // 2)
    height = max(1, round(after.height * width / after.width))
    channels = max(before.channels, after.channels)
    halves = [fit(one, channels, height, width) for one in (before, after)]
    return Picture(np.concatenate(halves, axis=2).transpose(1, 2, 0))


def _laid(arrays: Sequence[NDArray[np.uint8]], columns: int, gap: int) -> NDArray[np.uint8]:
    height, width, channels = arrays[0].shape
    rows = -(-len(arrays) // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    canvas = np.full(shape, 255, np.uint8)
    for place, array in enumerate(arrays):
        top = place // columns * (height + gap)
        left = place % columns * (width + gap)
        canvas[top : top + height, left : left + width] = array
    return canvas


def _labelled(array: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """A picture with a line of text below."""
    width, channels = array.shape[1:]
    font = ImageFont.load_default(LINE - 5)
    while text and font.getlength(text) > width:
        text = text[:-2].rstrip(" .") + "."
    line = Image.new("L", (width, LINE), 255)
    ImageDraw.Draw(line).text((1, 1), text, fill=INK, font=font)
    ink = np.repeat(np.asarray(line)[:, :, None], channels, axis=2).copy()
    if channels in (2, 4):
        ink[:, :, -1] = 255
    return np.concatenate([array, ink])
