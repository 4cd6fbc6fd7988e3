"""Which colours a picture holds, wherever in it they lie, as a loss.

Source: the sliced Wasserstein distance (Rabin et al., "Wasserstein Barycenter and Its Application
to Texture Mixing", 2011), as a loss as in Heitz et al., "A Sliced Wasserstein Loss for Neural
Texture Synthesis", CVPR 2021; here of colours themselves, in CIELAB, where distances are as the
eye sees them.
"""

import math

import torch
from torch import Tensor

from mintmark.core.srgb import TO_XYZ, WHITE

DIRECTIONS = 12  # of colour space, along which colours are sorted
RANGE = 100.0  # of L*, which is 1 in the loss
EDGE = 6 / 29  # cube root of the light below which CIELAB is linear


def palette_loss(made: Tensor, target: Tensor) -> Tensor:
    """How far the colours of pictures lie from those of others, wherever they are, (N,).

    Args:
        made: In [-1, 1], (N, 1 or 3, H, W), in sRGB; what exceeds that is taken as its end.
        target: Likewise.

    Returns:
        Sliced Wasserstein distances in hundreds of CIELAB's units, 0 for the same colours.
    """
    with torch.autocast(made.device.type, enabled=False):
        ways = _directions().to(made.device)
        a, b = ((_lab(x.float()) @ ways).sort(1).values for x in (made, target))  # (N, H W, ways)
        return (a - b).abs().mean((1, 2)) / RANGE


def _lab(pictures: Tensor) -> Tensor:
    """CIELAB under D65 of (N, C, H, W) in [-1, 1], (N, H W, 3); see `metrics.colour.lab`."""
    encoded = ((pictures.expand(-1, 3, -1, -1) + 1) / 2).clamp(0, 1).flatten(2).mT  # (N, H W, 3)
    power = ((encoded + 0.055) / 1.055) ** 2.4
    linear = torch.where(encoded > 0.04045, power, encoded / 12.92)
    to_xyz = torch.tensor(TO_XYZ / WHITE[:, None], dtype=linear.dtype, device=linear.device)
    relative = linear @ to_xyz.mT
    root = relative.clamp(min=EDGE**3) ** (1 / 3)  # clamped, since a root has no slope at 0
    x, y, z = torch.where(relative > EDGE**3, root, relative / (3 * EDGE**2) + 4 / 29).unbind(2)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 2)


def _directions() -> Tensor:
    """Unit vectors, evenly over half of a sphere, (3, DIRECTIONS): Fibonacci's lattice."""
    place = torch.arange(DIRECTIONS) + 0.5
    height = place / DIRECTIONS
    angle = place * math.pi * (1 + math.sqrt(5))
    flat = (1 - height.square()).sqrt()
    return torch.stack([flat * angle.cos(), flat * angle.sin(), height])
