import math

import pytest
import torch
from torch import Tensor

from mintmark.engines import adversarial as adv

REAL = torch.tensor([2.0, -1.0, 0.0])
FAKE = torch.tensor([1.0, 0.5, 0.0])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("game", "discriminator", "generator"),
    [
        (
            adv.RELATIVISTIC,
            [softplus(-1), softplus(1.5), softplus(0)],
            [softplus(1), softplus(-1.5), softplus(0)],
        ),
        (
            adv.NON_SATURATING,
            [softplus(-2) + softplus(1), softplus(1) + softplus(0.5), 2 * softplus(0)],
            [softplus(-1), softplus(-0.5), softplus(0)],
        ),
        (adv.HINGE, [0 + 2, 2 + 1.5, 1 + 1], [-1, -0.5, 0]),
        (adv.LEAST_SQUARES, [0.5 + 0.5, 2 + 0.125, 0.5], [0, 0.125, 0.5]),
        (adv.WASSERSTEIN, [-1, 1.5, 0], [-1, -0.5, 0]),
    ],
)
def test_each_game_by_hand(
    game: adv.Game, discriminator: list[float], generator: list[float]
) -> None:
    assert game.discriminator(REAL, FAKE).tolist() == pytest.approx(discriminator)
    assert game.generator(REAL, FAKE).tolist() == pytest.approx(generator)


@pytest.mark.parametrize(
    "game",
    [adv.RELATIVISTIC, adv.NON_SATURATING, adv.HINGE, adv.LEAST_SQUARES, adv.WASSERSTEIN],
)
def test_the_two_sides_pull_apart(game: adv.Game) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    up, down = torch.autograd.grad(game.discriminator(real, fake).sum(), (real, fake))
    assert float(up.max()) < 0 <= float(down.min())
    (pull,) = torch.autograd.grad(game.generator(torch.zeros(4), fake).sum(), fake)
    assert float(pull.max()) < 0


def linear(weights: Tensor, x: Tensor) -> Tensor:
    return (x * weights).flatten(1).sum(1)


def test_the_penalty_of_a_linear_critic_is_the_square_of_its_weights() -> None:
    weights = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    x = torch.zeros(5, 2, 3).requires_grad_()
    norms = adv.squared_gradient(linear(weights, x), x)
    torch.testing.assert_close(norms, weights.square().sum().expand(5))
    (slope,) = torch.autograd.grad(norms.mean(), weights)  # double backward: |w|^2 gives 2 w
    torch.testing.assert_close(slope, 2 * weights.detach())


def test_the_gradient_penalty_vanishes_at_unit_slope() -> None:
    x = torch.zeros(4, 9).requires_grad_()
    for slope, wanted in ((1.0, 0.0), (3.0, 4.0), (0.0, 1.0)):
        logits = (x * slope / 3).sum(1)
        penalty = adv.gradient_penalty(logits, x)
        torch.testing.assert_close(penalty, torch.full((4,), wanted), atol=1e-4, rtol=1e-4)


def test_the_gradient_penalty_of_a_flat_critic_has_a_finite_gradient() -> None:
    weights = torch.zeros(9, requires_grad=True)
    x = torch.ones(4, 9).requires_grad_()
    penalty = adv.gradient_penalty(linear(weights, x), x).mean()
    (slope,) = torch.autograd.grad(penalty, weights)
    assert bool(slope.isfinite().all())


def test_points_between() -> None:
    real, fake = torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)
    between = adv.interpolate(real, fake, torch.tensor([0.0, 0.25, 1.0]))
    assert between[:, 0, 0, 0].tolist() == [0.0, 0.25, 1.0]


def test_second_order_gradients_of_a_network_are_right() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.Softplus(), torch.nn.Conv2d(3, 1, 3)
    ).double()
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64)

    def penalty(*parameters: Tensor) -> Tensor:
        names = dict(zip(dict(net.named_parameters()), parameters, strict=True))
        inputs = x.clone().requires_grad_()
        logits = torch.func.functional_call(net, names, inputs).flatten(1).sum(1)
        (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
        return gradient.square().sum()

    torch.autograd.gradcheck(penalty, tuple(net.parameters()))
