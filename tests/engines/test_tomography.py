"""The scanner against closed forms and scikit-image; its photons against their law."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from skimage.transform import iradon, radon
from torch import Tensor

from mintmark.engines.tomography import (
    WATER,
    LowDose,
    Scanner,
    hounsfield,
    poisson,
    samples,
)
from mintmark.training.draws import Draws

SIDE = 63  # odd, because scikit-image turns about a pixel
VIEWS = 90
SCANNER = Scanner(views=VIEWS)
PIXEL = SCANNER.field / SIDE  # mm
ANGLES = np.arange(VIEWS) * 180 / VIEWS


def body(height: int = SIDE, width: int = SIDE) -> Tensor:
    """A smooth slice that looks otherwise from each side, (1, 1, height, width)."""
    y, x = np.mgrid[:height, :width].astype(float)
    y, x = (y - height / 2) / height, (x - width / 2) / width
    blobs = ((0.05, 0.02, 0.2, 1000), (-0.15, 0.1, 0.08, 300), (0.1, -0.15, 0.06, -400))
    units = sum(v * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / s**2) for a, b, s, v in blobs)
    return samples(torch.from_numpy(units - 1000).float())[None, None]


def draws(rows: int, step: int = 0) -> Draws:
    return Draws(0, step, rows, 0, rows)


def attenuation(slices: Tensor) -> NDArray[np.float64]:
    """Of one slice, for each pixel's width."""
    found: NDArray[np.float64] = WATER * (1 + hounsfield(slices) / 1000)[0, 0].double().numpy()
    return found * PIXEL


def test_projections_are_those_of_scikit_image() -> None:
    mine = SCANNER.project(body())[0].numpy()
    project: Callable[..., Any] = radon
    theirs = project(attenuation(body()), ANGLES, circle=False).T
    centre, other = mine.shape[1] // 2, theirs.shape[1] // 2
    shown = slice(centre - 40, centre + 40), slice(other - 40, other + 40)
    assert np.abs(mine[:, shown[0]] - theirs[:, shown[1]]).max() < 0.01 * theirs.max()


def test_a_disc_of_water_casts_the_shadow_of_its_chords() -> None:
    radius, side = 40, 128
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    share = np.clip(radius + 0.5 - np.hypot(y, x), 0, 1)
    slices = samples(torch.from_numpy(1000 * share - 1000).float())[None, None]
    shadows = Scanner().project(slices)[0]  # (views, detectors)
    offset = np.arange(shadows.shape[1]) - (shadows.shape[1] - 1) / 2
    chords = 2 * np.sqrt(np.maximum(radius**2 - offset**2, 0)) * WATER * 320 / side
    inner = np.abs(offset) < radius - 3
    assert np.abs(shadows.numpy() - chords)[:, inner].max() < 0.02 * chords.max()
    assert shadows[:, np.abs(offset) > radius + 3].abs().max() < 1e-4


def test_back_projection_is_that_of_scikit_image() -> None:
    sinograms = SCANNER.project(body())
    mine = hounsfield(SCANNER.reconstruct(sinograms, SIDE, SIDE))[0, 0].numpy()
    detectors = sinograms.shape[2]
    views = sinograms[0].double().numpy().T
    reconstruct: Callable[..., Any] = iradon
    theirs = reconstruct(views, ANGLES, output_size=SIDE, circle=False)
    assert detectors % 2  # else scikit-image has its centre elsewhere
    inside = np.s_[3:-3, 3:-3]
    units = (theirs / PIXEL / WATER - 1) * 1000
    assert np.abs(mine - np.clip(units, -1000, 1000))[inside].max() < 8


@pytest.mark.parametrize(("height", "width"), [(SIDE, SIDE), (64, 64), (48, 80)])
def test_a_slice_comes_back(height: int, width: int) -> None:
    slices = body(height, width)
    back = SCANNER.reconstruct(SCANNER.project(slices), height, width)
    assert back.shape == slices.shape
    assert (hounsfield(back) - hounsfield(slices)).abs().mean() < 8


