"""`apply` with holes: only they change, at every size and depth; bad masks are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from arrays import array_of, noise, write
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import filling
from mintmark.actions.apply import apply
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.media import Picture
from mintmark.provenance.mark import read_recipe

Array = NDArray[Any]
Apply = Callable[..., list[Path]]


def hole(height: int, width: int) -> Array:
    mask = np.zeros((height, width, 1), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 255
    return mask


@pytest.fixture(scope="module")
def filler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that fills and has learned next to nothing."""
    folder = tmp_path_factory.mktemp("filler")
    for place in range(2):
        write(folder / f"data/{place}.png", noise(0, 40, 70, 3))
    request = TrainRequest(
        task="inpaint", data=folder / "data", out=folder / "run", preset="tiny",
        size=32, batch=4, images=20,
    )  # fmt: skip
    finish(train(request, open_world()))
    return folder / "run/package"


@pytest.fixture
def applied(filler: Path, tmp_path: Path) -> Apply:
    def run(*pictures: Path, **options: object) -> list[Path]:
        asked = {"package": str(filler), "pictures": pictures, "out": tmp_path / "out"}
        found: list[Path] = finish(
            apply(ApplyRequest.model_validate(asked | options), open_world())
        )
        return found

    return run


KINDS = [(1, np.uint8), (1, np.uint16), (2, np.uint8), (3, np.uint8), (4, np.uint8)]


@pytest.mark.parametrize(("channels", "kind"), KINDS)
def test_what_is_known_stays_to_the_last_bit(
    applied: Apply, tmp_path: Path, channels: int, kind: type
) -> None:
    before = noise(0, 40, 60, channels, kind=kind)
    source = write(tmp_path / "in/a.png", before)
    mask = hole(40, 60)
    (made,) = applied(source, mask=write(tmp_path / "mask.png", mask))
    after = array_of(made)
    missing = mask[..., 0] > 0
    assert after.dtype == kind and np.array_equal(after[~missing], before[~missing])
    colours = channels - (channels in (2, 4))
    assert not np.array_equal(after[missing][:, :colours], before[missing][:, :colours])
    if channels in (2, 4):
        assert np.array_equal(after[..., -1], before[..., -1])


def test_margins_are_added_and_the_picture_stays(applied: Apply, tmp_path: Path) -> None:
    before = noise(0, 40, 60, 4)
    source = write(tmp_path / "in/a.png", before)
    (made,) = applied(source, outpaint={"left": 50, "bottom": 7})
    after = array_of(made)
    assert after.shape == (47, 110, 4)
    assert np.array_equal(after[:40, 50:], before)
    assert (after[:, :50, 3] == 255).all()
    inputs = read_recipe(made.read_bytes(), made.name).inputs
    assert (inputs["outpaint_left"], inputs["outpaint_bottom"]) == (50, 7)


def test_margins_do_not_make_pictures_larger_than_they_may_be(
    applied: Apply, tmp_path: Path, limits: Callable[..., None]
) -> None:
    source = write(tmp_path / "in/a.png", noise(0, 40, 60, 3))
    limits(max_megapixels=0.003)
    with pytest.raises(DataError, match="would become 110 x 40 pixels"):
        applied(source, outpaint={"left": 50})


def test_a_folder_of_masks_goes_with_a_folder_of_pictures(applied: Apply, tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"in/{name}.png", noise(0, 24, 24, 3))
    write(tmp_path / "masks/a.png", hole(24, 24))
    with pytest.raises(DataError, match=r"1 of 2 .* no mask of b.png"):
        applied(tmp_path / "in", mask=tmp_path / "masks")
    assert (tmp_path / "out/a.png").is_file() and not (tmp_path / "out/b.png").exists()


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((24, 24, 1), np.uint8), "nothing to fill"),
        (np.full((24, 24, 1), 255, np.uint8), "nothing is known"),
        (hole(24, 30), "30 x 24 pixels and its picture 24 x 24"),
    ],
)
def test_masks_that_make_no_sense_are_told(
    applied: Apply, tmp_path: Path, mask: Array, said: str
) -> None:
    source = write(tmp_path / "in/a.png", noise(0, 24, 24, 3))
    with pytest.raises(DataError, match=said):
        applied(source, mask=write(tmp_path / "mask.png", mask))
    assert not list((tmp_path / "out").iterdir())


def test_a_mask_that_is_no_picture_is_told(applied: Apply, tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.png", noise(0, 24, 24, 3))
    (tmp_path / "mask.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"mask.png"):
        applied(source, mask=tmp_path / "mask.png")
    with pytest.raises(ConfigError, match=r"no mask .*none.png"):
        applied(source, mask=tmp_path / "none.png")


def test_one_kind_of_hole_is_asked_for(applied: Apply, tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.png", noise(0, 24, 24, 3))
    for options in ({}, {"mask": source, "outpaint": {"left": 3}}, {"outpaint": {"left": 0}}):
        with pytest.raises(ConfigError, match="needs either --mask"):
            applied(source, **options)


def mean_of_known(seen: Tensor) -> Tensor:
    """Stands in the place of a network: holes take the mean of what is known."""
    colours, missing = seen[:, :-1], seen[:, -1:]
    known = (1 - missing).sum((2, 3), keepdim=True).clamp(min=1)
    mean = (colours * (1 - missing)).sum((2, 3), keepdim=True) / known
    return colours * (1 - missing) + mean * missing


@pytest.mark.parametrize("depth", [4, 100])
def test_deep_holes_are_filled_at_a_lower_resolution(depth: int) -> None:
    """A constant picture stays constant at every resolution; each hole is filled."""
    array = np.full((90, 70, 3), 100, np.uint8)
    missing = np.zeros((90, 70), np.bool_)
    missing[10:40, 20:60] = missing[60:62] = missing[80:, :9] = True
    array[missing] = 0
    sides = []

    def change(seen: Tensor) -> Tensor:
        sides.append(max(seen.shape[2:]))
        return mean_of_known(seen)

    made = finish(filling.filled(change, Picture(array), missing, 3, depth, 64))
    assert np.abs(made.array.astype(int) - 100).max() <= 1
    assert len(sides) >= 3
    if depth == 4:
        assert min(sides) < 32  # 15 pixels deep: four times lower

    deepest = torch.tensor(sides)
    assert int(deepest.max()) <= 64


def test_many_small_holes_share_what_lies_around_them() -> None:
    """Each would be seen with 64 pixels on every side, 156 times the picture in all."""
    array = np.full((300, 400, 3), 100, np.uint8)
    missing = np.zeros((300, 400), np.bool_)
    missing[5::10, 5::10] = True
    array[missing] = 0
    seen = []

    def change(tile: Tensor) -> Tensor:
        seen.append(tile.shape[2] * tile.shape[3])
        return mean_of_known(tile)

    made = finish(filling.filled(change, Picture(array), missing, 3, 100, 400))
    assert (made.array == 100).all()
    assert sum(seen) < 2 * missing.size


def test_distant_holes_are_filled_apart() -> None:
    array = np.full((100, 2000, 3), 100, np.uint8)
    missing = np.zeros((100, 2000), np.bool_)
    missing[50, 100] = missing[50, 1900] = True
    seen = []

    def change(tile: Tensor) -> Tensor:
        seen.append(tile.shape[2] * tile.shape[3])
        return mean_of_known(tile)

    finish(filling.filled(change, Picture(array), missing, 3, 100, 400))
    assert sum(seen) < missing.size / 4
