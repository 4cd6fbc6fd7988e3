"""Walks through latent space as clips that end where they began."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from mintmark.actions import asking, drawing, layout
from mintmark.actions.asking import Wish
from mintmark.core.errors import ConfigError
from mintmark.core.media import Clip
from mintmark.engines.synthesis import LatentNetwork, latents, noise_of
from mintmark.metrics.latent import slerp
from mintmark.models.package import Package
from mintmark.tasks._task import find_synthesis

MOST_FRAMES = 3000  # of a clip, which is held in memory
LEAST_SIDE = 128  # pixels, so that small pictures can be seen in a player


@dataclass(frozen=True)
class Walk:
    """A way through the pictures 0 to `stops` of a seed and back to the first.

    Attributes:
        stops: Pictures that it passes.
        frames: Frames from one to the next.
        fps: Frames a second.
    """

    stops: int
    frames: int
    fps: float

    def to_inputs(self) -> dict[str, Any]:
        """JSON values for a recipe."""
        return {"walk": vars(self)}


def walk(package: Package, seed: int, wish: Wish, way: Walk) -> Clip:
    """The clip of a walk; every frame shows what the first picture does, in one grain.

    Args:
        package: What draws.
        seed: Of the pictures that it passes.
        wish: What they shall show.
        way: Its length.

    Raises:
        ConfigError: The package cannot be asked for that, or the clip is too long.
    """
    asking.require_known(package.config.conditions, wish)
    total = way.stops * way.frames
    if way.stops < 2 or way.frames < 1 or total > MOST_FRAMES:
        raise ConfigError(
            f"A walk passes at least 2 pictures and has at most {MOST_FRAMES} frames, not "
            f"{way.stops} pictures and {total} frames; change --count or --frames."
        )
    generator = cast(LatentNetwork, package.networks["G"])
    ends = latents(seed, range(way.stops), generator.latent).double()  # (stops, latent)
    z = _between(ends, way.frames).float()
    first = asking.rows(package.config.conditions, seed, [0], wish)
    rows = None if first is None else first.expand(total, *first.shape[1:])
    grain = noise_of(generator, seed, [0]) if wish.noise else None
    noise = None if grain is None else grain.expand(total, -1)
    engine = find_synthesis(package.config.task).engine
    drawn = drawing.to_pixels(engine.decode(package.networks, z, rows, wish.psi, noise))
    frames = [layout.enlarged(frame.transpose(1, 2, 0), LEAST_SIDE) for frame in drawn]
    return Clip(np.stack(frames), way.fps)


def _between(ends: Tensor, frames: int) -> Tensor:
    """Latents along great arcs from each end to the next, and from the last to the first."""
    places = torch.arange(frames, dtype=ends.dtype) / frames
    following = ends.roll(-1, 0)
    arcs = [
        slerp(start.expand(frames, -1), stop.expand(frames, -1), places)
        for start, stop in zip(ends, following, strict=True)
    ]
    return torch.cat(arcs)  # (stops * frames, latent)
