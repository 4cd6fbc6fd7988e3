"""What a paired game learns from: an input and its target, made of what the data holds."""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines.degrade import Damage
from mintmark.training.draws import Draws

MOVES = 16  # a picture moves by that part of its side at most


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
        mirror: Whether half of the pictures are turned left to right.
    """

    damage: Damage
    mirror: bool = True
    kind: Literal["undo"] = "undo"

    def __call__(self, real: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """See `Examples`."""
        clean = mirrored(real, draws) if self.mirror else real
        return self.damage(clean, draws), clean


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
        pairs = mirrored(real, draws) if self.mirror else real
        given, target = pairs.chunk(2, 1)  # (N, C, H, W) each
        return given, target


def moved(real: Tensor, draws: Draws) -> Tensor:
    """Rows moved by whole pixels, up to 1/16 of a side, with borders repeated, (N, C, H, W)."""
    count, _, height, width = real.shape
    most = [side // MOVES for side in (height, width)]
    reach = torch.tensor([2 * most[0] + 1, 2 * most[1] + 1], device=real.device)
    by = (draws.uniform("moved", 2) * reach).long()  # (N, 2), from 0 to twice the most
    padded = F.pad(real, [most[1], most[1], most[0], most[0]], "replicate")
    rows = by[:, :1] + torch.arange(height, device=real.device)
    columns = by[:, 1:] + torch.arange(width, device=real.device)
    row = torch.arange(count, device=real.device)[:, None, None]
    return padded[row, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def mirrored(real: Tensor, draws: Draws) -> Tensor:
    """Half of the rows turned left to right, (N, C, H, W)."""
    turned = draws.uniform("mirror", 1, 1, 1) < 0.5
    return torch.where(turned, real.flip(3), real)
