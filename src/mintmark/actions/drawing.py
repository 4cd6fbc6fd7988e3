"""Drawing with a package: single pictures and sheets, each with its recipe."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions.plan import find_task
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.lineage import version
from mintmark.core.log import get_logger
from mintmark.core.media import Picture
from mintmark.core.records import Recipe
from mintmark.engines.synthesis import Request
from mintmark.models.package import Config, Package
from mintmark.provenance.mark import SHEET

logger = get_logger("actions")

LEAST_SIDE = 40  # pixels a tile is enlarged to at least, whole times, without smoothing
MOST_ON_A_SHEET = 1000


def class_of(config: Config, index: int, label: str | None) -> int | None:
    """The class that picture `index` is drawn of: the one asked for, or all in turn.

    Raises:
        ConfigError: The package knows no such class.
    """
    if label is not None and label not in config.classes:
        known = ", ".join(config.classes) or "none"
        raise ConfigError(f"The package has no class {label!r}; its classes are: {known}.")
    if not config.classes:
        return None
    return index % len(config.classes) if label is None else config.classes.index(label)


def labels_of(config: Config, indices: Sequence[int], label: str | None) -> list[int] | None:
    """The classes of several pictures by `class_of`, or None without classes."""
    numbers = [class_of(config, index, label) for index in indices]
    return [number for number in numbers if number is not None] or None


def draw(
    package: Package, seed: int, indices: Sequence[int], labels: Sequence[int] | None
) -> list[Picture]:
    """Pictures by number; each depends on (package, seed, index, class) alone."""
    engine = find_task(package.config.task).engine
    return pictures(engine.run(package.networks, Request(seed, indices, labels)))


def pixels(
    package: Package, seed: int, indices: Sequence[int], labels: Sequence[int] | None
) -> NDArray[np.uint8]:
    """The same as one array, (N, C, H, W)."""
    engine = find_task(package.config.task).engine
    return to_pixels(engine.run(package.networks, Request(seed, indices, labels)))


def draw_sheet(package: Package, seed: int, count: int, label: str | None = None) -> Picture:
    """The first `count` pictures of a seed on one sheet; a row a class where all are drawn."""
    indices = range(count)
    tiles = draw(package, seed, indices, labels_of(package.config, indices, label))
    rows = len(package.config.classes) if label is None else 0
    if not rows:
        return sheet(tiles, math.ceil(math.sqrt(count)))
    columns = math.ceil(count / rows)
    blank = Picture(np.full_like(tiles[0].array, 255))
    tiles += [blank] * (rows * columns - count)
    # Classes come in turn, so picture i belongs in row i % rows.
    return sheet([tiles[c * rows + r] for r in range(rows) for c in range(columns)], columns)


def recipe_of(
    package: Package, seed: int, index: int, label: str | None = None, count: int | None = None
) -> Recipe:
    """What makes a picture again, or a sheet of `count` where `index` is SHEET."""
    device = next(package.networks["G"].parameters()).device.type
    inputs = {"class": label} if label is not None else {}
    return Recipe(
        package=package.digest,
        task=package.config.task,
        seed=seed,
        index=index,
        inputs=inputs if count is None else {**inputs, "count": count},
        device=device,
        code_version=version(),
    )


def again(package: Package, recipe: Recipe) -> Picture:
    """Makes the picture or sheet of a recipe once more.

    Raises:
        DataError: The recipe belongs to another package or makes no sense.
    """
    if recipe.package != package.digest:
        raise DataError(
            "The file was made by another package "
            f"(digest {recipe.package[:12]}, this one is {package.digest[:12]}); "
            "give the package that made it."
        )
    device = next(package.networks["G"].parameters()).device.type
    if device != recipe.device:
        logger.warning("the last bits may differ", made_on=recipe.device, now_on=device)
    if "report" in recipe.inputs:
        raise DataError("The file is a sheet of a report; run mintmark evaluate again to make it.")
    label, count = recipe.inputs.get("class"), recipe.inputs.get("count")
    if not (label is None or isinstance(label, str)):
        raise DataError("The recipe in the file names no valid class; the file was changed.")
    if recipe.index != SHEET:
        labels = labels_of(package.config, [recipe.index], label)
        return draw(package, recipe.seed, [recipe.index], labels)[0]
    if not isinstance(count, int) or not 1 <= count <= MOST_ON_A_SHEET:
        raise DataError("The recipe in the file names no valid count; the file was changed.")
    return draw_sheet(package, recipe.seed, count, label)


def to_pixels(samples: Tensor) -> NDArray[np.uint8]:
    """Samples in [-1, 1], (N, C, H, W), as 8-bit pictures of the same shape."""
    levels: NDArray[np.uint8] = samples.add(1).mul(127.5).round().clamp(0, 255).byte().numpy()
    return levels


def pictures(samples: Tensor) -> list[Picture]:
    """Samples in [-1, 1], (N, C, H, W), as pictures."""
    arrays = to_pixels(samples).transpose(0, 2, 3, 1)  # (N, H, W, C)
    return [Picture(np.ascontiguousarray(array)) for array in arrays]


def sheet(tiles: Sequence[Picture], columns: int) -> Picture:
    """Lays pictures of one size out in rows, with a thin border between them."""
    times = max(1, -(-LEAST_SIDE // tiles[0].height))
    arrays = [np.kron(tile.array, np.ones((times, times, 1), np.uint8)) for tile in tiles]
    height, width, channels = arrays[0].shape
    rows = -(-len(arrays) // columns)
    gap = max(1, height // 20)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    canvas = np.full(shape, 255, np.uint8)
    for place, array in enumerate(arrays):
        top = place // columns * (height + gap)
        left = place % columns * (width + gap)
        canvas[top : top + height, left : left + width] = array
    return Picture(canvas)
