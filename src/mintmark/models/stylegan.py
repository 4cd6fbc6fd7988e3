"""A generator steered by styles, on the residual stages of R3GAN.

Sources: Karras, Laine, Aila, "A Style-Based Generator Architecture", CVPR 2019
(mapping network, noise, style mixing, truncation); Karras et al., "Analyzing and
Improving the Image Quality of StyleGAN", CVPR 2020 (weight demodulation, here
equation 3 applied to the activations, which is the same and lets one plain
convolution serve the whole batch); R3GAN for blocks, discriminator and loss.

Departures: no equalised learning rate but the mapping network's; no path length
penalty; the mean style is computed from fixed latents when it is needed, and for
each condition by itself, so that truncation keeps the condition and nothing has to
be averaged while training.

A style is given to every block, and one more to the last convolution, which makes
the colours: W is (N, style), W+ is (N, layers, style).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.models.layers import presets
from mintmark.models.layers.discriminator import Discriminator, bounded
from mintmark.models.layers.presets import Preset
from mintmark.models.layers.resample import enlarge, upsample
from mintmark.models.layers.residual import (
    GAIN,
    GROUP_WIDTH,
    SLOPE,
    ResidualArgs,
    between,
    conv,
)

SLOWER = 0.1  # learning rate of the mapping network beside the others'
MIXED = 0.5  # share of training pictures that are made of two styles
MEAN_OF = 512  # latents whose styles are averaged for truncation
TINY = 1e-8

# On a CPU each stage shall cost about as much as the one below it.
PRESETS = {**presets.PRESETS, "tiny": Preset((96, 64, 48, 24, 16), 1, "dense")}

Scale = Literal["coarse", "middle", "fine"]
SCALES: tuple[Scale, ...] = ("coarse", "middle", "fine")


@dataclass(frozen=True)
class StyleGANArgs(ResidualArgs):
    """What a pair of networks is built from.

    Attributes:
        style: Length of a style w.
        depth: Layers of the mapping network.
    """

    style: int = 64
    depth: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value, most in (("style", self.style, 4096), ("depth", self.depth, 16)):
            if not isinstance(value, int) or not 1 <= value <= most:
                raise ConfigError(f"stylegan takes 1 to {most} as {name}, not {value!r}.")


class SlowLinear(nn.Module):
    """A linear layer and leaky ReLU that learn at a tenth of the rate."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.normal_(torch.empty(out, into), std=1 / SLOWER))
        self.bias = nn.Parameter(torch.zeros(out))
        self.gain = SLOWER * GAIN / math.sqrt(into)

    def forward(self, x: Tensor) -> Tensor:
        """(N, into) to (N, out)."""
        return F.leaky_relu(F.linear(x, self.weight * self.gain, self.bias * SLOWER), SLOPE)


class MappingNetwork(nn.Module):
    """From a latent and a condition to a style."""

    def __init__(self, args: StyleGANArgs) -> None:
        super().__init__()
        self.embed = args.embedding(args.latent, 1.0)
        inputs = args.latent * (2 if args.is_conditional else 1)
        sizes = [inputs, *[args.style] * args.depth]
        self.layers = nn.Sequential(*map(SlowLinear, sizes[:-1], sizes[1:]))

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """(N, latent) and a condition to (N, style)."""
        z = _normalised(z)
        if self.embed is not None:
            z = torch.cat([z, _normalised(self.embed(condition))], dim=1)  # (N, 2 * latent)
        w: Tensor = self.layers(z)
        return w


def _normalised(x: Tensor) -> Tensor:
    """Rows of unit second moment."""
    return x * (x.square().mean(1, keepdim=True) + TINY).rsqrt()


class ModulatedConv(nn.Module):
    """A 3x3 convolution whose input channels a style scales, demodulated.

    With s the scales and W the weights, StyleGAN2's equations 1 and 3 give each
    sample its own weights W s / |W s|. Scaling what goes in and what comes out
    instead is equal and needs no weights of their own.
    """

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.conv = conv(width, width, 3, 1.0, groups)
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.strength = nn.Parameter(torch.zeros(()))  # of the noise

    def forward(self, x: Tensor, scale: Tensor, noise: Tensor | None) -> Tensor:
        """(N, C, H, W), scales (N, C, 1, 1), noise (N, 1, H, W) to (N, C, H, W)."""
        power = self.conv.weight.square().sum((2, 3), keepdim=True)  # (C, C / groups, 1, 1)
        norm = F.conv2d(scale.square(), power, groups=self.conv.groups)  # (N, C, 1, 1)
        y: Tensor = self.conv(x * scale) * (norm + TINY).rsqrt()
        if noise is not None:
            y = y + self.strength * noise
        return F.leaky_relu(y + self.bias, SLOPE) * GAIN


