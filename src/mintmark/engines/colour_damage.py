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
        coloured = clean.lerp(luma(clean).expand_as(clean), self.saturation * pale)
        return coloured * (1 - self.contrast * flat)


@dataclass(frozen=True)
class Grey:
    """No colour at all: the luma in each channel, as a file holds it."""

    kind: Literal["grey"] = "grey"

    @torch.no_grad()
    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:  # noqa: ARG002 - as all damages
        """Damages a batch; see `degrade.Damage`."""
        levels = luma(clean).add(1).mul(127.5).round()
        return levels.div(127.5).sub(1).expand_as(clean)


def luma(pictures: Tensor) -> Tensor:
    """The weighted mean of red, green and blue of pictures, (N, C, H, W), as (N, 1, H, W)."""
    weights = pictures.new_tensor(LUMA if pictures.shape[1] == 3 else (1.0,)).view(-1, 1, 1)
    return (weights * pictures).sum(1, keepdim=True)


def with_luma(coloured: Tensor, grey: Tensor) -> Tensor:
    """The colours of pictures at another luma, paler where they would leave the range.

    Args:
        coloured: (N, 3, H, W), in [-1, 1].
        grey: The luma that they shall have, (N, 1, H, W), in [-1, 1].

    Returns:
        (N, 3, H, W), in [-1, 1].
    """
    tint = coloured - luma(coloured)  # of luma 0
    room = torch.where(tint > 0, 1 - grey, 1 + grey) / tint.abs().clamp(min=1e-6)
    return (grey + tint * room.amin(1, keepdim=True).clamp(max=1)).clamp(-1, 1)
