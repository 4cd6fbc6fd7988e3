"""Non-local means: what they take for noise, and that they leave what is no noise."""

from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from skimage.restoration import denoise_nl_means
from torch import Tensor

from mintmark.models.layers.nonlocal_means import LEAST, PATCH, REACH, STRENGTH, means, noise


def photograph(name: str = "astronaut") -> Tensor:
    """A part of a photograph of scikit-image, (1, 3, 96, 96) in [-1, 1]."""
    array = np.asarray(getattr(skimage.data, name)())[:96, 150:246]
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def noisy(clean: Tensor, level: float) -> Tensor:
    draw = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return clean + level * 2 / 255 * draw


@pytest.mark.parametrize("level", [10.0, 25.0, 50.0])
def test_the_noise_of_a_photograph_is_found(level: float) -> None:
    found = noise(noisy(photograph(), level)).item() * 127.5
    assert found == pytest.approx(level, rel=0.25)


def test_every_picture_has_its_own() -> None:
    pictures = torch.cat([noisy(photograph(), 10), noisy(photograph(), 40)])
    first, second = noise(pictures).flatten().tolist()
    assert second > 3 * first
    assert noise(torch.zeros(1, 3, 8, 8)).item() == pytest.approx(LEAST)


@pytest.mark.parametrize("level", [10.0, 25.0])
def test_they_are_those_of_scikit_image(level: float) -> None:
    clean = photograph()
    given = noisy(clean, level)
    sigma = level * 2 / 255
    ours = means(given, torch.full((1, 1, 1, 1), sigma))
    filtered: Any = denoise_nl_means
    peer = filtered(
        given[0].permute(1, 2, 0).double().numpy(), PATCH, REACH, h=STRENGTH * sigma, sigma=sigma,
        fast_mode=True, channel_axis=2,
    )  # fmt: skip
    theirs = torch.from_numpy(peer).permute(2, 0, 1)[None]
    left, right = ((x - clean).square().mean().item() for x in (ours, theirs))
    assert left == pytest.approx(right, rel=0.1)
    assert left < 0.6 * (given - clean).square().mean()


def test_plain_areas_and_single_pixels_are_no_trouble() -> None:
    plain = torch.full((1, 1, 1, 1), 0.5)
    assert torch.allclose(means(plain, noise(plain)), plain)
    assert torch.allclose(means(torch.zeros(1, 3, 9, 7), torch.tensor(LEAST)), torch.zeros(1))
