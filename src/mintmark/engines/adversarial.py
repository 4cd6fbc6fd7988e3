"""Adversarial games and gradient penalties: pure functions of logits.

Every game is a pair of functions from logits of real and generated samples,
(N,) each, to a loss a sample, (N,).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.training.trainer import Cosine

Loss = Callable[[Tensor, Tensor], Tensor]

PUBLISHED = 256  # pictures a batch, for which the gammas are published that we go by


@dataclass(frozen=True)
class Game:
    """What the two sides minimise, each a function of (real, fake) logits."""

    name: str
    discriminator: Loss
    generator: Loss


def _relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(fake - real)


def _relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(real - fake)


def _non_saturating_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)


def _non_saturating_generator(real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG001
    return F.softplus(-fake)


def _hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return F.relu(1 - real) + F.relu(1 + fake)


def _hinge_generator(real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG001
    return -fake


def _least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1).square() + fake.square()) / 2


def _least_squares_generator(real: Tensor, fake: Tensor) -> Tensor:  # noqa: ARG001
    return (fake - 1).square() / 2


def _wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return fake - real


RELATIVISTIC = Game("relativistic", _relativistic_discriminator, _relativistic_generator)
"""RpGAN: each real sample against the generated one beside it (Jolicoeur-Martineau,
2019; pairing as in Sun et al., 2020). The default, with R1 and R2."""

NON_SATURATING = Game("non-saturating", _non_saturating_discriminator, _non_saturating_generator)
"""The original game with the log trick (Goodfellow et al., 2014)."""

HINGE = Game("hinge", _hinge_discriminator, _hinge_generator)
"""Hinge loss (Lim and Ye, 2017)."""

LEAST_SQUARES = Game("least-squares", _least_squares_discriminator, _least_squares_generator)
"""LSGAN with targets 0 and 1 (Mao et al., 2017)."""

WASSERSTEIN = Game("wasserstein", _wasserstein_discriminator, _hinge_generator)
"""WGAN (Arjovsky et al., 2017); needs `gradient_penalty`."""


def squared_gradient(logits: Tensor, inputs: Tensor) -> Tensor:
    """Squared L2 norm of the gradient of each logit by its own input.

    This is R1 at real inputs and R2 at generated ones, before gamma / 2
    (Mescheder et al., 2018). Computed in float32 and differentiable again.

    Args:
        logits: (N,), computed from `inputs` without mixing samples.
        inputs: (N, ...), float32, requiring a gradient.

    Returns:
        (N,), float32.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.float().square().flatten(1).sum(1)


def gradient_penalty(logits: Tensor, between: Tensor) -> Tensor:
    """WGAN-GP: squared distance of the gradient's norm from 1 (Gulrajani et al., 2017).

    Args:
        logits: (N,), computed from `between`.
        between: (N, ...), points between real and generated samples.

    Returns:
        (N,), before its weight (lambda, usually 10).
    """
    # The small constant keeps the root's own gradient finite at zero.
    return ((squared_gradient(logits, between) + 1e-12).sqrt() - 1).square()


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Points on the lines from real to generated samples.

    Args:
        real: (N, ...).
        fake: (N, ...).
        share: (N,) in [0, 1], 0 for real.
    """
    return torch.lerp(real, fake, share.view(-1, *[1] * (real.ndim - 1)))


def gamma_for(size: int, batch: int = PUBLISHED) -> Cosine:
    """Gamma for square pictures of `size` pixels in batches of `batch`, annealed to a tenth.

    Anchors: R3GAN publishes 0.05 at 32 (CIFAR-10), 0.5 at 32 (ImageNet), 2 at 64
    and 150 at 256 (FFHQ) for batches of 256 and more; from 64 upwards those follow
    size ** 3.1. Smaller batches ask for more in proportion, as in StyleGAN2's own rule
    (Karras et al., 2020). Below 1 nothing was tried that did not lose modes on the digits
    (docs/explanation/measured.md).
    """
    start = max(1.0, 2 * (size / 64) ** 3.1 * max(1.0, PUBLISHED / batch))
    return Cosine(start, start / 10)
