"""A picture of any size through a network that sees all of it, at the size that it learned.

What asks for a wide view (what stands out, which colour, which light) needs little detail. So
the picture is brought to the scale of the training pictures, and the answer enlarged, and then
joined with the picture at its own resolution: as a map, as its colours, by the
Gauss-Poisson step, or as another mixture of its own channels.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.media import Picture
from mintmark.engines.blending import blended
from mintmark.engines.colour_damage import luma, with_luma
from mintmark.engines.composites import begun
from mintmark.engines.guided import mixed, mixtures
from mintmark.engines.piecewise import glance, levels, planes
from mintmark.engines.tiles import Change

STRIP = 64  # rows that are numbers of 32 bits at once
FINER = 4  # times the learned side that a picture is box-reduced to at most, before the rest
WIDEST = 16  # learned sides that a long picture may have, so that no network gets too much
TRUSTED = 2.0  # pixels of a blending network's answer: what is finer comes from the picture
WINDOW = 1 / 32  # of the learned side: half a window in which a change is one mixture
LARGEST = 1024  # pixels a side at which pasted parts are blended, and the change enlarged
AROUND = 0.5  # of its longer side that is seen around what was pasted

Joined = Callable[[Tensor, Tensor], Tensor]
"""Rows of a picture in RGB or grey, (C, rows, W), and of the answer to the result's."""


def mapped(change: Change, picture: Picture, channels: int, side: int) -> Picture:
    """A map of a picture: grey levels, with its size, depth, transparency and number of channels.

    Args:
        change: The network, from (1, channels, h, w) to a map of the same shape.
        picture: Any.
        channels: What the network takes: 1 or 3.
        side: Pixels of the shorter side, as it learned.
    """

    def joined(_: Tensor, answer: Tensor) -> Tensor:
        return answer.clamp(-1, 1).mean(0, keepdim=True).expand_as(answer)

    small = change(_seen(picture, channels, side))
    return _in_strips(joined, small, channels, picture, grey=picture.channels in (1, 2))


def coloured(change: Change, picture: Picture, channels: int, side: int) -> Picture:
    """A picture in colours, whose luma is the picture's own.

    Args:
        change: The network, from grey (1, 3, h, w) to colours of the same shape.
        picture: Any; of its own colours only the luma counts.
        channels: What the network takes: 3.
        side: Pixels of the shorter side, as it learned.
    """

    def joined(part: Tensor, answer: Tensor) -> Tensor:
        return with_luma(answer[None].clamp(-1, 1), luma(part[None]))[0]

    seen = _seen(picture, channels, side)
    small = change(luma(seen).expand_as(seen))
    return _in_strips(joined, small, channels, picture, grey=False)


def followed(change: Change, picture: Picture, channels: int, side: int) -> Picture:
    """A picture whose colours and light change as a network changes them, and no edge moves.

    Args:
        change: The network, from (1, channels, h, w) to the same shape.
        picture: Any; its size, depth and transparency stay.
        channels: What the network takes: 1 or 3.
        side: Pixels of the shorter side of what it sees.
    """
    seen = _seen(picture, channels, side)
    radius = max(1, round(WINDOW * side))
    mixture = mixtures(seen, change(seen), radius)
    return _in_strips(mixed, mixture, channels, picture, grey=picture.channels in (1, 2))


def harmonised(
    change: Change, picture: Picture, pasted: NDArray[np.bool_], channels: int, side: int
) -> Picture:
    """A picture whose pasted part got the colours that a network gives it.

    Args:
        change: The network, from what `composites.begun` makes, to a picture.
        picture: Any.
        pasted: Where something was pasted, (H, W).
        channels: 1 or 3, of the network.
        side: Pixels of the longer side of what it sees, as it learned.

    Returns:
        The picture; every sample outside of the part is as it was, and so is alpha.
    """
    window = _window(pasted)
    part, inside = Picture(picture.array[window]), pasted[window]
    small = _change(change, part, inside, channels, side)
    array, most = picture.array.copy(), np.iinfo(picture.array.dtype).max
    result, grey = array[window], picture.channels in (1, 2)  # a view, which is written to
    colours = picture.channels - (picture.channels in (2, 4))
    for top in range(0, part.height, STRIP):
        rows = slice(top, min(top + STRIP, part.height))
        own = planes(part.array[rows], channels)[:channels]
        moved = own + _rows(small, (rows.start, rows.stop), (part.height, part.width))
        made = levels(moved.numpy(), grey, most)
        result[rows][inside[rows], :colours] = made[inside[rows]]
    return Picture(array)


