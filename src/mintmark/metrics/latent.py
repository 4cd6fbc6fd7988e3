"""A generator as the metrics of its latent space see it: what to call, and paths to walk."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive

Space = Literal["z", "w"]
Distance = Callable[[Tensor, Tensor], Tensor]
SIZE = 256  # pixels a side that published metrics show to their networks
FINE_ENOUGH = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Generator:
    """What a metric needs of a generator, whatever made it.

    Latents reach both functions as float64 on the CPU. A generator that can
    should compute in float64 (`G.double()`): short steps then lose nothing.

    Attributes:
        draw: Pictures in about [-1, 1], (N, C, H, W), neither clipped nor
            rounded, of latents (N, ...) and labels (N,) int64 or None. It takes
            w where there is a mapping, z otherwise, and gives the same pictures
            for the same input: noise inside is held fixed.
        latent: Length of z, which is standard normal.
        mapping: w, (N, ...), of z, (N, latent), and labels; None without one.
        labels: A column of classes, such as that of the data set: each sample
            takes a random entry. Empty for a generator without classes.
    """

    draw: Callable[[Tensor, Tensor | None], Tensor]
    latent: int
    mapping: Callable[[Tensor, Tensor | None], Tensor] | None = None
    labels: Sequence[int] = ()

    def mapped(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """What `draw` takes for z, (N, latent): w where there is a mapping, else z."""
        return z if self.mapping is None else self.mapping(z, labels).double()


def samples(
    generator: Generator, seed: int, indices: Sequence[int], points: int = 1
) -> tuple[Tensor, Tensor | None]:
    """Latents by number, each a function of (seed, index) alone.

    Args:
        generator: Whose latents.
        seed: Of the measurement.
        indices: Which samples.
        points: Latents that belong to one sample and share its label.

    Returns:
        z, (points, N, latent), float64, and labels, (N,), int64, or None.
    """
    streams = [np.random.default_rng(derive(seed, "latent metrics", i)) for i in indices]
    z = np.stack([rng.standard_normal((points, generator.latent)) for rng in streams], axis=1)
    if not len(generator.labels):
        return torch.from_numpy(z), None
    chosen = [generator.labels[int(rng.integers(len(generator.labels)))] for rng in streams]
    return torch.from_numpy(z), torch.tensor(chosen, dtype=torch.int64)


def path(
    generator: Generator, space: Space, ends: Tensor, labels: Tensor | None
) -> Callable[[Tensor], Tensor]:
    """The paths between pairs of z, as a function of the position.

    In z they are arcs, on which every point is as typical as the ends; a
    straight line would cut through the middle, where a Gaussian of many
    dimensions has no mass. In w, which follows no known law, they are straight.

    Args:
        generator: What is to draw them.
        space: Where the path lies.
        ends: z at 0 and at 1, (2, N, latent).
        labels: Of both ends, (N,), or None.

    Returns:
        A function from t, (N,), to what `generator.draw` takes, (N, ...).

    Raises:
        ConfigError: The generator has no such space.
    """
    if space not in ("z", "w"):
        raise ConfigError(f"A path lies in space 'z' or 'w', not in {space!r}; choose one.")
    if space == "z":
        if generator.latent < 2:
            raise ConfigError("An arc needs latents of at least 2 dimensions; there is none here.")
        return lambda t: generator.mapped(slerp(ends[0], ends[1], t), labels)
    if generator.mapping is None:
        raise ConfigError("The generator has no mapping and so no space w; measure in space 'z'.")
    start, stop = (generator.mapped(end, labels) for end in ends)
    return lambda t: lerp(start, stop, t)


def lerp(start: Tensor, stop: Tensor, t: Tensor) -> Tensor:
    """Straight lines between two batches, (N, ...) each, at t, (N,)."""
    return start + (stop - start) * t.reshape(-1, *[1] * (start.ndim - 1))


def slerp(start: Tensor, stop: Tensor, t: Tensor) -> Tensor:
    """Great arcs between the directions of two batches of Gaussian latents.

    StyleGAN walks on the unit sphere (Karras et al. 2019, section 4.1), which
    suits generators that normalise z themselves. Here the sphere has radius
    sqrt(d), where Gaussian latents of d dimensions lie: the same pictures from
    those generators, and typical latents for all others.

    Args:
        start: Latents at t = 0, (N, d), d >= 2; only their direction counts.
        stop: Latents at t = 1, (N, d), not parallel to those of `start`.
        t: Positions, (N,); the angle from `start` is t times the whole angle.

    Returns:
        Latents of norm sqrt(d), (N, d).
    """
    a = start / start.norm(dim=1, keepdim=True)
    along = (a * stop).sum(dim=1, keepdim=True)
    across = stop - along * a
    sine = across.norm(dim=1, keepdim=True)
    angle = t[:, None] * torch.atan2(sine, along)
    radius = math.sqrt(start.shape[1])
    points: Tensor = radius * (a * torch.cos(angle) + across / sine * torch.sin(angle))
    return points


def require_fine(generator: Generator, seed: int) -> str:
    """Draws one picture twice, and gives the type of number it is drawn in.

    Raises:
        ConfigError: The two differ, or the numbers are too coarse for short steps.
    """
    z, labels = samples(generator, seed, range(1))
    with torch.no_grad():
        latents = generator.mapped(z[0], labels)
        first, again = (generator.draw(latents, labels) for _ in range(2))
    if first.ndim != 4 or first.dtype not in FINE_ENOUGH:
        raise ConfigError(
            "The generator must draw float32 or float64 pictures (N, C, H, W), not "
            f"{first.dtype} {tuple(first.shape)}; do not round or convert them."
        )
    if not torch.equal(first, again):
        raise ConfigError(
            "The generator drew two pictures of one latent, so that steps along a path would "
            "measure its noise; hold the noise fixed."
        )
    return str(first.dtype).removeprefix("torch.")


def batches(count: int, batch: int) -> Iterator[range]:
    """The numbers from 0 to `count`, at most `batch` at a time.

    Raises:
        ConfigError: `batch` is below 1.
    """
    if batch < 1:
        raise ConfigError(f"A batch holds at least one sample, not {batch}; ask for more.")
    for first in range(0, count, batch):
        yield range(first, min(first + batch, count))


def measured(distance: Distance, a: Tensor, b: Tensor) -> NDArray[np.float64]:
    """Distances of pictures, (N, C, H, W) each, as float64, (N,).

    Raises:
        ConfigError: `distance` gave another shape, NaN or Inf.
    """
    values = distance(a, b).detach().cpu().double().numpy()
    if values.shape != (len(a),) or not np.isfinite(values).all():
        raise ConfigError(
            f"The distance must be one finite number a pair, (N,), and was {values.shape} or not "
            "finite; check the generator and the distance."
        )
    return values


def box_downsampled(pictures: Tensor, size: int) -> Tensor:
    """Means over whole blocks, as large as keep the sides at `size` pixels or more.

    Args:
        pictures: (N, C, H, W).
        size: The side in pixels up to which nothing changes.

    Returns:
        (N, C, H / f, W / f) with f = floor(H / size), at least 1.

    Raises:
        ConfigError: The blocks do not fill the picture.
    """
    height, width = pictures.shape[2:]
    factor = max(1, height // size)
    if height % factor or width % factor:
        raise ConfigError(
            f"Pictures of {height} x {width} do not divide into blocks of {factor}; resize them."
        )
    return F.avg_pool2d(pictures, factor)
