"""Pictures that a network sees whole: maps, colours and blending at every size and depth."""

from typing import Any

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray
from torch import Tensor

from mintmark.core.media import Picture
from mintmark.engines import whole
from mintmark.engines.colour_damage import LUMA
from mintmark.engines.tiles import Change

Array = NDArray[Any]
SIDE = 16
KINDS = [(1, np.uint8), (1, np.uint16), (2, np.uint8), (3, np.uint8), (3, np.uint16), (4, np.uint8)]
every_kind = pytest.mark.parametrize(("channels", "kind"), KINDS)


def negative(x: Tensor) -> Tensor:
    return -x[:, :3]


def red(x: Tensor) -> Tensor:
    """The picture, redder."""
    return (x[:, :3] + torch.tensor([0.6, -0.2, -0.2]).view(1, 3, 1, 1)).clamp(-1, 1)


def seen_by(sizes: list[tuple[int, ...]]) -> Change:
    def change(x: Tensor) -> Tensor:
        sizes.append(tuple(x.shape))
        return x[:, :3]

    return change


@every_kind
def test_a_map_has_the_form_of_its_picture(channels: int, kind: type) -> None:
    picture = Picture(noise(0, 50, 70, channels, kind=kind))
    made = whole.mapped(negative, picture, 3, SIDE).array
    assert made.shape == picture.array.shape and made.dtype == kind
    colours = channels - (channels in (2, 4))
    assert all(np.array_equal(made[..., 0], made[..., place]) for place in range(colours))
    if channels in (2, 4):
        assert np.array_equal(made[..., -1], picture.array[..., -1])


def test_a_map_lies_where_its_picture_does() -> None:
    """Rows in strips, and the cubic filter, hit the same places as plain enlarging."""
    picture = np.zeros((200, 150, 3), np.uint8)
    picture[40:120, 30:60] = 255
    made = whole.mapped(lambda x: x, Picture(picture), 3, SIDE).array
    assert (made[50:110, 38:52] > 200).all()
    assert (made[:20] < 30).all() and (made[:, 90:] < 30).all() and (made[145:] < 30).all()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((160, 320), (16, 32)), ((8, 12), (16, 24)), ((2, 900), (16, 256)), ((640, 481), (21, 16))],
)
def test_the_network_sees_the_scale_that_it_learned(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    sizes: list[tuple[int, ...]] = []
    whole.mapped(seen_by(sizes), Picture(noise(0, *size, 3)), 3, SIDE)
    assert sizes == [(1, 3, *expected)]


@every_kind
def test_colours_come_to_every_picture_and_its_luma_stays(channels: int, kind: type) -> None:
    picture = Picture(noise(0, 50, 70, channels, kind=kind))
    made = whole.coloured(red, picture, 3, SIDE).array
    alpha = channels in (2, 4)
    assert made.shape == (50, 70, 3 + alpha) and made.dtype == kind
    assert (made[..., 0] > made[..., 1]).mean() > 0.9  # red, but where it is black or white
    weights, colours = np.array(LUMA), picture.array[..., : channels - alpha]
    before = colours @ weights if channels > 2 else colours[..., 0]
    assert np.abs(made[..., :3] @ weights - before).max() <= 0.51  # rounding alone
    if alpha:
        assert np.array_equal(made[..., -1], picture.array[..., -1])


def test_colours_are_guessed_from_the_luma_alone() -> None:
    seen: list[Tensor] = []

    def change(x: Tensor) -> Tensor:
        seen.append(x)
        return x

    whole.coloured(change, Picture(noise(0, 30, 30, 3)), 3, SIDE)
    assert torch.equal(seen[0][:, :1].expand_as(seen[0]), seen[0])


@every_kind
def test_only_what_was_pasted_changes(channels: int, kind: type) -> None:
    picture = Picture(noise(0, 90, 120, channels, kind=kind))
    pasted = np.zeros((90, 120), np.bool_)
    pasted[10:50, 30:100] = True
    made = whole.harmonised(negative, picture, pasted, 3, SIDE).array
    assert made.dtype == kind and np.array_equal(made[~pasted], picture.array[~pasted])
    colours = channels - (channels in (2, 4))
    assert not np.array_equal(made[pasted][:, :colours], picture.array[pasted][:, :colours])
    if channels in (2, 4):
        assert np.array_equal(made[..., -1], picture.array[..., -1])


def test_the_network_is_told_what_was_pasted_and_sees_around_it() -> None:
    seen: list[Tensor] = []

    def change(x: Tensor) -> Tensor:
        seen.append(x)
        return x[:, :3]

    pasted = np.zeros((400, 300), np.bool_)
    pasted[100:200, 260:290] = True  # near the right border
    whole.harmonised(change, Picture(noise(0, 400, 300, 3)), pasted, 3, SIDE)
    (given,) = seen
    assert given.shape == (1, 7, 16, 7)  # 200 x 90 pixels, half of 100 more where there are any
    assert given[0, 6, 4:12, 4].mean() > 0.9 and given[0, 6, :, :3].abs().max() < 0.2


def test_a_large_picture_is_blended_as_a_smaller_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.integers(60, 180, (10, 12, 3)).astype(float).repeat(20, 0).repeat(20, 1)
    picture = (coarse + rng.integers(-8, 9, coarse.shape)).astype(np.uint8)
    pasted = np.zeros((200, 240), np.bool_)
    pasted[60:140, 50:170] = True

    def brighter(x: Tensor) -> Tensor:
        return (x[:, 3:6] + 0.4 * x[:, 6:]).clamp(-1, 1)

    exact = whole.harmonised(brighter, Picture(picture), pasted, 3, SIDE).array.astype(int)
    monkeypatch.setattr(whole, "LARGEST", 64)
    made = whole.harmonised(brighter, Picture(picture), pasted, 3, SIDE).array.astype(int)
    assert np.array_equal(made[~pasted], picture[~pasted])
    moved = np.abs(exact - picture)[pasted].mean()
    assert np.abs(made - exact)[pasted].mean() < 0.15 * moved
    border = pasted & ~np.roll(pasted, 1, 0)  # the first row within does not fade
    assert np.abs(made - exact)[border].mean() < 0.4 * moved
    line = np.zeros((200, 240), np.bool_)
    line[20:180, 120] = True
    assert not np.array_equal(
        whole.harmonised(brighter, Picture(picture), line, 3, SIDE).array, picture
    )


def test_a_level_that_the_network_mends_is_mended_with_all_detail() -> None:
    grain = noise(0, 128, 128, 3) // 4
    true = grain + np.uint8(120)
    pasted = np.zeros((128, 128), np.bool_)
    pasted[40:90, 40:90] = True
    picture = np.where(pasted[..., None], true - np.uint8(60), true)

    def knows(x: Tensor) -> Tensor:
        return x[:, 3:6] + 60 * 2 / 255 * x[:, 6:]

    made = whole.harmonised(knows, Picture(picture), pasted, 3, SIDE).array
    error = np.abs(made.astype(int) - true)[pasted]
    assert error.mean() < 6 and np.abs(picture.astype(int) - true)[pasted].mean() == 60
