import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mintmark.core.errors import DataError
from mintmark.core.records import Rights
from mintmark.data.manifest import Item, Snapshot, changes, load


def item(name: str, **values: Any) -> Item:
    first = Item(name, "0" * 64, 10, 8, 8, 3, 8, 0, "a é", {"age": 3, "tags": ["x"]})
    return replace(first, **values)


SNAPSHOT = Snapshot((item("a.png"), item("b.png", label=None)), ("cat",), Rights("CC0-1.0", ("A",)))


def test_a_snapshot_comes_back_from_disk(tmp_path: Path) -> None:
    SNAPSHOT.save(tmp_path / "s.json")
    again = load(tmp_path / "s.json")
    assert again == SNAPSHOT and again.digest == SNAPSHOT.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(SNAPSHOT, classes=("dog",)),
        replace(SNAPSHOT, rights=Rights()),
        replace(SNAPSHOT, items=SNAPSHOT.items[:1]),
        replace(SNAPSHOT, items=(item("a.png", label=1), SNAPSHOT.items[1])),
        replace(SNAPSHOT, items=(item("a.png", attributes={}), SNAPSHOT.items[1])),
    ],
)
def test_the_digest_covers_everything(other: Snapshot) -> None:
    assert other.digest != SNAPSHOT.digest
    assert changes(SNAPSHOT, other)


def test_the_digest_is_fixed_for_ever() -> None:
    """Runs and packages name their data by it; change the version if it must change."""
    expected = "db47008a8a924ddeeca3c2d86d92bb9d2f504b57bcca32731af189e8f7490bdc"
    assert SNAPSHOT.digest == expected


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_changed_snapshot_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    SNAPSHOT.save(path)
    path.write_text(path.read_text().replace("CC0-1.0", "MIT"))
    with pytest.raises(DataError, match="changed after it was saved"):
        load(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"format": "x"}, "not a snapshot"),
        ({"snapshot": {"items": []}}, "lacks parts"),
        ({"snapshot": None}, "lacks parts"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    path = tmp_path / "s.json"
    SNAPSHOT.save(path)
    edit(path, **values)
    with pytest.raises(DataError, match=message):
        load(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"[]"])
def test_bytes_that_are_no_snapshot_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(DataError, match=r"s\.json"):
        load(tmp_path / "s.json")


def test_a_missing_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "none.json")


def test_changes_are_told_in_one_sentence() -> None:
    new = Snapshot(
        (item("a.png", sha256="1" * 64), *(item(f"{n}.png") for n in "cdef")), (), Rights()
    )
    assert changes(SNAPSHOT, SNAPSHOT) == ""
    assert changes(SNAPSHOT, new) == (
        "4 pictures added (c.png, d.png, e.png, …), 1 picture removed (b.png), "
        "1 picture changed (a.png), classes differ, rights differ"
    )
