"""How evenly pictures change along the paths between latents."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.metrics.latent import (
    SIZE,
    Distance,
    Generator,
    Space,
    batches,
    box_downsampled,
    measured,
    path,
    require_fine,
    samples,
)

Values = tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """How far apart neighbouring pictures on paths are; one value a step.

    Attributes:
        positions: Middle of each step, in (0, 1).
        mean: Mean distance over the step, of all pairs.
        low: The 10 % quantile over the pairs.
        median: The 50 % quantile.
        high: The 90 % quantile.
    """

    positions: Values
    mean: Values
    low: Values
    median: Values
    high: Values


def interpolation_curve(
    generator: Generator,
    distance: Distance,
    space: Space,
    seed: int,
    pairs: int = 64,
    steps: int = 16,
    batch: int = 32,
) -> Curve:
    """Distances over each of `steps` equal steps on the paths between pairs of latents.

    A flat curve means that pictures change evenly; a peak, that they jump.
    With the squared L2 distance, `x = A z` and straight lines every mean is
    `2 |A|_F^2 / steps^2`.

    Args:
        generator: What draws.
        distance: (N,) of two batches of pictures, (N, C, H, W) each; pictures
            larger than 256 pixels are box-downsampled first.
        space: `z`, arcs between latents, or `w`, lines between mapped ones.
        seed: Decides latents and labels, of each pair by its number.
        pairs: How many paths, >= 1.
        steps: Into how many steps a path is cut, >= 1.
        batch: Paths at a time; changes rounding only.

    Raises:
        ConfigError: There is no pair or step, the generator lacks the space,
            rounds its pictures or draws with fresh noise, or the distance is
            not finite.
    """
    if pairs < 1 or steps < 1:
        raise ConfigError("An interpolation curve needs at least one pair and one step.")
    require_fine(generator, seed)
    rows = []
    for chosen in batches(pairs, batch):
        ends, labels = samples(generator, seed, chosen, points=2)
        with torch.no_grad():
            rows.append(_walk(generator, distance, space, steps, ends, labels))
    distances = np.concatenate(rows)  # (pairs, steps)
    low, median, high = np.quantile(distances, (0.1, 0.5, 0.9), axis=0)
    return Curve(
        positions=tuple((step + 0.5) / steps for step in range(steps)),
        mean=tuple(distances.mean(axis=0).tolist()),
        low=tuple(low.tolist()),
        median=tuple(median.tolist()),
        high=tuple(high.tolist()),
    )


def _walk(
    generator: Generator,
    distance: Distance,
    space: Space,
    steps: int,
    ends: Tensor,
    labels: Tensor | None,
) -> NDArray[np.float64]:
    """Distances between neighbours on each path, (N, steps)."""
    at = path(generator, space, ends, labels)

    def picture(step: int) -> Tensor:
        t = torch.full((ends.shape[1],), step / steps, dtype=torch.float64)
        return box_downsampled(generator.draw(at(t), labels), SIZE)

    columns, here = [], picture(0)
    for step in range(1, steps + 1):
        there = picture(step)
        columns.append(measured(distance, here, there))
        here = there
    return np.stack(columns, axis=1)