def _change(
    change: Change, picture: Picture, pasted: NDArray[np.bool_], channels: int, side: int
) -> Tensor:
    """What is added to a picture by blending, (1, channels, h, w), of LARGEST a side at most.

    It is as smooth as the network's answer, so a large picture needs no more of it. Around what
    was pasted it goes on as at the nearest place within, or enlarged it would fade there.
    """
    samples = glance(picture, channels, LARGEST)  # (channels, h, w)
    cover = glance(Picture(255 * pasted[..., None].astype(np.uint8)), 1, LARGEST)[0].numpy()
    part = cover > 0 if (cover > 0).any() else cover > -1  # a thin line may fill no pixel
    factor = max(part.shape) / side
    size = [max(1, round(length / factor)) for length in part.shape]
    mask = _resized(torch.from_numpy(part)[None, None].float(), size).clamp(min=0)
    answer = change(begun(_resized(samples[None], size), mask))
    low = _resized(answer, list(part.shape))[0]
    made = blended(_last(samples), _last(low), part, TRUSTED * max(factor, 1.0))
    added = (made - _last(samples)).astype(np.float32)  # (h, w, channels)
    nearest = distance_transform_edt(~part, return_distances=False, return_indices=True)
    return torch.from_numpy(added[tuple(nearest)]).permute(2, 0, 1)[None]


def _last(samples: Tensor) -> NDArray[np.float32]:
    moved: NDArray[np.float32] = samples.permute(1, 2, 0).numpy()
    return moved


def _window(pasted: NDArray[np.bool_]) -> tuple[slice, slice]:
    """What surrounds the part, half as wide as that on each side where the picture goes on."""
    ends = []
    for axis in (1, 0):
        found = np.flatnonzero(pasted.any(axis))
        ends.append((int(found[0]), int(found[-1]) + 1))
    around = math.ceil(AROUND * max(last - first for first, last in ends))
    rows, columns = (slice(max(first - around, 0), last + around) for first, last in ends)
    return rows, columns


def _seen(picture: Picture, channels: int, side: int) -> Tensor:
    """The picture without alpha, its shorter side as learned, (1, channels, h, w)."""
    whole = glance(picture, channels, FINER * side)[None]
    factor = side / min(picture.height, picture.width)
    size = [
        min(max(1, round(factor * length)), WIDEST * side)
        for length in (picture.height, picture.width)
    ]
    return _resized(whole, size)


def _resized(planes: Tensor, size: list[int]) -> Tensor:
    return F.interpolate(planes, size=size, mode="bicubic", antialias=True).clamp(-1, 1)


def _in_strips(
    joined: Joined, small: Tensor, channels: int, picture: Picture, grey: bool
) -> Picture:
    """The answer at the picture's size, joined with its channels, a few rows at a time."""
    array, most = picture.array, np.iinfo(picture.array.dtype).max
    strips = []
    for top in range(0, picture.height, STRIP):
        rows = array[top : top + STRIP]
        own = planes(rows, channels)  # (C, rows, W), any alpha last
        answer = _rows(small, (top, top + len(rows)), (picture.height, picture.width))
        made = torch.cat([joined(own[:channels], answer), own[channels:]])
        strips.append(levels(made.numpy(), grey, most).astype(array.dtype))
    return Picture(np.concatenate(strips))


def _rows(small: Tensor, rows: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Some rows of (1, C, h, w) enlarged to a size by a cubic filter, (C, rows, W)."""
    y = (torch.arange(*rows) + 0.5) / size[0] * 2 - 1
    x = (torch.arange(size[1]) + 0.5) / size[1] * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), 2)[None]  # (1, rows, W, 2)
    found = F.grid_sample(small, grid, "bicubic", "border", align_corners=False)
    return found[0]
