"""The packages that come with Mintmark draw what they drew when they were made."""

from pathlib import Path

import numpy as np
import pytest

from mintmark.actions import again, zoo
from mintmark.actions.generate import artifacts, load, networks_for
from mintmark.actions.requests import GenerateRequest
from mintmark.actions.world import open_world
from mintmark.data.pictures import decode
from mintmark.models.card import parse
from mintmark.models.package import verify
from mintmark.provenance.mark import read_recipe

MOST = 12 << 20  # bytes
every_package = pytest.mark.parametrize("name", zoo.names())


def folder_of(name: str) -> Path:
    return Path(zoo.find(name))


def test_they_are_there() -> None:
    assert set(zoo.names()) == {"avatars", "digits"}


@every_package
def test_stored_samples_are_drawn_again(name: str) -> None:
    package = load(name, open_world())
    for file in sorted((folder_of(name) / "samples").glob("*.png")):
        recipe = read_recipe(file.read_bytes(), file.name)
        stored = decode(file.read_bytes(), file.name).array.astype(int)
        drawn = again.picture(package, recipe).array.astype(int)
        # The same class of device may still be another chip with other kernels: one level.
        assert np.abs(drawn - stored).max() <= 1, file.name


@every_package
def test_drawing_twice_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    request = GenerateRequest(package=name, out=tmp_path / "a", count=4, best_of=2)
    package = load(name, open_world(), networks_for(request))
    first = [one.sha256 for one in artifacts(package, request)]
    second = artifacts(package, request.model_copy(update={"out": tmp_path / "b"}))
    assert first == [one.sha256 for one in second]


@every_package
def test_they_are_small_whole_and_say_where_they_come_from(name: str) -> None:
    folder = folder_of(name)
    assert verify(folder)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MOST
    package = load(name, open_world())
    rights = package.lineage.rights
    assert rights.licence != "unspecified" and rights.attribution and rights.source
    text = (folder / "README.md").read_text()
    assert "mintmark train" in text and "Made on" in text
    assert parse(text)["license"] == rights.licence.lower()
