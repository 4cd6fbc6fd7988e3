import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arrays import noise
from numpy.typing import NDArray

from mintmark.core.errors import DataError
from mintmark.core.files import digest_file
from mintmark.metrics import features, reference
from mintmark.metrics.extractors import Extractor, extract, from_net
from mintmark.metrics.reference import features_of

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return from_net(features.fit(noise(0, 8, 1, 8, 8), np.arange(8) % 2, 0, epochs=1), "mine")


PICTURES = noise(1, 20, 1, 8, 8)
OTHERS = noise(2, 20, 1, 8, 8)


def entry(folder: Path) -> Path:
    (path,) = folder.glob("*.npy")
    return path


def seal(path: Path, **changes: object) -> None:
    """Makes the file beside an array fit it again."""
    beside = path.with_suffix(".json")
    facts = json.loads(beside.read_bytes())
    beside.write_text(json.dumps({**facts, "sha256": digest_file(path), **changes}))


def test_features_are_kept_to_the_last_bit(extractor: Extractor, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "references"
    direct = extract(extractor, PICTURES)
    for _ in range(2):
        found = features_of(extractor, PICTURES, "snapshot", folder)
        assert found.dtype == np.float64
        assert np.array_equal(found, direct)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".npy"]


def test_an_entry_is_used(extractor: Extractor, tmp_path: Path) -> None:
    features_of(extractor, PICTURES, "snapshot", tmp_path)
    planted = np.arange(20 * 64, dtype=np.float32).reshape(20, 64)
    np.save(entry(tmp_path), planted)
    seal(entry(tmp_path))
    assert np.array_equal(features_of(extractor, PICTURES, "snapshot", tmp_path), planted)


def test_another_choice_from_one_snapshot_is_another_entry(
    extractor: Extractor, tmp_path: Path
) -> None:
    last = PICTURES.copy()
    last[-1, 0, -1, -1] ^= 1
    for pixels in (PICTURES, OTHERS, PICTURES[::-1], last):
        found = features_of(extractor, pixels, "snapshot", tmp_path)
        assert np.array_equal(found, extract(extractor, pixels))
    assert len(list(tmp_path.glob("*.npy"))) == 4


def test_whatever_decides_the_features_is_in_the_key(
    extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features_of(extractor, PICTURES, "snapshot", tmp_path)
    for other in (
        replace(extractor, digest="other"),
        replace(extractor, resize="other"),
        replace(extractor, scaling="other"),
        replace(extractor, size=9),
    ):
        features_of(other, PICTURES, "snapshot", tmp_path)
    features_of(extractor, PICTURES, "other", tmp_path)
    features_of(extractor, PICTURES[:19], "snapshot", tmp_path)
    monkeypatch.setattr(reference, "version", lambda: "other")
    features_of(extractor, PICTURES, "snapshot", tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 8
    assert len(list(tmp_path.glob("*.json"))) == 8


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def pickled(path: Path) -> None:
    np.save(path, np.array([{"hostile": True}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("damage", [flip, cut, empty, remove, pickled])
@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_damaged_entries_are_made_anew(
    extractor: Extractor, tmp_path: Path, damage: object, suffix: str
) -> None:
    direct = features_of(extractor, PICTURES, "snapshot", tmp_path)
    path = entry(tmp_path)
    assert callable(damage)
    damage(path.with_suffix(suffix))
    assert np.array_equal(features_of(extractor, PICTURES, "snapshot", tmp_path), direct)
    assert np.array_equal(np.load(path), direct.astype(np.float32))
    assert json.loads(path.with_suffix(".json").read_bytes())["sha256"] == digest_file(path)


@pytest.mark.parametrize("change", [{"snapshot": "foreign"}, {"extractor": ""}, {"more": 1}])
def test_an_entry_of_other_facts_is_made_anew(
    extractor: Extractor, tmp_path: Path, change: dict[str, object]
) -> None:
    direct = features_of(extractor, PICTURES, "snapshot", tmp_path)
    np.save(entry(tmp_path), np.zeros_like(direct, dtype=np.float32))
    seal(entry(tmp_path), **change)
    assert np.array_equal(features_of(extractor, PICTURES, "snapshot", tmp_path), direct)


class Hostile:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.folder),)


def test_a_well_sealed_array_of_another_kind_is_made_anew(
    extractor: Extractor, tmp_path: Path
) -> None:
    direct = features_of(extractor, PICTURES, "snapshot", tmp_path)
    path, folder = entry(tmp_path), tmp_path / "unpickled"
    for array in (np.zeros((20, 63)), np.array([Hostile(folder)], dtype=object)):
        np.save(path, array, allow_pickle=True)
        seal(path)
        assert np.array_equal(features_of(extractor, PICTURES, "snapshot", tmp_path), direct)
        assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_named(extractor: Extractor, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    with pytest.raises(DataError, match="MINTMARK_CACHE"):
        features_of(extractor, PICTURES, "snapshot", file)
