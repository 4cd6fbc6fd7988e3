import json
from dataclasses import fields, replace
from typing import cast

import pytest
import small
import torch
from arrays import stirred
from torch import Tensor, nn

from mintmark.engines import matching as matching_of
from mintmark.engines.adversarial import WASSERSTEIN, gamma_for
from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import (
    CHUNK,
    LatentNetwork,
    Request,
    Synthesis,
    noise_of,
)
from mintmark.models import r3gan, stylegan
from mintmark.models.layers.discriminator import Discriminator
from mintmark.training.draws import Draws
from mintmark.training.trainer import Batch, Cosine, Moment

ENGINE = Synthesis(gamma=Cosine(2.0, 2.0))


def networks() -> dict[str, torch.nn.Module]:
    return stirred(r3gan.build, small.ARGS)


def batch() -> Batch:
    pixels = small.pixels()
    images = torch.from_numpy(pixels.pixels[:8].copy()).float() / 127.5 - 1
    assert pixels.labels is not None
    return Batch(images, torch.from_numpy(pixels.labels[:8]))


def moment(step: int = 0, gamma_scale: float = 1.0, **controls: float) -> Moment:
    return Moment(step, 0.0, {"gamma_scale": gamma_scale, **controls}, Draws(0, step, 8, 0, 8))


def test_one_pass_equals_two_passes() -> None:
    nets, data, now = networks(), batch(), moment()
    losses = ENGINE.losses("discriminator", nets, data, now)
    z = now.draws.normal("z/discriminator", 8)
    fake = nets["G"](z, data.condition).detach().requires_grad_()
    real = data.real.clone().requires_grad_()
    scores = [nets["D"](x, data.condition) for x in (real, fake)]
    expected = torch.nn.functional.softplus(scores[1] - scores[0]).mean()
    torch.testing.assert_close(losses["discriminator"], expected)
    penalties = [
        torch.autograd.grad(s.sum(), x, create_graph=True)[0].square().sum((1, 2, 3)).mean()
        for s, x in zip(scores, (real, fake), strict=True)
    ]
    torch.testing.assert_close(losses["r1"], penalties[0].detach())
    torch.testing.assert_close(losses["r2"], penalties[1].detach())
    torch.testing.assert_close(losses["penalty"], penalties[0] + penalties[1])  # gamma / 2 is 1


def test_figures_carry_no_gradient_and_losses_do() -> None:
    losses = ENGINE.losses("discriminator", networks(), batch(), moment())
    carrying = {name for name, value in losses.items() if value.requires_grad}
    assert carrying == {"discriminator", "penalty"}
    assert 0 <= float(losses["pairs_won"]) <= 1
    assert float(losses["spread"]) > 0


def penalty(engine: Synthesis, **at: float) -> float:
    step = int(at.pop("step", 0))
    losses = engine.losses("discriminator", networks(), batch(), moment(step, **at))
    return float(losses["penalty"].detach()) if "penalty" in losses else 0.0


def test_gamma_is_raised_by_the_kernel_and_made_up_for_when_lazy() -> None:
    plain = penalty(ENGINE)
    assert penalty(ENGINE, gamma_scale=2.0) == pytest.approx(2 * plain)
    lazy = replace(ENGINE, penalty_every=4)
    assert penalty(lazy) == pytest.approx(4 * plain)
    assert penalty(lazy, step=1) == 0.0


def test_penalties_can_be_chosen() -> None:
    r1 = penalty(replace(ENGINE, penalties=("real",)))
    r2 = penalty(replace(ENGINE, penalties=("fake",)))
    assert r1 + r2 == pytest.approx(penalty(ENGINE))
    wgan = Synthesis(game=WASSERSTEIN, gamma=Cosine(10.0, 10.0), penalties=("between",))
    assert penalty(wgan) > 0
    assert penalty(replace(ENGINE, penalties=())) == 0.0


