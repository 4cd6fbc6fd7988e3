"""Games on pairs: parts count alike, pixels are named, and a picture is led to its map."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mintmark.engines.adversarial import RELATIVISTIC
from mintmark.engines.contests import Patches, Segments, unlikely
from mintmark.engines.examples import Given
from mintmark.engines.paired import Paired
from mintmark.models import spade
from mintmark.models.layers.parts import PartsDiscriminator, named
from mintmark.training.draws import Draws
from mintmark.training.trainer import Batch, Moment

PALETTE = ((255, 0, 0), (0, 0, 255))
PAINTS = ((0, 200, 0), (90, 90, 90))  # what shows each of these parts
ARGS: dict[str, Any] = {
    "height": 16,
    "width": 16,
    "channels": 3,
    "palette": PALETTE,
    "features": 8,
    "segments": True,
}
ENGINE = Paired(Given(), turn=0.0, conditional=True, game=Segments())


def painted(left: int, colours: tuple[tuple[int, int, int], ...], rows: int = 4) -> Tensor:
    """Pictures whose left half has one of two colours and whose right half the other."""
    first, second = named(colours)[left], named(colours)[1 - left]
    halves = torch.stack([first, second]).repeat_interleave(8, 0)  # (16, 3)
    return halves.T[None, :, None].expand(rows, 3, 16, 16).contiguous()


def pairs(left: int, shown: int) -> Tensor:
    """Maps of one order of the parts beside pictures of another, (4, 6, 16, 16)."""
    return torch.cat([painted(left, PALETTE), painted(shown, PAINTS)], 1)


def noise(left: int) -> Tensor:
    """Such maps beside what no picture looks like."""
    draw = torch.Generator().manual_seed(left)
    return torch.cat([painted(left, PALETTE), torch.rand(4, 3, 16, 16, generator=draw)], 1)


def moment(rows: slice = slice(0, 4)) -> Moment:
    draws = Draws(0, 0, 4, rows.start, rows.stop)
    return Moment(0, 0.5, {"gamma_scale": 1.0}, draws)


@pytest.fixture(scope="module")
def judge() -> PartsDiscriminator:
    """One that has learned those parts, and to tell noise."""
    torch.manual_seed(0)
    network = PartsDiscriminator(3, PALETTE)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for step in range(60):
        left = step % 2
        seen = torch.cat([pairs(left, left), noise(left)])
        figures, _ = Segments().discriminator(network, seen)
        optimizer.zero_grad()
        torch.autograd.backward(figures["discriminator"])
        optimizer.step()
    return network.eval()


def asked_of(*areas: int) -> Tensor:
    """One row of pixels that asks for each part that many times, (1, parts, 1, pixels)."""
    numbers = torch.repeat_interleave(torch.arange(len(areas)), torch.tensor(areas))
    return nn.functional.one_hot(numbers, len(areas)).T[None, :, None].float()


def test_parts_count_alike_however_small() -> None:
    asked = asked_of(1, 99)
    says = torch.tensor([-3.0, -1.0])[None, :, None, None] * asked
    assert unlikely(says, asked).item() == pytest.approx(3 + 1)


def test_parts_that_a_map_lacks_count_nothing() -> None:
    asked = asked_of(4, 0, 6)
    says = torch.tensor([-3.0, -50.0, -1.0])[None, :, None, None].expand(asked.shape)
    assert unlikely(says, asked).item() == pytest.approx(3 + 1)


def test_it_learns_which_part_a_pixel_shows_and_which_was_made(judge: PartsDiscriminator) -> None:
    seen = torch.cat([pairs(0, 0), noise(0)])
    figures, real = Segments().discriminator(judge, seen)
    assert figures["parts_found"] > 0.95 and figures["made_found"] > 0.95
    assert figures["discriminator"] < 0.3
    assert real.shape == (8,) and real[:4].min() > real[4:].max() + 1


def test_a_picture_is_led_to_what_its_map_asks_for(judge: PartsDiscriminator) -> None:
    right, swapped, unreal = (
        Segments().generator(judge, pairs(0, 0), made)["adversarial"]
        for made in (pairs(0, 0), pairs(0, 1), noise(0))
    )
    assert right < 0.2 and swapped > right + 1 and unreal > right + 1
    made = noise(0).requires_grad_()
    torch.autograd.backward(Segments().generator(judge, made, made)["adversarial"])
    assert made.grad is not None and made.grad[:, 3:].any() and not made.grad[:, :3].any()


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
def test_losses_are_means_over_rows(phase: str) -> None:
    """However a batch is cut; also where rows have other parts of other sizes."""
    torch.manual_seed(0)
    networks = spade.build(ARGS)
    real = torch.cat([pairs(0, 0)[:2], noise(1)[:2]])
    real[0, :3] = painted(0, PALETTE)[0, :, :, :1]  # one part alone
    real[1, :3, :, 2:] = named(PALETTE)[1][:, None, None]
    whole = ENGINE.losses(phase, networks, Batch(real, None), moment())
    parts = [
        ENGINE.losses(phase, networks, Batch(real[rows], None), moment(rows))
        for rows in (slice(0, 1), slice(1, 4))
    ]
    assert "penalty" in whole or phase == "generator"
    for name, value in whole.items():
        together = parts[0][name] * 0.25 + parts[1][name] * 0.75
        torch.testing.assert_close(together, value, atol=1e-5, rtol=1e-4, msg=name)


def test_both_sides_learn_with_penalties() -> None:
    torch.manual_seed(0)
    networks = spade.build(ARGS)
    for phase, network in (("discriminator", "D"), ("generator", "G")):
        losses = ENGINE.losses(phase, networks, Batch(pairs(0, 0), None), moment())
        total = torch.stack([value for value in losses.values() if value.requires_grad]).sum()
        torch.autograd.backward(total)
        assert any(p.grad is not None and p.grad.any() for p in networks[network].parameters())


def test_features_are_matched_by_patches_alone() -> None:
    engine = replace(ENGINE, matching=1.0)
    torch.manual_seed(0)
    batch = Batch(pairs(0, 0), None)
    assert "matching" not in engine.losses("generator", spade.build(ARGS), batch, moment())
    plain = replace(engine, game=Patches(RELATIVISTIC))
    networks = spade.build(ARGS | {"segments": False})
    assert "matching" in plain.losses("generator", networks, batch, moment())


def test_a_recipe_calls_the_game_by_its_name() -> None:
    assert Paired(Given()).describe()["game"] == "relativistic"
    assert ENGINE.describe()["game"] == "segments"
