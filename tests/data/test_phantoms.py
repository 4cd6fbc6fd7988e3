"""The drawn slices: what the metadata says of their lesions is in the pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.data.pictures import decode
from mintmark.data.public import phantoms
from mintmark.data.public.phantoms import CONTRAST, COUNTS, RADIUS, RING, SIDE, Ellipse, coverage
from mintmark.data.readers import open_source, take_snapshot


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantoms.build(tmp_path_factory.mktemp("phantoms") / "set", limit=12)


def units(path: Path) -> NDArray[np.float64]:
    """Hounsfield units of a picture."""
    array = decode(path.read_bytes(), path.name).array
    assert array.shape == (SIDE, SIDE, 1) and array.dtype == np.uint16
    return array[..., 0] / 65535 * 2000 - 1000


def rows(part: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (part / "metadata.jsonl").read_text().splitlines()]


def test_a_second_build_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = phantoms.build(tmp_path / "again", limit=12)
    files = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert len(files) == 3 * (12 + 2)
    assert all((again / name).read_bytes() == (built / name).read_bytes() for name in files)


def test_every_part_is_a_data_set_under_cc0(built: Path) -> None:
    for part in COUNTS:
        snapshot, broken = take_snapshot(open_source(built / part))
        assert len(snapshot.items) == 12 and not broken
        assert snapshot.rights.licence == "CC0-1.0" and snapshot.rights.attribution
        assert not snapshot.classes


def test_no_slice_is_drawn_twice(built: Path) -> None:
    pictures = [path.read_bytes() for path in built.rglob("*.png")]
    assert len(set(pictures)) == len(pictures) == 36


def test_lesions_are_where_and_what_the_metadata_says(built: Path) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    found = 0
    for row in rows(built / "train") + rows(built / "held-out"):
        part = built / ("train" if row in rows(built / "train") else "held-out")
        slice_ = units(part / row["file_name"])
        for one in row["lesions"]:
            away = np.hypot(y - one["y"], x - one["x"]) - one["radius"]
            contrast = slice_[away < -1].mean() - slice_[(away > 1) & (away < RING)].mean()
            assert contrast == pytest.approx(one["contrast"], abs=12)
            assert CONTRAST[0] <= abs(one["contrast"]) < CONTRAST[1]
            assert RADIUS[0] <= one["radius"] <= RADIUS[1]
            found += 1
    assert found > 5


def test_the_lesion_free_have_none(built: Path) -> None:
    assert all(row["lesions"] == [] for row in rows(built / "held-out-lesion-free"))


def test_a_slice_is_a_body_in_air(built: Path) -> None:
    for path in sorted((built / "train").glob("*.png")):
        slice_ = units(path)
        edge = np.concatenate([slice_[0], slice_[-1], slice_[:, 0], slice_[:, -1]])
        assert (edge == -1000).all()
        assert 0.2 < (slice_ > -200).mean() < 0.7  # tissue
        assert 0.001 < (slice_ > 300).mean() < 0.1  # bone
        assert np.abs(slice_ - slice_.round()).max() < 0.02  # whole units


def test_coverage_has_the_area_of_the_ellipse_wherever_it_lies() -> None:
    for ellipse in (Ellipse(60, 50, 20, 11, 0, 0.7), Ellipse(64.3, 60.8, 5.5, 2.5, 0, 2)):
        box, share = coverage(ellipse)
        assert share.sum() == pytest.approx(np.pi * ellipse.a * ellipse.b, rel=0.02)
        assert share.min() >= 0 and share.max() == 1
        y = np.arange(SIDE)[box[0]]
        assert (share.sum(1) * y).sum() / share.sum() == pytest.approx(ellipse.y, abs=0.05)
    outside, share = coverage(Ellipse(-50, 300, 5, 5, 0))
    assert share.size == 0 and outside[0].start == 0
