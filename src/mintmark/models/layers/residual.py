"""The residual stages that the synthesis families share, and what they are built from.

Source: Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the
GAN! A Modern GAN Baseline", NeurIPS 2024: no normalisation, fix-up
initialisation (Zhang et al., 2019), bias only in front of an activation.
Besides the published block (1x1, grouped 3x3, 1x1) there is a `dense` one (3x3,
3x3): grouped convolutions are slow on CPUs (docs/explanation/measured.md).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers import pyramid
from mintmark.models.layers.condition import embedding

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps variance through the leaky ReLU
GROUP_WIDTH = 16  # channels a group in the published block

CONDITIONS = ("classes", "attributes", "words", "sentence")

Block = Literal["grouped", "dense"]


@dataclass(frozen=True)
class ResidualArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures; see `pyramid.stages` for what can be drawn.
        width: Columns of the pictures.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        widths: Channels of each stage from the lowest upwards; as many as stages.
        classes: Number of classes, 0 for none.
        attributes: Numbers in a row of attributes, 0 for none.
        words: Buckets of hashed words, 0 for none.
        sentence: Numbers of a frozen text encoder's vector, 0 for none.
        blocks: Residual blocks a stage.
        latent: Length of the latent z.
        block: `grouped` as published, or `dense`.
        grow: Whether the networks can work at their lower stages alone.
        first: With `grow`, the lowest stage that they can work at by itself, counted from below.
        decoder: Whether the discriminator learns to draw again what it saw.
        matcher: Whether it also says apart from its score how well a condition fits.
    """

    height: int
    width: int
    channels: int
    widths: tuple[int, ...]
    classes: int = 0
    attributes: int = 0
    words: int = 0
    sentence: int = 0
    blocks: int = 1
    latent: int = 64
    block: Block = "grouped"
    grow: bool = False
    first: int = 0
    decoder: bool = False
    matcher: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        self._require_sane()
        stages = pyramid.stages(self.height, self.width)
        if len(self.widths) != stages:
            raise ConfigError(
                f"Networks for {self.width} x {self.height} pixels have {stages} stages but got "
                f"{len(self.widths)} widths; give one width a stage, lowest stage first."
            )
        if self.block == "grouped" and any(width % GROUP_WIDTH for width in self.widths):
            raise ConfigError(
                f"The grouped block needs widths that are multiples of {GROUP_WIDTH}, "
                f"not {list(self.widths)}."
            )

    def _require_sane(self) -> None:
        """Bounds what a hostile config could ask for.

        Raises:
            ConfigError: A number is out of its range, or there is no such block.
        """
        ranges = {
            "height": (self.height, 1, pyramid.LARGEST),
            "width": (self.width, 1, pyramid.LARGEST),
            "channels": (self.channels, 1, 4),
            "classes": (self.classes, 0, 100_000),
            "attributes": (self.attributes, 0, 10_000),
            "words": (self.words, 0, 100_000),
            "sentence": (self.sentence, 0, 10_000),
            "blocks": (self.blocks, 1, 16),
            "latent": (self.latent, 1, 4096),
            "widest": (max(self.widths, default=0), 1, 8192),
            "narrowest": (min(self.widths, default=0), 1, 8192),
            "first": (self.first, 0, max(len(self.widths) - 1, 0)),
        }
        for name, (value, least, most) in ranges.items():
            if not isinstance(value, int) or not least <= value <= most:
                raise ConfigError(
                    f"Networks take {least} to {most} as {name}, not {value!r}; correct it."
                )
        if self.block not in ("grouped", "dense"):
            raise ConfigError(f"There is no block {self.block!r}; choose grouped or dense.")
        if not all(isinstance(one, bool) for one in (self.grow, self.decoder, self.matcher)):
            raise ConfigError("grow, decoder and matcher are true or false; correct them.")

    @property
    def base(self) -> tuple[int, int]:
        """Rows and columns of the lowest stage."""
        return self.side(0)

    def side(self, stage: int) -> tuple[int, int]:
        """Rows and columns of a stage, counted from the lowest."""
        step = 1 << (len(self.widths) - 1 - stage)
        return self.height // step, self.width // step

    @property
    def ends(self) -> tuple[int, ...]:
        """Stages that draw or see pictures, counted from the lowest."""
        top = len(self.widths) - 1
        return tuple(range(self.first, top + 1)) if self.grow else (top,)

    @property
    def condition(self) -> dict[str, int]:
        """How much of each kind of condition the networks take; see `Conditions.sizes`."""
        return {name: getattr(self, name) for name in CONDITIONS}

    @property
    def is_conditional(self) -> bool:
        """Whether the networks take a condition."""
        return any(self.condition.values())

    def embedding(self, length: int, scale: float) -> nn.Module | None:
        """The layer that embeds the condition, or None without one."""
        return embedding(self.condition, length, scale)

    @property
    def fixup(self) -> float:
        """Scale of the first convolutions of a block: L ** (-1 / (2m - 2)).

        L is the number of blocks in the network, m that of convolutions in a block.
        """
        power = -1 / 4 if self.block == "grouped" else -1 / 2
        return float((len(self.widths) * self.blocks) ** power)


def conv(
    into: int, out: int, size: int, scale: float, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution with fan-in normal weights times `scale`; a bias starts at zero.

    Only a convolution in front of an activation has a bias.
    """
    layer = nn.Conv2d(into, out, size, padding=size // 2, groups=groups, bias=bias)
    with torch.no_grad():
        if layer.bias is not None:
            layer.bias.zero_()
        layer.weight.normal_(0, 1 / math.sqrt(into // groups * size * size)).mul_(scale)
    return layer


class GroupedBlock(nn.Module):
    """The published block: expand, grouped 3x3, contract, added to its input."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        inner = 2 * width
        self.expand = conv(width, inner, 1, scale * GAIN, bias=True)
        groups = inner // GROUP_WIDTH
        self.mix = conv(inner, inner, 3, scale * GAIN, groups, bias=True)
        self.contract = conv(inner, width, 1, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        y: Tensor = F.leaky_relu(self.expand(x), SLOPE)  # (N, 2C, H, W)
        y = F.leaky_relu(self.mix(y), SLOPE)  # (N, 2C, H, W)
        y = self.contract(y)  # (N, C, H, W)
        return x + y


class DenseBlock(nn.Module):
    """Two full 3x3 convolutions, added to the input; fast on a CPU."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.conv1 = conv(width, width, 3, scale * GAIN, bias=True)
        self.conv2 = conv(width, width, 3, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        y: Tensor = self.conv1(F.leaky_relu(x + self.bias, SLOPE))  # (N, C, H, W)
        y = self.conv2(F.leaky_relu(y, SLOPE))  # (N, C, H, W)
        return x + y


def stage(args: ResidualArgs, width: int) -> nn.Sequential:
    """The residual blocks of one resolution."""
    kind = GroupedBlock if args.block == "grouped" else DenseBlock
    return nn.Sequential(*(kind(width, args.fixup) for _ in range(args.blocks)))


def between(widths: tuple[int, ...]) -> nn.ModuleList:
    """A 1x1 convolution between stages of different width, nothing between equal ones."""
    return nn.ModuleList(
        nn.Identity() if a == b else conv(a, b, 1, 1.0) for a, b in pairwise(widths)
    )
