"""Snapshots: the immutable list of what a data set was at one moment."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mintmark.core.errors import DataError
from mintmark.core.files import digest_json, write_json
from mintmark.core.records import Rights

FORMAT = "mintmark-snapshot"
VERSION = 1


@dataclass(frozen=True)
class Item:
    """One picture of a snapshot.

    Attributes:
        name: Path inside the data set, with forward slashes.
        sha256: Digest of the file.
        bytes: Size of the file.
        width: Columns, after orientation.
        height: Rows, after orientation.
        channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA.
        bits: 8 or 16 per sample.
        label: Index into the snapshot's classes, or None.
        text: Caption, or None.
        attributes: Anything else that the metadata said, as JSON values.
    """

    name: str
    sha256: str
    bytes: int
    width: int
    height: int
    channels: int
    bits: int
    label: int | None
    text: str | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """What a data set was at one moment.

    Attributes:
        items: The pictures, sorted by name.
        classes: Names of the classes; a label is an index into them.
        rights: Under what terms the pictures may be used.
    """

    items: tuple[Item, ...]
    classes: tuple[str, ...]
    rights: Rights

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON; the same wherever the data lies."""
        return digest_json(asdict(self))

    def save(self, path: Path) -> None:
        """Writes the snapshot as JSON, atomically."""
        write_json(
            path,
            {
                "format": FORMAT,
                "version": VERSION,
                "digest": self.digest,
                "snapshot": asdict(self),
            },
        )


_SNAPSHOT = TypeAdapter(Snapshot)


def load(path: Path) -> Snapshot:
    """Reads a snapshot back.

    Raises:
        DataError: The file is missing, no snapshot, of a later version, or
            was changed since it was saved.
    """
    value = _envelope(path)
    try:
        snapshot = _SNAPSHOT.validate_json(json.dumps(value["snapshot"]), strict=True)
    except (KeyError, ValidationError) as error:
        raise DataError(f"The snapshot {path} lacks parts of itself; make it again.") from error
    if snapshot.digest != value.get("digest"):
        raise DataError(f"The snapshot {path} was changed after it was saved; make it again.")
    return snapshot


def _envelope(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"The snapshot {path} cannot be read ({error}); make it again.") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise DataError(f"{path} is not a snapshot of a data set; give the one beside the run.")
    if value.get("version") != VERSION:
        raise DataError(
            f"The snapshot {path} has version {value.get('version')}, this program reads "
            f"{VERSION}; make it again or update mintmark."
        )
    return value


def changes(old: Snapshot, new: Snapshot) -> str:
    """Says in one sentence how `new` differs from `old`; "" if it does not."""
    before = {item.name: item for item in old.items}
    after = {item.name: item for item in new.items}
    changed = [name for name in after if name in before and after[name] != before[name]]
    parts = [
        _count([name for name in after if name not in before], "added"),
        _count([name for name in before if name not in after], "removed"),
        _count(changed, "changed"),
        "" if old.classes == new.classes else "classes differ",
        "" if old.rights == new.rights else "rights differ",
    ]
    return ", ".join(part for part in parts if part)


def _count(names: list[str], verb: str) -> str:
    if not names:
        return ""
    noun = "picture" if len(names) == 1 else "pictures"
    more = ", …" if len(names) > 3 else ""
    return f"{len(names)} {noun} {verb} ({', '.join(names[:3])}{more})"
