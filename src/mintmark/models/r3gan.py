"""R3GAN: a plain convolutional generator and discriminator without tricks.

Source: Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the
GAN! A Modern GAN Baseline", NeurIPS 2024. No normalisation, no modulation, no
noise inputs, no minibatch statistics: residual stages, fix-up initialisation,
bias only in front of an activation, and a learned 4x4 basis at the bottom.

Departures from the paper:
    * Besides the published block (1x1, grouped 3x3, 1x1) there is a `dense`
      one (3x3, 3x3). Grouped convolutions are slow on CPUs; the presets for
      small pictures use the dense block (docs/explanation/measured.md).
    * Widths, depth and latent size are arguments, so one file serves 8x8 to
      512x512.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers.resample import downsample, upsample

BASE = 4  # height and width of the lowest stage
SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps variance through the leaky ReLU
GROUP_WIDTH = 16  # channels a group in the published block


@dataclass(frozen=True)
class R3GANArgs:
    """What a pair of networks is built from.

    Attributes:
        resolution: Height and width of the pictures, a power of two >= 8.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        classes: Number of classes, 0 for none.
        widths: Channels of each stage from 4x4 upwards; as many as stages.
        blocks: Residual blocks a stage.
        latent: Length of the latent z.
        block: `grouped` as published, or `dense`.
    """

    resolution: int
    channels: int
    classes: int
    widths: tuple[int, ...]
    blocks: int = 1
    latent: int = 64
    block: Literal["grouped", "dense"] = "grouped"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        stages = int(math.log2(self.resolution)) - 1 if self.resolution >= 2 * BASE else 0
        if 2 ** (stages + 1) != self.resolution:
            raise ConfigError(
                f"r3gan draws pictures whose side is a power of two from 8 up, not "
                f"{self.resolution}; choose 8, 16, 32, 64, 128, 256 or 512."
            )
        self._require_sane()
        if len(self.widths) != stages:
            raise ConfigError(
                f"r3gan at {self.resolution} pixels has {stages} stages but got "
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
            "channels": (self.channels, 1, 4),
            "classes": (self.classes, 0, 100_000),
            "blocks": (self.blocks, 1, 16),
            "latent": (self.latent, 1, 4096),
            "widest": (max(self.widths, default=0), 1, 8192),
            "narrowest": (min(self.widths, default=0), 1, 8192),
        }
        for name, (value, least, most) in ranges.items():
            if not isinstance(value, int) or not least <= value <= most:
                raise ConfigError(
                    f"r3gan takes {least} to {most} as {name}, not {value!r}; correct it."
                )
        if self.block not in ("grouped", "dense"):
            raise ConfigError(f"r3gan has no block {self.block!r}; choose grouped or dense.")


def _conv(
    into: int, out: int, size: int, scale: float, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution with fan-in normal weights times `scale`; a bias starts at zero.

    Only a convolution in front of an activation has a bias.
    """
    conv = nn.Conv2d(into, out, size, padding=size // 2, groups=groups, bias=bias)
    with torch.no_grad():
        if conv.bias is not None:
            conv.bias.zero_()
        conv.weight.normal_(0, 1 / math.sqrt(into // groups * size * size)).mul_(scale)
    return conv


class GroupedBlock(nn.Module):
    """The published block: expand, grouped 3x3, contract, added to its input."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        inner = 2 * width
        self.expand = _conv(width, inner, 1, scale * GAIN, bias=True)
        groups = inner // GROUP_WIDTH
        self.mix = _conv(inner, inner, 3, scale * GAIN, groups, bias=True)
        self.contract = _conv(inner, width, 1, 0.0)

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
        self.conv1 = _conv(width, width, 3, scale * GAIN, bias=True)
        self.conv2 = _conv(width, width, 3, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        y: Tensor = self.conv1(F.leaky_relu(x + self.bias, SLOPE))  # (N, C, H, W)
        y = self.conv2(F.leaky_relu(y, SLOPE))  # (N, C, H, W)
        return x + y


def _stage(args: R3GANArgs, width: int, power: float) -> nn.Sequential:
    """The residual blocks of one resolution.

    `power` is the fix-up exponent: L ** (-1 / (2m - 2)) for m convolutions a
    block (Zhang et al., 2019), L the number of blocks in the network.
    """
    scale = (len(args.widths) * args.blocks) ** power
    kind = GroupedBlock if args.block == "grouped" else DenseBlock
    return nn.Sequential(*(kind(width, scale) for _ in range(args.blocks)))


def _fixup_power(args: R3GANArgs) -> float:
    return -1 / 4 if args.block == "grouped" else -1 / 2


class Generator(nn.Module):
    """Draws pictures from a latent and a class."""

    def __init__(self, args: R3GANArgs) -> None:
        super().__init__()
        self.latent = args.latent
        self.embed = nn.Embedding(args.classes, args.latent) if args.classes else None
        inputs = args.latent * (2 if args.classes else 1)
        self.linear = nn.Linear(inputs, args.widths[0], bias=False)
        nn.init.normal_(self.linear.weight, 0, 1 / math.sqrt(inputs))
        self.basis = nn.Parameter(torch.randn(args.widths[0], BASE, BASE))
        self.stages = nn.ModuleList(_stage(args, w, _fixup_power(args)) for w in args.widths)
        pairs = pairwise(args.widths)
        self.widen = nn.ModuleList(
            nn.Identity() if a == b else _conv(a, b, 1, 1.0) for a, b in pairs
        )
        self.finish = _conv(args.widths[-1], args.channels, 1, 1.0)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Maps latents to pictures.

        Args:
            z: Standard normal latents, (N, latent).
            labels: Class numbers, (N,), int64; None for a model without classes.

        Returns:
            Pictures in about [-1, 1], (N, channels, resolution, resolution).
        """
        if self.embed is not None:
            z = torch.cat([z, self.embed(labels)], dim=1)  # (N, 2 * latent)
        x = self.linear(z)[:, :, None, None] * self.basis  # (N, widths[0], 4, 4)
        x = self.stages[0](x)
        for widen, stage in zip(self.widen, list(self.stages)[1:], strict=True):
            x = stage(upsample(widen(x)))  # (N, next width, 2H, 2W)
        pictures: Tensor = self.finish(x)  # (N, channels, resolution, resolution)
        return pictures


class Discriminator(nn.Module):
    """Scores pictures; a class enters by projection (Miyato and Koyama, 2018)."""

    def __init__(self, args: R3GANArgs) -> None:
        super().__init__()
        widths = args.widths[::-1]
        self.start = _conv(args.channels, widths[0], 1, 1.0)
        self.stages = nn.ModuleList(_stage(args, w, _fixup_power(args)) for w in widths)
        pairs = pairwise(widths)
        self.widen = nn.ModuleList(
            nn.Identity() if a == b else _conv(a, b, 1, 1.0) for a, b in pairs
        )
        self.basis = nn.Conv2d(widths[-1], widths[-1], BASE, groups=widths[-1], bias=False)
        nn.init.normal_(self.basis.weight, 0, 1 / BASE)
        outputs = args.latent if args.classes else 1
        self.linear = nn.Linear(widths[-1], outputs, bias=False)
        nn.init.normal_(self.linear.weight, 0, 1 / math.sqrt(widths[-1]))
        self.embed = nn.Embedding(args.classes, outputs) if args.classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, 0, 1 / math.sqrt(outputs))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Maps pictures to logits.

        Args:
            x: Pictures in [-1, 1], (N, channels, resolution, resolution).
            labels: Class numbers, (N,), int64; None for a model without classes.

        Returns:
            Logits, (N,), higher for real.
        """
        x = self.stages[0](self.start(x))
        for widen, stage in zip(self.widen, list(self.stages)[1:], strict=True):
            x = stage(widen(downsample(x)))  # (N, next width, H/2, W/2)
        features: Tensor = self.linear(self.basis(x).flatten(1))  # (N, outputs)
        if self.embed is not None:
            features = (features * self.embed(labels)).sum(1, keepdim=True)  # (N, 1)
        return features[:, 0]


@dataclass(frozen=True)
class Preset:
    """How wide a network is.

    Attributes:
        widest: Channels of the lowest stages.
        full_to: Pixels a side up to which a stage has them; halved an octave above.
        narrowest: Least channels of a stage.
        blocks: Residual blocks a stage.
        block: See `R3GANArgs`.
    """

    widest: int
    full_to: int
    narrowest: int
    blocks: int
    block: Literal["grouped", "dense"]


PRESETS = {
    "tiny": Preset(96, 4, 48, 1, "dense"),  # a CPU
    "small": Preset(256, 16, 64, 1, "grouped"),  # one GPU
    "base": Preset(768, 32, 96, 2, "grouped"),  # the published widths
}


def preset(name: str, resolution: int, channels: int, classes: int) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish and of the pictures.

    Args:
        name: One of `PRESETS`.
        resolution: Height and width in pixels.
        channels: 1 to 4.
        classes: 0 for none.

    Returns:
        Plain JSON values.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    chosen = PRESETS[name]
    sides = [BASE << stage for stage in range(max(resolution.bit_length() - 2, 2))]
    shrunk = [chosen.widest * chosen.full_to // max(side, chosen.full_to) for side in sides]
    return {
        "resolution": resolution,
        "channels": channels,
        "classes": classes,
        "widths": [max(width, chosen.narrowest) for width in shrunk],
        "blocks": chosen.blocks,
        "latent": 64,
        "block": chosen.block,
    }


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `R3GANArgs`, as plain JSON values.

    Returns:
        `{"G": Generator, "D": Discriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    known = {field.name for field in fields(R3GANArgs)}
    if unknown := sorted(set(args) - known):
        raise ConfigError(
            f"r3gan does not know the argument {unknown[0]!r}; it takes {', '.join(sorted(known))}."
        )
    try:
        checked = R3GANArgs(**args)
    except TypeError as error:
        raise ConfigError(f"r3gan is missing an argument: {error}.") from error
    return {"G": Generator(checked), "D": Discriminator(checked)}
