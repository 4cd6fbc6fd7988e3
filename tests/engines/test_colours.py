"""The palette as a loss: nothing for the same colours anywhere, and as far as CIELAB says."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mintmark.engines.colours import DIRECTIONS, palette_loss
from mintmark.metrics.colour import lab


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def even(*colour: float) -> Tensor:
    """A picture of one colour."""
    return torch.tensor(colour).view(1, -1, 1, 1).expand(-1, -1, 6, 6)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_colours_lose_nothing_wherever_they_lie(channels: int) -> None:
    x = pictures(2, channels, 8, 8)
    turned = x.flatten(2)[:, :, torch.randperm(64)].view_as(x)
    torch.testing.assert_close(palette_loss(turned, x), torch.zeros(2), atol=1e-6, rtol=0)
    assert (palette_loss(x / 2, x) > 0.01).all()


def test_each_picture_is_compared_with_its_own() -> None:
    x = pictures(2, 3, 8, 8)
    first, second = palette_loss(torch.stack([x[0], x[0]]), x).tolist()
    assert first == 0 and second > 0.01


def test_channels_belong_together() -> None:
    # Red beside blue, and purple beside black, hold the same values of each channel.
    one = torch.cat([even(1, -1, -1), even(-1, -1, 1)], 3)
    other = torch.cat([even(1, -1, 1), even(-1, -1, -1)], 3)
    assert palette_loss(one, other).item() > 0.1


@pytest.mark.parametrize("pair", [((1, 1, 1), (-1, -1, -1)), ((0.8, -0.2, 0), (-0.9, 0.1, 0.7))])
def test_even_pictures_are_as_far_as_cielab_says(pair: tuple[tuple[float, ...], ...]) -> None:
    a, b = (even(*colour) for colour in pair)
    points = [lab((x[0].double().numpy() + 1) / 2)[0, 0] for x in (a, b)]
    distance = np.linalg.norm(points[0] - points[1]) / 100
    # The mean length of the shadow of a vector on a direction is half of it.
    assert palette_loss(a, b).item() == pytest.approx(distance / 2, rel=3 / DIRECTIONS)


@pytest.mark.parametrize("pair", [(1.0, -1.0), (0.3, -0.97)])
def test_greys_differ_in_lightness_alone(pair: tuple[float, float]) -> None:
    a, b = (even(level, level, level) for level in pair)
    lightness = [lab((x[0].double().numpy() + 1) / 2)[0, 0, 0] for x in (a, b)]
    expected = 0.5065 * abs(lightness[0] - lightness[1]) / 100  # the directions' mean share of L*
    assert palette_loss(a, b).item() == pytest.approx(expected, rel=1e-3)


def test_black_and_white_have_gradients() -> None:
    for colour in (-1.0, 1.0):
        x = even(colour, colour, colour).clone().requires_grad_()
        torch.autograd.backward(palette_loss(x, even(0.1, 0.2, 0.3)).sum())
        assert x.grad is not None and x.grad.isfinite().all() and x.grad.any()
