"""Plates over holes: they are those of the equations, and keep what is known."""

from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from mintmark.models.layers.plates import _force, _spread, _weighed, plate


def photograph(height: int = 64, width: int = 64, name: str = "astronaut") -> Tensor:
    """A part of a photograph of scikit-image, (1, 3, height, width) in [-1, 1]."""
    array = np.asarray(getattr(skimage.data, name)())[20 : 20 + height, 180 : 180 + width]
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def box(height: int, width: int, *, rows: slice, columns: slice) -> Tensor:
    missing = torch.zeros(1, 1, height, width)
    missing[..., rows, columns] = 1
    return missing


def filled(clean: Tensor, missing: Tensor, tension: float) -> Tensor:
    return plate(clean * (1 - missing), missing, tension)


def least(clean: Tensor, missing: Tensor, tension: float) -> Tensor:
    """The plate of least energy by a dense solver in double precision."""
    height, width = missing.shape[2:]
    unit = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    matrix = _force(unit, tension).flatten(1)  # symmetric
    hole = missing.flatten() > 0
    values = clean.double().flatten(2)[0]  # (C, H * W)
    pull = -matrix[hole][:, ~hole] @ values[:, ~hole].T
    values[:, hole] = torch.linalg.solve(matrix[hole][:, hole], pull).T
    return values.view_as(clean).float()


@pytest.mark.parametrize("tension", [0.01, 1.0])
@pytest.mark.parametrize("size", [(32, 32), (27, 35)])
def test_it_comes_near_to_the_plate_of_least_energy(tension: float, size: tuple[int, int]) -> None:
    clean, missing = photograph(*size), box(*size, rows=slice(8, 20), columns=slice(6, 18))
    far = (filled(clean, missing, tension) - least(clean, missing, tension)).abs()
    span = (clean - clean.mean()).abs().mean()
    assert far.sum() / (3 * missing.sum()) < 0.01 * span


def test_without_tension_it_is_the_biharmonic_one() -> None:
    clean, missing = photograph(), box(64, 64, rows=slice(20, 34), columns=slice(24, 38))
    equation: Any = inpaint_biharmonic
    peer = equation(clean[0].permute(1, 2, 0).numpy(), missing[0, 0].bool().numpy(), channel_axis=2)
    theirs = torch.from_numpy(peer).permute(2, 0, 1)[None].float()
    ours = filled(clean, missing, 0.0)
    off, wrong = ((x - ours).abs().sum() for x in (theirs, clean))
    assert off < 0.3 * wrong


def test_tension_takes_the_overshoot() -> None:
    """A slope of both borders leads a stiff plate beyond them, a soft one not."""
    height = torch.linspace(-1, 1, 48).abs().mul(2).sub(1).expand(1, 1, 48, 48)  # a valley
    missing = box(48, 48, rows=slice(None), columns=slice(14, 34))
    known = height[missing == 0].min()
    stiff, soft = (filled(height, missing, tension).min() for tension in (0.001, 1.0))
    assert stiff < known - 0.1
    assert soft > known - 0.06


@pytest.mark.parametrize("size", [(64, 64), (17, 23), (2, 3), (1, 1)])
def test_what_is_known_stays_and_plain_stays_plain(size: tuple[int, int]) -> None:
    missing = torch.zeros(2, 1, *size)
    missing[0, :, size[0] // 3 :, size[1] // 3 : -1] = 1  # the second has no hole
    missing[0, :, 0, 0] = 0
    clean = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = filled(clean, missing, 0.01)
    known = (missing == 0).expand_as(made)
    assert torch.equal(made[known], clean[known])
    plain = torch.full((2, 3, *size), 0.7)
    torch.testing.assert_close(filled(plain, missing, 0.01), plain)


def test_nothing_known_is_nothing() -> None:
    assert not plate(torch.zeros(1, 3, 20, 20), torch.ones(1, 1, 20, 20), 0.01).any()


def test_each_picture_is_filled_by_itself() -> None:
    clean = torch.cat([photograph(), -photograph().flip(3)])
    missing = torch.cat(
        [box(64, 64, rows=slice(10, 30), columns=slice(5, 50)),
         box(64, 64, rows=slice(40, 64), columns=slice(0, 64))]
    )  # fmt: skip
    both = filled(clean, missing, 0.01)
    for place in (0, 1):
        alone = filled(clean[place : place + 1], missing[place : place + 1], 0.01)
        torch.testing.assert_close(both[place : place + 1], alone, atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [(16, 16), (17, 22)])
def test_weighing_is_the_transpose_of_spreading(size: tuple[int, int]) -> None:
    """Otherwise the preconditioner is not symmetric and the solver goes astray."""
    draw = torch.Generator().manual_seed(0)
    fine = torch.randn(1, 2, *size, generator=draw)
    coarse = torch.randn(_weighed(fine).shape, generator=draw)
    left, right = (fine * _spread(coarse, fine)).sum(), (_weighed(fine) * coarse).sum()
    torch.testing.assert_close(left, right, atol=1e-3, rtol=1e-4)
