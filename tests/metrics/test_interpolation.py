import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.metrics.interpolation import interpolation_curve
from mintmark.metrics.latent import Generator

A = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 4)))
NORM = float(A.square().sum())


def linear(latents: Tensor, labels: Tensor | None) -> Tensor:
    return (latents @ A.T).reshape(-1, 3, 2, 2)


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=(1, 2, 3))


IN_W = Generator(linear, latent=4, mapping=lambda z, _: z)


def test_a_linear_generator_changes_evenly() -> None:
    curve = interpolation_curve(IN_W, squared, "w", seed=0, pairs=2000, steps=4, batch=500)
    assert curve.positions == (0.125, 0.375, 0.625, 0.875)
    np.testing.assert_allclose(curve.mean, curve.mean[0], rtol=1e-9)
    # (z1 - z0) is N(0, 2 I), so the length is a quadratic form of variance 2 |2 A'A|^2.
    error = math.sqrt(8 * float((A.T @ A).square().sum()) / 2000) / 16
    assert abs(curve.mean[0] - 2 * NORM / 16) < 3 * error


def test_quantiles_are_over_the_pairs() -> None:
    # One dimension: the length is 2 chi^2 with one degree of freedom, over steps^2.
    generator = Generator(lambda w, _: w[:, :, None, None], latent=1, mapping=lambda z, _: z)
    curve = interpolation_curve(generator, squared, "w", seed=0, pairs=4000, steps=2, batch=999)
    for values, expected in ((curve.low, 0.01579), (curve.median, 0.45494), (curve.high, 2.70554)):
        assert values == pytest.approx([expected / 2] * 2, rel=0.15)


def test_an_arc_turns_evenly() -> None:
    generator = Generator(lambda z, _: z.reshape(-1, 1, 2, 2), latent=4)
    curve = interpolation_curve(generator, squared, "z", seed=0, pairs=50, steps=5)
    for values in (curve.mean, curve.low, curve.median, curve.high):
        np.testing.assert_allclose(values, values[0], rtol=1e-9)
    # Chords of a circle of radius sqrt(d), whose angles have E[angle^2] = pi^2/3 - 1/2.
    assert curve.mean[0] == pytest.approx(4 * (math.pi**2 / 3 - 0.5) / 25, rel=0.2)


def test_a_jump_is_a_peak_where_it_is() -> None:
    # The picture is the sign of w. Two points of a line of which w has correlation r
    # differ in sign with probability acos(r) / pi, most often about the middle.
    generator = Generator(
        lambda w, _: (w > 0).double()[:, :, None, None], latent=1, mapping=lambda z, _: z
    )
    curve = interpolation_curve(generator, squared, "w", seed=0, pairs=4000, steps=5, batch=4000)
    ends = np.stack([1 - np.arange(6) / 5, np.arange(6) / 5])  # shares of w0 and w1, (2, 6)
    ends /= np.linalg.norm(ends, axis=0)
    expected = np.arccos((ends[:, 1:] * ends[:, :-1]).sum(axis=0)) / np.pi
    assert (np.abs(curve.mean - expected) < 3 * np.sqrt(expected / 4000)).all()


def test_pairs_depend_on_seed_and_number_alone() -> None:
    first = interpolation_curve(IN_W, squared, "w", seed=3, pairs=7, steps=3, batch=2)
    other = interpolation_curve(IN_W, squared, "w", seed=3, pairs=7, steps=3, batch=7)
    np.testing.assert_allclose(first.mean, other.mean, rtol=1e-9)
    another = interpolation_curve(IN_W, squared, "w", seed=4, pairs=7, steps=3)
    assert not np.allclose(first.mean, another.mean)


def test_labels_stay_along_a_path() -> None:
    def draw(latents: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None
        return linear(latents, None) + 1000 * labels[:, None, None, None]

    plain = interpolation_curve(IN_W, squared, "w", seed=0, pairs=5)
    labelled = interpolation_curve(
        replace(IN_W, draw=draw, labels=range(9)), squared, "w", seed=0, pairs=5
    )
    np.testing.assert_allclose(labelled.mean, plain.mean, rtol=1e-6)


def test_large_pictures_are_downsampled() -> None:
    def stripes(latents: Tensor, labels: Tensor | None) -> Tensor:
        row = torch.tensor([1.0, -1.0]).double().repeat(256) * latents[:, :1]
        return row[:, None, None, :].expand(-1, 1, 512, 512)

    curve = interpolation_curve(replace(IN_W, draw=stripes), squared, "w", 0, pairs=2, steps=1)
    assert curve.mean == pytest.approx((0,), abs=1e-12)


def test_refusals() -> None:
    for wrong in ({"pairs": 0}, {"steps": 0}):
        with pytest.raises(ConfigError, match="at least one"):
            interpolation_curve(IN_W, squared, "w", seed=0, **wrong)
    with pytest.raises(ConfigError, match="no mapping"):
        interpolation_curve(replace(IN_W, mapping=None), squared, "w", seed=0)
    with pytest.raises(ConfigError, match="do not round"):
        byte = replace(IN_W, draw=lambda w, _: linear(w, None).byte())
        interpolation_curve(byte, squared, "w", seed=0)
