"""The pictures of a report: generated, real, nearest neighbours, ways between latents."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import drawing, layout
from mintmark.actions.evaluation import Sheet
from mintmark.core.media import Picture
from mintmark.core.records import Recipe
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.metrics.memorisation import Neighbour
from mintmark.models.package import Package
from mintmark.provenance.mark import COMPOSITE, SHEET, mark, unmarked

ROW = 10  # pictures of a class
SQUARE = 64  # pictures without classes
PAIRS = 16  # nearest neighbours shown
COLUMNS = 4  # of pairs
COUNTERPARTS = 8  # of these pairs in a row


def samples(package: Package, seed: int) -> Sheet:
    """The first pictures of a seed, a row a class."""
    count = _count(len(package.config.classes))
    recipe = drawing.recipe_of(package, seed, SHEET, more={"count": count})
    picture = drawing.draw_sheet(package, seed, count)
    rows = f", a row for each class: {', '.join(package.config.classes)}"
    about = f"The first {count} pictures of seed {seed}, none chosen"
    return Sheet(
        "samples",
        "Generated",
        about + (rows if package.config.classes else "") + ".",
        mark(picture, package, recipe),
    )


def reals(real: PixelSet, names: Sequence[str], classes: Sequence[str], seed: int) -> Sheet:
    """Real pictures drawn by chance, laid out like `samples`.

    Args:
        real: The pictures.
        names: Their classes, in the order of their labels.
        classes: The classes of the package: a row each.
        seed: Decides which.
    """
    order = np.random.Generator(np.random.PCG64(derive(seed, "sheet"))).permutation(
        len(real.pixels)
    )
    if real.labels is None or not classes:
        tiles = [_picture(real.pixels[i]) for i in order[:SQUARE]]
        columns = int(np.ceil(np.sqrt(len(tiles))))
    else:
        columns = -(-_count(len(classes)) // len(classes))
        numbers = [names.index(name) if name in names else None for name in classes]
        rows = [order[real.labels[order] == number][:columns] for number in numbers]
        blank = Picture(np.full_like(_picture(real.pixels[0]).array, 255))
        tiles = []
        for row in rows:
            tiles += [_picture(real.pixels[i]) for i in row]
            tiles += [blank] * (columns - len(row))
    picture = layout.sheet(tiles, columns)
    return Sheet("real", "Real", "Pictures of the data, drawn by chance.", unmarked(picture))


def neighbours(
    package: Package,
    real: PixelSet,
    fake: NDArray[np.uint8],
    nearest: Sequence[Neighbour],
    seed: int,
) -> Sheet:
    """Generated pictures beside the training pictures nearest to them."""
    tiles = [
        _picture(np.concatenate([fake[pair.fake], real.pixels[pair.train]], axis=2))
        for pair in nearest[:PAIRS]
    ]
    picture = layout.sheet(tiles, COLUMNS)
    return Sheet(
        "neighbours",
        "Nearest neighbours",
        f"The {len(nearest[:PAIRS])} generated pictures that lie nearest to a training picture, "
        "which may be moved or mirrored, each left of that picture.",
        mark(picture, package, _recipe(package, seed, "neighbours"), source=COMPOSITE),
    )


def counterparts(pixels: PixelSet, seed: int) -> bytes:
    """A picture of some counterparts side by side, as a PNG.

    Args:
        pixels: With partners.
        seed: Decides which are shown.
    """
    assert pixels.partners is not None
    rows, kinds = np.nonzero(pixels.partners >= 0)
    once = rows < pixels.partners[rows, kinds]  # each pair has two such rows
    pairs = np.stack([rows, pixels.partners[rows, kinds]], 1)[once]
    order = np.random.Generator(np.random.PCG64(derive(seed, "sheet"))).permutation(len(pairs))
    tiles = [
        _picture(np.concatenate([pixels.pixels[a], pixels.pixels[b]], axis=2))
        for a, b in pairs[order[:SQUARE]]
    ]
    return unmarked(layout.sheet(tiles, COUNTERPARTS))


def ways(package: Package, strips: Tensor, seed: int) -> Sheet:
    """Strips of pictures along ways between two latents.

    Args:
        package: What drew them.
        strips: Pictures in [-1, 1], (rows, steps, C, H, W).
        seed: Of the latents.
    """
    rows, steps = strips.shape[:2]
    picture = layout.sheet(drawing.pictures(strips.flatten(0, 1)), steps)
    return Sheet(
        "interpolation",
        "Ways between pictures",
        f"{rows} ways between two latents in {steps} steps, a row each: a model that has learned "
        "the law of its data changes little by little and stays likely all along.",
        mark(picture, package, _recipe(package, seed, "interpolation")),
    )


def _recipe(package: Package, seed: int, name: str) -> Recipe:
    """Says which report a sheet belongs to; no single call makes such a sheet again."""
    return replace(drawing.recipe_of(package, seed, SHEET), inputs={"report": name})


def _count(classes: int) -> int:
    return min(ROW * classes, drawing.MOST_ON_A_SHEET) or SQUARE


def _picture(pixels: NDArray[np.uint8]) -> Picture:
    """One picture of an array, (C, H, W)."""
    return Picture(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
