"""Losses between pictures: nothing for equal ones, and each what it is named for."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from mintmark.engines import likeness


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("name", likeness.LOSSES)
def test_equal_pictures_lose_nothing_and_others_something(name: str) -> None:
    loss, x = likeness.LOSSES[name], pictures(2, 3, 16, 16)
    assert loss(x, x).item() == pytest.approx(0, abs=1e-5)
    other = (0.5 * x.flip(3) + 0.2).requires_grad_()
    torch.autograd.backward(loss(other, x))
    assert loss(other, x) > 0.01
    assert other.grad is not None and other.grad.any()


def test_what_lies_a_few_pixels_away_is_near_at_smaller_sizes() -> None:
    x = pictures(3, 3, 16, 16)
    other = pictures(3, 3, 16, 16, seed=1)
    assert likeness.scales(x, x).tolist() == [0, 0, 0]
    moved, far = likeness.scales(x.roll(1, 3), x), likeness.scales(other, x)
    assert moved.shape == (3,) and (moved < far).all()
    even = likeness.scales(x, x + 0.25)
    torch.testing.assert_close(even, torch.ones(3))  # at four sizes alike
    torch.testing.assert_close(
        likeness.scales(x[..., :4], x[..., :4] + 0.25), torch.full((3,), 0.75)
    )


def test_ten_times_the_square_error_is_ten_decibels() -> None:
    x = torch.zeros(1, 1, 8, 8)
    little, much = (likeness.error(x + step, x).item() for step in (0.1, math.sqrt(0.1)))
    assert 10 * (much - little) / math.log(10) == pytest.approx(10, abs=0.01)


def test_little_damage_counts_as_much_as_a_lot() -> None:
    target = torch.zeros(2, 1, 8, 8)
    made = torch.stack([target[0] + 0.02, target[1] + 0.4]).requires_grad_()
    torch.autograd.backward(likeness.error(made, target))
    assert made.grad is not None
    share = made.grad.abs().sum((1, 2, 3))
    assert share[0] > 5 * share[1]  # by pixels alone they would be equal


def test_detail_is_what_no_levels_undo() -> None:
    x, gain = pictures(2, 3, 8, 8), torch.tensor([0.5, 1.5, 0.8]).view(-1, 1, 1)
    assert likeness.detail(gain * x + 0.2, x).item() == pytest.approx(0, abs=1e-5)
    one = x.clone()
    one[:, :, 3, 3] += 1
    spoilt = likeness.detail(one, x).item()
    assert likeness.detail(gain * one + 0.2, x).item() == pytest.approx(spoilt, rel=1e-3)
    assert 0 < spoilt <= likeness.error(one, x).item()


def test_a_shift_of_all_levels_has_no_gradient() -> None:
    x = pictures(1, 3, 8, 8)
    assert likeness.gradient(x + 0.3, x).item() == pytest.approx(0, abs=1e-6)


def test_structure_is_ssim() -> None:
    a, b = pictures(1, 1, 40, 40), pictures(1, 1, 40, 40, seed=1)
    b = 0.7 * a + 0.3 * b
    similarity: Callable[..., Any] = structural_similarity
    _, whole = similarity(
        a[0, 0].numpy().astype(np.float64), b[0, 0].numpy().astype(np.float64), data_range=2,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    inside = whole[5:-5, 5:-5].mean()
    assert 1 - likeness.structure(a, b).item() == pytest.approx(inside, abs=1e-4)
