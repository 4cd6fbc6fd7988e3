import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mintmark.core.media import Picture
from mintmark.core.records import Rights
from mintmark.data.doctor import Finding, Report, examine, grey_cells, near_copies
from mintmark.data.encode import encode
from mintmark.data.manifest import Snapshot
from mintmark.data.readers import open_source, take_snapshot

Fill = Callable[..., list[Path]]


def findings(folder: Path, size: int = 8, whole: bool = True) -> dict[str, Finding]:
    source = open_source(folder)
    snapshot, broken = take_snapshot(source, skip_broken=True)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    report = examine(source, snapshot, broken, size, whole)
    assert before == sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    return {finding.title: finding for finding in report.findings}


@pytest.fixture
def healthy(tmp_path: Path, fill: Fill) -> Path:
    folder = tmp_path / "d"
    fill(folder, *(f"{label}/{place:03}{label * 9}.png" for label in "ab" for place in range(50)))
    for place, path in enumerate(sorted(folder.rglob("*.png"))):
        noise = np.random.default_rng(place).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        path.write_bytes(encode(Picture(noise), "png"))
    (folder / "rights.json").write_text('{"licence": "CC0-1.0"}')
    return folder


def test_healthy_data_has_no_finding(healthy: Path) -> None:
    assert findings(healthy) == {}
    assert Report(()).text() == "Nothing to complain about."


def test_unreadable_files(healthy: Path) -> None:
    (healthy / "a/bad.png").write_bytes(b"no")
    finding = findings(healthy)["1 picture cannot be read"]
    assert finding.level == "error" and finding.names == ("a/bad.png",)
    assert "its content is none of" in finding.detail


def test_exact_copies_in_another_coding(healthy: Path) -> None:
    image = Image.open(sorted((healthy / "a").iterdir())[0])
    image.save(healthy / "b/copy.webp", lossless=True)
    finding = findings(healthy)["1 picture repeated exactly"]
    assert finding.names[0].startswith("b/copy.webp = a/000")


def photo(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)


def test_near_copies(tmp_path: Path) -> None:
    for seed in range(30):
        photo(seed).save(tmp_path / f"{seed:02}.png")
    photo(3).resize((64, 64), Image.Resampling.LANCZOS).save(tmp_path / "small.png")
    photo(7).save(tmp_path / "zip.jpg", quality=60)
    finding = findings(tmp_path)["2 pictures nearly alike an earlier one"]
    assert finding.names == ("small.png ~ 03.png", "zip.jpg ~ 07.png")


def test_flat_pictures_of_other_colours_are_not_near() -> None:
    flat = [np.full((8, 8, 1), level, dtype=np.uint8) for level in (0, 100, 102, 255)]
    cells = np.stack([grey_cells(Picture(array)) for array in flat])
    assert near_copies(cells).tolist() == [[2, 1]]


def test_near_copies_are_found_across_blocks() -> None:
    cells = np.random.default_rng(0).integers(0, 256, (700, 8, 9), dtype=np.uint8)
    cells[650] = cells[3]
    cells[651] = cells[650]
    assert near_copies(cells).tolist() == [[650, 3], [651, 3]]
    assert near_copies(cells[:0]).shape == (0, 2)


@pytest.mark.parametrize(("bits", "near"), [(2, 1), (3, 0)])
def test_near_means_two_bits_at_most(bits: int, near: int) -> None:
    cells = np.random.default_rng(0).integers(0, 256, (2, 8, 9), dtype=np.uint8)
    cells[1] = cells[0]
    cells[:, :bits, 0] = cells[:, :bits, 1] = 100
    cells[1, :bits, 0] += 1
    assert len(near_copies(cells)) == near


def test_sizes_and_aspects(healthy: Path) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    (healthy / "a/wide.png").write_bytes(encode(Picture(wide), "png"))
    told = findings(healthy)
    assert "The commonest is 8 x 8 (100 pictures)" in told["2 different sizes"].detail
    assert told["1 picture far from square"].names == ("a/wide.png",)
    pieces = findings(healthy, size=9, whole=False)
    assert not {"2 different sizes", "1 picture far from square"} & set(pieces)
    assert "101 pictures smaller than 9 x 9" in pieces


def test_pictures_smaller_than_the_training_size(healthy: Path) -> None:
    assert len(findings(healthy, size=9)["100 pictures smaller than 9 x 9"].names) == 100


def test_unbalanced_classes(healthy: Path) -> None:
    for path in sorted((healthy / "b").iterdir())[16:]:
        path.unlink()
    finding = findings(healthy)["the classes are unbalanced"]
    assert finding.names == ("a", "b") and "a has 50 pictures, b has 16" in finding.detail


def test_too_few(healthy: Path) -> None:
    sorted((healthy / "b").iterdir())[0].unlink()
    assert findings(healthy)["only 99 pictures in all"].level == "warning"


def test_fewer_than_two_is_an_error(healthy: Path) -> None:
    source = open_source(healthy)
    snapshot, _ = take_snapshot(source)
    one = Snapshot(snapshot.items[:1], (), snapshot.rights)
    assert examine(source, one, (), 8).findings[0].level == "error"


def test_mixed_channels_and_unspecified_rights(healthy: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    (healthy / "a/grey.png").write_bytes(encode(Picture(grey), "png"))
    (healthy / "rights.json").unlink()
    told = findings(healthy)
    mixed = told["grey, colour or transparent pictures are mixed"]
    assert "1 grey, 100 RGB" in mixed.detail
    assert told["the rights are unspecified"].level == "note"


def test_the_gravest_comes_first_and_names_are_few(healthy: Path) -> None:
    (healthy / "a/bad.png").write_bytes(b"no")
    (healthy / "rights.json").unlink()
    large = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    (healthy / "b/large.png").write_bytes(encode(Picture(large), "png"))
    source = open_source(healthy)
    snapshot, broken = take_snapshot(source, skip_broken=True)
    report = examine(source, replace(snapshot, rights=Rights()), broken, 16)
    assert [finding.level for finding in report.findings] == [
        "error", "warning", "note", "note"
    ]  # fmt: skip
    lines = report.text().splitlines()
    assert lines[0].startswith("error: 1 picture cannot be read. ")
    assert "    … and 95 more" in lines


def test_a_copied_class_is_told_in_full(healthy: Path) -> None:
    shutil.rmtree(healthy / "b")
    shutil.copytree(healthy / "a", healthy / "b")
    assert len(findings(healthy)["50 pictures repeated exactly"].names) == 50
