from typing import get_args

import pytest
import torch
from torch import Tensor

from mintmark.engines import masks
from mintmark.engines.masks import LEAST, MOST, Kind, distance, mask
from mintmark.training.draws import Draws

ROWS = 60
SIZE = (48, 64)
every_kind = pytest.mark.parametrize("kind", get_args(Kind))


def draws(step: int = 0) -> Draws:
    return Draws(0, step, ROWS, 0, ROWS)


def edges(found: Tensor) -> Tensor:
    """Which whole edges are missing: upper, lower, left and right, (N, 4)."""
    whole = found[:, 0]
    sides = [whole[:, 0], whole[:, -1], whole[:, :, 0], whole[:, :, -1]]
    return torch.stack([side.amin(1) for side in sides], dim=1)


@every_kind
def test_masks_are_zeros_and_ones_of_the_stated_share(kind: Kind) -> None:
    found = mask(kind, SIZE, draws(), "x")
    assert found.shape == (ROWS, 1, *SIZE)
    assert found.dtype == torch.float32
    assert bool(((found == 0) | (found == 1)).all())
    share = found.mean((1, 2, 3))
    assert float(share.min()) > LEAST - 0.03
    assert float(share.max()) < MOST + 0.03
    if kind != "half":
        assert float(share.max() - share.min()) > 0.3


@every_kind
def test_rows_differ_and_do_not_depend_on_the_cut(kind: Kind) -> None:
    found = mask(kind, SIZE, draws(), "x")
    assert torch.equal(found[10:20], mask(kind, SIZE, draws().rows(10, 20), "x"))
    assert len({row.numpy().tobytes() for row in found}) >= (4 if kind == "half" else 0.9 * ROWS)
    assert not torch.equal(found, mask(kind, SIZE, draws(), "y"))
    assert not torch.equal(found, mask(kind, SIZE, draws(step=1), "x"))


def test_a_box_is_one_rectangle_inside_the_picture() -> None:
    found = mask("box", SIZE, draws(), "x")[:, 0]
    rows, columns = found.amax(2), found.amax(1)  # (N, H), (N, W)
    assert torch.equal(found, rows[:, :, None] * columns[:, None])
    for line in (rows, columns):
        assert bool((line.diff(dim=1).abs().sum(1) + line[:, 0] + line[:, -1] == 2).all())
    aspect = (rows.sum(1) / SIZE[0]) / (columns.sum(1) / SIZE[1])
    assert 0.4 < float(aspect.min()) < 0.7
    assert 1.5 < float(aspect.max()) < 2.5


def test_a_half_is_one_of_four() -> None:
    found = mask("half", SIZE, draws(), "x")
    assert bool((found.mean((1, 2, 3)) == 0.5).all())
    assert bool((edges(found).sum(1) == 1).all())
    assert bool((edges(found).sum(0) > 0).all())


def test_a_border_leaves_one_rectangle_and_takes_one_to_four_sides() -> None:
    found = mask("border", SIZE, draws(), "x")
    kept = 1 - found[:, 0]
    assert torch.equal(kept, kept.amax(2)[:, :, None] * kept.amax(1)[:, None])
    assert set(edges(found).sum(1).tolist()) == {1.0, 2.0, 3.0, 4.0}
    assert bool((edges(found).sum(0) > 0).all())


def test_strokes_are_thick_and_of_any_shape() -> None:
    found = mask("strokes", SIZE, draws(), "x")
    inside = -torch.nn.functional.max_pool2d(-found, 3, stride=1, padding=1)
    assert float(inside.sum() / found.sum()) > 0.5  # most of a thin line is its edge
    corners = found.amax(3, keepdim=True) * found.amax(2, keepdim=True)  # the box around it
    assert float((found.sum((1, 2, 3)) / corners.sum((1, 2, 3))).median()) < 0.7


def test_walks_stay_inside_and_are_not_pressed_to_the_border() -> None:
    corners = masks._walks(SIZE, draws(), "x") / torch.tensor(SIZE)
    assert 0 <= float(corners.min()) < float(corners.max()) <= 1
    assert float(((corners == 0) | (corners == 1)).float().mean()) == 0


def test_distances_to_a_segment() -> None:
    start, end = torch.tensor([[1.5, 2.5], [0.5, 0.5]]), torch.tensor([[1.5, 5.5], [0.5, 0.5]])
    along, point = distance((6, 9), start, end)[:, 0]
    assert along[1, 2:6].tolist() == [0, 0, 0, 0]
    assert along[4, 3].item() == pytest.approx(3)
    assert along[1, 8].item() == pytest.approx(3)
    assert along[5, 8].item() == pytest.approx(5)  # 3 past the end and 4 below
    assert point[3, 4].item() == pytest.approx(5)