class StyleBlock(nn.Module):
    """A residual block, dense or grouped, in which a style scales the channels."""

    def __init__(self, args: StyleGANArgs, width: int) -> None:
        super().__init__()
        grouped = args.block == "grouped"
        inner = 2 * width if grouped else width
        self.expand = conv(width, inner, 1, GAIN, bias=True) if grouped else None
        self.bias = None if grouped else nn.Parameter(torch.zeros(width, 1, 1))
        self.mix = ModulatedConv(inner, inner // GROUP_WIDTH if grouped else 1)
        self.contract = conv(inner, width, 1 if grouped else 3, 0.0)
        self.scales = _affine(args.style, 2 * inner)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """(N, C, H, W), (N, style) and (N, 1, H, W) to (N, C, H, W)."""
        before, after = self.scales(w)[:, :, None, None].chunk(2, dim=1)  # (N, inner, 1, 1)
        y = x if self.bias is None else x + self.bias
        if self.expand is not None:
            y = self.expand(y)  # (N, 2C, H, W)
        y = self.mix(F.leaky_relu(y, SLOPE), before, noise)  # (N, inner, H, W)
        changed: Tensor = self.contract(y * after)  # (N, C, H, W)
        return x + changed


def _affine(style: int, out: int) -> nn.Linear:
    """From a style to scales around 1."""
    layer = nn.Linear(style, out)
    nn.init.normal_(layer.weight, 0, 1 / math.sqrt(style))
    nn.init.ones_(layer.bias)
    return layer


class Generator(nn.Module):
    """Draws pictures from a latent and a condition, by way of styles.

    Attributes:
        latent: Length of z.
        extras: Lengths of the other normal numbers that it takes in training: a second
            latent whose style the upper layers get (`other`), whether and where
            (`cross`), and the noise of all blocks.
        level: With `grow`, the stage that it draws at, counted from the lowest. Each stage from
            `first` on then adds its colours to the enlarged picture of those below (StyleGAN2's
            output skips), from nothing on, so that a new one changes no picture before it learns.
    """

    level: Tensor

    def __init__(self, args: StyleGANArgs) -> None:
        super().__init__()
        self.args = args
        self.latent = args.latent
        self.top = len(args.widths) - 1
        self.sides = [args.side(place) for place in range(len(args.widths))]
        self.mapping = MappingNetwork(args)
        self.basis = nn.Parameter(nn.init.normal_(torch.empty(args.widths[0], *args.base)))
        self.start = _affine(args.style, args.widths[0])
        repeated = (width for width in args.widths for _ in range(args.blocks))
        self.blocks = nn.ModuleList(StyleBlock(args, width) for width in repeated)
        self.widen = between(args.widths)
        self.first = args.ends[0]
        ends = [args.widths[stage] for stage in args.ends]
        scales = [1.0] + [0.0] * (len(ends) - 1)
        self.finish = nn.ModuleList(
            conv(width, args.channels, 1, scale) for width, scale in zip(ends, scales, strict=True)
        )
        self.tints = nn.ModuleList(_affine(args.style, width) for width in ends)
        if args.grow:
            self.register_buffer("level", torch.tensor(float(self.top)))

    @property
    def layers(self) -> int:
        """Number of styles that a picture takes: one a block, one for the colours."""
        return len(self.blocks) + 1

    @property
    def noise(self) -> int:
        """Number of values of noise that a picture takes."""
        return self.args.blocks * sum(height * width for height, width in self.sides)

    @property
    def extras(self) -> Mapping[str, int]:
        """What else training draws for each picture."""
        return {"other": self.latent, "cross": 2, "noise": self.noise}

    def scale_of(self, layer: int) -> Scale:
        """Whether a layer is coarse (up to 8 cells), middle (up to 16) or fine.

        At 8 pixels nothing is middle, and the colours alone are fine.
        """
        place = layer // self.args.blocks
        if layer == self.layers - 1 or place > 2:
            return "fine"
        return "coarse" if place < 2 else "middle"

    def forward(
        self,
        z: Tensor,
        condition: Tensor | None = None,
        psi: float = 1.0,
        noise: Tensor | None = None,
        other: Tensor | None = None,
        cross: Tensor | None = None,
    ) -> Tensor:
        """Maps latents to pictures.

        Args:
            z: Standard normal latents, (N, latent).
            condition: Rows as `models.conditions` makes them; None for a model without.
            psi: Truncation; below 1 styles are drawn towards their mean.
            noise: Standard normal numbers, (N, noise); None for no stochastic variation.
            other: Latents of second styles, (N, latent), or None.
            cross: Standard normal numbers that decide where those take over, (N, 2).

        Returns:
            Pictures in about [-1, 1], (N, channels, height, width); at a lower `level`
            in training, of the size of its stage.
        """
        styles = self.styles(z, condition, psi)
        if other is not None and cross is not None:
            second = self.styles(other, condition, psi)
            share, place = torch.special.ndtr(cross).unbind(1)  # uniform in [0, 1]
            start = 1 + (place * (self.layers - 1)).floor()  # each layer but the first alike
            first = torch.where(share < MIXED, start, self.layers)
            layer = torch.arange(self.layers, device=z.device)
            styles = torch.where((layer >= first[:, None])[:, :, None], second, styles)
        return self.paint(styles, noise)

    def styles(self, z: Tensor, condition: Tensor | None = None, psi: float = 1.0) -> Tensor:
        """The styles of latents, the same in every layer, (N, layers, style)."""
        w: Tensor = self.mapping(z, condition)  # (N, style)
        if psi != 1.0:
            w = torch.lerp(self.mean_style(condition, len(z)).to(w), w, psi)
        return w[:, None].expand(-1, self.layers, -1)

    @torch.no_grad()
    def mean_style(self, condition: Tensor | None, rows: int) -> Tensor:
        """The mean style of each row's condition, (rows, style), over fixed latents."""
        draw = torch.Generator().manual_seed(derive(0, "mean style"))
        z = torch.randn(MEAN_OF, self.latent, generator=draw).to(self.basis)
        if condition is None:
            mean: Tensor = self.mapping(z, None).mean(0)
            return mean.expand(rows, -1)
        kinds, places = torch.unique(condition, dim=0, return_inverse=True)
        same = [kind.expand(MEAN_OF, *kind.shape) for kind in kinds]
        return torch.stack([self.mapping(z, each).mean(0) for each in same])[places]

    def paint(self, styles: Tensor, noise: Tensor | None = None) -> Tensor:
        """Pictures of styles.

        Args:
            styles: W+, (N, layers, style).
            noise: As of `forward`.

        Returns:
            As of `forward`.
        """
        grow = len(self.finish) > 1
        top = bounded(self.level, self.first, self.top) if grow else self.top
        grains = self._split(noise)
        x = self.start(styles[:, 0])[:, :, None, None] * self.basis  # (N, widths[0], *base)
        colours: list[Tensor] = []
        for place in range(top + 1):
            if place:
                x = upsample(self.widen[place - 1](x))  # (N, next width, 2H, 2W)
            for number in range(self.args.blocks):
                layer = place * self.args.blocks + number
                x = self.blocks[layer](x, styles[:, layer], grains[layer])
            if place >= self.first:
                end = place - self.first
                tinted = x * self.tints[end](styles[:, -1])[:, :, None, None]
                colours.append(self.finish[end](tinted))  # (N, channels, H, W)
        pictures = colours[0]
        for finer in colours[1:]:
            pictures = enlarge(pictures) + finer
        if grow and not self.training and pictures.shape[2:] != self.sides[-1]:
            pictures = F.interpolate(pictures, size=self.sides[-1])
        return pictures

    def _split(self, noise: Tensor | None) -> list[Tensor | None]:
        """The noise of each block, (N, 1, H, W) each."""
        shapes = [side for side in self.sides for _ in range(self.args.blocks)]
        if noise is None:
            return [None] * len(shapes)
        sizes = [height * width for height, width in shapes]
        parts = torch.split_with_sizes(noise, sizes, dim=1)
        return [part.view(-1, 1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def preset(name: str, shape: tuple[int, int, int], condition: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build`; see `presets.preset`."""
    style = {"tiny": 64, "small": 128}.get(name, 512)
    return {**presets.preset(name, shape, condition, PRESETS), "style": style}


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `StyleGANArgs`, as plain JSON values.

    Returns:
        `{"G": Generator, "D": Discriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(StyleGANArgs, args, "stylegan")
    return {"G": Generator(checked), "D": Discriminator(checked)}
