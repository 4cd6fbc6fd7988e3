"""Counterparts: pictures of two kinds that look like each other, found without being told.

Two folders may show the same things drawn by two hands, under names that say nothing. Each
picture is compared with all of the other kind by its small pictures and by where its edges are,
of which what is usual for its kind is taken off; two are counterparts where each is the other's
nearest. What is near to everything would be taken too often, so a similarity counts by how far it
is above what both are used to (Conneau et al., "Word Translation Without Parallel Data", ICLR
2018, equation 7).
"""

from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

COLOURS = (8, 16)  # a side of the small pictures
EDGES = 8  # a side of the maps of edges
NEAR = 10  # pictures of the other kind that tell what a picture is used to
MOST = 4096  # pictures of a kind that are compared; their similarities are held at once
CHUNK = 512  # pictures made small at once
FAINT = 1e-6  # below which a deviation or a length is none

Rows = NDArray[np.float32]


def counterparts(pixels: NDArray[np.uint8], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counterpart of each picture in each kind.

    Args:
        pixels: (N, C, H, W).
        kinds: The kind of each, (N,).

    Returns:
        Numbers of pictures, (N, number of kinds), -1 where there is none. Who is a counterpart
        has the other as its own.
    """
    count = int(kinds.max()) + 1
    members = [_compared(np.flatnonzero(kinds == kind), kind) for kind in range(count)]
    found = np.full((len(pixels), count), -1, np.int64)
    seen = [_seen(pixels, own) for own in members]
    for one, other in combinations(range(count), 2):
        if not len(members[one]) or not len(members[other]):
            continue
        pairs = zip(seen[one], seen[other], strict=True)
        a, b = mutual(np.sum([similarity(*pair) for pair in pairs], axis=0))
        first, second = members[one][a], members[other][b]
        found[first, other], found[second, one] = second, first
    return found


def similarity(one: Rows, other: Rows) -> Rows:
    """Cosines between rows, each less the mean of its kind, (N, d) and (M, d) to (N, M)."""
    one, other = one - one.mean(0), other - other.mean(0)
    spread = np.concatenate([one, other]).std(0) + FAINT
    a, b = (_unit(rows / spread) for rows in (one, other))
    cosines: Rows = a @ b.T
    return cosines


def mutual(likeness: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a similarity (N, M) that are each other's nearest."""
    usual = [_usual(likeness, 1)[:, None], _usual(likeness, 0)[None]]
    above = 2 * likeness - usual[0] - usual[1]
    nearest, back = above.argmax(1), above.argmax(0)
    rows = np.flatnonzero(back[nearest] == np.arange(len(nearest)))
    return rows, nearest[rows]


def _usual(likeness: Rows, axis: int) -> Rows:
    """The mean similarity to the nearest few along an axis."""
    near = min(NEAR, likeness.shape[axis])
    highest = np.partition(likeness, -near, axis).take(range(-near, 0), axis)
    means: Rows = highest.mean(axis)
    return means


def _unit(rows: Rows) -> Rows:
    units: Rows = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + FAINT)
    return units


def _compared(members: NDArray[np.int64], kind: int) -> NDArray[np.int64]:
    """All pictures of a kind, or as many of them as are compared, by chance."""
    if len(members) <= MOST:
        return members
    return np.sort(np.random.default_rng(kind).choice(members, MOST, replace=False))


def _seen(pixels: NDArray[np.uint8], ids: NDArray[np.int64]) -> list[Rows]:
    """What pictures are compared by, as rows, (n, d) each."""
    parts: list[list[Rows]] = [[] for _ in (*COLOURS, EDGES)]
    for start in range(0, len(ids), CHUNK):
        some = torch.from_numpy(np.asarray(pixels[ids[start : start + CHUNK]])).float()
        small = [F.adaptive_avg_pool2d(some, cells) for cells in COLOURS]
        small.append(F.adaptive_avg_pool2d(_edges(some), EDGES))
        for part, maps in zip(parts, small, strict=True):
            part.append(maps.flatten(1).numpy())
    return [np.concatenate(part) for part in parts if part]


def _edges(pictures: Tensor) -> Tensor:
    """How much the mean of the channels changes downward and to the right, (N, 2, H, W)."""
    grey = F.pad(pictures.mean(1, keepdim=True), (0, 1, 0, 1), "replicate")
    down, right = grey.diff(dim=2)[..., :-1], grey.diff(dim=3)[..., :-1, :]
    return torch.cat([down, right], 1).abs()
