"""Filling parts of pictures: what a mask covers, or margins beyond the borders.

A network fills holes about as deep as half of what it learned from. A deeper one is filled
at a lower resolution, where it is shallow enough, and enlarged. What is known is copied from
the picture and never computed.
"""

import math
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.core.records import Side
from mintmark.data.pictures import decode, eight_bits, on_white
from mintmark.engines.holes import holed
from mintmark.engines.tiles import OVERLAP, Change, in_tiles
from mintmark.provenance.mark import FORMATS

Samples = NDArray[np.uint8] | NDArray[np.uint16]
Mask = NDArray[np.bool_]

LIGHT = 128  # level from which on a mask says: fill
AROUND = 2  # how many depths of a hole the network sees around it


def mask_of(given: Path, picture: Path) -> Path:
    """The mask of a picture: the file given, or that of its name in the folder given.

    Raises:
        DataError: The folder has none.
    """
    if not given.is_dir():
        return given
    for suffix in (picture.suffix, *FORMATS):
        if (found := given / (picture.stem + suffix)).is_file():
            return found
    raise DataError(f"The folder {given} has no mask of {picture.name}; add one of its name.")


def read_mask(path: Path, like: Picture) -> Mask:
    """What a mask asks to be filled, (H, W).

    Args:
        path: A picture of the same size, white where it shall be filled.
        like: The picture that it belongs to.

    Raises:
        DataError: It cannot be read, has another size, or is all of one kind.
    """
    levels = on_white(eight_bits(decode(path.read_bytes(), path.name).array))
    if levels.shape[:2] != like.array.shape[:2]:
        height, width = levels.shape[:2]
        raise DataError(
            f"The mask {path.name} has {width} x {height} pixels and its picture "
            f"{like.width} x {like.height}; give a mask of the same size."
        )
    missing: Mask = levels.mean(2) >= LIGHT
    if not missing.any():
        raise DataError(f"The mask {path.name} is black, so there is nothing to fill.")
    if missing.all():
        raise DataError(f"The mask {path.name} is white, so nothing is known to go on from.")
    return missing


def extended(picture: Picture, margins: Mapping[Side, int]) -> tuple[Picture, Mask]:
    """A picture on a larger canvas, opaque there, and what of that is missing, (H', W')."""
    rows = (margins.get("top", 0), margins.get("bottom", 0))
    columns = (margins.get("left", 0), margins.get("right", 0))
    array: NDArray[Any] = np.pad(picture.array, (rows, columns, (0, 0)))
    missing = np.pad(np.zeros(picture.array.shape[:2], np.bool_), (rows, columns),
                     constant_values=True)  # fmt: skip
    if picture.channels in (2, 4):
        array[missing, -1] = np.iinfo(array.dtype).max
    return Picture(array), missing


def filled(
    change: Change, picture: Picture, missing: Mask, channels: int, depth: int, tile: int
) -> Generator[tuple[int, int], None, Picture]:
    """A picture whose holes are filled, each with what lies around it.

    Args:
        change: The network, from (1, channels + 1, h, w) to (1, channels, h, w).
        picture: Any picture.
        missing: What to fill, (H, W).
        channels: 1 or 3, of the network.
        depth: How far from anything known the network fills well, in pixels.
        tile: Pixels a side at once.

    Yields:
        Tiles done, and tiles in all, of the hole that is being filled.

    Returns:
        The picture. Every sample that is not missing is as it was, and so is alpha.
    """
    array = picture.array.copy()
    far = ndimage.distance_transform_edt(missing)  # pixels to the nearest known one
    holes, _ = ndimage.label(missing, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(holes), 1):
        own = holes[box] == number
        deepest = float(far[box][own].max())
        around = math.ceil(AROUND * max(deepest, OVERLAP))
        window = tuple(slice(max(side.start - around, 0), side.stop + around) for side in box)
        factor = max(1, math.ceil(deepest / depth))
        samples = _samples(picture.array[window], channels)
        made = yield from _patch(change, samples, missing[window], factor, tile)
        place = holes[window] == number
        array[window][place, : _colours(picture)] = _levels(made, picture)[place]
    return Picture(array)


def _patch(
    change: Change, samples: Tensor, missing: Mask, factor: int, tile: int
) -> Generator[tuple[int, int], None, Tensor]:
    """A window whose holes are filled at a resolution `factor` times lower, (C, H, W)."""
    height, width = missing.shape
    odd = (0, -width % factor, 0, -height % factor)  # missing too
    holes = F.pad(torch.from_numpy(missing)[None, None].float(), odd, value=1.0)
    known = 1 - holes
    seen = F.avg_pool2d(F.pad(samples[None], odd) * known, factor)
    share = F.avg_pool2d(known, factor)  # of each cell that is known
    cells = seen / share.clamp(min=1 / factor**2)
    made = yield from in_tiles(change, holed(cells, (share == 0).float())[0], 1, tile, OVERLAP)
    whole = torch.from_numpy(made)[None]
    if factor > 1:
        whole = F.interpolate(whole, scale_factor=factor, mode="bicubic").clamp(-1, 1)
    return whole[0, :, :height, :width]


def _colours(picture: Picture) -> int:
    return picture.channels - (picture.channels in (2, 4))


def _samples(array: Samples, channels: int) -> Tensor:
    """Colours in [-1, 1] as the network takes them, (channels, H, W)."""
    colours = array[..., :-1] if array.shape[2] in (2, 4) else array
    levels = colours.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    samples = torch.from_numpy(levels).permute(2, 0, 1) * 2 - 1
    return samples.expand(3, -1, -1) if channels == 3 else samples.mean(0, keepdim=True)


def _levels(made: Tensor, like: Picture) -> Samples:
    """Colours in the depth of a picture, (H, W, its colours)."""
    if _colours(like) == 1:
        made = made.mean(0, keepdim=True)
    most = np.iinfo(like.array.dtype).max
    levels = ((made.expand(_colours(like), -1, -1) + 1) / 2 * most).round().permute(1, 2, 0)
    found: NDArray[Any] = levels.numpy().astype(like.array.dtype)
    return found
