"""Parts of public sets: folders of pictures that are there whole or not at all."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.files import sync, write_json
from mintmark.core.media import Picture
from mintmark.core.records import Rights
from mintmark.core.seeds import derive
from mintmark.data.encode import encode

SIZE = 64  # pixels a side of every drawn set
Files = Iterable[tuple[str, bytes]]
"""The files of a part: name with forward slashes, content."""


@dataclass(frozen=True)
class Sample:
    """One picture of a set.

    Attributes:
        name: Path inside its part, the same in every run.
        array: Samples, (height, width, channels), uint8 or uint16.
        columns: What the metadata says of it.
    """

    name: str
    array: NDArray[np.uint8] | NDArray[np.uint16]
    columns: Mapping[str, Any] = field(default_factory=dict)


def build_part(folder: Path, rights: Rights, files: Files) -> None:
    """Writes a part with its `rights.json`; one that is there is left as it is.

    Args:
        folder: Where to; appears only when all of it is written.
        rights: The terms of the whole part.
        files: What else it holds; not asked for where the part is there.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        beside.chmod(0o755)
        for name, content in files:
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        write_json(beside / "rights.json", asdict(rights))
        settle(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def settle(beside: Path, folder: Path) -> None:
    """Gives a finished folder its name, unless another process was first with the same."""
    try:
        beside.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return
    sync(folder.parent)


def labelled(samples: Iterable[Sample]) -> Iterator[tuple[str, bytes]]:
    """The files of pictures with their `metadata.jsonl`."""
    rows = []
    for sample in samples:
        yield sample.name, png(sample.array)
        rows.append({"file_name": sample.name, **sample.columns})
    yield "metadata.jsonl", lines(rows)


def png(array: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """A picture (height, width, channels) as a file."""
    return encode(Picture(array), "png")


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def drawn_by_lot(name: str, group: str, share: int) -> bool:
    """Whether a group of a set is among the `share` % that are held out.

    It depends on nothing but the two names, so a group stays on its side when
    others come and go.
    """
    return derive(0, "held out", name, group) % 100 < share


def rights_of(samples: Iterable[Sample], source: str) -> Rights:
    """The rights of a part from the columns `licence` and `attribution` of its pictures."""
    columns = [sample.columns for sample in samples]
    licences = sorted({str(one["licence"]) for one in columns})
    names = sorted({str(one["attribution"]) for one in columns})
    return Rights(" AND ".join(licences), tuple(names), source)
