"""Which picture of a data set is an input, and which is its target.

    input/NAME and target/NAME              two folders; others by naming the one of the inputs
    input_file_name and target_file_name    columns of the metadata
    halves of one picture                   the right or the left one is the target

Both show the same at the same size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.manifest import Item, Snapshot
from mintmark.data.metadata import INPUT, PAIR
from mintmark.data.readers import some

Half = Literal["left", "right"]


@dataclass(frozen=True)
class Part:
    """A picture of a data set, or half of one.

    Attributes:
        item: The picture.
        half: Which half of it, or None for the whole.
        exact: Whether its colours are names, of which none may be mixed when it is reduced.
    """

    item: Item
    half: Half | None = None
    exact: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.item.height, self.item.width // (2 if self.half else 1)

    def of(self, picture: Picture) -> Picture:
        """The part of the decoded picture."""
        middle = picture.width // 2
        if self.half == "left":
            return Picture(picture.array[:, :middle].copy())
        if self.half == "right":
            return Picture(picture.array[:, -middle:].copy())
        return picture


Row = tuple[Part, ...]
"""Parts that show the same: a picture alone, or an input and its target."""


def alone(snapshot: Snapshot) -> list[Row]:
    """Every picture by itself."""
    return [(Part(item),) for item in snapshot.items]


def halves(snapshot: Snapshot, target: Half, exact: bool = False) -> list[Row]:
    """Pairs that lie side by side in one picture each.

    Args:
        snapshot: The data set.
        target: The half that is the target.
        exact: Whether colours of the inputs are names.

    Raises:
        DataError: A picture cannot be halved.
    """
    odd = [item.name for item in snapshot.items if item.width % 2]
    if odd:
        raise DataError(
            f"{some(odd)} cannot be halved, being an odd number of pixels wide; pairs side by "
            "side are as wide as each other."
        )
    given: Half = "left" if target == "right" else "right"
    return [(Part(item, given, exact), Part(item, target)) for item in snapshot.items]


def pairs(snapshot: Snapshot, inputs: str | None, exact: bool = False) -> list[Row]:
    """Pairs of pictures in two folders, or as the metadata says.

    Args:
        snapshot: The data set, which has two classes: the inputs and the targets.
        inputs: Name of the class that holds the inputs; None means `input`.
        exact: Whether colours of the inputs are names.

    Raises:
        DataError: There are no such two, a picture lacks its partner, or two differ in size.
    """
    given = _sides(snapshot, inputs)
    found: tuple[dict[str, Item], dict[str, Item]] = ({}, {})
    for item in snapshot.items:
        label = snapshot.classes[item.label or 0]
        side, name = found[label != given], _name(item, label)
        if name in side:
            raise DataError(
                f"{side[name].name} and {item.name} would both be the same one of a pair; "
                "remove one of them."
            )
        side[name] = item
    _require_partners(*found)
    rows: list[Row] = [
        (Part(found[0][name], None, exact), Part(found[1][name])) for name in sorted(found[0])
    ]
    _require_sizes(rows)
    return rows


def _sides(snapshot: Snapshot, inputs: str | None) -> str:
    """Which of the two classes holds the inputs."""
    classes, name = snapshot.classes, inputs or INPUT
    if len(classes) != 2:
        has = f"the folders {', '.join(classes)}" if classes else "no two folders"
        raise DataError(
            f"The data has {has}, but pairs lie in two, input and target, under equal names; "
            "for pairs side by side in one picture say --target-half right."
        )
    if name not in classes:
        raise DataError(
            f"The data has the folders {classes[0]} and {classes[1]}; say which of them holds the "
            f"inputs: --input {classes[0]} or --input {classes[1]}."
        )
    return name


def _name(item: Item, label: str) -> str:
    """What a picture and its partner have in common."""
    if PAIR in item.attributes:
        return str(item.attributes[PAIR])
    return f"/{item.name}".split(f"/{label}/", 1)[-1].rsplit(".", 1)[0]


def _require_partners(given: Mapping[str, Item], targets: Mapping[str, Item]) -> None:
    sides = [(given, targets), (targets, given)]
    lonely = sorted(mine[name].name for mine, theirs in sides for name in mine.keys() - theirs)
    if lonely:
        raise DataError(
            f"{some(lonely)} {'has' if len(lonely) == 1 else 'have'} no partner of the same name "
            "in the other folder; add it, or remove what is alone."
        )


def _require_sizes(rows: list[Row]) -> None:
    for given, target in rows:
        if given.size != target.size:
            raise DataError(
                f"{given.item.name} has {given.size[1]} x {given.size[0]} pixels and "
                f"{target.item.name} {target.size[1]} x {target.size[0]}; both of a pair must "
                "show the same at the same size."
            )
