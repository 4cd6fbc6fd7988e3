"""Pictures through networks: of their own depth, at any size, and never as a float whole."""

import tracemalloc

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.actions.python import finish
from mintmark.core.media import Picture
from mintmark.engines.piecewise import GLANCE, between, glance, recoloured, worked
from mintmark.engines.tiles import Change


def noise(*shape: int, kind: type = np.uint8) -> Picture:
    levels = np.random.default_rng(shape[-1]).integers(0, np.iinfo(kind).max, shape)
    return Picture(levels.astype(kind))


def twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_changes_nothing_gives_every_sample_back(channels: int, kind: type) -> None:
    picture = noise(150, 190, channels, kind=kind)
    made = finish(worked(torch.clone, picture, 3, 1, 64))
    assert made.array.dtype == kind and np.array_equal(made.array, picture.array)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_that_change_by_themselves_need_no_tiles(channels: int, kind: type) -> None:
    picture = noise(150, 190, channels, kind=kind)

    def warmer(x: Tensor) -> Tensor:
        return x * 0.5 + torch.tensor([0.2, 0.1, -0.1]).view(3, 1, 1)

    strips = recoloured(warmer, picture, 3, 64)
    assert [next(strips), next(strips)] == [(1, 8), (2, 8)]  # of 21 rows, 64 ** 2 pixels at most
    made = finish(recoloured(warmer, picture, 3, 64)).array
    assert made.dtype == kind
    assert np.array_equal(made, finish(worked(warmer, picture, 3, 1, 256)).array)
    if channels in (2, 4):
        assert np.array_equal(made[..., -1], picture.array[..., -1])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_alpha_grows_smoothly_and_without_seams(kind: type) -> None:
    picture = noise(90, 130, 4, kind=kind)
    at_once = finish(worked(twice, picture, 3, 2, 256))
    tiled = finish(worked(twice, picture, 3, 2, 64))
    assert np.array_equal(at_once.array[::2, ::2, :3], picture.array[..., :3])
    most = np.float32(np.iinfo(kind).max)
    alpha = torch.from_numpy(picture.array[..., 3].astype(np.float32) / most)
    smooth = F.interpolate(alpha[None, None], scale_factor=2, mode="bicubic")[0, 0].clamp(0, 1)
    for made in (at_once, tiled):
        assert np.abs(made.array[..., 3] - smooth.numpy() * most).max() <= 0.51
    assert np.array_equal(tiled.array[..., :3], at_once.array[..., :3])


def test_a_grey_network_makes_grey() -> None:
    assert finish(worked(torch.clone, noise(40, 50, 4), 1, 1, 64)).channels == 2
    assert finish(worked(torch.clone, noise(40, 50, 3), 1, 1, 64)).channels == 1


@pytest.mark.parametrize(("change", "scale"), [(torch.clone, 1), (twice, 2)])
def test_a_picture_is_never_float_as_a_whole(change: Change, scale: int) -> None:
    picture = noise(6000, 400, 3)
    size = picture.array.nbytes
    tracemalloc.start()
    finish(worked(change, picture, 3, scale, 64))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The result, and less than a fifth of it beside; float, the result alone would be 4 times it.
    assert most < 1.2 * scale**2 * size


def test_a_glance_is_the_mean_of_boxes() -> None:
    picture = noise(600, 1023, 4)
    small = glance(picture, 3)
    assert small.shape == (3, 150, 256) and max(small.shape) <= GLANCE
    levels: NDArray[np.float64] = picture.array[..., :3].astype(float) / 127.5 - 1
    boxes = levels[:, :1020].reshape(150, 4, 255, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.allclose(small[:, :, :255], boxes, atol=1e-6)
    rest = levels[:, 1020:].reshape(150, 4, 3, 3).mean((1, 2)).T  # a box of 3 columns
    assert np.allclose(small[:, :, 255], rest, atol=1e-6)
    large = noise(6000, 400, 3)
    tracemalloc.start()
    glance(large, 1)
    assert tracemalloc.get_traced_memory()[1] < large.array.nbytes / 4
    tracemalloc.stop()


@pytest.mark.parametrize("shape", [(5, 7, 1), (300, 1, 2), (1, 300, 3), (256, 256, 4)])
def test_glances_of_any_shape(shape: tuple[int, int, int]) -> None:
    small = glance(noise(*shape), 3)
    assert small.shape[0] == 3 and small.min() >= -1 and small.max() <= 1
    if max(shape) <= GLANCE:
        assert small.shape[1:] == shape[:2]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_between_leads_from_a_picture_to_what_was_made(channels: int, kind: type) -> None:
    picture = noise(300, 20, channels, kind=kind)
    made = Picture(picture.array[::-1])
    assert np.array_equal(between(picture, made, 0).array, picture.array)
    assert np.array_equal(between(picture, made, 1).array, made.array)
    middle = (picture.array.astype(float) + made.array) / 2
    found = between(picture, made, 0.5).array
    assert found.dtype == kind and np.abs(found - middle).max() <= 0.51


@pytest.mark.parametrize("alpha", [0, 1])
def test_between_grey_and_colours_is_fainter_colour(alpha: int) -> None:
    grey, colours = noise(30, 20, 1 + alpha), noise(30, 20, 3 + alpha)
    found = between(grey, colours, 0.25).array
    expected = 0.75 * grey.array[..., :1] + 0.25 * colours.array[..., :3]
    assert np.abs(found[..., :3] - expected).max() <= 0.51
    assert found.shape == colours.array.shape