def test_the_penalty_reaches_through_the_augmentation() -> None:
    augmented = replace(ENGINE, augment=Augment(kind="ada", mode="fixed", strength=1.0))
    assert penalty(augmented) > 0
    assert penalty(augmented) != pytest.approx(penalty(ENGINE))


def test_a_sample_depends_on_seed_and_index_and_class_alone() -> None:
    nets = networks()
    many = ENGINE.run(nets, Request(3, range(2 * CHUNK + 3), torch.arange(2 * CHUNK + 3) % 3))
    assert many.shape == (2 * CHUNK + 3, 1, 8, 8)
    for index in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 2):
        alone = ENGINE.run(nets, Request(3, [index], torch.tensor([index % 3])))
        assert torch.equal((many[index] * 127.5).round(), (alone[0] * 127.5).round())
    other = ENGINE.run(nets, Request(4, [0], torch.tensor([0])))
    assert not torch.equal(other[0], many[0])
    assert float(many.abs().max()) <= 1


def test_gamma_grows_with_the_picture() -> None:
    assert gamma_for(64).start == pytest.approx(2.0)
    assert gamma_for(256).start == pytest.approx(147, rel=0.02)
    assert gamma_for(8).start == 1.0
    assert gamma_for(256).end == pytest.approx(gamma_for(256).start / 10)
    assert gamma_for(64, 32).start == pytest.approx(16.0)  # smaller batches ask for more
    assert gamma_for(64, 512) == gamma_for(64)
    assert Synthesis().fitted(64, 32).gamma == gamma_for(64, 32)
    assert ENGINE.fitted(64, 32) is ENGINE


MISMATCHED = replace(ENGINE, mismatched=0.5, penalties=())


def matching(**changes: object) -> dict[str, nn.Module]:
    """Networks whose discriminator matches conditions."""
    torch.manual_seed(0)
    return r3gan.build({**small.ARGS, "matcher": True, **changes})


def judge_of(nets: dict[str, nn.Module]) -> Discriminator:
    judge = nets["D"]
    assert isinstance(judge, Discriminator)
    return judge


def noisy(images: Tensor, name: str) -> Tensor:
    """What the matcher sees of pictures."""
    draws = moment().draws
    strength = matching_of.NOISE * draws.uniform(f"match/{name}", 1, 1, 1)
    return images + strength * draws.normal(f"match/{name}/noise", *images.shape[1:])


def lost(fits: Tensor, counted: Tensor) -> Tensor:
    """The relativistic loss of (N, 1 + K) logits, own condition first."""
    return (torch.nn.functional.softplus(fits[:, 1:] - fits[:, :1]) * counted).mean()


def test_wrong_conditions_fit_worse_and_equal_ones_do_not_count() -> None:
    nets, now = matching(), moment()
    data = batch()
    assert data.condition is not None
    other = torch.stack([data.condition.roll(1), data.condition.roll(2)], 1)  # (N, 2)
    found = MISMATCHED.losses("discriminator", nets, replace(data, other=other), now)
    judge, rows = judge_of(nets), [data.condition, *other.unbind(1)]
    differs = data.condition[:, None] != other
    assert 0 < differs.sum() < differs.numel()
    scores = torch.stack([nets["D"](data.real, row) for row in rows], 1)
    expected = lost(scores, differs) + lost(judge.match(noisy(data.real, "real"), rows), differs)
    torch.testing.assert_close(found["mismatched"], 0.5 * expected)
    same = replace(data, other=data.condition[:, None])
    assert MISMATCHED.losses("discriminator", nets, same, now)["mismatched"] == 0
    plain = ENGINE.losses("discriminator", nets, replace(data, other=other), now)
    assert "mismatched" not in plain


def test_without_other_conditions_nothing_is_mismatched() -> None:
    for phase in ("discriminator", "generator"):
        found = MISMATCHED.losses(phase, matching(), batch(), moment())
        assert not {"mismatched", "fitting"} & set(found)


