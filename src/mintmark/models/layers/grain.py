"""Grain for smooth fillings: the fine detail of what is known, mirrored into the holes."""

import torch
from torch import Tensor
from torch.nn import functional as F

FINE = 3  # pixels a side of the means, taken twice, that leave what is detail
NOWHERE = -1e6  # row and column of a known place that none is known of


def mirrored(filled: Tensor, missing: Tensor) -> Tensor:
    """The detail of each missing place if the edge of its hole were a mirror.

    Args:
        filled: Pictures whose holes are filled smoothly, (N, C, H, W).
        missing: (N, 1, H, W), 1 where something is missing, else 0.

    Returns:
        What to add to them, (N, C, H, W); 0 where nothing is missing.
    """
    size = torch.tensor(missing.shape[2:], device=missing.device).view(1, 2, 1, 1)
    near = nearest(missing)  # (N, 2, H, W)
    there = (2 * near - _places(missing)) % (2 * size)
    there = torch.where(there < size, there, 2 * size - 1 - there)  # borders are mirrors too
    known = _taken(near, there)  # since a mirrored place may be missing
    return _taken(filled - _means(_means(filled)), known) * missing


def nearest(missing: Tensor) -> Tensor:
    """The known place that is nearest to each one, or nearly so.

    Source: Rong and Tan, "Jump Flooding in GPU with Applications to Voronoi Diagram and
    Distance Transform", 2006.

    Args:
        missing: (N, 1, H, W), 1 where something is missing, else 0.

    Returns:
        Rows and columns, (N, 2, H, W), int64; the place itself where nothing is known.
    """
    height, width = missing.shape[2:]
    here = _places(missing).to(missing)
    found = torch.where(missing > 0, NOWHERE, here)
    away = (found - here).square().sum(1, keepdim=True)  # (N, 1, H, W)
    step = 1 << (max(height, width) - 1).bit_length() >> 1
    while step:
        wide = F.pad(found, [step] * 4, value=NOWHERE)
        for place in range(9):
            down, right = step * (place // 3), step * (place % 3)
            other = wide[:, :, down : down + height, right : right + width]
            far = (other - here).square().sum(1, keepdim=True)
            found, away = torch.where(far < away, other, found), torch.minimum(far, away)
        step //= 2
    return torch.where(found < 0, here, found).long()


def _places(like: Tensor) -> Tensor:
    """Row and column of each place, (1, 2, H, W), int64."""
    sides = (torch.arange(side, device=like.device) for side in like.shape[2:])
    return torch.stack(torch.meshgrid(*sides, indexing="ij"))[None]


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """What (N, C, H, W) has at the places (N, 2, H, W)."""
    flat = (places[:, :1] * x.shape[3] + places[:, 1:]).flatten(2)  # (N, 1, H * W)
    return x.flatten(2).gather(2, flat.expand(-1, x.shape[1], -1)).view_as(x)


def _means(x: Tensor) -> Tensor:
    """Of each place and those around it."""
    return F.avg_pool2d(F.pad(x, [FINE // 2] * 4, "replicate"), FINE, stride=1)
