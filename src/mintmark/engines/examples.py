"""What a paired game learns from: an input and its target, made of what the data holds."""

from dataclasses import dataclass
from typing import Literal, Protocol

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
