"""Opening what people have: folders and zips of pictures, with or without labels.

The layout is told by what is there, in this order:

    metadata.csv, metadata.jsonl or dataset.json   they name the pictures and their classes
    two folders or more, no picture beside them    a folder a class
    anything else                                  pictures without classes

Without metadata, a text file beside a picture, NAME.txt, is its caption.

A single folder inside a folder or zip is only a wrapper and is looked through.
Hidden files and files that are no pictures by suffix are ignored.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mintmark.core.errors import DataError
from mintmark.core.files import digest_bytes
from mintmark.core.records import Rights
from mintmark.core.settings import settings
from mintmark.data.manifest import Item, Snapshot
from mintmark.data.metadata import PARSERS, Row, explain, parse_rights
from mintmark.data.pictures import decode
from mintmark.data.trees import Archive, Folder, open_tree

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff")
RIGHTS = "rights.json"
MAX_CAPTION = 10_000  # bytes of a caption in a file of its own

# What is known of each picture before decoding: label, text, attributes.
Labelled = dict[str, tuple[str | None, str | None, Mapping[str, Any]]]


@dataclass(frozen=True)
class Entry:
    """One picture of a source, not yet decoded.

    Attributes:
        name: Path inside the source, with forward slashes.
        label: Index into the source's classes, or None.
        text: Caption, or None.
        attributes: Anything else that the metadata says.
    """

    name: str
    label: int | None
    text: str | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A folder or zip of pictures.

    Attributes:
        path: Where it lies.
        entries: The pictures, sorted by name.
        classes: Names of the classes, in natural order; empty without labels.
        rights: Under what terms the pictures may be used.
        tree: The listed folder or archive.
    """

    path: Path
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    rights: Rights
    tree: Folder | Archive = field(repr=False, compare=False)

    def read(self, name: str) -> bytes:
        """The bytes of one file; safe to call from several threads.

        Raises:
            DataError: The file cannot be read.
        """
        return self.tree.read(name)


@dataclass(frozen=True)
class Broken:
    """A picture that cannot be used.

    Attributes:
        name: Path inside the source.
        reason: What is wrong with it.
    """

    name: str
    reason: str


def open_source(path: Path) -> Source:
    """Lists the pictures of a folder or zip, with their labels, texts and rights.

    Raises:
        DataError: Nothing is there, there are fewer than two pictures, a class
            folder is empty, metadata and pictures do not fit, or the archive
            is damaged or hostile.
    """
    tree = open_tree(path)
    pictures = sorted(name for name in tree.files if name.lower().endswith(SUFFIXES))
    if not pictures:
        kinds = ", ".join(SUFFIXES)
        raise DataError(f"{path} holds no picture ({kinds}); give a folder or .zip that does.")
    _require_two(len(pictures), path)
    base = _base(tree, set(pictures))
    labelled = _labelled(tree, base, pictures, path)
    classes = tuple(sorted({label for label, _, _ in labelled.values() if label}, key=natural))
    index = {name: position for position, name in enumerate(classes)}
    entries = tuple(
        Entry(name, index[label] if label else None, text, attributes)
        for name, (label, text, attributes) in sorted(labelled.items())
    )
    return Source(path, entries, classes, _rights(tree, base, path), tree)


def take_snapshot(source: Source, skip_broken: bool = False) -> tuple[Snapshot, tuple[Broken, ...]]:
    """Decodes every picture and records what the data set is now.

    Args:
        source: The opened data set.
        skip_broken: Whether to leave out what cannot be read.

    Returns:
        The snapshot of the whole pictures, and the broken ones.

    Raises:
        DataError: Pictures are broken and were not to be skipped, or too few
            are left.
    """
    with ThreadPoolExecutor(workers()) as pool:
        results = list(pool.map(lambda entry: _examine(source, entry), source.entries))
    items = tuple(result for result in results if isinstance(result, Item))
    broken = tuple(result for result in results if isinstance(result, Broken))
    if broken and not skip_broken:
        raise DataError(_tell(broken, len(results)))
    _require_two(len(items), source.path)
    filled = {item.label for item in items}
    bare = [name for label, name in enumerate(source.classes) if label not in filled]
    if bare:
        raise DataError(f"The class {some(bare)} has no whole picture left; mend or remove it.")
    return Snapshot(items, source.classes, source.rights), broken


def workers() -> int:
    """How many threads decode pictures."""
    return settings().threads or os.cpu_count() or 1


def natural(name: str) -> tuple[list[Any], str]:
    """A sort key by which "10" follows "9", for numbers of any length."""
    parts = re.split(r"([0-9]+)", name)
    return [_number(part) if place % 2 else part for place, part in enumerate(parts)], name


def _number(digits: str) -> tuple[int, str]:
    plain = digits.lstrip("0")
    return len(plain), plain


def _require_two(count: int, path: Path) -> None:
    if count < 2:
        found = "one picture" if count else "no picture"
        raise DataError(f"{path} holds only {found} that can be used; training needs at least 2.")


