"""The table of colours: no change at first, nothing but colours, never falling, never clipping."""

from itertools import product
from typing import Any

import pytest
import torch
from arrays import inputs
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.models import lut
from mintmark.models.lut import Enhancer

ARGS: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "vertices": 9}
both_colours = pytest.mark.parametrize("channels", [1, 3])


def built(strength: float = 0.0, **changes: object) -> Enhancer:
    """A network whose tables are random: the stronger, the wilder."""
    torch.manual_seed(0)
    network = lut.build({**ARGS, **changes})["G"]
    assert isinstance(network, Enhancer)
    with torch.no_grad():
        network.bases.normal_(0, strength)
        network.look.last.bias.add_(1)  # all of them are mixed in
    return network


def levels(x: Tensor, most: int = 255) -> Tensor:
    """As a file keeps them."""
    return x.double().add(1).mul(most / 2).round()


@both_colours
@pytest.mark.parametrize("size", [(1, 1), (17, 23), (64, 48)])
def test_it_begins_near_the_picture_itself(channels: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = lut.build({**ARGS, "channels": channels})["G"]
    assert isinstance(network, Enhancer)
    x = inputs(2, channels, *size)
    gains, _ = network.look(x)
    assert gains.min() > 0.85 and gains.max() < 1.15
    near = x.abs() < 0.4  # far from where tables bend
    lit = (x + 1) * gains[:, :, None, None] - 1
    torch.testing.assert_close(network(x)[near], lit[near], atol=1e-5, rtol=0)


@both_colours
def test_it_interpolates_between_the_vertices(channels: int) -> None:
    network = built(0.2, channels=channels)
    tables = network.tables(inputs(1, channels, 32, 32)).detach()
    x = inputs(1, channels, 4, 5)
    found = lut.through(lut.sheets(tables), x)
    table = tables[0]
    place = (x[0] + 1) / network.cell  # in cells
    for row, column in product(range(4), range(5)):
        first = place[:, row, column].floor().int().clamp(max=7)
        part = place[:, row, column] - first
        colour = torch.zeros(channels)
        for corner in product((0, 1), repeat=channels):
            share = torch.stack([p if c else 1 - p for c, p in zip(corner, part, strict=True)])
            at = [int(f) + c for f, c in zip(first, corner, strict=True)]
            red, green, blue = *at, *([0] * (3 - channels))
            colour += share.prod() * table[:, blue, green, red]
        torch.testing.assert_close(found[0, :, row, column], colour, atol=1e-5, rtol=0)


def test_a_colour_becomes_the_same_wherever_it_lies() -> None:
    network = built(0.5)
    x = inputs(1, 3, 40, 40)
    x[:, :, 20:] = x[:, :, :20].flip(3)  # every colour twice, among other neighbours
    made = network(x)
    assert (made - x).abs().max() > 0.1
    torch.testing.assert_close(made[:, :, 20:], made[:, :, :20].flip(3), atol=1e-6, rtol=0)


def test_parts_become_what_they_are_in_the_whole() -> None:
    network = built(0.5)
    x = inputs(3, 150, 190)
    fixed = network.looked(x)
    whole, part = fixed(x[None]), fixed(x[None, :, 30:80, 100:140])
    torch.testing.assert_close(network(x[None]), whole, atol=1e-6, rtol=0)
    assert torch.equal(part, whole[:, :, 30:80, 100:140])
    assert not torch.allclose(part, network(x[None, :, 30:80, 100:140] / 2), atol=1e-3)


def test_other_pictures_get_other_tables() -> None:
    tables = built(0.5).tables(torch.stack([inputs(3, 32, 32), inputs(3, 32, 32) / 3]))
    assert (tables[0] - tables[1]).abs().max() > 0.05


@both_colours
def test_more_of_a_channel_never_gives_less_of_it(channels: int) -> None:
    network = built(1.0, channels=channels)
    fixed = network.looked(inputs(channels, 32, 32))
    ramp = torch.linspace(-1, 1, 500)
    for channel in range(channels):
        x = inputs(1, channels, 20, 1).expand(-1, -1, -1, 500).clone()
        x[:, channel] = ramp
        assert fixed(x)[0, channel].diff(dim=1).min() > -1e-6


@both_colours
@pytest.mark.parametrize("vertices", [9, 17, 33])
@pytest.mark.parametrize("most", [255, 65535])
def test_nothing_is_clipped_that_was_not(channels: int, vertices: int, most: int) -> None:
    network = built(2.0, channels=channels, vertices=vertices)
    given = torch.cat([torch.arange(most - 200, most + 1), torch.arange(200)])
    x = given[torch.randint(len(given), (1, channels, 200, 200))].double() / most * 2 - 1
    pull = network.look(x.float())[1].sign()[0, 0].item()  # of the first table
    for shift in (-9, 9):  # all much brighter, all much darker
        with torch.no_grad():
            network.bases[0] = shift * pull
        made, before = levels(network(x.float()), most), levels(x, most)
        for end in (0, most):
            assert not ((made == end) & (before != end)).any()
        assert (made == (most if shift > 0 else 0)).any()  # what was clipped may stay so


@both_colours
def test_gains_scale_each_channel(channels: int) -> None:
    network = built(channels=channels)  # whose tables change nothing
    wanted = torch.tensor([0.9, 0.6, 1.1])[:channels]
    with torch.no_grad():
        network.look.last.weight[:channels] = 0
        network.look.last.bias[:channels] = wanted.log() / lut.GENTLE
    x = inputs(1, channels, 20, 20).clamp(-0.4, 0.4)  # far from where tables bend
    made = network(x)
    expected = (x + 1) * wanted.view(-1, 1, 1) - 1
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


@both_colours
def test_a_darker_picture_is_the_same_over_its_means(channels: int) -> None:
    # What the network sees beside the samples: only the means tell two exposures apart.
    network = built(channels=channels)
    with torch.no_grad():
        network.look.first.weight[:, : 2 * channels] = 0  # samples and their logarithms
    x = inputs(1, channels, 32, 32).abs() / 2 + 0.4  # bright, where DARKEST hardly counts
    seen: list[Tensor] = []
    network.look.hidden.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for share in (1.0, 0.7):
        network.look((x + 1) * share - 1)
    first, second = seen
    torch.testing.assert_close(first[:, :-channels], second[:, :-channels], atol=1e-2, rtol=0)
    assert (first[:, -channels:] - second[:, -channels:]).min() > 0.1


@both_colours
def test_every_weight_learns(channels: int) -> None:
    network = built(0.1, channels=channels)
    (network(inputs(2, channels, 16, 16)).square().sum() + network.regularity()).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), key


