"""Damage to tones and colours: by how much, and by nothing but the draws."""

import pytest
import torch
from torch import Tensor

from mintmark.engines.colour_damage import LUMA, Dull
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
