"""The discriminator of the synthesis families: the generator's stages in reverse."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.matcher import Matcher
from mintmark.models.layers.resample import downsample, reduce, upsample
from mintmark.models.layers.residual import SLOPE, ResidualArgs, between, conv, stage

DOUBLINGS = 2  # of the decoder


class Discriminator(nn.Module):
    """Scores pictures; a condition enters by projection (Miyato and Koyama, 2018).

    With `grow` it can start at any stage from `first` on, and `level` says at which, counted
    from the lowest. Each of these also looks at the reduced picture itself (StyleGAN2's input
    skips). All but the first begin with weights of zero, so that a new one changes no score
    before it learns.
    """

    level: Tensor

    def __init__(self, args: ResidualArgs) -> None:
        super().__init__()
        widths = args.widths[::-1]
        self.top = len(widths) - 1
        self.sides = [args.side(place) for place in range(len(widths))]
        self.first = args.ends[0]
        starts = widths[: len(args.ends)]
        scales = [0.0] * (len(starts) - 1) + [1.0]
        self.starts = nn.ModuleList(
            conv(args.channels, width, 1, scale)
            for width, scale in zip(starts, scales, strict=True)
        )
        self.stages = nn.ModuleList(stage(args, width) for width in widths)
        self.widen = between(widths)
        self.basis = nn.Conv2d(widths[-1], widths[-1], args.base, groups=widths[-1], bias=False)
        nn.init.normal_(self.basis.weight, 0, 1 / math.sqrt(math.prod(args.base)))
        outputs = args.latent if args.is_conditional else 1
        self.linear = nn.Linear(widths[-1], outputs, bias=False)
        nn.init.normal_(self.linear.weight, 0, 1 / math.sqrt(widths[-1]))
        self.embed = args.embedding(outputs, 1 / math.sqrt(outputs))
        self.matcher = Matcher(args) if args.matcher else None
        self.decoder = _decoder(widths[-2], args.channels) if args.decoder else None
        if args.grow:
            self.register_buffer("level", torch.tensor(float(self.top)))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Maps pictures to logits.

        Args:
            x: Pictures in [-1, 1], (N, channels, height, width), of the size of its level.
            condition: Rows as `models.conditions` makes them; None for a model without.

        Returns:
            Logits, (N,), higher for real.
        """
        return self.score(self.look(x), condition)

    def look(self, x: Tensor) -> Tensor:
        """Features that a condition is compared with, (N, outputs)."""
        features: Tensor = self.linear(self.basis(self._below(x, self.top)).flatten(1))
        return features

    def score(self, features: Tensor, condition: Tensor | None) -> Tensor:
        """Logits of features beside a condition, (N,)."""
        if self.embed is not None:
            features = (features * self.embed(condition)).sum(1, keepdim=True)  # (N, 1)
        return features[:, 0]

    def match(self, x: Tensor, conditions: Sequence[Tensor]) -> Tensor:
        """How well pictures fit several conditions; see `Matcher`."""
        if self.matcher is None:
            raise ValueError("this discriminator was built without a matcher")
        fits: Tensor = self.matcher(x, conditions)
        return fits

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the decoder makes of the features of pictures (Liu et al., 2021, FastGAN).

        Args:
            x: Pictures in [-1, 1], (N, channels, height, width).

        Returns:
            Pictures of four times the second lowest stage, (N, channels, h, w).
        """
        if self.decoder is None:
            raise ValueError("this discriminator was built without a decoder")
        pictures: Tensor = self.decoder(self._below(x, self.top - 1))
        return pictures

    def _below(self, x: Tensor, last: int) -> Tensor:
        """The features of stage `last`, counted from the top of the whole network."""
        grow = len(self.starts) > 1
        first = self.top - bounded(self.level, self.first, self.top) if grow else 0
        y: Tensor = self.stages[first](self.starts[first](x))
        for place in range(first, last):
            y = self.widen[place](downsample(y))  # (N, next width, H/2, W/2)
            if place + 1 < len(self.starts):
                x = reduce(x)  # (N, channels, H/2, W/2)
                y = y + self.starts[place + 1](x)
            y = self.stages[place + 1](y)
        return y


def bounded(level: Tensor, first: int, top: int) -> int:
    """The stage that a level names; what a package says of it may be anything."""
    return int(min(max(1.0, first, float(level)), top))


class _Up(nn.Module):
    """Doubles the sides and halves the channels."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = conv(into, out, 3, math.sqrt(2), bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, into, H, W) to (N, out, 2H, 2W)."""
        return F.leaky_relu(self.conv(upsample(x)), SLOPE)


def _decoder(width: int, channels: int) -> nn.Sequential:
    widths = [max(width >> doubling, 8) for doubling in range(DOUBLINGS + 1)]
    ups = (_Up(into, out) for into, out in pairwise(widths))
    return nn.Sequential(*ups, conv(widths[-1], channels, 1, 1.0))
