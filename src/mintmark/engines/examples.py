"""What a paired game learns from: an input and its target, made of what the data holds."""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from mintmark.engines.degrade import Damage
from mintmark.training.draws import Draws


class Examples(Protocol):
    """Makes what a network is given, and what it should make of that."""

    def __call__(self, real: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Makes a batch of pairs, without gradients.

        Args:
            real: What the data holds, (N, C, H, W), float32 in [-1, 1].
            draws: Randomness for these N rows, on the same device.

        Returns:
            Inputs and targets, (N, C', H', W') each.
        """


@dataclass(frozen=True)
class Undo:
    """The data's pictures are the targets, and damaged the inputs.

    Attributes:
        damage: What the network learns to undo.
    """

    damage: Damage
    kind: Literal["undo"] = "undo"

    def __call__(self, real: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """See `Examples`."""
        return self.damage(real, draws), real


@dataclass(frozen=True)
class Given:
    """The data holds pairs: the first half of the channels is the input, the other the target.

    Attributes:
        mirror: Whether half of the pairs are turned left to right, both alike.
    """

    mirror: bool = True
    kind: Literal["given"] = "given"

    def __call__(self, real: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """See `Examples`."""
        if self.mirror:
            turned = draws.uniform("mirror", 1, 1, 1) < 0.5
            real = torch.where(turned, real.flip(3), real)
        given, target = real.chunk(2, 1)  # (N, C, H, W) each
        return given, target
