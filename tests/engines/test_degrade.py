import json
from dataclasses import asdict, is_dataclass
from typing import Any, cast

import pytest
import torch
from skimage import data
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.engines import degrade
from mintmark.engines.degrade import (
    Blur,
    Cast,
    Chain,
    Damage,
    Downscale,
    Exposure,
    Fade,
    Jpeg,
    LowLight,
    Noise,
    Scratches,
    SecondOrder,
    SensorNoise,
    Sometimes,
)
from mintmark.training.draws import Draws

ROWS = 8
SIDE = 48
DAMAGES: dict[str, Damage] = {
    "downscale": Downscale(2),
    "downscale by 4": Downscale(4),
    "noise": Noise(5, 50),
    "sensor": SensorNoise((0.001, 0.01), (0.001, 0.01)),
    "jpeg": Jpeg(10, 90),
    "blur": Blur(0, 3),
    "low light": LowLight(1, 4),
    "exposure": Exposure(2),
    "cast": Cast(0.4),
    "fade": Fade(0.7),
    "scratches": Scratches(4),
    "chain": Chain((Blur(0.5, 2), Noise(2, 20), Downscale(2), Jpeg(30, 95))),
    "sometimes": Sometimes(Noise(5, 50), 0.6),
    "second order": SecondOrder(1),
    "second order by 4": SecondOrder(4),
}
FILES = {"downscale", "noise", "sensor", "jpeg", "chain", "second order"}
every_damage = pytest.mark.parametrize("name", DAMAGES)
both_colours = pytest.mark.parametrize("channels", [1, 3])


def draws(step: int = 0, rows: int = ROWS) -> Draws:
    return Draws(0, step, rows, 0, rows)


def photos(channels: int = 3, side: int = SIDE) -> Tensor:
    """Crops of one photograph, whose levels are those of a file."""
    photo = data.astronaut()  # type: ignore[no-untyped-call]
    whole = torch.from_numpy(photo).permute(2, 0, 1)  # (3, 512, 512)
    rows = [whole[:, 30 * k : 30 * k + side, 100 : 100 + side] for k in range(ROWS)]
    return torch.stack(rows)[:, :channels].float().div(127.5).sub(1).contiguous()


def flat(value: float, rows: int = ROWS, side: int = 64, channels: int = 3) -> Tensor:
    return torch.full((rows, channels, side, side), value)


def distinct(rows: Tensor) -> int:
    return len({row.numpy().tobytes() for row in rows})


def light(images: Tensor) -> Tensor:
    """Linear light of sRGB (IEC 61966-2-1), in double precision."""
    v = images.double().add(1).div(2)
    return torch.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)


def levels(images: Tensor) -> Tensor:
    return (images + 1) * 127.5


