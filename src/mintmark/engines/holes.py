"""Holes in pictures: what inpainting and outpainting learn to fill."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mintmark.engines import masks
from mintmark.training.draws import Draws


@dataclass(frozen=True)
class Holes:
    """Takes parts of pictures away and says which.

    Attributes:
        kinds: Of the holes, equally often; see `masks.mask`.
    """

    kinds: tuple[masks.Kind, ...]
    kind: Literal["holes"] = "holes"

    @torch.no_grad()
    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        """Damages a batch.

        Args:
            clean: (N, C, H, W), float32 in [-1, 1].
            draws: Randomness for these N rows, on the same device.

        Returns:
            What `holed` makes, (N, C + 1, H, W).
        """
        size = (clean.shape[2], clean.shape[3])
        found = torch.stack([masks.mask(kind, size, draws, kind) for kind in self.kinds])
        turn = draws.uniform("kind").mul(len(self.kinds)).long()  # (N,)
        missing = found[turn, torch.arange(len(clean), device=clean.device)]  # (N, 1, H, W)
        return holed(clean, missing)


def holed(pictures: Tensor, missing: Tensor) -> Tensor:
    """Pictures with what is missing at 0, and its mask as the last channel.

    Args:
        pictures: (N, C, H, W) in [-1, 1].
        missing: (N, 1, H, W), 1 where something is missing, else 0.

    Returns:
        (N, C + 1, H, W).
    """
    return torch.cat([pictures * (1 - missing), missing], 1)