def test_the_generator_learns_to_draw_what_fits_and_not_what_does_not() -> None:
    nets = matching()
    data = batch()
    assert data.condition is not None
    given = replace(data, other=data.condition.roll(1)[:, None])
    loss = MISMATCHED.losses("generator", nets, given, moment())["fitting"]
    assert loss > 0
    torch.autograd.backward(loss)
    assert any(p.grad is not None and p.grad.any() for p in nets["G"].parameters())


def test_the_penalty_leaves_the_matching_alone() -> None:
    """R1 would hold down an answer that hangs on a few pixels."""
    nets, data = matching(), batch()
    assert data.condition is not None
    given = replace(data, other=data.condition.roll(1)[:, None])
    found = replace(MISMATCHED, penalties=("real",)).losses("discriminator", nets, given, moment())
    matcher = [p for name, p in nets["D"].named_parameters() if name.startswith("matcher.")]
    torch.autograd.backward(found["penalty"])
    assert matcher and all(p.grad is None or not p.grad.any() for p in matcher)


def test_attributes_that_differ_in_one_place_are_mismatched() -> None:
    nets = matching(classes=0, attributes=4)
    rows = torch.eye(4).repeat(2, 1)
    other = rows.clone()[:, None]  # (N, 1, 4)
    other[0, 0, 3] = 1.0
    found = MISMATCHED.losses("discriminator", nets, Batch(batch().real, rows, other), moment())
    both, counted = [rows, other[:, 0]], (rows != other[:, 0]).any(1)[:, None]
    scores = torch.stack([nets["D"](batch().real, row) for row in both], 1)
    fits = judge_of(nets).match(noisy(batch().real, "real"), both)
    expected = 0.5 * (lost(scores, counted) + lost(fits, counted))
    assert counted.sum() == 1
    torch.testing.assert_close(found["mismatched"], expected)


def test_the_discriminator_learns_to_draw_again_what_it_saw() -> None:
    torch.manual_seed(0)
    nets = r3gan.build({**small.ARGS, "decoder": True})
    data, engine = batch(), replace(ENGINE, reconstruct=0.25, penalties=())
    found = engine.losses("discriminator", nets, data, moment())["reconstruct"]
    drawn = nets["D"].get_submodule("decoder")
    assert isinstance(nets["D"], Discriminator)
    whole = torch.nn.functional.adaptive_avg_pool2d(nets["D"].reconstruct(data.real), (8, 8))
    torch.testing.assert_close(found, 0.25 * (whole - data.real).square().mean())
    torch.autograd.backward(found)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in drawn.parameters())


def test_a_recipe_tells_every_field_of_the_game() -> None:
    """What is not told cannot be compared when a run goes on."""
    described = ENGINE.describe()
    assert set(described) == {field.name for field in fields(Synthesis)}
    json.dumps(described, allow_nan=False)
    for change in ({"mismatched": 1.0}, {"reconstruct": 1.0}, {"frozen": 1}, {"grow": Grow()}):
        assert replace(ENGINE, **change).describe() != described


def test_noise_is_drawn_by_number_and_can_be_left_out() -> None:
    torch.manual_seed(0)
    nets = stylegan.build({**small.ARGS, "block": "dense"})
    with torch.no_grad():
        for parameter in nets["G"].parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    classes = torch.tensor([0, 1, 2])
    asked = Request(3, range(3), classes)
    noisy, silent = ENGINE.run(nets, asked), ENGINE.run(nets, replace(asked, noise=False))
    assert torch.equal(noisy, ENGINE.run(nets, asked))
    assert not torch.equal(noisy, silent)
    generator = cast(LatentNetwork, nets["G"])
    grains = noise_of(generator, 3, [1, 2])
    assert grains is not None and grains.shape == (2, 4 * 4 + 8 * 8)
    alone = noise_of(generator, 3, [2])
    assert alone is not None and torch.equal(grains[1], alone[0])
    assert noise_of(cast(LatentNetwork, networks()["G"]), 3, [1]) is None
