"""Pairs: which picture is the input of which, and what keeps two from being a pair."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.data.loader import prepare
from mintmark.data.manifest import Snapshot
from mintmark.data.pairs import Row, halves, pairs
from mintmark.data.palette import palette_of, require_known
from mintmark.data.readers import Source, open_source, take_snapshot

SIZE = 16


def picture(level: int, size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    return encode(Picture(np.full((*size, 3), level, np.uint8)), "png")


def folder(root: Path, given: str = "input", target: str = "target", count: int = 3) -> Path:
    """Pairs whose input is of level i and whose target of level 100 + i."""
    for side, base in ((given, 0), (target, 100)):
        (root / side).mkdir(parents=True)
        for place in range(count):
            (root / side / f"{place}.png").write_bytes(picture(base + place))
    return root


def opened(root: Path) -> tuple[Source, Snapshot]:
    source = open_source(root)
    return source, take_snapshot(source)[0]


def names(rows: list[Row]) -> list[tuple[str, ...]]:
    return [tuple(part.item.name for part in row) for row in rows]


def test_two_folders_pair_by_name(tmp_path: Path) -> None:
    _, snapshot = opened(folder(tmp_path))
    assert names(pairs(snapshot, None)) == [(f"input/{i}.png", f"target/{i}.png") for i in range(3)]


def test_suffixes_and_wrappers_do_not_matter(tmp_path: Path) -> None:
    root = folder(tmp_path / "wrapper")
    (root / "target" / "1.png").rename(root / "target" / "1.tiff")
    (root / "target" / "1.tiff").write_bytes(
        encode(Picture(np.full((SIZE, SIZE, 3), 101, np.uint8)), "tiff")
    )
    _, snapshot = opened(tmp_path)
    assert names(pairs(snapshot, None))[1] == ("wrapper/input/1.png", "wrapper/target/1.tiff")


def test_folders_of_other_names_must_be_told_apart(tmp_path: Path) -> None:
    _, snapshot = opened(folder(tmp_path, "after", "before"))
    with pytest.raises(DataError, match="--input after or --input before"):
        pairs(snapshot, None)
    assert names(pairs(snapshot, "before"))[0] == ("before/0.png", "after/0.png")


def test_metadata_names_pairs(tmp_path: Path) -> None:
    root = folder(tmp_path, "a", "b")
    lines = ["input_file_name,target_file_name,text", "a/0.png,b/2.png,first"]
    lines += ["a/1.png,b/1.png,second", "a/2.png,b/0.png,third"]
    (root / "metadata.csv").write_text("\n".join(lines))
    _, snapshot = opened(root)
    found = pairs(snapshot, None)
    assert names(found) == [("a/0.png", "b/2.png"), ("a/1.png", "b/1.png"), ("a/2.png", "b/0.png")]
    assert found[0][1].item.text == "first"


def test_a_missing_partner_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "target" / "1.png").unlink()
    with pytest.raises(DataError, match=r"input/1\.png has no partner"):
        pairs(opened(root)[1], None)


def test_pairs_of_two_sizes_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "target" / "2.png").write_bytes(picture(0, (8, SIZE)))
    with pytest.raises(DataError, match=r"input/2\.png has 16 x 16 .* target/2\.png 16 x 8"):
        pairs(opened(root)[1], None)


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "input" / "1.jpg").write_bytes(encode(Picture(np.zeros((16, 16, 3), np.uint8)), "jpeg"))
    with pytest.raises(DataError, match=r"input/1\.jpg and input/1\.png"):
        pairs(opened(root)[1], None)


def test_one_folder_is_no_pairs(tmp_path: Path) -> None:
    root = folder(tmp_path)
    with pytest.raises(DataError, match="no two folders"):
        pairs(opened(root / "input")[1], None)


@pytest.mark.parametrize("target", ["left", "right"])
def test_halves_of_one_picture(tmp_path: Path, target: str) -> None:
    array = np.zeros((SIZE, 2 * SIZE, 3), np.uint8)
    array[:, SIZE:] = 200
    for place in range(2):
        (tmp_path / f"{place}.png").write_bytes(encode(Picture(array), "png"))
    source, snapshot = opened(tmp_path)
    rows = halves(snapshot, "left" if target == "left" else "right")
    made = prepare(source, snapshot, (6, SIZE, SIZE), tmp_path / ".cache", "whole", rows)
    given, wanted = made.pixels[0, :3], made.pixels[0, 3:]
    assert (given.max(), wanted.min()) == ((0, 200) if target == "right" else (200, 0))


def test_an_odd_width_has_no_halves(tmp_path: Path) -> None:
    for place in range(2):
        (tmp_path / f"{place}.png").write_bytes(picture(0, (8, 17)))
    with pytest.raises(DataError, match=r"0\.png, 1\.png cannot be halved"):
        halves(opened(tmp_path)[1], "right")


def test_the_array_holds_both(tmp_path: Path) -> None:
    source, snapshot = opened(folder(tmp_path / "data"))
    rows = pairs(snapshot, None)
    made = prepare(source, snapshot, (6, 8, 8), tmp_path / "cache", "whole", rows)
    assert made.pixels.shape == (3, 6, 8, 8) and made.labels is None
    assert made.pixels[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert made.pixels[:, 3, 0, 0].tolist() == [100, 101, 102]


def test_the_other_way_round_is_another_array(tmp_path: Path) -> None:
    source, snapshot = opened(folder(tmp_path / "data"))
    there = (
        prepare(source, snapshot, (6, 8, 8), tmp_path / "c", "whole", pairs(snapshot, name))
        for name in ("input", "target")
    )
    first, second = there
    assert np.array_equal(first.pixels[:, :3], second.pixels[:, 3:])


def quarters() -> NDArray[np.uint8]:
    """Four parts whose borders do not fall between the pixels of a smaller picture."""
    array = np.zeros((30, 30, 3), np.uint8)
    array[:13, 13:], array[13:, :13], array[13:, 13:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return array


def maps(root: Path, array: NDArray[np.uint8]) -> tuple[Source, Snapshot]:
    for side in ("input", "target"):
        (root / side).mkdir(parents=True)
        for place in range(2):
            (root / side / f"{place}.png").write_bytes(encode(Picture(array), "png"))
    return opened(root)


def test_colours_of_maps_are_never_mixed(tmp_path: Path) -> None:
    source, snapshot = maps(tmp_path / "data", quarters())
    rows = pairs(snapshot, None, exact=True)
    palette = palette_of(source, (row[0] for row in rows))
    assert palette == ((0, 0, 0), (0, 0, 255), (0, 255, 0), (255, 0, 0))
    made = prepare(source, snapshot, (6, 8, 8), tmp_path / "c", "whole", rows)
    shown = {tuple(colour) for colour in made.pixels[0, :3].reshape(3, -1).T.tolist()}
    mixed = {tuple(colour) for colour in made.pixels[0, 3:].reshape(3, -1).T.tolist()}
    assert shown == set(palette) and mixed != shown


def test_a_photograph_is_no_map(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    source, snapshot = maps(tmp_path, noise)
    with pytest.raises(DataError, match="more than 64 colours"):
        palette_of(source, (row[0] for row in pairs(snapshot, None)))


def test_an_unknown_colour_is_named(tmp_path: Path) -> None:
    palette = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    require_known(Picture(quarters()), palette, "a.png")
    array = quarters()
    array[0, 0] = (0, 250, 1)
    with pytest.raises(DataError, match=r"a\.png has the colour #00fa01, .* nearest .* is #00ff00"):
        require_known(Picture(array), palette, "a.png")
