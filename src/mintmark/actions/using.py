"""How a trained network is used on a picture: a function for each way that a task names."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from mintmark.actions import filling
from mintmark.actions.filling import Mask, Where
from mintmark.actions.translating import Turn, translated
from mintmark.core.media import Picture
from mintmark.data.palette import require_known
from mintmark.data.pictures import scaled
from mintmark.engines import whole
from mintmark.engines.paired import Paired
from mintmark.engines.piecewise import between, glance, worked
from mintmark.engines.tiles import Change
from mintmark.engines.unpaired import Unpaired
from mintmark.models.package import Package
from mintmark.tasks._task import Use
from mintmark.training.precision import Compute

SEEN = 4  # times the learned side at which a style is found where edges stay

Working = Generator[tuple[int, int], None, Picture]
"""Yields tiles done and in all, and returns the result."""


@dataclass(frozen=True)
class Work:
    """What is done to every picture.

    Attributes:
        package: What does it.
        network: Its generator, at the balance asked for.
        compute: The precision that it works in.
        engine: Its game.
        scale: How many times the sides grow.
        tile: Pixels a side at once.
        fidelity: The balance.
        strength: How far a restoration goes, in [0, 1]; kinds and styles have it in `turn`.
        where: What of pictures is filled, or was pasted, or None.
        turn: What kind or style pictures get, or None.
        use: How it works on a picture.
        compare: Whether a picture of before and after is written too.
    """

    package: Package
    network: nn.Module
    compute: Compute
    engine: Paired | Unpaired
    scale: int
    tile: int
    fidelity: float
    strength: float
    where: Where | None
    turn: Turn | None
    use: Use
    compare: bool

    @property
    def run(self) -> Change:
        """The generator, without gradients."""
        return self.lowered(partial(self.engine.run, {"G": self.network}))

    def lowered(self, change: Change) -> Change:
        """A change in the precision that was chosen."""

        def inside(tile: Tensor) -> Tensor:
            with self.compute.autocast():
                return change(tile)

        return inside

    @property
    def photo(self) -> bool:
        """Whether edges and the size stay where pictures become another kind."""
        return self.turn is not None and self.turn.photo

    @property
    def side(self) -> int:
        """The shorter side of what it learned from, in pixels."""
        return min(self.package.config.height, self.package.config.width)

    def made(self, picture: Picture, file: Path) -> Working:
        """What becomes of a picture.

        Args:
            picture: Any.
            file: Where it came from.

        Raises:
            DataError: It cannot be worked on; the sentence says why.
        """
        made = yield from USES[self.use](self, picture, file)
        return made if self.strength == 1 else between(picture, made, self.strength)


def in_tiles(work: Work, picture: Picture, _: Path) -> Working:
    """At its own resolution, piece by piece."""
    assert isinstance(work.engine, Paired)
    change = work.engine.on({"G": work.network}, glance(picture, work.package.config.channels))
    change = work.lowered(change)
    return (yield from worked(change, picture, work.package.config.channels, work.scale, work.tile))


def filled(work: Work, picture: Picture, file: Path) -> Working:
    """What a mask covers, or margins; the rest stays as it is."""
    assert work.where is not None
    canvas, missing = work.where.of(picture, file)
    channels, depth = work.package.config.channels, work.side // 2
    return (yield from filling.filled(work.run, canvas, missing, channels, depth, work.tile))


def at_scale(work: Work, picture: Picture, file: Path) -> Working:
    """At the scale that was learned; of a map, no colours are mixed.

    Raises:
        DataError: It is a map with colours that name nothing.
    """
    palette = work.package.config.args.get("palette")
    if palette:
        require_known(picture, palette, file.name)
    small = scaled(picture, work.package.config.channels, work.side, exact=bool(palette))
    return (yield from in_tiles(work, small, file))


def mapped(work: Work, picture: Picture, _: Path) -> Working:
    """A map of it, found where it is seen whole."""
    yield 1, 1
    return whole.mapped(work.run, picture, work.package.config.channels, work.side)


def coloured(work: Work, picture: Picture, _: Path) -> Working:
    """In colours that are guessed where it is seen whole."""
    yield 1, 1
    return whole.coloured(work.run, picture, work.package.config.channels, work.side)


def blended(work: Work, picture: Picture, file: Path) -> Working:
    """With other colours where a mask says that something was pasted."""
    assert work.where is not None
    composite, pasted = work.where.of(picture, file)
    yield 1, 1
    return whole.harmonised(work.run, composite, pasted, work.package.config.channels, work.side)


def of_another_kind(work: Work, picture: Picture, file: Path) -> Working:
    """As the kind that was asked for, at the scale that was learned or as a photograph."""
    yield 1, 1
    part = _part(work, picture, file)
    change = _turned(work, picture, part)
    if not work.photo:
        return translated(change, work.package, picture)
    made = whole.followed(change, picture, work.package.config.channels, work.side)
    return _put_back(made, picture, part)


def restyled(work: Work, picture: Picture, file: Path) -> Working:
    """In the style that was asked for, at its own resolution, piece by piece."""
    part, channels = _part(work, picture, file), work.package.config.channels
    change = _turned(work, picture, part)
    if work.photo:
        yield 1, 1
        made = whole.followed(change, picture, channels, SEEN * work.side)
    else:
        made = yield from worked(change, picture, channels, 1, work.tile)
    return _put_back(made, picture, part)


def _part(work: Work, picture: Picture, file: Path) -> Mask | None:
    """What of a picture alone changes, (H, W), or None for all."""
    return None if work.where is None else work.where.of(picture, file)[1]


def _turned(work: Work, picture: Picture, part: Mask | None) -> Change:
    assert work.turn is not None and isinstance(work.engine, Unpaired)
    seen = glance(picture, work.package.config.channels)
    if part is not None:  # whose colours alone shall become those of a reference
        inside = glance(Picture(255 * part[..., None].astype(np.uint8)), 1)[0] > 0
        seen = seen[:, inside][:, None] if inside.any() else seen
    return work.lowered(work.turn.of(work.engine, work.network, seen))


def _put_back(made: Picture, picture: Picture, part: Mask | None) -> Picture:
    """What was made in a part of a picture; every other sample is as it was."""
    if part is None:
        return made
    array = picture.array.copy()
    array[part] = made.array[part]
    return Picture(array)


USES: Mapping[Use, Callable[[Work, Picture, Path], Working]] = {
    "tiles": in_tiles,
    "fill": filled,
    "scale": at_scale,
    "map": mapped,
    "colour": coloured,
    "blend": blended,
    "translate": of_another_kind,
    "restyle": restyled,
}
"""By the name that tasks give to them."""
