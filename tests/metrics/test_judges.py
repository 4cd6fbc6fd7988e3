import math

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.metrics.judges import (
    FEATURES,
    Share,
    factor,
    reduced,
    require_pixels,
    scaled,
    share,
    shifted,
    train,
    trunk,
)

Pixels = NDArray[np.uint8]


def test_shares_by_hand() -> None:
    assert share(3, 4) == Share(0.75, math.sqrt(3 / 64), 4)
    assert share(0, 5) == Share(0, 0, 5)
    assert share(5, 5) == Share(1, 0, 5)
    nothing = share(0, 0)
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.error)
    assert nothing.count == 0


def test_the_error_tells_the_spread_over_other_samples() -> None:
    hits = np.random.default_rng(0).binomial(200, 0.3, size=4000)
    spread = np.std([share(int(hit), 200).value for hit in hits], ddof=1)
    assert share(60, 200).error == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize(("height", "width", "block"), [(32, 32, 1), (33, 20, 2), (65, 97, 4)])
def test_reduction_takes_means_over_whole_blocks(height: int, width: int, block: int) -> None:
    pixels = noise(0, 2, 3, height, width)
    found = reduced(pixels, 32)
    assert factor(height, width, 32) == block
    assert found.shape == (2, 3, height // block, width // block)
    assert found.dtype == np.uint8
    assert max(found.shape[2:]) <= 32
    for y, x in ((0, 0), (found.shape[2] - 1, found.shape[3] - 1)):
        there = pixels[1, 2, y * block : (y + 1) * block, x * block : (x + 1) * block]
        assert found[1, 2, y, x] == round(there.mean(dtype=np.float32).item())


def test_means_are_rounded_and_not_cut() -> None:
    pixels = np.array([[255, 255], [255, 254]], dtype=np.uint8)[None, None]
    assert reduced(pixels, 1).item() == 255


def test_pixels_become_numbers_from_minus_one_to_one() -> None:
    x = scaled(np.array([0, 51, 255], dtype=np.uint8).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(x.flatten().numpy(), [-1, -0.6, 1], atol=1e-6)
    assert x.dtype == torch.float32


def test_shifts_move_and_repeat_the_edge() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    assert np.array_equal(shifted(pixels, 0, 0), pixels)
    assert np.array_equal(shifted(pixels, -2, 0)[0, 0], pixels[0, 0, [2, 3, 3, 3]])
    assert np.array_equal(shifted(pixels, 0, 1)[0, 0], pixels[0, 0][:, [0, 0, 1, 2]])


@pytest.mark.parametrize(
    ("side", "widths"),
    [
        (8, [32, 64, 64]),
        (17, [32, 32, 64, 64, 64]),
        (32, [32, 32, 64, 64, 64]),
        (64, [32, 32, 64, 64, 64]),
    ],
)
def test_the_trunk_keeps_places(side: int, widths: list[int]) -> None:
    net = trunk(3, side).eval()
    with torch.no_grad():
        first = net[0](torch.zeros(1, 3, side, side))
        assert net(torch.zeros(2, 3, side, side)).shape == (2, FEATURES)
        assert net(torch.zeros(2, 3, side, 8)).shape == (2, FEATURES)
        x = torch.zeros(2, 3, side, side)
        x[0, :, : side // 4, : side // 4] = x[1, :, -side // 4 :, -side // 4 :] = 1
        there, elsewhere = net(x)
    assert first.shape[2] == min(side, 32)  # large pictures are halved at once
    assert [weight.shape[0] for weight in net.parameters() if weight.ndim == 4] == widths
    changed = (there - elsewhere).reshape(64, 16).abs().sum(dim=0)
    assert changed.max() > 1.05 * changed.min()  # not one mean for all places


class Mean(nn.Module):
    """A net of one number, and all that was shown to it."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(()))
        self.seen: list[NDArray[np.int64]] = []
        self.shown: list[Tensor] = []

    def loss(self, x: Tensor, chosen: NDArray[np.int64]) -> Tensor:
        self.seen.append(chosen)
        self.shown.append(x.detach())
        return (x.mean() - self.level).square()


def trained(pixels: Pixels, images: int, seed: int) -> Mean:
    net = Mean()
    train(net, net.loss, pixels, images, seed)
    return net


def test_training_shows_every_picture_once_a_pass_in_an_order_of_its_own() -> None:
    net = trained(noise(0, 150, 1, 8, 8), images=310, seed=0)
    assert [len(chosen) for chosen in net.seen] == [32, 32, 32, 32, 22] * 2
    first, second = np.concatenate(net.seen[:5]), np.concatenate(net.seen[5:])
    assert sorted(first) == sorted(second) == list(range(150))
    assert not np.array_equal(first, second)
    assert not net.training


@pytest.mark.parametrize(("side", "furthest"), [(8, 1), (64, 2)])
def test_training_shows_shifted_pictures(side: int, furthest: int) -> None:
    pixels = noise(0, 4, 1, side, side)
    net = trained(pixels, images=4 * 150, seed=0)
    moves = [(down, right) for down in range(-3, 4) for right in range(-3, 4)]
    seen = set()
    for x, chosen in zip(net.shown, net.seen, strict=True):
        whole = pixels[chosen]
        seen |= {move for move in moves if torch.equal(scaled(shifted(whole, *move)), x)}
    near = range(-furthest, furthest + 1)
    assert seen == {(down, right) for down in near for right in near}


def test_training_minimises_and_the_seed_decides_it() -> None:
    pixels = np.full((32, 1, 8, 8), 140, dtype=np.uint8)
    assert trained(pixels, 32 * 400, 0).level.item() == pytest.approx(140 / 127.5 - 1, abs=0.01)
    rows = noise(0, 150, 1, 8, 8)
    first, again, other = (trained(rows, 300, seed) for seed in (5, 5, 6))
    assert torch.equal(first.level, again.level)
    assert not torch.equal(first.level, other.level)


def test_the_last_steps_are_small() -> None:
    pixels = np.full((64, 1, 8, 8), 255, dtype=np.uint8)
    levels: list[float] = []
    net = Mean()

    def loss(x: Tensor, chosen: NDArray[np.int64]) -> Tensor:
        levels.append(net.level.item())
        return -net.level * x.mean()  # a slope that never ends

    train(net, loss, pixels, 64 * 50, seed=0)
    steps = np.diff([*levels, net.level.item()])
    assert steps[-1] < steps[0] / 100


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (noise(0, 3, 8, 8), "uint8"),
        (noise(0, 3, 1, 8, 8).astype(np.int64), "uint8"),
        (noise(0, 2, 1, 8, 8), "At least 3 pictures are needed, not 2"),
    ],
)
def test_what_is_no_set_of_pictures_is_refused(pixels: Pixels, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        require_pixels(pixels, 3)


@pytest.mark.parametrize("channels", [2, 4])
def test_what_cannot_be_seen_decides_nothing(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, channels, 8, 8), dtype=np.uint8)
    pixels[:, -1, :4] = 0
    other = pixels.copy()
    other[:, :-1, :4] = 7
    assert torch.equal(scaled(pixels), scaled(other))
    pixels[:, -1] = 255
    opaque = torch.from_numpy(pixels).float() / 127.5 - 1
    torch.testing.assert_close(scaled(pixels), opaque)
