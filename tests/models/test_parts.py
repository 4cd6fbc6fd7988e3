"""The discriminator of parts: each pixel is judged, by the picture alone."""

import pytest
import torch
from torch import Tensor

from mintmark.models.layers import parts

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 0, 255))


def judge() -> parts.PartsDiscriminator:
    """One with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    network = parts.PartsDiscriminator(3, PALETTE)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return network


def pairs(height: int = 16, width: int = 24) -> Tensor:
    """Maps and pictures of noise, (2, 6, height, width)."""
    draw = torch.Generator().manual_seed(1)
    return torch.rand(2, 6, height, width, generator=draw) * 2 - 1


@pytest.mark.parametrize("size", [(8, 8), (16, 24)])
def test_every_pixel_is_one_of_the_parts_or_made(size: tuple[int, int]) -> None:
    assert judge()(pairs(*size)).shape == (2, len(PALETTE) + 1, *size)


def test_what_is_asked_is_read_off_the_map() -> None:
    x = pairs()
    x[:, :3] = parts.named(PALETTE)[1][:, None, None] + 0.1  # nearly red
    asked = judge().asked(x)
    assert asked.shape == (2, len(PALETTE), 16, 24) and (asked.argmax(1) == 1).all()
    assert (asked.sum(1) == 1).all()


def test_the_map_is_not_looked_at() -> None:
    network, x = judge(), pairs()
    other = x.clone()
    other[:, :3] = -x[:, :3]
    assert torch.equal(network(x), network(other))
    assert not torch.equal(network(x), network(-x))


def test_a_pixel_is_judged_where_it_lies() -> None:
    network, x = judge(), pairs(64, 64)
    other = x.clone()
    other[:, :, :4, :4] = 1
    changed = (network(x) - network(other)).abs().amax((0, 1))  # (64, 64)
    assert changed[:4, :4].max() > 0.01 and changed[:4, :4].max() > 100 * changed[-8:, -8:].max()


def test_every_weight_learns() -> None:
    network = judge()
    torch.autograd.backward(network(pairs()).square().sum())
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), key


def test_the_palette_is_kept_in_the_weights() -> None:
    assert "palette" in judge().state_dict()
