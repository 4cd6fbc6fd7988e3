"""Which of the pictures that a package could draw are worth keeping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import asking, drawing
from mintmark.actions.asking import PLAIN, Wish
from mintmark.actions.known import Known, recall, too_near
from mintmark.core.errors import GuardError
from mintmark.core.media import Picture
from mintmark.core.records import Recipe
from mintmark.engines import alpha
from mintmark.engines.synthesis import CHUNK, in_chunks
from mintmark.metrics.extractors import extract, shipped
from mintmark.metrics.rejection import best, typicality
from mintmark.models.package import Package
from mintmark.provenance.mark import SHEET
from mintmark.tasks._task import find_synthesis

MOST_TRIES = 8  # candidates a picture, before a guard that turns all down gives up


@dataclass(frozen=True)
class Kept:
    """A picture that was chosen.

    Attributes:
        index: Its number.
        picture: What was drawn.
    """

    index: int
    picture: Picture


@dataclass(frozen=True)
class Refused:
    """A picture that was turned down for being too near one of the data.

    Attributes:
        index: Its number.
        picture: What was drawn.
        name: Of the picture that it is near.
        original: A small copy of that one.
    """

    index: int
    picture: Picture
    name: str
    original: Picture


def chosen(
    package: Package, seed: int, count: int, wish: Wish, best_of: int
) -> Iterator[Kept | Refused]:
    """The first `count` pictures of a seed that are worth keeping, a few at a time.

    Args:
        package: What draws; with its discriminator where `best_of` is above 1.
        seed: Of the pictures.
        count: How many are kept.
        wish: What they shall show.
        best_of: Candidates for each one kept; 1 keeps all but what a guard refuses.

    Raises:
        ConfigError: The package cannot be asked for that.
        GuardError: A guard turned nearly all of them down.
    """
    task = find_synthesis(package.config.task)
    guard = task.guard
    known = recall(package, task) if guard or best_of > 1 else None
    kept = first = 0
    while kept < count:
        if first > MOST_TRIES * best_of * max(count, CHUNK):
            raise GuardError(
                f"Of {first} pictures only {kept} were far enough from the data that was learned "
                "from; take another --seed, or train on more pictures."
            )
        size = min(CHUNK, count - kept) if not guard else CHUNK
        indices = range(first, first + size * best_of)
        first = indices.stop
        for one in _window(package, seed, indices, wish, best_of, known):
            if isinstance(one, Kept):
                kept += 1
            yield one
            if kept == count:
                return


def _window(
    package: Package,
    seed: int,
    indices: Sequence[int],
    wish: Wish,
    best_of: int,
    known: Known | None,
) -> Iterator[Kept | Refused]:
    """Draws candidates, refuses and ranks them; those kept come in order of their number."""
    rows = asking.rows(package.config.conditions, seed, indices, wish)
    samples = drawing.samples(package, seed, indices, rows, wish)
    pictures = drawing.pictures(samples)
    if known is None:
        yield from (Kept(index, picture) for index, picture in zip(indices, pictures, strict=True))
        return
    extractor = shipped(find_synthesis(package.config.task).extractor)
    features = extract(extractor, drawing.to_pixels(samples))
    passed = np.arange(len(indices))
    if find_synthesis(package.config.task).guard:
        near, places = too_near(known, features)
        for i in np.flatnonzero(near).tolist():
            yield _refused(indices[i], pictures[i], known, int(places[i]))
        passed = np.flatnonzero(~near)
    keep = min(len(indices) // best_of, len(passed))
    if best_of > 1 and keep:
        few = None if rows is None else rows[torch.from_numpy(passed)]
        scores = judged(package, samples[torch.from_numpy(passed)], few)
        passed = passed[np.sort(best(scores, typicality(known.features, features[passed]), keep))]
    yield from (Kept(indices[i], pictures[i]) for i in passed.tolist())


def sheet(package: Package, seed: int, count: int) -> tuple[Picture, Recipe]:
    """The first pictures of a seed that a guard lets pass, on one sheet, and what makes it again.

    Raises:
        GuardError: A guard turned nearly all of them down.
    """
    numbers = None
    if find_synthesis(package.config.task).guard:
        found = chosen(package, seed, count, PLAIN, 1)
        numbers = [one.index for one in found if isinstance(one, Kept)]
    asked = {"count": count} | ({"indices": numbers} if numbers else {})
    picture = drawing.draw_sheet(package, seed, count, indices=numbers)
    return picture, drawing.recipe_of(package, seed, SHEET, more=asked)


def require_passed(package: Package, seed: int, indices: Sequence[int], wish: Wish) -> None:
    """Refuses pictures that the guard of a package turns down, whoever names their numbers.

    Raises:
        GuardError: One of them is too near a picture that was learned from.
    """
    task = find_synthesis(package.config.task)
    if not task.guard:
        return
    for one in _window(package, seed, indices, wish, 1, recall(package, task)):
        if isinstance(one, Refused):
            raise GuardError(
                f"Picture {one.index} of seed {seed} is too near {one.name}, which was learned "
                "from, so it is not drawn again; take another one."
            )


def judged(package: Package, samples: Tensor, rows: Tensor | None) -> NDArray[np.float64]:
    """The discriminator's logits of samples, (N,), higher for what looks more real."""
    network = package.networks["D"]
    seen = alpha.on_white(samples)
    logits: NDArray[np.float64] = in_chunks(network, network, seen, rows).double().numpy()
    return logits


def _refused(index: int, picture: Picture, known: Known, place: int) -> Refused:
    assert known.thumbnails is not None
    small = np.ascontiguousarray(known.thumbnails[place].transpose(1, 2, 0))
    return Refused(index, picture, known.names[place], Picture(small))
