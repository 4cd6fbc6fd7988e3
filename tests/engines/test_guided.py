"""Changes as mixtures of a picture's own channels: found where they are such, without new edges."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines.guided import mixed, mixtures

MIXTURE = torch.tensor([[0.5, 0.3, -0.1], [0.1, 0.6, 0.1], [-0.2, 0.2, 0.4]])
CONSTANT = torch.tensor([0.1, -0.2, 0.05])


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8


def grid_lines(size: int = 64, every: int = 16) -> Tensor:
    """Straight white lines on grey, one pixel wide, (1, 3, size, size)."""
    picture = torch.full((1, 3, size, size), -0.2)
    picture[..., every // 2 :: every, :] = 0.8
    picture[..., every // 2 :: every] = 0.8
    return picture


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mixture_of_the_channels_is_found(channels: int) -> None:
    given = noise(1, channels, 24, 30)
    matrix, constant = MIXTURE[:channels, :channels], CONSTANT[:channels, None, None]
    changed = torch.einsum("ij,njhw->nihw", matrix, given) + constant
    made = mixed(given[0], mixtures(given, changed, 3)[0])
    torch.testing.assert_close(made, changed[0], atol=0.02, rtol=0)


def test_it_may_differ_from_place_to_place() -> None:
    given = noise(1, 3, 16, 64)
    changed = given.clone()
    changed[..., 32:] *= -0.5
    made = mixed(given[0], mixtures(given, changed, 3)[0])
    torch.testing.assert_close(made[..., :24], given[0, ..., :24], atol=0.02, rtol=0)
    torch.testing.assert_close(made[..., 40:], -0.5 * given[0, ..., 40:], atol=0.02, rtol=0)


def test_what_is_even_stays_so_and_lines_stay_where_they_are() -> None:
    """However the changed picture bends them, since a mixture knows no other place."""
    given = grid_lines()
    rows = torch.arange(64.0)
    bend = (3 * torch.sin(rows / 5)).round().int()
    bent = torch.stack(
        [row.roll(int(b), -1) for row, b in zip(given.unbind(2), bend, strict=True)], 2
    )
    changed = (-0.8 * bent + 0.3 * noise(1, 3, 64, 64)).clamp(-1, 1)
    made = mixed(given[0], mixtures(given, changed, 4)[0])
    steps = made.diff(dim=2).abs().mean((0, 1))  # over all rows, from column to column
    lines = torch.zeros(63)
    for place in range(8, 64, 16):
        lines[place - 1 : place + 1] = 1
    assert steps[lines == 1].min() > 3 * steps[lines == 0].max()


def test_what_was_found_small_serves_the_large_picture() -> None:
    large = F.interpolate(noise(1, 3, 16, 16), scale_factor=8, mode="bicubic").clamp(-1, 1)
    small = F.avg_pool2d(large, 4)
    mixture = mixtures(small, (0.5 * small + 0.2).flip(1), 2)
    made = mixed(large[0], F.interpolate(mixture, scale_factor=4, mode="bilinear")[0])
    torch.testing.assert_close(made, (0.5 * large[0] + 0.2).flip(0), atol=0.1, rtol=0)
