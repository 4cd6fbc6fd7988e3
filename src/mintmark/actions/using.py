"""How a trained network is used on a picture: a function for each way that a task names.

Each is a generator that a picture goes through. Those that need one small picture changed say so
and wait; `side_by_side` leads several of them on and changes at once what they wait for, since a
device is hardly busy with one small picture.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mintmark.actions import filling
from mintmark.actions.filling import Mask, Where
from mintmark.actions.translating import Turn
from mintmark.core.media import Picture
from mintmark.data.palette import require_known
from mintmark.data.pictures import scaled
from mintmark.engines import whole
from mintmark.engines.paired import Paired
from mintmark.engines.piecewise import between, glance, levels, planes, recoloured, worked
from mintmark.engines.tiles import Change
from mintmark.engines.unpaired import Unpaired
from mintmark.models.families import FAMILIES
from mintmark.models.package import Package
from mintmark.tasks._task import Use
from mintmark.training.precision import Compute

SEEN = 4  # times the learned side at which a style is found where edges stay
AT_ONCE = 8  # pictures, of which all lie in memory as they were given

Step = tuple[int, int] | Tensor
"""Tiles done and in all, or a picture, (1, C, h, w), which comes back changed by `Work.alike`."""
Working = Generator[Step, Tensor, Picture]
"""Goes on from step to step and returns the result."""


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

    @cached_property
    def alike(self) -> Change:
        """What changes every picture at the scale that was learned, many at once."""
        if self.turn is None:
            return self.run
        assert isinstance(self.engine, Unpaired) and not self.engine.tone  # which differ
        return self.lowered(self.turn.of(self.engine, self.network, None))

    @property
    def at_once(self) -> int:
        """How many pictures shall be led on side by side."""
        small = self.use == "scale" or (self.use == "translate" and not self.photo)
        return AT_ONCE if small else 1

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


def side_by_side(
    work: Work, many: Sequence[Generator[Step, Tensor, None]]
) -> Generator[tuple[int, tuple[int, int]], None, None]:
    """Leads several pictures on in turn; the network changes at once what waits at one size.

    Args:
        work: What is done to all of them.
        many: What each goes through.

    Yields:
        Which of them got on, and its tiles done and in all.
    """
    open_ones, changed = dict(enumerate(many)), dict[int, Tensor]()
    while open_ones:
        waiting: dict[int, Tensor] = {}
        for place, steps in list(open_ones.items()):
            try:
                step = steps.send(changed[place]) if place in changed else next(steps)
            except StopIteration:
                del open_ones[place]
                continue
            if isinstance(step, Tensor):
                waiting[place] = step
            else:
                yield place, step
        changed = _changed(work, waiting)


def _changed(work: Work, waiting: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """Pictures after the network, those of one size at once."""
    changed: dict[int, Tensor] = {}
    for shape in {picture.shape for picture in waiting.values()}:
        places = [place for place, picture in waiting.items() if picture.shape == shape]
        made = work.alike(torch.cat([waiting[place] for place in places]))
        changed.update((place, row[None]) for place, row in zip(places, made, strict=True))
    return changed


def in_tiles(work: Work, picture: Picture, _: Path) -> Working:
    """At its own resolution, piece by piece."""
    assert isinstance(work.engine, Paired)
    channels = work.package.config.channels
    change = work.engine.on({"G": work.network}, partial(glance, picture, channels))
    change = work.lowered(change)
    if FAMILIES[work.package.config.family].pointwise:
        return (yield from recoloured(change, picture, channels, work.tile))
    return (yield from worked(change, picture, channels, work.scale, work.tile))


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
    if max(small.height, small.width) > work.tile:
        return (yield from in_tiles(work, small, file))
    return (yield from _alike(small))


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
    channels = work.package.config.channels
    if not work.photo:
        return (yield from _alike(scaled(picture, channels, work.side)))
    yield 1, 1
    part = _part(work, picture, file)
    made = whole.followed(_turned(work, picture, part), picture, channels, work.side)
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


def _alike(small: Picture) -> Working:
    """A picture of the scale and the channels that were learned, changed as all others are."""
    made = yield planes(small.array, small.channels)[None]
    return Picture(levels(made[0].numpy(), grey=False, most=255).astype(np.uint8))


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
