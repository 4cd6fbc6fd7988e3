"""Data before training: take the snapshot, look for trouble, build the array."""

from dataclasses import dataclass
from pathlib import Path

from mintmark.actions.requests import CheckRequest
from mintmark.core.errors import ConfigError, DataError
from mintmark.data.doctor import Report, examine
from mintmark.data.loader import PixelSet, prepare
from mintmark.data.manifest import Snapshot
from mintmark.data.public import digits
from mintmark.data.readers import Broken, Source, open_source, take_snapshot

PUBLIC = {"digits": digits.build}
"""Builders of public sets by name; each writes a folder from an installed package."""


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

    def pixels(self, size: int, channels: int, cache: Path) -> PixelSet:
        """All pictures as one memory-mapped array, (N, channels, size, size) uint8."""
        return prepare(self.source, self.snapshot, size, channels, cache)


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
    """Builds a public set from an installed package.

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
