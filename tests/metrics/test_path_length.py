import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fidelity import fidelity
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.metrics.latent import Generator, samples
from mintmark.metrics.path_length import (
    PUBLISHED,
    PathProtocol,
    path_length,
    path_lengths,
    trimmed_mean,
)
from mintmark.models import r3gan
from mintmark.models.layers import presets

A = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 4)))  # pictures of 3 x 2 x 2
NORM = float(A.square().sum())
WHOLE = PathProtocol(samples=4000, trim=0.0)  # no closed form holds for a trimmed mean


def linear(latents: Tensor, labels: Tensor | None) -> Tensor:
    return (latents @ A.T).reshape(-1, 3, 2, 2)


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=(1, 2, 3))


IN_Z = Generator(linear, latent=4)
IN_W = Generator(linear, latent=4, mapping=lambda z, _: z)


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_linear_generator_has_twice_its_squared_norm_in_w(sampling: Any) -> None:
    found = path_length(IN_W, squared, replace(WHOLE, sampling=sampling), seed=0)
    assert abs(found.value - 2 * NORM) < 3 * found.error
    assert found.error < 0.05 * NORM


@pytest.mark.parametrize("sampling", ["full", "end"])
@pytest.mark.parametrize(
    ("length", "angle"), [(2, math.pi**2 / 3), (3, math.pi**2 / 2 - 2), (4, math.pi**2 / 3 - 0.5)]
)
def test_a_linear_generator_has_its_norm_times_the_squared_angle_in_z(
    length: int, angle: float, sampling: Any
) -> None:
    # A point on the sphere of radius sqrt(d) moves by the angle between the two
    # directions, at right angles to where it is and otherwise anywhere: the
    # expectation is E[angle^2] |A|^2, and the density of the angle is sin^(d - 2).
    a = A[:, :length]
    generator = Generator(lambda z, _: (z @ a.T).reshape(-1, 3, 2, 2), latent=length)
    found = path_length(generator, squared, replace(WHOLE, space="z", sampling=sampling), seed=1)
    assert abs(found.value - angle * float(a.square().sum())) < 3 * found.error
    assert found.error < 0.05 * found.value


def test_the_length_of_a_line_does_not_depend_on_the_step() -> None:
    steps = [1e-2, 1e-3, 1e-4, 1e-5]
    lengths = [path_lengths(IN_W, squared, replace(WHOLE, epsilon=e), seed=0) for e in steps]
    for other in lengths[1:]:
        np.testing.assert_allclose(other, lengths[0], rtol=1e-7)


