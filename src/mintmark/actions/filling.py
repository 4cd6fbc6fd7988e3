"""Filling parts of pictures: what a mask covers, or margins beyond the borders.

A network fills holes about as deep as half of what it learned from. A deeper one is filled
at a lower resolution, where it is shallow enough, and enlarged. What is known is copied from
the picture and never computed.
"""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from mintmark.actions.requests import ApplyRequest
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_file
from mintmark.core.media import Picture
from mintmark.core.records import Side
from mintmark.data.pictures import decode, eight_bits, on_white
from mintmark.engines.holes import holed
from mintmark.engines.piecewise import levels, planes
from mintmark.engines.tiles import OVERLAP, Change, Span, in_tiles
from mintmark.provenance.mark import FORMATS
from mintmark.tasks._task import Translation

Mask = NDArray[np.bool_]

LIGHT = 128  # level from which on a mask says: fill
AROUND = 2  # how many depths of a hole the network sees around it
LARGEST = 2**22  # pixels of a window that holes share, for memory


@dataclass(frozen=True)
class Where:
    """What of pictures is filled: what a mask covers, or margins.

    Attributes:
        mask: White where to fill: a file, or a folder of them.
        margins: Pixels beyond each side.
    """

    mask: Path | None
    margins: Mapping[Side, int]

    def inputs(self, file: Path) -> dict[str, object]:
        """What of it decides the result for a picture, for its recipe."""
        if self.mask is not None:
            return {"mask": digest_file(mask_of(self.mask, file))}
        return {f"outpaint_{side}": pixels for side, pixels in self.margins.items()}

    def of(self, picture: Picture, file: Path) -> tuple[Picture, Mask]:
        """A picture, on a larger canvas where margins are asked for, and what it misses.

        Raises:
            DataError: There is no mask of it, or it makes no sense.
        """
        if self.mask is None:
            return extended(picture, self.margins)
        return picture, read_mask(mask_of(self.mask, file), picture)


def asked(request: ApplyRequest, task: str, fills: bool) -> Where | None:
    """What a request says of holes.

    Args:
        request: What was asked for.
        task: Name of the package's task.
        fills: Whether that fills holes.

    Raises:
        ConfigError: No hole is given, two kinds are, the mask is not there, or the package fills
            none.
    """
    margins = {side: pixels for side, pixels in request.outpaint.items() if pixels}
    if not fills and (request.mask or margins):
        raise ConfigError(
            f"The package of {task} fills nothing; leave out --mask and --outpaint, or take one "
            "of inpaint or outpaint."
        )
    _require_there(request.mask)
    if fills and bool(request.mask) == bool(margins):
        raise ConfigError(
            f"The package of {task} needs either --mask FILE, white where to fill, or --outpaint "
            "with pixels to add, as in --outpaint left=256; give one of them."
        )
    return Where(request.mask, margins) if fills else None


def pasted(request: ApplyRequest, task: str) -> Where:
    """What a request says of where something was pasted.

    Args:
        request: What was asked for.
        task: Name of the package's task.

    Raises:
        ConfigError: No mask is given, or margins are, or the mask is not there.
    """
    if not request.mask or any(request.outpaint.values()):
        raise ConfigError(
            f"The package of {task} needs --mask FILE, white where something was pasted, and no "
            "--outpaint."
        )
    _require_there(request.mask)
    return Where(request.mask, {})


def within(request: ApplyRequest, task: Translation) -> Where | None:
    """What a request says of the part that alone shall become another kind or style.

    Args:
        request: What was asked for.
        task: That of the package.

    Raises:
        ConfigError: Margins are given, the mask is not there, or the result has another size.
    """
    if any(request.outpaint.values()):
        raise ConfigError(f"The package of {task.name} fills nothing; leave out --outpaint.")
    if not request.mask:
        return None
    _require_there(request.mask)
    if task.use == "translate" and not request.photo:
        raise ConfigError(
            f"What {task.name} makes has the scale that was learned, where no part can be put back "
            "into the picture; add --photo to --mask."
        )
    return Where(request.mask, {})


