"""Tasks that see pictures whole, from a folder to results; what they cannot do is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arrays import array_of, noise, write
from numpy.typing import NDArray

from mintmark.actions.apply import apply
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_file
from mintmark.provenance.mark import read_recipe

Array = NDArray[Any]
Learned = Callable[[str], Path]


def mask(height: int, width: int) -> Array:
    found = np.zeros((height, width, 1), np.uint8)
    found[height // 4 : height // 2, width // 4 : width // 2] = 255
    return found


def thing(place: int, channels: int = 4) -> Array:
    found = np.zeros((20, 30, channels), np.uint8)
    found[5:15, 5 + place : 25] = 255
    return found


def request_of(task: str, folder: Path, out: Path) -> TrainRequest:
    return TrainRequest(task=task, data=folder, out=out, preset="tiny", size=32, batch=4, images=20)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for place in range(2):
        write(folder / f"backgrounds/{place}.png", noise(0, 40, 70, 3))
        write(folder / f"objects/{place}.png", thing(place))
    return folder


@pytest.fixture(scope="module")
def learned(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """Packages that have learned next to nothing."""
    folder = tmp_path_factory.mktemp("runs")

    def of(task: str) -> Path:
        if not (folder / task).exists():
            source = data if task == "saliency" else data / "backgrounds"
            finish(train(request_of(task, source, folder / task), open_world()))
        return folder / task / "package"

    return of


def applied(package: Path, picture: Path, **more: object) -> list[Path]:
    asked = {"package": str(package), "pictures": (picture,), "out": picture.parent / "out"}
    found: list[Path] = finish(apply(ApplyRequest.model_validate(asked | more), open_world()))
    return found


def test_the_shape_of_what_is_seen_in_parts_is_no_trouble(learned: Learned) -> None:
    told = (learned("colourise").parent / "data.txt").read_text()
    assert "only 2 pictures in all" in told and "far from square" not in told


def test_a_grey_picture_comes_out_in_colour(learned: Learned, tmp_path: Path) -> None:
    before = noise(0, 40, 60, 1)
    (made,) = applied(learned("colourise"), write(tmp_path / "a.png", before), compare=True)
    after = array_of(made)
    assert after.shape == (40, 60, 3)
    assert np.abs(after @ [0.2126, 0.7152, 0.0722] - before[..., 0]).max() <= 0.51
    assert array_of(made.with_name("a.png.compare.png")).shape[2] == 3


def test_colours_are_not_learned_from_grey(tmp_path: Path) -> None:
    for place in range(2):
        write(tmp_path / f"data/{place}.png", noise(0, 40, 70, 1))
    with pytest.raises(ConfigError, match="All pictures are grey"):
        finish(train(request_of("colourise", tmp_path / "data", tmp_path / "run"), open_world()))
    assert not (tmp_path / "run").exists()


def test_only_the_pasted_part_changes_and_the_recipe_names_it(
    learned: Learned, tmp_path: Path
) -> None:
    before, part = noise(0, 50, 60, 4), mask(50, 60)
    where = write(tmp_path / "masks/a.png", part)
    (made,) = applied(learned("harmonise"), write(tmp_path / "a.png", before), mask=where.parent)
    after, inside = array_of(made), part[..., 0] > 0
    assert np.array_equal(after[~inside], before[~inside])
    assert np.array_equal(after[..., 3], before[..., 3])
    assert not np.array_equal(after[inside], before[inside])
    assert read_recipe(made.read_bytes(), made.name).inputs["mask"] == digest_file(where)


def test_pasted_parts_must_be_named(learned: Learned, tmp_path: Path) -> None:
    picture = write(tmp_path / "a.png", noise(0, 50, 60, 3))
    where = write(tmp_path / "mask.png", mask(50, 60))
    wrong: list[dict[str, object]] = [{}, {"mask": where, "outpaint": {"left": 4}}]
    for asked in wrong:
        with pytest.raises(ConfigError, match="white where something was pasted"):
            applied(learned("harmonise"), picture, **asked)
    with pytest.raises(ConfigError, match="There is no mask"):
        applied(learned("harmonise"), picture, mask=tmp_path / "none.png")
    with pytest.raises(DataError, match="a mask of the same size"):
        applied(learned("harmonise"), picture, mask=write(where, mask(20, 20)))
    with pytest.raises(ConfigError, match="fills nothing"):
        applied(learned("saliency"), picture, mask=where)


def test_composites_need_two_folders(data: Path, tmp_path: Path) -> None:
    for folder in (data / "backgrounds", data / "objects"):
        with pytest.raises(DataError, match="has no folder backgrounds; this task learns from"):
            finish(train(request_of("saliency", folder, tmp_path / "run"), open_world()))
    assert not (tmp_path / "run").exists()


def test_objects_need_transparency(tmp_path: Path) -> None:
    for place in range(2):
        write(tmp_path / f"data/backgrounds/{place}.png", noise(0, 40, 70, 3))
        write(tmp_path / f"data/objects/{place}.png", thing(place, 3 + place))
    with pytest.raises(DataError, match=r"objects/0.png has no transparency"):
        finish(train(request_of("saliency", tmp_path / "data", tmp_path / "run"), open_world()))
    assert not (tmp_path / "run").exists()