def _base(tree: Folder | Archive, pictures: set[str]) -> str:
    """The folder that holds the data: the prefix of all wrappers, "" or ending in "/"."""
    marks = {*PARSERS, RIGHTS}
    base = ""
    while True:
        inside = {name.removeprefix(base) for name in tree.files if name.startswith(base)}
        here = {name for name in inside if "/" not in name}
        folders = _folders(tree, base)
        if len(folders) != 1 or here & marks or any(base + name in pictures for name in here):
            return base
        base += folders[0] + "/"


def _folders(tree: Folder | Archive, base: str) -> list[str]:
    """Names of the folders that lie directly in `base`."""
    inside = (name.removeprefix(base) for name in tree.folders if name.startswith(base))
    return [name for name in inside if name and "/" not in name]


def _labelled(tree: Folder | Archive, base: str, pictures: list[str], path: Path) -> Labelled:
    """What the metadata file says, or where there is none, the folders."""
    found = [name for name in PARSERS if base + name in tree.files]
    if not found:
        return _captioned(tree, _by_folder(tree, base, pictures, path))
    if len(found) > 1:
        raise DataError(f"{path} holds {' and '.join(found)}; keep the one that is right.")
    try:
        rows = PARSERS[found[0]](tree.read(base + found[0]))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{found[0]} in {path} cannot be used: {explain(error)}.") from error
    if rows is None:
        return {name: (None, None, {}) for name in pictures}
    return _by_metadata(rows, base, pictures, path)


def _by_metadata(rows: list[Row], base: str, pictures: list[str], path: Path) -> Labelled:
    """Labels by metadata, which must name every picture once."""
    names = [base + row.name for row in rows]
    present, known = set(pictures), set(names)
    if absent := sorted(known - present):
        raise DataError(
            f"The metadata of {path} names {some(absent)}, which {_are(absent)} absent."
        )
    if len(known) < len(names):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"The metadata of {path} names {some(twice)} more than once.")
    if unnamed := sorted(present - known):
        raise DataError(
            f"The metadata of {path} does not name {some(unnamed)}; add or move the pictures."
        )
    bare = sorted(name for name, row in zip(names, rows, strict=True) if row.label is None)
    if 0 < len(bare) < len(rows):
        raise DataError(
            f"The metadata of {path} gives no label to {some(bare)}; label all or none."
        )
    pairs = zip(names, rows, strict=True)
    return {name: (row.label, row.text, row.attributes) for name, row in pairs}


def _by_folder(tree: Folder | Archive, base: str, pictures: list[str], path: Path) -> Labelled:
    """Labels by folder, where the pictures lie in two folders or more."""
    inside = {name: PurePosixPath(name.removeprefix(base)).parts for name in pictures}
    folders = _folders(tree, base)
    if len(folders) < 2 or any(len(parts) == 1 for parts in inside.values()):
        return {name: (None, None, {}) for name in pictures}
    filled = {parts[0] for parts in inside.values()}
    if empty := sorted(set(folders) - filled, key=natural):
        raise DataError(
            f"The class folder {some(empty)} of {path} holds no picture; fill or remove it."
        )
    return {name: (parts[0], None, {}) for name, parts in inside.items()}


def _captioned(tree: Folder | Archive, labelled: Labelled) -> Labelled:
    """The same with the captions that lie beside pictures, NAME.txt beside NAME.png."""
    beside = {name: f"{name.rsplit('.', 1)[0]}.txt" for name in labelled}
    return {
        name: (label, _caption(tree, beside[name]) if beside[name] in tree.files else text, more)
        for name, (label, text, more) in labelled.items()
    }


def _caption(tree: Folder | Archive, name: str) -> str | None:
    content = tree.read(name)
    try:
        if len(content) > MAX_CAPTION:
            raise ValueError(f"it is longer than {MAX_CAPTION:,} bytes")
        return " ".join(content.decode("utf-8-sig").split()) or None
    except ValueError as error:
        raise DataError(
            f"The caption {name} cannot be used: {error}; mend or remove it."
        ) from error


def _rights(tree: Folder | Archive, base: str, path: Path) -> Rights:
    if base + RIGHTS not in tree.files:
        return Rights()
    try:
        return parse_rights(tree.read(base + RIGHTS))
    except ValueError as error:
        raise DataError(f"{RIGHTS} in {path} cannot be used: {explain(error)}.") from error


def _examine(source: Source, entry: Entry) -> Item | Broken:
    try:
        content = source.read(entry.name)
        picture = decode(content, entry.name)
    except DataError as error:
        reason = str(error).removeprefix(f"{entry.name} cannot be read: ").rstrip(".")
        return Broken(entry.name, reason)
    return Item(
        name=entry.name,
        sha256=digest_bytes(content),
        bytes=len(content),
        width=picture.width,
        height=picture.height,
        channels=picture.channels,
        bits=picture.array.dtype.itemsize * 8,
        label=entry.label,
        text=entry.text,
        attributes=entry.attributes,
    )


def _tell(broken: tuple[Broken, ...], count: int) -> str:
    first = "; ".join(f"{one.name} ({one.reason})" for one in broken[:3])
    more = "; …" if len(broken) > 3 else ""
    return (
        f"{len(broken)} of {count} pictures cannot be read: {first}{more}. "
        "Mend them, or --skip-broken leaves them out."
    )


def some(names: list[str]) -> str:
    """The first three of some names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
