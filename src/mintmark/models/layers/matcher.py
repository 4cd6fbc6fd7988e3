"""Says how well a condition fits a picture, apart from how real the picture looks."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.residual import SLOPE, ResidualArgs

LARGEST = 64  # pixels of the longer side that it looks at
NARROW, STEP, WIDE = 32, 16, 64  # maps of the first layer, more of each further one, most
GROUPS = 4  # that the maps are normalised in


class Matcher(nn.Module):
    """Full convolutions of its own over pictures, and the products with a condition.

    It shares nothing with the score. That one is held down by R1, which a mouth of a few pixels
    cannot move, and its grouped blocks did not learn one in 30,000 pictures
    (docs/explanation/measured.md); these learn it in 10,000 at a twentieth of the time.
    """

    def __init__(self, args: ResidualArgs) -> None:
        super().__init__()
        sides = [args.side(place) for place in range(len(args.widths))]
        halvings = max([place for place, side in enumerate(sides) if max(side) <= LARGEST] or [0])
        self.side = sides[halvings]
        widths = [min(NARROW + STEP * place, WIDE) for place in range(halvings + 1)]
        layers = [_layer(args.channels, NARROW, 1)]
        layers += [_layer(into, out, 2) for into, out in pairwise(widths)]
        self.look = nn.Sequential(*layers, nn.Flatten())
        self.linear = nn.Linear(widths[-1] * math.prod(_halved(self.side, halvings)), args.latent)
        self.embed = args.embedding(args.latent, 1 / math.sqrt(args.latent))

    def forward(self, x: Tensor, conditions: Sequence[Tensor]) -> Tensor:
        """How well pictures fit several conditions.

        Args:
            x: Pictures in [-1, 1], (N, channels, height, width), of any size.
            conditions: K of them, each the rows of all N.

        Returns:
            Logits, (N, K), higher for better.
        """
        features: Tensor = self.linear(
            self.look(F.adaptive_avg_pool2d(x, self.side))
        )  # (N, latent)
        if self.embed is None:
            return features.new_zeros(len(x), len(conditions))
        fits = [(features * self.embed(rows)).sum(1) for rows in conditions]  # K of (N,)
        return torch.stack(fits, 1)


def _layer(into: int, out: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(into, out, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.GroupNorm(GROUPS, out), nn.LeakyReLU(SLOPE))


def _halved(side: tuple[int, int], times: int) -> tuple[int, int]:
    for _ in range(times):
        side = -(-side[0] // 2), -(-side[1] // 2)
    return side