@both_colours
def test_tables_that_bend_are_penalised(channels: int) -> None:
    network = built(0.1, channels=channels)
    assert network.regularity() > 0
    with torch.no_grad():
        network.bases.copy_((0.3 * network.plain + 0.1).expand_as(network.bases))
    assert network.regularity() < 1e-9  # straight is free
    assert set(network.state_dict()) >= {"bases", "plain"}


def test_a_bend_costs_the_same_however_fine_the_table_is() -> None:
    # In differences between neighbours fine tables were nearly free to bend, and bands showed.
    costs = []
    for vertices in (9, 33):
        network = built(vertices=vertices)
        with torch.no_grad():
            network.bases.copy_(network.plain.square().expand_as(network.bases))
        costs.append(network.regularity().item())
    assert costs[0] == pytest.approx(costs[1], rel=1e-3) and costs[0] > 0.01


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 4}, "4 as channels"),
        ({"height": 40}, "40 as height"),
        ({"vertices": 2}, "2 as vertices"),
        ({"vertices": 1000}, "1000 as vertices"),
        ({"bases": 10**6}, "1000000 as bases"),
        ({"features": True}, "True as features"),
        ({"colour": 1}, "does not know the argument 'colour'"),
    ],
)
def test_senseless_arguments_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        lut.build({**ARGS, **change})
    with pytest.raises(ConfigError, match="no preset 'huge'"):
        lut.preset("huge", (3, 32, 32), {})
