"""Drawing with a package: single pictures and sheets, each with its recipe."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import asking, layout
from mintmark.actions.asking import PLAIN, Vary, Wish
from mintmark.core.lineage import version
from mintmark.core.media import Picture
from mintmark.core.records import Recipe
from mintmark.core.seeds import derive
from mintmark.engines import styles
from mintmark.engines.synthesis import LatentNetwork, latents, noise_of
from mintmark.models.package import Package
from mintmark.tasks._task import find_synthesis

MOST_ON_A_SHEET = 1000


def draw(package: Package, seed: int, indices: Sequence[int], wish: Wish = PLAIN) -> list[Picture]:
    """Pictures by number; each depends on (package, seed, index, wish) alone.

    Raises:
        ConfigError: The package cannot be asked for that.
    """
    conditions = package.config.conditions
    asking.require_known(conditions, wish)
    rows = asking.rows(conditions, seed, indices, wish)
    return pictures(samples(package, seed, indices, rows, wish))


def pixels(
    package: Package, seed: int, indices: Sequence[int], rows: Tensor | None
) -> NDArray[np.uint8]:
    """Pictures that show given conditions, (N, C, H, W)."""
    return to_pixels(samples(package, seed, indices, rows, PLAIN))


def samples(
    package: Package, seed: int, indices: Sequence[int], rows: Tensor | None, wish: Wish
) -> Tensor:
    """Samples in [-1, 1], (N, C, H, W).

    Args:
        package: What draws.
        seed: Of the pictures.
        indices: Their numbers.
        rows: What each shall show, or None.
        wish: Truncation, noise, mixing and variation.
    """
    generator = cast(LatentNetwork, package.networks["G"])
    z = latents(seed, indices, generator.latent)
    if wish.vary is not None:
        z = varied(z, seed, indices, wish.vary)
    noise = noise_of(generator, seed, indices) if wish.noise else None
    if wish.mix is not None:
        giver = latents(wish.mix.seed, [wish.mix.index] * len(z), generator.latent)
        return styles.mixed(package.networks, (z, giver), rows, wish.mix.scale, wish.psi, noise)
    engine = find_synthesis(package.config.task).engine
    return engine.decode(package.networks, z, rows, wish.psi, noise)


def varied(z: Tensor, seed: int, indices: Sequence[int], vary: Vary) -> Tensor:
    """Latents near others: on the arc towards a random one, whose length stays typical.

    Args:
        z: Latents of the originals, (N, latent).
        seed: Of the originals.
        indices: Their numbers.
        vary: How far, and which variation.
    """
    ends = torch.cat(
        [latents(derive(seed, "vary", index), [vary.number], z.shape[1]) for index in indices]
    )
    angle = vary.strength * math.pi / 2  # independent latents are about orthogonal
    return math.cos(angle) * z + math.sin(angle) * ends


def draw_sheet(
    package: Package,
    seed: int,
    count: int,
    wish: Wish = PLAIN,
    indices: Sequence[int] | None = None,
    captions: bool = False,
) -> Picture:
    """Pictures of a seed on one sheet; a row a class where all are drawn.

    Args:
        package: What draws.
        seed: Of the pictures.
        count: How many.
        wish: What they shall show.
        indices: Their numbers; None for the first.
        captions: Whether each stands above its number and what it shows.
    """
    numbers = range(count) if indices is None else indices
    tiles = draw(package, seed, numbers, wish)
    if captions:
        told = asking.told(package.config.conditions, seed, numbers, wish)
        return layout.captioned(tiles, told, math.ceil(math.sqrt(count)))
    rows = len(package.config.classes) if wish.label is None and indices is None else 0
    if not rows:
        return layout.sheet(tiles, math.ceil(math.sqrt(count)))
    columns = math.ceil(count / rows)
    blank = Picture(np.full_like(tiles[0].array, 255))
    tiles += [blank] * (rows * columns - count)
    # Classes come in turn, so picture i belongs in row i % rows.
    return layout.sheet([tiles[c * rows + r] for r in range(rows) for c in range(columns)], columns)


def recipe_of(
    package: Package,
    seed: int,
    index: int,
    wish: Wish = PLAIN,
    more: Mapping[str, Any] | None = None,
) -> Recipe:
    """What makes a picture again, or with `more` inputs a sheet or a clip (index SHEET)."""
    device = next(package.networks["G"].parameters()).device.type
    return Recipe(
        package=package.digest,
        task=package.config.task,
        seed=seed,
        index=index,
        inputs={**wish.to_inputs(), **(more or {})},
        device=device,
        code_version=version(),
    )


def to_pixels(samples: Tensor) -> NDArray[np.uint8]:
    """Samples in [-1, 1], (N, C, H, W), as 8-bit pictures of the same shape."""
    levels: NDArray[np.uint8] = samples.add(1).mul(127.5).round().clamp(0, 255).byte().numpy()
    return levels


def pictures(samples: Tensor) -> list[Picture]:
    """Samples in [-1, 1], (N, C, H, W), as pictures."""
    arrays = to_pixels(samples).transpose(0, 2, 3, 1)  # (N, H, W, C)
    return [Picture(np.ascontiguousarray(array)) for array in arrays]