def test_the_calm_filter_keeps_the_mean_and_takes_noise() -> None:
    slices = body().expand(4, -1, -1, -1)
    sharp = LowDose((1e4, 1e4), scanner=SCANNER)(slices, draws(4)) - slices
    calm = LowDose((1e4, 1e4), scanner=Scanner(VIEWS, filter="hann"))(slices, draws(4)) - slices
    middle = np.s_[..., 20:40, 20:40]
    assert calm[middle].std() < 0.6 * sharp[middle].std()
    assert hounsfield(calm[middle]).mean() == pytest.approx(hounsfield(sharp[middle]).mean(), abs=6)


@pytest.mark.parametrize("mean", [3.0, 10.0, 300.0])
def test_photons_follow_their_law(mean: float) -> None:
    chance = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    found = poisson(torch.full_like(chance, mean), chance)
    assert torch.equal(found, found.round()) and found.min() >= 0
    assert found.mean().item() == pytest.approx(mean, rel=0.01)
    assert found.var().item() == pytest.approx(mean, rel=0.02)
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        right = stats.poisson.ppf(share, mean)
        assert abs(found.quantile(share).item() - right) <= 1


def test_fewer_photons_are_more_noise_by_the_root() -> None:
    slices = body().expand(8, -1, -1, -1)
    noise = [
        (LowDose((photons, photons), scanner=SCANNER)(slices, draws(8)) - slices)[..., 25:38, 25:38]
        for photons in (1e5, 4e5)
    ]
    deviations = [(one - one.mean(0)).std().item() for one in noise]
    assert deviations[0] / deviations[1] == pytest.approx(2, rel=0.1)
    assert hounsfield(noise[1]).mean() == pytest.approx(0, abs=10)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_a_damage(channels: int) -> None:
    clean = body().expand(6, channels, -1, -1).contiguous()
    before, damage = clean.clone(), LowDose((1e3, 1e5), (0.5, 1), SCANNER)
    whole = damage(clean, draws(6))
    assert whole.shape == clean.shape and whole.dtype == torch.float32
    assert whole.abs().max() <= 1 and torch.equal(clean, before)
    assert torch.equal(whole, damage(clean, draws(6)))
    assert not torch.equal(whole, damage(clean, draws(6, step=1)))
    assert torch.equal(whole[:, 0], whole[:, -1])  # a slice has no colours
    parts = [damage(clean[rows], draws(6).rows(rows.start, rows.stop))
             for rows in (slice(0, 2), slice(2, 6))]  # fmt: skip
    torch.testing.assert_close(torch.cat(parts), whole, atol=2e-4, rtol=0)
    noise = (whole - clean)[:, 0, 20:40, 20:40].std((1, 2))
    assert len(set(noise.tolist())) == 6 and noise.max() > 1.5 * noise.min()


def test_where_no_photon_comes_through_all_stays_finite() -> None:
    bone = torch.ones(2, 1, SIDE, SIDE)
    made = LowDose((2.0, 5.0), scanner=SCANNER)(bone, draws(2))
    assert torch.isfinite(made).all() and made.abs().max() <= 1


def test_a_description_of_plain_numbers_survives_json() -> None:
    described = asdict(LowDose((3e4, 3e5)))
    assert json.dumps(json.loads(json.dumps(described))) == json.dumps(described)
    assert described["scanner"] == {"views": 180, "field": 320.0, "filter": "ramp"}


def test_units_and_samples_are_the_same_thing() -> None:
    assert samples(torch.tensor([-1000.0, 0.0, 1000.0])).tolist() == [-1, 0, 1]
    assert hounsfield(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [-1000, 0, 1000]
    assert math.isclose(WATER, 0.02)


def test_a_small_body_is_one_in_a_narrow_field() -> None:
    slices = body().expand(8, -1, -1, -1)
    half = LowDose((1e5, 1e5), (0.5, 0.5), SCANNER)
    narrow = LowDose((1e5, 1e5), scanner=Scanner(VIEWS, field=SCANNER.field / 2))
    one, other = half(slices, draws(8)), narrow(slices, draws(8))
    torch.testing.assert_close(one, other, atol=1e-3, rtol=0)
    whole = LowDose((1e5, 1e5), scanner=SCANNER)(slices, draws(8))
    assert not torch.allclose(one, whole, atol=1e-3)
    assert hounsfield(one - slices)[..., 25:38, 25:38].mean() == pytest.approx(0, abs=10)
