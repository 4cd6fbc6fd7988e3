from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mintmark.data.pictures import decode
from mintmark.data.public import digits
from mintmark.data.readers import open_source, take_snapshot


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits.build(tmp_path_factory.mktemp("public") / "digits")


def test_the_split_is_by_contiguous_blocks(built: Path) -> None:
    for part, ids in (("train", range(1200)), ("held-out", range(1200, 1797))):
        paths = (built / part).glob("*/*.png")
        assert sorted(int(path.stem) for path in paths) == list(ids)


def test_the_samples_and_labels_are_those_of_the_set(built: Path) -> None:
    real = load_digits()
    source = open_source(built / "held-out")
    assert source.classes == tuple("0123456789")
    for entry in source.entries[::37]:
        place = int(Path(entry.name).stem)
        array = decode(source.read(entry.name), entry.name).array[..., 0]
        assert entry.label == real.target[place]
        assert np.array_equal(
            array, [[round(v * 255 / 16) for v in row] for row in real.images[place]]
        )


def test_it_carries_its_rights(built: Path) -> None:
    snapshot, broken = take_snapshot(open_source(built / "train"))
    assert not broken and len(snapshot.items) == 1200
    assert snapshot.rights.licence == "CC-BY-4.0"
    assert "E. Alpaydin and C. Kaynak" in snapshot.rights.attribution


def test_building_again_changes_nothing(built: Path) -> None:
    stamp = (built / "train").stat().st_mtime_ns
    assert digits.build(built) == built
    assert (built / "train").stat().st_mtime_ns == stamp
    assert sorted(path.name for path in built.iterdir()) == ["held-out", "train"]
