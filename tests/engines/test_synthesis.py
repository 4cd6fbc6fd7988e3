from dataclasses import replace

import pytest
import small
import torch

from mintmark.engines.adversarial import WASSERSTEIN
from mintmark.engines.augment import Augment
from mintmark.engines.synthesis import CHUNK, Request, Synthesis, gamma_for
from mintmark.models import r3gan
from mintmark.training.draws import Draws
from mintmark.training.trainer import Batch, Cosine, Moment

ENGINE = Synthesis(gamma=Cosine(2.0, 2.0))


def networks() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    built = r3gan.build(small.ARGS)
    for network in built.values():
        for parameter in network.parameters():
            parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    return built


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
    fake = nets["G"](z, data.labels).detach().requires_grad_()
    real = data.real.clone().requires_grad_()
    scores = [nets["D"](x, data.labels) for x in (real, fake)]
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
    many = ENGINE.run(nets, Request(3, range(2 * CHUNK + 3), [i % 3 for i in range(2 * CHUNK + 3)]))
    assert many.shape == (2 * CHUNK + 3, 1, 8, 8)
    for index in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 2):
        alone = ENGINE.run(nets, Request(3, [index], [index % 3]))
        assert torch.equal((many[index] * 127.5).round(), (alone[0] * 127.5).round())
    other = ENGINE.run(nets, Request(4, [0], [0]))
    assert not torch.equal(other[0], many[0])
    assert float(many.abs().max()) <= 1


def test_gamma_grows_with_the_picture() -> None:
    assert gamma_for(64).start == pytest.approx(2.0)
    assert gamma_for(256).start == pytest.approx(147, rel=0.02)
    assert gamma_for(8).start == 1.0
    assert gamma_for(256).end == pytest.approx(gamma_for(256).start / 10)
    assert Synthesis().fitted(64).gamma == gamma_for(64)
    assert ENGINE.fitted(64) is ENGINE
