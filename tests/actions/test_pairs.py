"""Tasks that learn from pairs: what they learn, what they refuse, at which scale they work."""

from collections import deque
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.actions.apply import apply
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError, ResumeError
from mintmark.core.media import Picture
from mintmark.core.records import Progress
from mintmark.data.encode import encode
from mintmark.data.pictures import decode
from mintmark.models.package import from_pretrained

SIZE = 16
RED, BLUE = (255, 0, 0), (0, 0, 255)


def followed(steps: Generator[Progress, None, object]) -> None:
    deque(steps, maxlen=0)


def saved(path: Path, array: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(Picture(array), "png"))


def halved(left: tuple[int, ...], right: tuple[int, ...], size: int = SIZE) -> NDArray[np.uint8]:
    """A square picture of two colours."""
    array = np.empty((size, size, 3), np.uint8)
    array[:, : size // 2], array[:, size // 2 :] = left, right
    return array


def dataset(root: Path, given: str = "input", count: int = 8) -> Path:
    """Maps of two parts, and pictures in which the red one is green and the other grey."""
    for place in range(count):
        colours = (RED, BLUE) if place % 2 else (BLUE, RED)
        painted = [(0, 200, 0) if one is RED else (90, 90, 90) for one in colours]
        saved(root / given / f"{place}.png", halved(*colours))
        saved(root / "target" / f"{place}.png", halved(painted[0], painted[1]))
    return root


def request(task: str, data: Path, out: Path, **more: object) -> TrainRequest:
    return TrainRequest.model_validate(
        {"task": task, "data": data, "out": out, "preset": "tiny", "batch": 8, "images": 32} | more
    )


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that has learned to paint those maps."""
    root = tmp_path_factory.mktemp("painter")
    data = dataset(root / "data", "map")
    wish = request("layout-to-picture", data, root / "run", input="map", images=8 * 60)
    followed(train(wish, open_world()))
    return root / "run" / "package"


def test_it_paints_as_the_pairs_show(painter: Path, tmp_path: Path) -> None:
    saved(tmp_path / "in" / "a.png", halved(RED, BLUE))
    wish = ApplyRequest(
        package=str(painter), pictures=(tmp_path / "in",), out=tmp_path / "out", fidelity=1
    )
    followed(apply(wish, open_world()))
    made = decode((tmp_path / "out" / "a.png").read_bytes(), "a.png").array.astype(int)
    left, right = made[:, : SIZE // 2].mean((0, 1)), made[:, SIZE // 2 :].mean((0, 1))
    assert np.abs(left - (0, 200, 0)).max() < 40 and np.abs(right - 90).max() < 40


def test_the_colours_of_the_maps_are_kept(painter: Path) -> None:
    assert from_pretrained(painter).config.args["palette"] == [list(BLUE), list(RED)]


def test_it_works_at_the_scale_that_it_learned(painter: Path, tmp_path: Path) -> None:
    wide = np.concatenate([halved(RED, BLUE, 64)] * 2, axis=1)
    saved(tmp_path / "wide.png", wide)
    wish = ApplyRequest(
        package=str(painter), pictures=(tmp_path / "wide.png",), out=tmp_path / "out"
    )
    followed(apply(wish, open_world()))
    made = decode((tmp_path / "out" / "wide.png").read_bytes(), "wide.png")
    assert (made.height, made.width) == (SIZE, 2 * SIZE)


def test_a_map_with_an_unknown_part_is_left_and_told(painter: Path, tmp_path: Path) -> None:
    saved(tmp_path / "in" / "good.png", halved(RED, BLUE))
    saved(tmp_path / "in" / "odd.png", halved(RED, (0, 10, 250)))
    wish = ApplyRequest(package=str(painter), pictures=(tmp_path / "in",), out=tmp_path / "out")
    with pytest.raises(DataError, match=r"odd\.png has the colour #000afa.* #0000ff"):
        followed(apply(wish, open_world()))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


def test_maps_of_other_parts_need_another_start(painter: Path, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data")
    saved(data / "input" / "0.png", halved(RED, (1, 2, 3)))
    wish = request("layout-to-picture", data, tmp_path / "run", start=str(painter))
    with pytest.raises(ConfigError, match="1 colours that the package does not know"):
        followed(train(wish, open_world()))
    assert not (tmp_path / "run").exists()


def test_halves_are_learned_from(tmp_path: Path) -> None:
    for place in range(4):
        pair = np.concatenate([halved(RED, BLUE), halved(BLUE, RED)], axis=1)
        pair[place] = 0
        saved(tmp_path / "data" / f"{place}.png", pair)
    wish = request("picture-to-picture", tmp_path / "data", tmp_path / "run", target_half="right")
    followed(train(wish, open_world()))
    config = from_pretrained(tmp_path / "run/package").config
    assert (config.height, config.width) == (SIZE, SIZE)
    assert "--target-half right" in (tmp_path / "run/package/README.md").read_text()


def test_a_missing_partner_ends_it_before_anything_is_written(tmp_path: Path) -> None:
    data = dataset(tmp_path / "data")
    (data / "target" / "3.png").unlink()
    with pytest.raises(DataError, match=r"input/3\.png has no partner"):
        followed(train(request("edges-to-picture", data, tmp_path / "run"), open_world()))
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_the_other_way_round(tmp_path: Path) -> None:
    wish = request("edges-to-picture", dataset(tmp_path / "data"), tmp_path / "run")
    followed(train(wish, open_world()))
    with pytest.raises(ResumeError, match="folder of inputs is input, not target"):
        followed(train(wish.model_copy(update={"input": "target"}), open_world()))


@pytest.mark.parametrize("task", ["denoise", "digits"])
@pytest.mark.parametrize("wish", [{"input": "a"}, {"target_half": "left"}])
def test_single_pictures_have_no_inputs(task: str, wish: dict[str, str], tmp_path: Path) -> None:
    for place in range(2):
        saved(tmp_path / "data" / f"{place}.png", halved(RED, BLUE, 64))
    asked = request(task, tmp_path / "data", tmp_path / "run", condition="none", **wish)
    name = "--" + next(iter(wish)).replace("_", "-")
    with pytest.raises(ConfigError, match=f"{name} is for pairs"):
        followed(train(asked, open_world()))
