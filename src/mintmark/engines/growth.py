"""Progressive growth: a low resolution first, and each higher one after the other.

Source: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs", ICLR 2018.
Stages of low resolution cost a fraction of the whole network's time, so most of a
short run can be spent where the composition is learned.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import pyramid
from mintmark.models.layers.resample import upsample

LEAST = 1e-3  # of a stage that begins to fade in, so that it has a share from the first step


class GrowingNetwork(Protocol):
    """A network that can work at its lower stages alone.

    Attributes:
        level: The stage it works at; 2.3 is the third with the fourth faded in by 0.3.
        sides: Rows and columns of each stage, the lowest first.
        blocks: Its residual blocks, as many a stage.
    """

    level: Tensor
    sides: list[tuple[int, int]]
    blocks: nn.ModuleList


@dataclass(frozen=True)
class Grow:
    """When the resolution rises.

    Attributes:
        first: Shorter side of the first resolution, in pixels.
        fade: Share of a resolution's time in which its stage is faded in; 0 sets it in
            at once.
        freeze: Whether the generator's stages stop learning once there is one above.
        last: Share of the run that is spent at the full resolution; the others share
            what is left equally.
    """

    first: int = 16
    fade: float = 0.3
    freeze: bool = False
    last: float = 0.5

    def level(self, side: int, fraction: float) -> float:
        """The stage at `fraction` of the run, for pictures of `side` pixels (the shorter one)."""
        top = _stage(side)
        lowest = max(min(_stage(self.first), top), 1)
        if lowest == top or fraction >= 1:
            return float(top)
        share = (1 - self.last) / (top - lowest)
        place = min(int(fraction / share), top - lowest) if share > 0 else top - lowest
        if not place or not self.fade:
            return float(lowest + place)
        length = share if lowest + place < top else self.last
        faded = (fraction - place * share) / (self.fade * length)
        return lowest + place - 1 + min(max(faded, LEAST), 1.0)


def _stage(side: int) -> int:
    return int(math.log2(side // pyramid.LEAST)) if side >= pyramid.LEAST else 0


def set_level(networks: Mapping[str, nn.Module], grow: Grow, fraction: float) -> None:
    """Tells networks at which stage they work now."""
    for network in networks.values():
        growing = cast(GrowingNetwork, network)
        growing.level.fill_(grow.level(min(growing.sides[-1]), fraction))


def stem(network: nn.Module, grow: Grow) -> tuple[str, ...]:
    """How the names begin of a generator's parameters below its present top stage.

    There are none at the first resolution, where all of them have yet to learn.
    """
    growing = cast(GrowingNetwork, network)
    level = math.ceil(float(growing.level))
    if level <= grow.level(min(growing.sides[-1]), 0.0):
        return ()
    blocks = level * (len(growing.blocks) // len(growing.sides))
    parts = {"blocks": blocks, "widen": level - 1, "finish": level, "tints": level}
    below = (f"{part}.{place}." for part, count in parts.items() for place in range(count))
    return ("mapping.", "basis", "start.", *below)


def shown(images: Tensor, networks: Mapping[str, nn.Module], grow: Grow | None) -> Tensor:
    """Real pictures as the discriminator sees them beside generated ones of this moment.

    They have the size of the stage, and while it fades in they gain its detail as the
    generated ones do: sharp pictures beside soft ones would be told apart at a glance.

    Args:
        images: (N, C, H, W).
        networks: Which say their level.
        grow: How the run grows; None leaves the pictures as they are.
    """
    if grow is None:
        return images
    growing = cast(GrowingNetwork, networks["G"])
    level = float(growing.level)
    sharp = reduced(images, growing.sides[math.ceil(level)])
    if not level % 1:
        return sharp
    soft = upsample(reduced(images, growing.sides[math.floor(level)]))
    return torch.lerp(soft, sharp, level % 1)


def reduced(images: Tensor, side: Sequence[int]) -> Tensor:
    """Pictures of a lower stage, (N, C, *side): means of the cells they cover.

    Args:
        images: (N, C, H, W), whose sides are whole multiples; or samples of another kind.
        side: Rows and columns.
    """
    if tuple(images.shape[2:]) == tuple(side):  # also samples that have no sides
        return images
    return F.avg_pool2d(images, images.shape[2] // side[0])
