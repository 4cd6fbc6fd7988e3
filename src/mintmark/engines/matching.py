"""Which condition a picture has: taught to a discriminator, and by it to a generator.

The discriminator learns it from real pictures beside their own condition and others
(Reed et al., "Generative Adversarial Text to Image Synthesis", ICML 2016), in two places: in
its score, whose features get to know what conditions speak of, and in a matcher of its own
(`models.layers.matcher`), which no penalty holds down and which alone teaches the generator.

A steep judge is pleased by specks that nobody sees. So the matcher sees pictures under
noise, which drowns specks and leaves shapes.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from mintmark.engines.adversarial import Game
from mintmark.training.draws import Draws
from mintmark.training.trainer import Batch

NOISE = 0.5  # most standard deviation, each picture has its own
FITTING = 0.3  # weight for the generator, of that for the discriminator


class Judge(Protocol):
    """A discriminator that looks once and may score against several conditions."""

    def look(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to features."""

    def score(self, features: Tensor, condition: Tensor | None) -> Tensor:
        """Features and the rows of a condition to logits, (N,)."""

    def match(self, x: Tensor, conditions: Sequence[Tensor]) -> Tensor:
        """How well pictures fit each of K conditions, (N, K)."""


def scored(game: Game, judge: Judge, features: Tensor, batch: Batch) -> Tensor:
    """The loss of real pictures that score no better beside their condition than beside others.

    Args:
        game: The pair of losses.
        judge: The discriminator.
        features: What it makes of the real pictures.
        batch: With conditions and others.
    """
    rows = _conditions(batch)
    return _lost(game, torch.stack([judge.score(features, row) for row in rows], 1), batch)


def matched(
    game: Game, judge: Judge, pictures: Tensor, batch: Batch, draws: Draws, name: str
) -> Tensor:
    """The loss of pictures whose condition fits no better than others.

    Args:
        game: The pair of losses.
        judge: The discriminator.
        pictures: (N, C, H, W).
        batch: With conditions and others.
        draws: Randomness of these rows.
        name: Keeps these draws apart from others of the step.
    """
    strength = NOISE * draws.uniform(f"match/{name}", 1, 1, 1)
    noise = draws.normal(f"match/{name}/noise", *pictures.shape[1:])
    return _lost(game, judge.match(pictures + strength * noise, _conditions(batch)), batch)


def _conditions(batch: Batch) -> list[Tensor]:
    """The own one first, then the others."""
    assert batch.condition is not None and batch.other is not None
    return [batch.condition, *batch.other.unbind(1)]


def _lost(game: Game, fits: Tensor, batch: Batch) -> Tensor:
    """Mean loss of (N, 1 + K) logits; conditions that are equal do not count."""
    own, *others = _conditions(batch)
    differs = torch.stack([(own != other).view(len(own), -1).any(1) for other in others], 1)
    fits = fits.float()
    return (game.discriminator(fits[:, :1], fits[:, 1:]) * differs).mean()
