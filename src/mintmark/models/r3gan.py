"""R3GAN: a plain convolutional generator and discriminator without tricks.

Source: Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the
GAN! A Modern GAN Baseline", NeurIPS 2024. No normalisation, no modulation, no
noise inputs, no minibatch statistics: residual stages and a learned basis at the
bottom.

Departures from the paper: the presets for small pictures use the dense block of
`layers.residual`; widths, depth, latent size and the shape of the pictures are
arguments, so one file serves 8 to 1024 pixels.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.models.layers import presets
from mintmark.models.layers.discriminator import Discriminator
from mintmark.models.layers.resample import upsample
from mintmark.models.layers.residual import ResidualArgs, between, conv, stage


class Generator(nn.Module):
    """Draws pictures from a latent and a condition."""

    extras: Mapping[str, int] = {}  # it takes no other random numbers than z

    def __init__(self, args: ResidualArgs) -> None:
        super().__init__()
        self.latent = args.latent
        self.embed = args.embedding(args.latent, 1.0)
        inputs = args.latent * (2 if args.is_conditional else 1)
        self.linear = nn.Linear(inputs, args.widths[0], bias=False)
        nn.init.normal_(self.linear.weight, 0, 1 / math.sqrt(inputs))
        self.basis = nn.Parameter(nn.init.normal_(torch.empty(args.widths[0], *args.base)))
        self.stages = nn.ModuleList(stage(args, width) for width in args.widths)
        self.widen = between(args.widths)
        self.finish = conv(args.widths[-1], args.channels, 1, 1.0)

    def forward(self, z: Tensor, condition: Tensor | None = None, psi: float = 1.0) -> Tensor:
        """Maps latents to pictures.

        Args:
            z: Standard normal latents, (N, latent).
            condition: Rows as `models.conditions` makes them; None for a model without.
            psi: Truncation; below 1 the latents are drawn together.

        Returns:
            Pictures in about [-1, 1], (N, channels, height, width).
        """
        z = z * psi
        if self.embed is not None:
            z = torch.cat([z, self.embed(condition)], dim=1)  # (N, 2 * latent)
        x = self.linear(z)[:, :, None, None] * self.basis  # (N, widths[0], *base)
        x = self.stages[0](x)
        for widen, after in zip(self.widen, list(self.stages)[1:], strict=True):
            x = after(upsample(widen(x)))  # (N, next width, 2H, 2W)
        pictures: Tensor = self.finish(x)  # (N, channels, height, width)
        return pictures


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `ResidualArgs`, as plain JSON values.

    Returns:
        `{"G": Generator, "D": Discriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(ResidualArgs, args, "r3gan")
    if checked.grow:
        raise ConfigError("r3gan does not grow; take the family stylegan.")
    return {"G": Generator(checked), "D": Discriminator(checked)}
