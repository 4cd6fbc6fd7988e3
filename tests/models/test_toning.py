"""Levels before a local network: of the whole picture, from its tones alone."""

import pytest
import torch
from arrays import inputs
from torch import Tensor, nn

from mintmark.models.layers.toning import Toned


def stirred(channels: int) -> Toned:
    """Before a network that changes nothing, with every weight moved."""
    torch.manual_seed(0)
    network = Toned(nn.Identity(), channels)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def faded(x: Tensor) -> Tensor:
    return 0.5 * x + torch.tensor([0.1, 0.05, -0.1]).view(-1, 1, 1)


def test_it_begins_with_no_change() -> None:
    x = inputs(2, 3, 20, 30)
    assert torch.equal(Toned(nn.Identity(), 3)(x), x)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (17, 23), (64, 40)])
def test_each_channel_gets_a_gain_and_an_offset(channels: int, size: tuple[int, int]) -> None:
    network, x = stirred(channels), inputs(2, channels, *size)
    gain, offset = network.look(x)
    assert gain.shape == offset.shape == (2, channels, 1, 1)
    torch.testing.assert_close(network(x), x * gain + offset)


def test_parts_get_the_levels_of_the_whole() -> None:
    network, x = stirred(3), inputs(1, 3, 48, 48)
    x[..., :24] = faded(x[..., :24])
    looked, whole = network.looked(x[0]), network(x)
    assert torch.equal(looked(x[..., :24]), whole[..., :24])
    assert (network(x[..., :24]) - whole[..., :24]).abs().max() > 1e-3


def test_where_tones_lie_does_not_matter() -> None:
    network, x = stirred(3), inputs(1, 3, 32, 32)
    turned = x.flip(2).transpose(2, 3)
    torch.testing.assert_close(network.look(turned), network.look(x))


def test_it_learns_what_a_print_lost() -> None:
    """One gain and one offset for all would leave a third of the error."""
    torch.manual_seed(0)
    network = Toned(nn.Identity(), 3)
    adam = torch.optim.Adam(network.parameters(), 5e-3)

    def error(count: int) -> Tensor:
        clean = torch.rand(count, 3, 32, 32) * 2 - 1
        lost = 0.6 * torch.rand(count, 1, 1, 1)
        made: Tensor = network(lost * faded(clean) + (1 - lost) * clean)
        return (made - clean).square().mean()

    before = error(64).item()
    for _ in range(150):
        adam.zero_grad()
        torch.autograd.backward(error(16))
        adam.step()
    assert error(64).item() < 0.1 * before
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
