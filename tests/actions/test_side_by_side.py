"""Small pictures go through the network together and come out as each does alone."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import torch
from arrays import array_of, noise, write
from torch import Tensor, nn

from mintmark.actions.apply import apply, work_of
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.using import AT_ONCE, Step, side_by_side
from mintmark.actions.world import World, open_world
from mintmark.core.errors import DataError
from mintmark.core.settings import settings
from mintmark.training.precision import Compute

WIDE, TALL = 7, 4  # pictures of two shapes, more than are worked on at once
ASKED: dict[str, dict[str, object]] = {
    "outlines-to-colour": {},
    "avatars-hair": {"to": "pink", "strength": 0.8},
}
both = pytest.mark.parametrize("package", sorted(ASKED))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of two shapes in turn, and one that is none."""
    for place in range(WIDE):
        write(tmp_path / f"in/{place}-wide.png", noise(place, 64, 80, 3))
    for place in range(TALL):
        write(tmp_path / f"in/{place}-tall.png", noise(place, 90, 64, 4))
    (tmp_path / "in/2-broken.png").write_bytes(b"no picture")
    return tmp_path / "in"


def request(package: str, pictures: Path, out: Path) -> ApplyRequest:
    return ApplyRequest.model_validate(
        {"package": package, "pictures": [pictures], "out": out, **ASKED[package]}
    )


def plain() -> World:
    """Float32, where no rounding of a machine's own comes between."""
    chosen = settings().model_copy(update={"device": "cpu", "precision": "float32"})
    return World(chosen, Compute())


@both
def test_each_becomes_what_it_does_alone(package: str, folder: Path, tmp_path: Path) -> None:
    together, alone = tmp_path / "together", tmp_path / "alone"
    with pytest.raises(DataError, match=r"1 of 12 pictures .* 2-broken.png"):
        finish(apply(request(package, folder, together), plain()))
    pictures = [path for path in sorted(folder.iterdir()) if "broken" not in path.name]
    for picture in pictures:
        (made,) = finish(apply(request(package, picture, alone), plain()))
        far = array_of(made).astype(int) - array_of(together / picture.name)
        assert np.abs(far).max() <= 1  # a sum in another order may round to the other side
        assert array_of(made).std() > 0
    assert not (together / "2-broken.png").exists()


@both
def test_those_of_one_size_go_through_the_network_at_once(package: str, folder: Path) -> None:
    work = work_of(request(package, folder, folder / "out"), open_world())
    assert work.at_once == AT_ONCE  # which `apply` leads on side by side
    seen: list[int] = []

    def count(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append(len(given[0]))

    hook = work.network.register_forward_pre_hook(count)
    small = [torch.zeros(1, 3, 64, 80 if place % 2 else 64) for place in range(AT_ONCE)]
    come_back: dict[int, Tensor] = {}

    def steps(place: int) -> Generator[Step, Tensor, None]:
        come_back[place] = yield small[place]

    assert not list(side_by_side(work, [steps(place) for place in range(AT_ONCE)]))
    hook.remove()
    assert seen == [AT_ONCE // 2, AT_ONCE // 2]
    assert [come_back[place].shape for place in range(AT_ONCE)] == [one.shape for one in small]
