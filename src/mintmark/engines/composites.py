"""Composites: objects pasted onto backgrounds, and pictures of which a part looks pasted."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.engines import masks
from mintmark.engines.degrade import LEVEL, Damage
from mintmark.training.draws import Draws

TURN = math.pi / 6  # most that an object is turned, either way
STRETCH = 2.0  # most that contrast is raised or lowered where a network begins


@dataclass(frozen=True)
class Pasted:
    """Objects pasted onto backgrounds are the inputs, and where they are the targets.

    An object is mirrored in half of the rows, turned by up to 30 degrees, and lies anywhere in
    the picture, as "Cut, Paste and Learn" (Dwibedi, Misra, Hebert, ICCV 2017) has it; it
    covers the background by its own transparency.

    Attributes:
        least: Least side of the square that holds the object, in sides of the picture.
        most: Largest; each row's is uniform between them.
    """

    least: float = 0.2
    most: float = 0.6
    kind: Literal["pasted"] = "pasted"

    @torch.no_grad()
    def __call__(self, real: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Makes a batch of pairs; see `examples.Examples`.

        Args:
            real: Backgrounds, and objects with transparency last, (N, C + C + 1, H, W).
            draws: Randomness for these N rows.

        Returns:
            Composites, (N, C, H, W), and maps, equal in all C channels, 1 where an object is
            and -1 where none is.
        """
        channels = real.shape[1] // 2
        objects, alpha = real[:, channels:-1], (real[:, -1:] + 1) / 2
        # Weighted by alpha, what is transparent cannot shine through at the edges.
        weighted = torch.cat([objects * alpha, alpha], 1)
        placed = _moved(weighted, self.least, self.most, draws)
        alpha = placed[:, -1:]
        composites = real[:, :channels] * (1 - alpha) + placed[:, :-1]
        return composites, (2 * alpha - 1).expand(-1, channels, -1, -1)


@dataclass(frozen=True)
class Recoloured:
    """Gives a part of pictures other colours, as if it came from elsewhere, and says which.

    So pairs are made of any photographs (Cong et al., "DoveNet", CVPR 2020, the set iHarmony4).

    Attributes:
        damage: What happens to the part, of a kind that keeps the size.
    """

    damage: Damage
    kind: Literal["recoloured"] = "recoloured"

    @torch.no_grad()
    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:
        """Damages a batch.

        Args:
            clean: (N, C, H, W), float32 in [-1, 1].
            draws: Randomness for these N rows, on the same device.

        Returns:
            What `begun` makes of the pictures, (N, 2 C + 1, H, W).
        """
        part = masks.blob((clean.shape[2], clean.shape[3]), draws, "recoloured")
        return begun(clean.lerp(self.damage(clean, draws), part), part)


def begun(pictures: Tensor, part: Tensor) -> Tensor:
    """Where a network that harmonises begins: parts with the mean and deviation of the rest.

    In each channel by itself, after Reinhard et al., "Color Transfer between Images" (IEEE
    Computer Graphics and Applications, 2001).

    Args:
        pictures: (N, C, H, W) in [-1, 1].
        part: What was pasted, (N, 1, H, W), from 0 to 1.

    Returns:
        The pictures so changed, then as they were, then the part, (N, 2 C + 1, H, W).
    """
    inside, outside = _moments(pictures, part), _moments(pictures, 1 - part)
    scale = (outside[1] / inside[1]).clamp(1 / STRETCH, STRETCH)
    matched = ((pictures - inside[0]) * scale + outside[0]).clamp(-1, 1)
    return torch.cat([pictures.lerp(matched, part), pictures, part], 1)


def _moments(pictures: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of each picture, (N, C, 1, 1)."""
    total = weight.sum((2, 3), keepdim=True).clamp(min=1e-3)
    mean = (pictures * weight).sum((2, 3), keepdim=True) / total
    variance = ((pictures - mean).square() * weight).sum((2, 3), keepdim=True) / total
    return mean, (variance + LEVEL**2).sqrt()


def _moved(objects: Tensor, least: float, most: float, draws: Draws) -> Tensor:
    """Objects of other sizes at other places, 0 around them, (N, C, H, W)."""
    numbers = draws.uniform("pasted", 5)  # (N, 5)
    scale = least + (most - least) * numbers[:, 0]
    centre = (2 * numbers[:, 1:3] - 1) * (1 - scale)[:, None]  # x and y in [-1, 1]
    angle = TURN * (2 * numbers[:, 3] - 1)
    mirror = torch.where(numbers[:, 4] < 0.5, -1.0, 1.0)
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    turn = torch.stack([mirror * cosine, mirror * sine, -sine, cosine], 1).view(-1, 2, 2)
    theta = torch.cat([turn, -turn @ centre[:, :, None]], 2)  # (N, 2, 3), from place to object
    grid = F.affine_grid(theta, list(objects.shape), align_corners=False)
    fine = F.grid_sample(objects, grid, align_corners=False)
    coarse = F.grid_sample(F.avg_pool2d(objects, 2), grid, align_corners=False)
    return torch.where((scale < 0.5).view(-1, 1, 1, 1), coarse, fine)  # few pixels, less jagged