@every_damage
@both_colours
def test_shape_type_and_range(name: str, channels: int) -> None:
    clean = photos(channels)
    before = clean.clone()
    damaged = DAMAGES[name](clean, draws())
    factor = {"downscale": 2, "chain": 2, "downscale by 4": 4, "second order by 4": 4}.get(name, 1)
    assert damaged.shape == (ROWS, channels, SIDE // factor, SIDE // factor)
    assert damaged.dtype == torch.float32
    assert float(damaged.min()) >= -1
    assert float(damaged.max()) <= 1
    assert torch.equal(clean, before)
    if name != "cast" or channels == 3:
        assert damaged.shape != clean.shape or not torch.allclose(damaged, clean, atol=0.01)


@every_damage
@both_colours
def test_each_row_has_its_own_draw_however_the_batch_is_cut(name: str, channels: int) -> None:
    clean, damage = photos(channels), DAMAGES[name]
    whole = damage(clean, draws())
    assert torch.equal(whole, damage(clean, draws()))
    for first, last in ((0, 3), (3, 7), (7, 8)):
        part = damage(clean[first:last], draws().rows(first, last))
        assert torch.equal(whole[first:last], part)
    if not name.startswith("downscale") and (name != "cast" or channels == 3):
        same = clean[:1].repeat(ROWS, 1, 1, 1)
        assert distinct(damage(same, draws())) > 1
        assert not torch.equal(whole, damage(clean, draws(step=1)))


@every_damage
def test_a_description_of_plain_numbers_survives_json(name: str) -> None:
    text = json.dumps(asdict(cast(Any, DAMAGES[name])))
    described = json.loads(text)
    assert json.dumps(described) == text
    if name in {"chain", "sometimes"}:  # hold other damages
        return
    again = type(DAMAGES[name])(**described)
    assert torch.equal(again(photos(), draws()), DAMAGES[name](photos(), draws()))


def test_damages_with_the_same_numbers_have_descriptions_of_their_own() -> None:
    chains = [Chain((step,)) for step in (Blur(1, 2), Noise(1, 2), LowLight(1, 2), Jpeg(1, 2))]
    assert len({json.dumps(asdict(chain)) for chain in chains}) == len(chains)


def test_every_damage_is_tried() -> None:
    public = {kind for name, kind in vars(degrade).items() if not name.startswith("_")}
    kinds: set[Any] = {k for k in public if isinstance(k, type) and is_dataclass(k)} - {Draws}
    assert kinds == {type(damage) for damage in DAMAGES.values()}


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_stands_for_a_file_has_its_levels(name: str) -> None:
    found = DAMAGES[name](photos(), draws())
    assert torch.equal(found, levels(found).round().div(127.5).sub(1))


@every_damage
def test_gradients_and_lower_precision_stay_outside(name: str) -> None:
    clean = photos()
    plain = DAMAGES[name](clean, draws())
    with torch.autocast("cpu", torch.bfloat16):
        found = DAMAGES[name](clean.requires_grad_(), draws())
    assert torch.equal(found, plain)
    assert not found.requires_grad


@pytest.mark.parametrize("damage", [Downscale(2), SecondOrder(2)])
def test_sides_that_do_not_divide_are_refused(damage: Damage) -> None:
    with pytest.raises(ConfigError, match="7 x 8"):
        damage(torch.zeros(1, 3, 8, 7), draws(rows=1))


@pytest.mark.parametrize("factor", [2, 4])
def test_a_smaller_flat_picture_is_the_same_and_a_fine_pattern_is_averaged(factor: int) -> None:
    grey = flat(levels_to(77))
    torch.testing.assert_close(
        Downscale(factor)(grey, draws()), grey[..., : 64 // factor][:, :, ::factor]
    )
    coins = torch.rand(ROWS, 1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.5
    found = Downscale(factor)(coins.float() * 2 - 1, draws())
    assert float(found.std()) < 1.1 / factor  # 0.6 by any factor without antialiasing


def levels_to(level: float) -> float:
    return level / 127.5 - 1


@pytest.mark.parametrize("sigma", [5, 25])
def test_noise_has_the_sigma_that_was_asked_for(sigma: float) -> None:
    found = levels(Noise(sigma, sigma)(flat(0.0), draws()))
    assert float(found.std()) == pytest.approx(sigma, rel=0.05)
    assert float(found.mean()) == pytest.approx(127.5, abs=0.5)


def test_noise_is_uniform_between_its_bounds_from_row_to_row() -> None:
    rows = 200
    found = levels(Noise(10, 30)(flat(0.0, rows, 32, 1), draws(rows=rows))).flatten(1).std(1)
    assert 9 < float(found.min()) < 11
    assert 29 < float(found.max()) < 32
    assert float(found.mean()) == pytest.approx(20, abs=1.5)


def test_noise_of_a_sensor_grows_with_the_light_as_the_formula_says() -> None:
    shot, read = 0.004, 0.01
    for value in (-0.4, 0.0, 0.4):
        clean = flat(value)
        found = light(SensorNoise((shot, shot), (read, read))(clean, draws()))
        expected = (shot * float(light(clean[0, 0, 0, 0])) + read**2) ** 0.5
        assert float(found.std()) == pytest.approx(expected, rel=0.05)
    dark, bright = (
        light(SensorNoise((shot, shot), (0, 0))(flat(value), draws())).std()
        for value in (-0.5, 0.5)
    )
    assert float(bright) > 2 * float(dark)


def test_jpeg_of_higher_quality_is_nearer() -> None:
    errors = [
        float((Jpeg(q, q)(photos(), draws()) - photos()).square().mean()) for q in (5, 30, 60, 95)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 5 * errors[-1] > 0


def test_jpeg_reaches_both_bounds_and_halves_the_resolution_of_colours() -> None:
    rows = 64
    clean = photos()[:1].repeat(rows, 1, 1, 1)
    found = Jpeg(10, 11)(clean, draws(rows=rows))
    bounds = torch.cat([Jpeg(q, q)(clean[:1], draws(rows=1)) for q in (10, 11)])
    share = [(found == bound).flatten(1).all(1).float().mean() for bound in bounds]
    assert float(sum(share)) == 1
    assert min(float(part) for part in share) > 0.25
    red_and_blue = flat(-1.0)
    red_and_blue[:, 0, :, ::2] = 1
    red_and_blue[:, 2, :, 1::2] = 1
    kept = Jpeg(100, 100)(red_and_blue, draws())
    assert float((kept[:, 0, :, ::2] - kept[:, 0, :, 1::2]).mean()) < 1  # of 2


def moments(blurred: Tensor) -> Tensor:
    """Covariances of blurred impulses, (N, 2, 2), in pixels squared."""
    mass = blurred[:, 0].double()  # (N, H, W)
    assert mass.sum((1, 2)).tolist() == pytest.approx([1] * len(mass), abs=1e-5)
    axis = torch.arange(mass.shape[1]).double() - mass.shape[1] // 2
    y, x = axis[:, None], axis[None]
    return torch.stack([(mass * a * b).sum((1, 2)) for a in (y, x) for b in (y, x)], 1).view(
        -1, 2, 2
    )


def impulse(rows: int = ROWS) -> Tensor:
    clean = flat(0.0, rows, 41, 1)
    clean[:, :, 20, 20] = 1
    return clean


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_blur_has_the_sigma_that_was_asked_for(sigma: float) -> None:
    expected = (sigma**2 * torch.eye(2, dtype=torch.float64)).expand(ROWS, 2, 2)
    torch.testing.assert_close(
        moments(Blur(sigma, sigma)(impulse(), draws())), expected, rtol=0.05, atol=0.01
    )


def test_blur_is_round_in_half_of_the_rows_and_turned_in_the_others() -> None:
    rows = 200
    found = moments(Blur(0.8, 3)(impulse(rows), draws(rows=rows)))
    low, high = torch.linalg.eigvalsh(found).sqrt().unbind(1)
    assert 0.75 < float(low.min()) < float(high.max()) < 3.05
    long = high / low > 1.02
    assert float(long.float().mean()) == pytest.approx(0.5, abs=0.12)
    angle = torch.atan2(2 * found[:, 0, 1], found[:, 1, 1] - found[:, 0, 0])[long]
    quarters = torch.histc(angle, 4, -torch.pi, torch.pi) / len(angle)
    assert float(quarters.min()) > 0.1


def test_blur_keeps_the_mean_and_nothing_comes_in_at_the_border() -> None:
    clean = photos()
    found = Blur(1, 2)(clean, draws())
    torch.testing.assert_close(found.mean((2, 3)), clean.mean((2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(Blur(1, 2)(flat(0.5), draws()), flat(0.5))
    torch.testing.assert_close(Blur(0, 0)(clean, draws()), clean)
    assert Blur(3, 3)(clean[..., :4, :4], draws()).shape == (ROWS, 3, 4, 4)


@pytest.mark.parametrize("stops", [1, 2, 3])
def test_low_light_halves_the_light_with_each_stop(stops: int) -> None:
    found = light(LowLight(stops, stops)(photos(), draws()))
    torch.testing.assert_close(found, light(photos()) / 2**stops, atol=1e-6, rtol=1e-4)


def test_exposure_goes_both_ways_and_loses_what_exceeds_white() -> None:
    clean = flat(-0.4, 200, 2)
    ratio = (light(Exposure(2)(clean, draws(rows=200))) / light(clean))[:, 0, 0, 0].log2()
    assert -2 <= float(ratio.min()) < -1.8
    assert 1.8 < float(ratio.max()) <= 2
    assert abs(float(ratio.mean())) < 0.25
    bright = Exposure(2)(flat(0.9, 200, 2), draws(rows=200))
    assert float((bright > 0.9999).float().mean()) == pytest.approx(0.45, abs=0.1)


def test_a_cast_colours_grey_but_keeps_its_mean() -> None:
    clean = flat(-0.2)
    found = light(Cast(0.5)(clean, draws()))
    torch.testing.assert_close(found.mean(1), light(clean).mean(1), atol=1e-5, rtol=0)
    assert float((found.amax(1) - found.amin(1)).amin(0).median()) > 0.01
    grey = photos(1)
    torch.testing.assert_close(Cast(0.5)(grey, draws()), grey)


def test_fading_takes_contrast_and_adds_yellow() -> None:
    clean = photos()
    found = Fade(0.8)(clean, draws())
    ratio = found.std((2, 3)) / clean.std((2, 3))  # (N, C)
    assert float(ratio.max()) < 1
    assert float(ratio.min()) < 0.6
    white = Fade(0.8)(flat(1.0), draws())
    assert bool((white[:, 0] > white[:, 2]).all())
    grey = Fade(1.0)(photos(1), draws())
    torch.testing.assert_close(grey.sign(), photos(1).sign())


def test_scratches_touch_few_pixels_and_differ_from_row_to_row() -> None:
    rows = 64
    clean = flat(0.0, rows)
    change = (Scratches(4)(clean, draws(rows=rows)) - clean)[:, 0]  # (N, H, W)
    share = (change != 0).flatten(1).float().mean(1)
    assert 0.005 < float(share.mean()) < 0.1
    assert float(share.max()) < 0.25
    assert distinct(change) > 0.9 * rows
    assert float(change.max()) > 0.8
    assert float(change.min()) < -0.8
    soft = (change != 0) & (change.abs() < 0.35)  # no mark is that faint but at its edge
    assert 0.1 < float(soft.sum() / (change != 0).sum()) < 0.9


def test_scratches_are_long_and_upright() -> None:
    rows = 64
    clean = flat(0.0, rows)
    lines = Scratches(6)(clean, draws(rows=rows)) - Scratches(0)(clean, draws(rows=rows))
    touched = (lines[:, 0] != 0).float()
    assert 0.03 < float((touched.sum((1, 2)) == 0).float().mean()) < 0.35  # none of 6: one in 7
    vertical, horizontal = touched.mean(1).amax(1), touched.mean(2).amax(1)
    assert float(vertical.mean()) > 2 * float(horizontal.mean())


def test_the_order_of_a_chain_matters() -> None:
    late, early = (
        levels(Chain(steps)(flat(0.0), draws())).std()
        for steps in ((LowLight(4, 4), Noise(20, 20)), (Noise(20, 20), LowLight(4, 4)))
    )
    assert float(late) > 2 * float(early)


@pytest.mark.parametrize("nested", [False, True])
def test_steps_of_the_same_kind_draw_apart(nested: bool) -> None:
    noise = Noise(20, 20)
    inner: Damage = Chain((noise,)) if nested else noise
    found = levels(Chain((inner, noise))(flat(0.0), draws()))
    assert float(found.std()) == pytest.approx(20 * 2**0.5, rel=0.05)  # 40 if they were the same


def test_sometimes_is_never_always_or_as_often_as_was_asked() -> None:
    rows = 400
    clean = flat(0.0, rows, 8)
    for p, tolerance in ((0.0, 0.0), (1.0, 0.0), (0.3, 0.1)):
        found = Sometimes(Noise(20, 20), p)(clean, draws(rows=rows))
        changed = (found != clean).flatten(1).any(1).float().mean()
        assert float(changed) == pytest.approx(p, abs=tolerance)
    twice = Sometimes(Sometimes(Noise(20, 20), 0.5), 0.5)(clean, draws(rows=rows))
    assert float((twice != clean).flatten(1).any(1).float().mean()) == pytest.approx(0.25, abs=0.1)


def test_second_order_damages_more_than_a_smaller_size_alone() -> None:
    clean = photos(side=96)
    small, worse = Downscale(2)(clean, draws()), SecondOrder(2)(clean, draws())
    errors = (small - worse).square().mean((1, 2, 3))
    assert float(errors.min()) > 1e-3  # below 30 dB
    assert float((small.mean((2, 3)) - worse.mean((2, 3))).abs().max()) < 0.1
