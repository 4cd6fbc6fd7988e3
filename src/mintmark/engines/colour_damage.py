"""Damage to tones and colours alone; wrong exposure and white balance are in `degrade`."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mintmark.training.draws import Draws

LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue (ITU-R BT.709)


@dataclass(frozen=True)
class Dull:
    """Too little contrast and colour, as of haze or a cheap lens.

    Attributes:
        contrast: Most contrast that is lost, in [0, 1]; each row loses a uniform share of it
            towards the middle of the samples.
        saturation: Most of the distance from grey that is lost, likewise; grey has none.
    """

    contrast: float
    saturation: float
    kind: Literal["dull"] = "dull"

    @torch.no_grad()
    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        """Damages a batch; see `degrade.Damage`."""
        flat, pale = draws.uniform("damage/dull", 2, 1, 1).chunk(2, 1)  # (N, 1, 1, 1) each
        luma = clean.new_tensor(LUMA if clean.shape[1] == 3 else (1.0,)).view(-1, 1, 1)
        grey = (luma * clean).sum(1, keepdim=True)
        coloured = clean.lerp(grey.expand_as(clean), self.saturation * pale)
        return coloured * (1 - self.contrast * flat)
