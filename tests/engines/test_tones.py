"""Colours of one picture for another: their moments, and no more change than that takes."""

import pytest
import torch
from torch import Tensor

from mintmark.engines.tones import toned, toning


def pictures(seed: int, channels: int = 3) -> Tensor:
    """Two pictures whose channels go together, (2, channels, 20, 30)."""
    draw = torch.Generator().manual_seed(seed)
    mix = torch.rand(2, channels, channels, generator=draw) - 0.3
    noise = torch.randn(2, channels, 600, generator=draw)
    shift = 0.4 * torch.rand(2, channels, 1, generator=draw) - 0.2
    own = torch.randn(2, channels, 600, generator=draw)  # or some colours would never occur
    return (0.12 * mix @ noise + 0.08 * own + shift).view(2, channels, 20, 30)


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    flat = x.double().flatten(2)
    return flat.mean(2), torch.stack([torch.cov(row, correction=0) for row in flat])


@pytest.mark.parametrize("channels", [1, 3])
def test_means_and_covariances_become_those_of_the_model(channels: int) -> None:
    given, model = pictures(0, channels), pictures(1, channels)[:, :, :15]
    made = moments(toned(given, toning(given, model)))
    for ours, theirs, before in zip(made, moments(model), moments(given), strict=True):
        assert (ours - theirs).norm() < 0.25 * (before - theirs).norm()


def test_a_picture_keeps_the_colours_that_it_has() -> None:
    given = pictures(2)
    torch.testing.assert_close(toned(given, toning(given, given)), given, atol=1e-5, rtol=0)


def test_one_map_serves_the_parts_of_a_picture() -> None:
    given, model = pictures(3)[:1], pictures(4)[:1]
    tones = toning(given, model)
    whole = toned(given, tones)
    parts = torch.cat([toned(given[..., :7], tones), toned(given[..., 7:], tones)], 3)
    torch.testing.assert_close(parts, whole)


def test_folds_stay_under_a_plain_colour_and_noise_stays_small() -> None:
    folds, plain = pictures(5), torch.full((2, 3, 8, 8), 0.3)
    made = toned(folds, toning(folds, plain))
    assert (made.mean((2, 3)) - 0.3).abs().max() < 0.02
    assert made.std((2, 3)).min() > 0.3 * folds.std((2, 3)).min()
    even = 0.2 + 0.002 * folds
    noisy = toned(even, toning(even, pictures(6)))
    assert noisy.std((2, 3)).max() < 3.1 * even.std((2, 3)).max()