def network(dtype: torch.dtype) -> Generator:
    """A small real one, away from its first weights, whose residual branches are zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = r3gan.build(presets.preset("tiny", (3, 16, 16), {"classes": 2}))["G"].to(dtype).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    return Generator(lambda z, labels: net(z.to(dtype), labels), latent=64, labels=(0, 1))


def test_the_length_of_a_network_does_not_depend_on_a_small_step() -> None:
    how = PathProtocol("z", "full", samples=16, trim=0.0)
    double, single = network(torch.float64), network(torch.float32)
    truth = path_length(double, squared, replace(how, epsilon=1e-6), seed=0).value
    for epsilon, within in ((1e-2, 2e-2), (1e-3, 2e-3), (1e-4, 2e-3), (1e-5, 2e-3), (1e-7, 2e-3)):
        value = path_length(double, squared, replace(how, epsilon=epsilon), seed=0).value
        assert value == pytest.approx(truth, rel=within)
    # What the docstring says of float32.
    usual = path_length(single, squared, how, seed=0)
    drowned = path_length(single, squared, replace(how, epsilon=1e-7), seed=0)
    assert usual.value == pytest.approx(truth, rel=2e-3)
    assert drowned.value > 2 * truth
    assert usual.protocol["drawn_in"] == "float32"


def test_batches_and_counts_change_nothing_of_a_path() -> None:
    for how in (PathProtocol("z", "full", samples=9), PathProtocol("z", "end", samples=9)):
        generator = network(torch.float64)
        one = path_lengths(generator, squared, how, seed=0, batch=1)
        four = path_lengths(generator, squared, how, seed=0, batch=4)
        fewer = path_lengths(generator, squared, replace(how, samples=5), seed=0)
        np.testing.assert_allclose(four, one, rtol=1e-6)
        np.testing.assert_allclose(fewer, one[:5], rtol=1e-6)
        assert not np.allclose(path_lengths(generator, squared, how, seed=1), one)


def test_both_ends_have_one_label() -> None:
    # The class adds to the picture: with other labels at the far end the value would explode.
    drawn: list[Tensor] = []

    def draw(latents: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None
        drawn.append(labels)
        return linear(latents, None) + 1000 * labels[:, None, None, None]

    generator = replace(IN_W, draw=draw, labels=range(10))
    found = path_length(generator, squared, WHOLE, seed=0, batch=500)
    assert abs(found.value - 2 * NORM) < 3 * found.error
    assert set(torch.cat(drawn).tolist()) == set(range(10))


def test_the_ends_of_a_path_are_different_samples() -> None:
    # Were they the same, no path would have a length.
    assert path_lengths(IN_W, squared, replace(WHOLE, samples=50), seed=0).min() > 0


def test_full_paths_are_measured_all_along_and_end_ones_at_their_start() -> None:
    # x = w^2 in one dimension: the squared length is 4 w(t)^2 d^2 with d = w1 - w0.
    # The middle m of the path is independent of d, and w(t) = m + (t - 1/2) d, so
    # the mean is 4 (1/2 * 2 + 12 (t - 1/2)^2): 16 at t = 0, and 8 over all t.
    generator = Generator(
        lambda w, _: w.square()[:, :, None, None], latent=1, mapping=lambda z, _: z
    )
    full = PathProtocol("w", "full", samples=20_000, trim=0.0)
    for how, expected in ((replace(full, sampling="end"), 16.0), (full, 8.0)):
        found = path_length(generator, squared, how, seed=0, batch=5000)
        assert abs(found.value - expected) < 3 * found.error
        assert found.error < 0.05 * expected


def test_full_paths_are_measured_at_a_place_of_their_own() -> None:
    drawn: list[Tensor] = []

    def draw(latents: Tensor, labels: Tensor | None) -> Tensor:
        drawn.append(latents)
        return linear(latents, None)

    how = PathProtocol("w", "full", samples=400)
    path_lengths(replace(IN_W, draw=draw), squared, how, seed=0, batch=400)
    start, stop = samples(IN_W, 0, range(400), points=2)[0]
    t = ((drawn[0] - start) / (stop - start))[:, 0].sort().values
    assert t.min() > 0 and t.max() < 1
    # Kolmogorov and Smirnov: uniform, at a tail of 0.3 %.
    assert (t - torch.linspace(0, 1, 400).double()).abs().max() < 1.8 / math.sqrt(400)


def test_a_trimmed_mean_by_hand() -> None:
    values = np.arange(1.0, 102)  # percentiles of 101 values are values themselves
    values[0], values[100] = -1e6, 1e6
    mean, error = trimmed_mean(values, 1.0)
    assert mean == pytest.approx(51)
    kept = np.concatenate([[2.0], np.arange(2.0, 101), [100.0]])
    assert error == pytest.approx(kept.std(ddof=1) / (99 / 101 * math.sqrt(101)))


def test_a_trimmed_mean_keeps_the_values_about_a_percentile() -> None:
    # 10 values, 15 %: between the 2nd and the 3rd, and rounded outwards.
    assert trimmed_mean(np.array([-9, 1, 2, 3, 4, 5, 6, 7, 10, 99.0]), 15)[0] == 38 / 8
    assert trimmed_mean(np.array([1, 2, 3, 10.0]), 0) == pytest.approx((4, np.sqrt(50 / 3) / 2))
    assert trimmed_mean(np.full(5, 2.0), 1) == (2, 0)


def test_the_error_of_a_trimmed_mean_is_what_other_samples_would_move() -> None:
    rng = np.random.default_rng(0)
    found = np.array([trimmed_mean(rng.standard_t(3, size=400), 10) for _ in range(400)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.12)  # 3.5 % of noise


@pytest.fixture
def peer() -> Iterator[str]:
    """The name by which torch-fidelity knows the squared distance and exact arcs."""
    noise, registry = fidelity("noise"), fidelity("registry")
    base: Any = fidelity("sample_similarity_base").SampleSimilarityBase
    methods = {
        "__init__": lambda self, name, **_: base.__init__(self, name),
        "forward": lambda _, a, b: squared(a, b),
    }

    def arc(a: Tensor, b: Tensor, t: float) -> Any:  # its own is one for ends of one length
        ends = (noise.batch_normalize_last_dim(end) for end in (a, b))
        return noise.batch_slerp_unit(*ends, t)

    registry.register_sample_similarity("mintmark", type("Squared", (base,), methods))
    registry.register_interpolation("mintmark", arc)
    yield "mintmark"
    del registry.SAMPLE_SIMILARITY_REGISTRY["mintmark"], registry.INTERPOLATION_REGISTRY["mintmark"]


def test_torch_fidelity_finds_the_same_length(peer: str) -> None:
    class Linear(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return linear(2 * nn.functional.normalize(z.double()), None)

    wrapper = fidelity("generative_model_modulewrapper").GenerativeModelModuleWrapper
    theirs = fidelity("metric_ppl").calculate_ppl(
        1,
        input1=wrapper(Linear(), 4, "normal", 0),
        input1_model_num_samples=8000,
        batch_size=2000,
        cuda=False,
        verbose=False,
        ppl_epsilon=1e-3,  # its latents are float32
        ppl_z_interp_mode=peer,
        ppl_sample_similarity=peer,
        ppl_discard_percentile_lower=None,  # its trimming asks for a NumPy before 2.4
        ppl_discard_percentile_higher=None,
    )["perceptual_path_length_mean"]
    found = path_length(IN_Z, squared, PathProtocol("z", "end", 8000, trim=0.0), seed=0)
    assert abs(found.value - theirs) < 3 * math.sqrt(2) * found.error
    assert found.error < 0.02 * found.value


def test_the_published_protocols() -> None:
    assert PUBLISHED["ppl2_wend"] == PathProtocol("w", "end", 50_000, 1e-4, 1.0, "none", 256)
    assert PUBLISHED["ppl_zfull"] == PathProtocol("z", "full", 100_000, 1e-4, 1.0, "face", 256)
    first = {name for name in PUBLISHED if name.startswith("ppl_")}
    assert first == {f"ppl_{PUBLISHED[name].space}{PUBLISHED[name].sampling}" for name in first}
    assert len(first) == 4
    assert all((PUBLISHED[n].samples, PUBLISHED[n].crop) == (100_000, "face") for n in first)


def test_what_was_measured_is_on_record() -> None:
    found = path_length(IN_Z, squared, PathProtocol("z", "full", 10, size=64), seed=5)
    assert found.protocol == {
        "space": "z",
        "sampling": "full",
        "samples": 10,
        "epsilon": 1e-4,
        "trim": 1.0,
        "crop": "none",
        "size": 64,
        "interpolation": "slerp",
        "downsampling": "box",
        "noise": "fixed",
        "drawn_in": "float64",
        "seed": 5,
    }
    assert (
        path_length(IN_W, squared, PathProtocol(samples=2), 0).protocol["interpolation"] == "lerp"
    )


def seen(how: PathProtocol, picture: Tensor) -> Tensor:
    """What the distance is shown of one picture."""
    shown: list[Tensor] = []

    def distance(a: Tensor, b: Tensor) -> Tensor:
        shown.append(a)
        return squared(a, b)

    generator = Generator(lambda z, _: picture.expand(len(z), *picture.shape), latent=4)
    path_lengths(generator, distance, replace(how, space="z", samples=2), seed=0)
    return shown[0][0]


def test_faces_are_cropped_and_large_pictures_are_downsampled() -> None:
    picture = torch.arange(32 * 32.0).reshape(1, 32, 32)
    assert torch.equal(seen(PathProtocol(), picture), picture)
    face = picture[:, 12:28, 8:24]
    assert torch.equal(seen(PathProtocol(crop="face"), picture), face)
    halves = face.reshape(1, 8, 2, 8, 2).mean(dim=(2, 4))
    assert torch.equal(seen(PathProtocol(crop="face", size=8), picture), halves)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampling": "start"},
        {"crop": "middle"},
        {"samples": 1},
        {"epsilon": 0.0},
        {"epsilon": 1.0},
        {"trim": 50.0},
        {"trim": -1.0},
        {"size": 0},
    ],
)
def test_impossible_protocols_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="A path length needs"):
        PathProtocol(**wrong)


def test_a_path_length_refuses_rounded_pictures_and_fresh_noise() -> None:
    how = PathProtocol("z", samples=4)
    with pytest.raises(ConfigError, match="do not round"):
        path_length(replace(IN_Z, draw=lambda z, _: linear(z, None).byte()), squared, how, 0)
    noise = iter(range(9))
    with pytest.raises(ConfigError, match="noise fixed"):
        path_length(replace(IN_Z, draw=lambda z, _: linear(z, None) + next(noise)), squared, how, 0)
