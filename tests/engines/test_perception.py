"""Losses in the maps of the shipped network: what they are blind to, and what they see."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines.perception import constancy_loss, perceptual_loss, texture_loss


def blocks(seed: int, side: int = 4, channels: int = 3) -> Tensor:
    """Two pictures of coloured squares of that side, (2, channels, 32, 32)."""
    draw = torch.Generator().manual_seed(seed)
    cells = torch.rand(2, channels, 32 // side, 32 // side, generator=draw) * 2 - 1
    return F.interpolate(cells, scale_factor=side)


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_pictures_cost_nothing(channels: int) -> None:
    x = blocks(0, channels=channels)
    assert perceptual_loss(x, x).item() == pytest.approx(0, abs=1e-6)
    assert texture_loss(x, x).tolist() == [0, 0]
    assert constancy_loss(x, x).tolist() == pytest.approx([0, 0], abs=1e-6)


def test_a_texture_is_the_same_wherever_it_lies() -> None:
    fine, moved, coarse = blocks(1, 2), blocks(2, 2), blocks(3, 8)
    same, other = texture_loss(moved, fine), texture_loss(coarse, fine)
    assert same.shape == (2,) and (same < 0.5 * other).all()
    assert perceptual_loss(moved, fine) > 0.5 * perceptual_loss(coarse, fine)  # it minds the place
    assert texture_loss(fine[:, :, :20], fine).shape == (2,)  # sizes may differ


def test_a_texture_has_a_colour() -> None:
    grey = blocks(1, channels=1).expand(-1, 3, -1, -1)
    assert (texture_loss(blocks(1), grey) > 1.5 * texture_loss(blocks(1), blocks(2))).all()


def test_textures_are_approached_by_their_gradient() -> None:
    made, model = (0.1 * blocks(4, 8)).requires_grad_(), blocks(5, 2)
    before = texture_loss(made, model).sum()
    (slope,) = torch.autograd.grad(before, made)
    after = texture_loss(made - 0.02 * slope.sign(), model).sum()
    assert torch.isfinite(slope).all() and after < before


def test_even_pictures_have_a_gradient() -> None:
    made = torch.zeros(1, 3, 32, 32, requires_grad=True)
    torch.autograd.backward(texture_loss(made, blocks(6)[:1]).sum())
    assert made.grad is not None and torch.isfinite(made.grad).all()
