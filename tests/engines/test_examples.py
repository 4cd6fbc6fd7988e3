"""Inputs and targets: what belongs together stays together."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines.degrade import Downscale, Noise
from mintmark.engines.examples import Given, Undo, moved
from mintmark.training.draws import Draws

ROWS = 32


def real(channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(ROWS, channels, 8, 8, generator=generator) * 2 - 1


def draws(first: int = 0, last: int = ROWS) -> Draws:
    return Draws(0, 0, ROWS, first, last)


def test_a_damage_is_done_to_the_target() -> None:
    given, target = Undo(Downscale(2))(real(3), draws())
    assert torch.equal(given, Downscale(2)(target, draws()))


def test_half_are_mirrored_and_both_of_a_pair_alike() -> None:
    pairs = real(3).repeat(1, 2, 1, 1)  # inputs equal targets
    given, target = Given()(pairs, draws())
    assert torch.equal(given, target)
    turned = (given == pairs[:, :3].flip(3)).all((1, 2, 3))
    kept = (given == pairs[:, :3]).all((1, 2, 3))
    assert (turned ^ kept).all() and 8 < turned.sum() < 24


def test_nothing_is_mirrored_unless_asked_for() -> None:
    given, target = Given(mirror=False)(real(6), draws())
    assert torch.equal(torch.cat([given, target], 1), real(6))
    assert torch.equal(Undo(Noise(0, 0), mirror=False)(real(3), draws())[1], real(3))


def test_rows_move_whole_by_whole_pixels_and_the_border_is_repeated() -> None:
    pictures = torch.rand(ROWS, 2, 32, 48, generator=torch.Generator().manual_seed(0))
    found = moved(pictures, draws())
    assert found.shape == pictures.shape
    ways = set()
    for before, after in zip(pictures, found, strict=True):
        padded = F.pad(before[None], (3, 3, 2, 2), "replicate")[0]
        fits = [
            (y, x)
            for y in range(5)
            for x in range(7)
            if torch.equal(padded[:, y : y + 32, x : x + 48], after)
        ]
        assert len(fits) == 1
        ways.add(fits[0])
    assert len(ways) > 12  # of 35
    assert torch.equal(moved(pictures[10:20], draws(10, 20)), found[10:20])


def test_rows_do_not_depend_on_the_cut() -> None:
    whole = Undo(Noise(5, 5))(real(3), draws())
    part = Undo(Noise(5, 5))(real(3)[10:20], draws(10, 20))
    for all_rows, some in zip(whole, part, strict=True):
        assert torch.equal(all_rows[10:20], some)
