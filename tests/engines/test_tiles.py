"""Networks in tiles: the same as at once where the overlap reaches, and no seam anywhere."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines.tiles import OVERLAP, STEP, Change, Span, in_tiles, shares, spans
from mintmark.models.families import FAMILIES


@given(st.integers(1, 3000), st.integers(20, 300), st.integers(1, 9))
def test_spans_cover_a_side_and_overlap(length: int, tile: int, overlap: int) -> None:
    found = spans(length, tile, overlap)
    assert found[0].first == 0 and found[-1].last == length
    assert len({span.last - span.first for span in found}) == 1
    assert found[0].last <= tile
    needed = (length + (len(found) - 1) * overlap) / len(found)
    assert found[0].last < needed + STEP  # what overlaps is computed twice
    for one, following in pairwise(found):
        assert one.last - following.first >= overlap
    for scale in (1, 2):
        total = np.zeros(scale * length)
        for span, share in zip(found, shares(found, scale, overlap), strict=True):
            assert share.min() >= 0
            total[scale * span.first : scale * span.last] += share
        assert np.allclose(total, 1)


def blurred(x: Tensor) -> Tensor:
    """A change that reaches 2 pixels."""
    return F.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)


def whole(change: Change, picture: Tensor, **options: int) -> NDArray[np.float32]:
    strips: list[NDArray[np.float32]] = []

    def read(rows: Span, columns: Span) -> Tensor:
        return picture[:, rows.first : rows.last, columns.first : columns.last]

    def finish(top: int, strip: NDArray[np.float32]) -> None:
        assert top == sum(one.shape[1] for one in strips)
        strips.append(strip.copy())
        strip[:] = np.nan  # it is ours

    size = (picture.shape[1], picture.shape[2])
    counts = list(in_tiles(change, read, size, finish, **options))
    assert counts == [(done, len(counts)) for done in range(1, len(counts) + 1)]
    return np.concatenate(strips, axis=1)


@pytest.mark.parametrize("size", [(7, 9), (40, 40), (64, 33), (50, 97)])
def test_tiles_are_exact_where_a_quarter_of_the_overlap_is_the_reach(
    size: tuple[int, int],
) -> None:
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    at_once = blurred(picture[None])[0].numpy()
    assert np.allclose(whole(blurred, picture, tile=40, overlap=8), at_once, atol=1e-6)


def test_a_longer_reach_is_not_exact() -> None:
    def wider(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 17, stride=1, padding=8, count_include_pad=False)

    picture = torch.rand(1, 50, 97, generator=torch.Generator().manual_seed(0)) * 2 - 1
    at_once = wider(picture[None])[0].numpy()
    assert not np.allclose(whole(wider, picture, tile=40, overlap=8), at_once, atol=1e-3)


def test_a_change_of_pixels_alone_is_exact_and_enlarging_works() -> None:
    picture = torch.rand(1, 70, 50, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert np.allclose(whole(torch.neg, picture, tile=32, overlap=8), -picture.numpy(), atol=1e-6)

    def twice(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest")

    result = whole(twice, picture, scale=2, tile=32, overlap=8)
    expected = twice(picture[None])[0].numpy()
    assert result.shape == (1, 140, 100)
    assert np.allclose(result, expected, atol=1e-6)


def test_tiles_that_disagree_show_no_seam() -> None:
    """A change that adds another level to each tile: steps at borders stay below the fade's."""
    levels = iter(np.linspace(0, 1, 100).tolist())
    result = whole(lambda x: x + next(levels), torch.zeros(1, 32, 200), tile=32, overlap=16)
    steps = np.abs(np.diff(result[0], axis=1))
    assert steps.max() < 2 * 0.0102 / 16 * 1.1


SMALL = {"rrdb": {"features": 16, "growth": 8, "blocks": 2}, "unet": {"features": 16}}


def lively(family: str) -> Change:
    """A network whose weights are as large as those of a trained one, and reach far."""
    torch.manual_seed(0)
    args = {"height": 64, "width": 64, "channels": 3, **SMALL[family]}
    network = FAMILIES[family].build(args)["G"].eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn_like(weights), alpha=0.02)

    def change(x: Tensor) -> Tensor:
        with torch.no_grad():
            made: Tensor = network(x)
        return made

    return change


def seam(change: Change, picture: Tensor, overlap: int) -> float:
    """Steps across columns where tiles begin, end or change, over steps elsewhere.

    Both are means, and each in units of the same columns of a picture made at once, since what
    the picture shows is not alike everywhere.
    """
    tiled = whole(change, picture, tile=96, overlap=overlap)
    at_once = change(picture[None])[0].numpy()
    ours, fair = (np.abs(np.diff(one, axis=2)).mean((0, 1)) for one in (tiled, at_once))
    borders = np.zeros(len(ours), bool)
    for one, following in pairwise(spans(picture.shape[2], 96, overlap)):
        for place in (following.first, one.last, (following.first + one.last) // 2):
            borders[place - 1] = True  # the step from one before the border to it
    there, elsewhere = (ours[part].mean() / fair[part].mean() for part in (borders, ~borders))
    return float(there / elsewhere)


@pytest.mark.parametrize("family", SMALL)
def test_seams_of_a_network_cannot_be_seen(family: str) -> None:
    """Half of the picture is smooth, half is texture."""
    y, x = torch.meshgrid(torch.arange(400.0), torch.arange(500.0), indexing="ij")
    smooth = torch.stack([torch.sin(x / 90 + one) * torch.cos(y / 70) for one in range(3)])
    grain = torch.randn(3, 400, 500, generator=torch.Generator().manual_seed(0))
    picture = (0.6 * smooth + 0.2 * grain * (y >= 200)).clamp(-1, 1)
    change = lively(family)
    assert 1 / 1.05 < seam(change, picture, overlap=OVERLAP) < 1.05
    assert not 1 / 1.05 < seam(change, picture, overlap=1) < 1.05  # so it can fail
