"""Grain: the nearest known places are found, and their detail is mirrored."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from mintmark.engines import masks
from mintmark.models.layers.grain import mirrored, nearest
from mintmark.training.draws import Draws


def waves(height: int, width: int) -> Tensor:
    """Columns by turns bright and dark, (1, 1, height, width)."""
    return (-1.0) ** torch.arange(width).expand(1, 1, height, width)


@pytest.mark.parametrize("kind", ["box", "strokes", "half", "border"])
@pytest.mark.parametrize("size", [(48, 48), (33, 57)])
def test_the_nearest_known_place_is_found(kind: masks.Kind, size: tuple[int, int]) -> None:
    missing = masks.mask(kind, size, Draws(0, 0, 3, 0, 3), "test")
    rows, columns = np.mgrid[: size[0], : size[1]]
    for hole, (row, column) in zip(missing[:, 0].numpy(), nearest(missing).numpy(), strict=True):
        assert not hole[row, column].any()
        off = np.hypot(row - rows, column - columns) - ndimage.distance_transform_edt(hole)
        assert off.max() < 1.5 and off.mean() < 0.02  # jumps miss some


def test_detail_is_mirrored_at_the_edge() -> None:
    clean = waves(24, 40)
    missing = torch.zeros(1, 1, 24, 40)
    missing[..., 30:] = 1
    grain = mirrored(clean * (1 - missing), missing)
    assert not grain[..., :30].any()
    there = 2 * 29 - np.arange(31, 39)  # of columns 31 to 38, clear of the change at the edge
    assert torch.equal(grain[..., 31:39].sign(), clean[..., there])


def test_plain_pictures_have_none() -> None:
    missing = torch.zeros(1, 1, 20, 20)
    missing[..., 5:15, 5:15] = 1
    assert mirrored(torch.full((1, 3, 20, 20), 0.3), missing).abs().max() < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1)])
def test_small_pictures_and_nothing_known_are_no_trouble(size: tuple[int, int]) -> None:
    whole = torch.ones(1, 1, *size)
    rows, columns = nearest(whole)[0]
    assert torch.equal(rows, torch.arange(size[0])[:, None].expand(size))
    assert torch.equal(columns, torch.arange(size[1])[None].expand(size))
    assert torch.isfinite(mirrored(torch.rand(1, 3, *size), whole)).all()
    assert not mirrored(torch.rand(1, 3, *size), 0 * whole).any()
