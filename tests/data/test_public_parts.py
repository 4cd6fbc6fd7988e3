from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mintmark.core.records import Rights
from mintmark.data.public import parts
from mintmark.data.public.parts import Sample, build_part, drawn_by_lot, labelled, rights_of
from mintmark.data.readers import open_source, take_snapshot

RIGHTS = Rights("CC0-1.0", ("Somebody",), "a test")


def samples(count: int = 3) -> list[Sample]:
    return [
        Sample(f"a/{place}.png", np.full((8, 8, 3), place, np.uint8), {"text": f"shade {place}"})
        for place in range(count)
    ]


def test_a_part_is_read_back_with_its_columns_and_rights(tmp_path: Path) -> None:
    build_part(tmp_path / "deep" / "train", RIGHTS, labelled(samples()))
    snapshot, broken = take_snapshot(open_source(tmp_path / "deep" / "train"))
    assert not broken and snapshot.rights == RIGHTS
    assert [(item.name, item.text) for item in snapshot.items] == [
        ("a/0.png", "shade 0"),
        ("a/1.png", "shade 1"),
        ("a/2.png", "shade 2"),
    ]


def test_a_part_that_is_there_is_not_even_asked_for(tmp_path: Path) -> None:
    def never() -> Iterator[tuple[str, bytes]]:
        raise AssertionError("it was built again")
        yield

    (tmp_path / "train").mkdir()
    build_part(tmp_path / "train", RIGHTS, never())
    assert list((tmp_path / "train").iterdir()) == []


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def full() -> Iterator[tuple[str, bytes]]:
        yield "a.png", b"x"
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        build_part(tmp_path / "train", RIGHTS, full())
    assert list(tmp_path.iterdir()) == []


def test_losing_a_race_is_no_error(tmp_path: Path) -> None:
    first, second = tmp_path / ".first", tmp_path / ".second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "x").touch()
        parts.settle(folder, tmp_path / "train")
    assert (tmp_path / "train" / "x").exists()


def test_the_lot_knows_only_the_names_and_keeps_the_share() -> None:
    groups = [f"group {place}" for place in range(2000)]
    held = [group for group in groups if drawn_by_lot("a set", group, 10)]
    assert 150 < len(held) < 250
    assert held == [group for group in reversed(groups) if drawn_by_lot("a set", group, 10)][::-1]
    assert held != [group for group in groups if drawn_by_lot("another", group, 10)]


def test_rights_name_every_licence_and_everybody_once() -> None:
    said = [("MIT", "B"), ("CC0-1.0", "A"), ("MIT", "B"), ("MIT", "C")]
    array = np.zeros((8, 8, 1), np.uint8)
    made = [Sample("x", array, {"licence": one, "attribution": two}) for one, two in said]
    assert rights_of(made, "here") == Rights("CC0-1.0 AND MIT", ("A", "B", "C"), "here")
