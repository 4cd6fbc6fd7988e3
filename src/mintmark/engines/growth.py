"""Progressive growth: a low resolution first, and each higher one after the other.

Source: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs", ICLR 2018.
Stages of low resolution cost a fraction of the whole network's time, so most of a
short run can be spent where the composition is learned.

Departure: nothing fades. The networks add each stage through skips that begin at zero
(Karras et al., CVPR 2020, section 4), pictures are enlarged by repeating their cells and
reduced by their means, so at the step where the resolution rises all logits stay as they
were, and the new stage then comes in as fast as it learns.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import pyramid


class GrowingNetwork(Protocol):
    """A network that can work at its lower stages alone.

    Attributes:
        level: The stage it works at, counted from the lowest.
        first: The lowest stage that draws or sees pictures.
        sides: Rows and columns of each stage, the lowest first.
        blocks: Its residual blocks, as many a stage.
    """

    level: Tensor
    first: int
    sides: list[tuple[int, int]]
    blocks: nn.ModuleList


@dataclass(frozen=True)
class Grow:
    """When the resolution rises.

    Attributes:
        first: Shorter side of the first resolution, in pixels.
        freeze: Whether the generator's stages stop learning once there is one above.
        last: Share of the run that is spent at the full resolution; the others share
            what is left equally.
    """

    first: int = 16
    freeze: bool = False
    last: float = 0.7

    def level(self, side: int, fraction: float) -> int:
        """The stage at `fraction` of the run, for pictures of `side` pixels (the shorter one)."""
        top = _stage(side)
        lowest = max(min(_stage(self.first), top), 1)
        share = (1 - self.last) / max(top - lowest, 1)
        return min(lowest + int(fraction / share), top) if share > 0 else top


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
    level = int(growing.level)
    if level <= grow.level(min(growing.sides[-1]), 0.0):
        return ()
    blocks = level * (len(growing.blocks) // len(growing.sides))
    ends = level - growing.first
    parts = {"blocks": blocks, "widen": level - 1, "finish": ends, "tints": ends}
    below = (f"{part}.{place}." for part, count in parts.items() for place in range(count))
    return ("mapping.", "basis", "start.", *below)


def shown(images: Tensor, networks: Mapping[str, nn.Module], grow: Grow | None) -> Tensor:
    """Real pictures of the size that the networks work at now.

    Args:
        images: (N, C, H, W).
        networks: Which say their level.
        grow: How the run grows; None leaves the pictures as they are.
    """
    if grow is None:
        return images
    growing = cast(GrowingNetwork, networks["G"])
    return reduced(images, growing.sides[int(growing.level)])


def reduced(images: Tensor, side: Sequence[int]) -> Tensor:
    """Pictures of a lower stage, (N, C, *side): means of the cells they cover.

    Args:
        images: (N, C, H, W), whose sides are whole multiples; or samples of another kind.
        side: Rows and columns.
    """
    if tuple(images.shape[2:]) == tuple(side):  # also samples that have no sides
        return images
    return F.avg_pool2d(images, images.shape[2] // side[0])