def _require_there(mask: Path | None) -> None:
    if mask and not mask.exists():
        raise ConfigError(f"There is no mask {mask}; give a picture or a folder of them.")


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
    array, most = picture.array.copy(), np.iinfo(picture.array.dtype).max
    colours = picture.channels - (picture.channels in (2, 4))
    holes, groups = _grouped(missing, depth)
    for group in groups:
        window = group.window
        samples = planes(picture.array[window], channels)[:channels]  # without alpha
        made = yield from _patch(change, samples, missing[window], group.factor, tile)
        place = np.isin(holes[window], group.numbers)
        array[window][place, :colours] = levels(made.numpy(), grey=colours == 1, most=most)[place]
    return Picture(array)


@dataclass(frozen=True)
class _Group:
    """Holes that are filled together.

    Attributes:
        numbers: Which.
        window: Rows and columns of them and what is seen around.
        factor: How many times lower the resolution is.
    """

    numbers: tuple[int, ...]
    window: tuple[slice, slice]
    factor: int

    @property
    def area(self) -> int:
        """Pixels of the window."""
        return math.prod(side.stop - side.start for side in self.window)

    def joined(self, other: "_Group") -> "_Group":
        """Both, in the window that holds both."""
        rows, columns = (
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(self.window, other.window, strict=True)
        )
        return _Group((*self.numbers, *other.numbers), (rows, columns), self.factor)


def _grouped(missing: Mask, depth: int) -> tuple[NDArray[np.int32], list[_Group]]:
    """The number of the hole at each place, (H, W), 0 for none; and groups of all holes.

    Holes share a window where that is no larger than both of their own, so that no place around
    many small ones is computed many times.
    """
    far = ndimage.distance_transform_edt(missing)  # pixels to the nearest known one
    holes, _ = ndimage.label(missing, np.ones((3, 3)))
    groups = []
    for number, box in enumerate(ndimage.find_objects(holes), 1):
        deepest = float(far[box][holes[box] == number].max())
        around = math.ceil(AROUND * max(deepest, OVERLAP))
        rows, columns = (
            slice(max(side.start - around, 0), min(side.stop + around, length))
            for side, length in zip(box, missing.shape, strict=True)
        )
        groups.append(_Group((number,), (rows, columns), max(1, math.ceil(deepest / depth))))
    while len(fewer := _joined(groups)) < len(groups):  # rows of holes join, and then the rows
        groups = fewer
    return holes, groups


def _joined(groups: list[_Group]) -> list[_Group]:
    """Each with the first one before it with which it may share a window, where there is one."""
    found: list[_Group] = []
    for one in groups:
        for place, other in enumerate(found):
            both = other.joined(one)
            if other.factor == one.factor and both.area <= min(other.area + one.area, LARGEST):
                found[place] = both
                break
        else:
            found.append(one)
    return found


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
    whole = (yield from _tiled(change, holed(cells, (share == 0).float())[0], tile))[None]
    if factor > 1:
        whole = F.interpolate(whole, scale_factor=factor, mode="bicubic").clamp(-1, 1)
    return whole[0, :, :height, :width]


def _tiled(change: Change, whole: Tensor, tile: int) -> Generator[tuple[int, int], None, Tensor]:
    """What a network makes of (C, H, W), tile by tile, (C', H, W)."""
    strips: list[Tensor] = []

    def read(rows: Span, columns: Span) -> Tensor:
        return whole[:, rows.first : rows.last, columns.first : columns.last]

    def finish(_: int, strip: NDArray[np.float32]) -> None:
        strips.append(torch.from_numpy(strip))

    yield from in_tiles(change, read, (whole.shape[1], whole.shape[2]), finish, 1, tile, OVERLAP)
    return torch.cat(strips, dim=1)
