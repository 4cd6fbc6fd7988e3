"""Damage to tones and colours: by how much, and by nothing but the draws."""

import pytest
import torch
from torch import Tensor

from mintmark.engines.colour_damage import LUMA, Dull, Grey, luma, with_luma
from mintmark.training.draws import Draws

ROWS = 64


def draws(step: int = 0, first: int = 0, last: int = ROWS) -> Draws:
    return Draws(0, step, ROWS, first, last)


def pictures(channels: int = 3) -> Tensor:
    one = torch.rand(1, channels, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return one.expand(ROWS, -1, -1, -1)


def test_contrast_falls_towards_the_middle() -> None:
    shares = Dull(0.6, 0)(pictures(1), draws()) / pictures(1)
    assert (shares.amax((1, 2, 3)) - shares.amin((1, 2, 3))).max() < 1e-4  # one a picture
    found = shares.mean((1, 2, 3))
    assert 0.4 <= found.min() < 0.45 and 0.95 < found.max() <= 1


def test_colours_fall_towards_grey_of_the_same_luma() -> None:
    clean, damaged = pictures(), Dull(0, 0.8)(pictures(), draws())
    luma = torch.tensor(LUMA).view(-1, 1, 1)
    grey, same = ((luma * x).sum(1, keepdim=True) for x in (clean, damaged))
    torch.testing.assert_close(same, grey, atol=1e-5, rtol=0)
    found = ((damaged - grey) / (clean - grey)).median(1).values.median(1).values.median(1).values
    assert 0.2 <= found.min() < 0.3 and 0.9 < found.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_parts_of_a_batch_are_damaged_as_in_the_whole(channels: int) -> None:
    damage, clean = Dull(0.3, 0.3), pictures(channels)
    whole = damage(clean, draws())
    assert torch.equal(damage(clean[5:9], draws(first=5, last=9)), whole[5:9])
    assert not torch.equal(damage(clean, draws(step=1)), whole)
    assert whole.abs().max() <= 1


def test_grey_is_the_luma_in_every_channel() -> None:
    clean, found = pictures(), Grey()(pictures(), draws())
    assert found.shape == clean.shape and torch.equal(found[:, :1].expand_as(found), found)
    assert (luma(clean) - found[:, :1]).abs().max() <= 1 / 255 + 1e-6  # rounded as in a file
    assert torch.equal(Grey()(found[:, :1], draws()), found[:, :1])


def test_colours_take_another_luma_within_the_range() -> None:
    grey = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(ROWS, -1, -1, -1)
    found = with_luma(pictures(), grey)
    assert found.abs().max() <= 1
    torch.testing.assert_close(luma(found), grey, atol=1e-5, rtol=0)
    torch.testing.assert_close(with_luma(pictures(), luma(pictures())), pictures())
    hue, same = pictures() - luma(pictures()), found - grey
    assert (hue * same).min() > -1e-4  # paler perhaps, but never the opposite colour
