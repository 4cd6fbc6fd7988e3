"""What every restoration promises; a new task file is walked without touching this one."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.actions.apply import apply
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_file
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.data.pictures import decode
from mintmark.models.card import parse
from mintmark.models.families import FAMILIES
from mintmark.models.package import from_pretrained, verify
from mintmark.provenance import mark
from mintmark.tasks._task import Restoration, all_tasks

TASKS = {name: task for name, task in all_tasks().items() if isinstance(task, Restoration)}
SIZE, BATCH = 32, 4


def folder_of_pictures(folder: Path) -> Path:
    """Three pictures of 70 x 40, which hold two crops each, in eight colours."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for place in range(3):
        array = 255 * rng.integers(0, 2, (40, 70, 3), dtype=np.uint8)
        (folder / f"{place}.png").write_bytes(encode(Picture(array), "png"))
    return folder


def data_of(task: Restoration, folder: Path) -> Path:
    """What a task learns from; where that is pairs, inputs and targets are alike."""
    folder_of_pictures(folder / ("backgrounds" if task.objects else "input"))
    if task.pairs:
        folder_of_pictures(folder / "target")
    if task.objects:
        (folder / "objects").mkdir()
        for place in range(2):
            array = np.zeros((20, 30, 4), np.uint8)
            array[5:15, 5 + place : 25] = 255
            (folder / f"objects/{place}.png").write_bytes(encode(Picture(array), "png"))
    return folder


def asked_of(task: Restoration, folder: Path) -> dict[str, object]:
    """What it must be told beside pictures of 70 x 40."""
    if task.use != "blend":
        return {"outpaint": {"left": 4}} if task.use == "fill" else {}
    mask = np.zeros((40, 70, 1), np.uint8)
    mask[10:20, 10:50] = 255
    (folder / "mask.png").write_bytes(encode(Picture(mask), "png"))
    return {"mask": folder / "mask.png"}


def made_size(task: Restoration) -> tuple[int, int]:
    """Rows and columns of what becomes of those pictures."""
    if task.use == "scale":
        return SIZE, 70 * SIZE // 40
    scale = task.args.get("scale", 1)
    return 40 * scale, 70 * scale


def request_of(task: Restoration, data: Path, out: Path) -> TrainRequest:
    """Five small steps of the smallest preset, two of them in the second stage."""
    return TrainRequest(
        task=task.name, data=data, out=out, preset="tiny", size=SIZE, batch=BATCH, images=5 * BATCH
    )


def pictures_of(task: Restoration, folder: Path) -> Path:
    """Three pictures that it can work on."""
    return folder / ("data/backgrounds" if task.objects else "data/input")


def networks_of(task: Restoration) -> tuple[str, ...]:
    """Without a game there is nothing to balance and nobody to judge."""
    return ("G", "F", "D") if task.engine.adversarial else ("G",)


@pytest.fixture(scope="module", params=list(TASKS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Restoration, Path]:
    """A task, and a folder with its data and a finished run."""
    task = TASKS[request.param]
    folder = tmp_path_factory.mktemp(task.name)
    data = data_of(task, folder / "data")
    finish(train(request_of(task, data, folder / "run"), open_world()))
    return task, folder


def test_there_are_restorations() -> None:
    assert {"super-resolution", "denoise", "enhance"} <= set(TASKS)


def test_resumes_exactly(made: tuple[Restoration, Path], tmp_path: Path) -> None:
    task, folder = made
    request = request_of(task, folder / "data", tmp_path / "run")
    with closing(train(request, open_world())) as steps:
        first = next(progress for progress in steps if progress.done)
    assert 0 < first.done < first.total
    finish(train(request, open_world()))
    for network in networks_of(task):
        name = f"{network}.safetensors"
        straight, cut = folder / "run/package" / name, tmp_path / "run/package" / name
        assert digest_file(straight) == digest_file(cut)


def test_packages_and_loads_back(made: tuple[Restoration, Path]) -> None:
    task, folder = made
    package = from_pretrained(folder / "run/package", networks_of(task))
    assert package.config.networks == networks_of(task)
    assert package.config.task == task.name and FAMILIES[package.config.family].restores
    assert {name: package.config.args[name] for name in task.args} == dict(task.args)
    assert "README.md" in verify(folder / "run/package")
    card = (folder / "run/package/README.md").read_text()
    assert "mintmark apply" in card and parse(card)["pipeline_tag"] == "image-to-image"
    assert not list((folder / "run/package").rglob("*.png"))  # the user's own photographs


def test_what_it_makes_is_marked(made: tuple[Restoration, Path], tmp_path: Path) -> None:
    task, folder = made
    package = folder / "run/package"
    pictures, asked = pictures_of(task, folder), asked_of(task, tmp_path)
    given = {"package": str(package), "pictures": (pictures,), "out": tmp_path / "out"}
    request = ApplyRequest.model_validate(given | asked)
    written = finish(apply(request, open_world()))
    assert [path.name for path in written] == ["0.png", "1.png", "2.png"]
    height, width = made_size(task)
    for path in written:
        content = path.read_bytes()
        assert mark.source_type(content) == mark.COMPOSITE
        recipe = mark.read_recipe(content, path.name)
        assert recipe.task == task.name and recipe.package == from_pretrained(package).digest
        assert recipe.inputs["parent"] == digest_file(pictures / path.name)
        shape = decode(content, path.name).array.shape
        assert shape == (height, width + (4 if task.use == "fill" else 0), 3)


def test_the_balance_is_taken_where_there_is_one(
    made: tuple[Restoration, Path], tmp_path: Path
) -> None:
    task, folder = made
    asked = asked_of(task, tmp_path)
    given = {"package": str(folder / "run/package"), "pictures": (pictures_of(task, folder),)}
    request = ApplyRequest.model_validate(
        given | asked | {"out": tmp_path / "out", "fidelity": 0.5}
    )
    balances = "fidelity" in {entry.kind for entry in task.inputs}
    assert balances == bool(task.engine.adversarial)
    if balances:
        assert len(finish(apply(request, open_world()))) == 3
        return
    with pytest.raises(ConfigError, match="leave --fidelity out"):
        finish(apply(request, open_world()))
    assert not (tmp_path / "out").exists()


def test_a_run_starts_from_a_package(made: tuple[Restoration, Path], tmp_path: Path) -> None:
    task, folder = made
    start = str(folder / "run/package")
    request = request_of(task, folder / "data", tmp_path / "run")
    finish(train(request.model_copy(update={"start": start, "images": BATCH}), open_world()))
    began, before = from_pretrained(tmp_path / "run/package"), from_pretrained(start)
    assert began.lineage.base == before.digest
    drift = [
        (ours - theirs).abs().max()
        for ours, theirs in zip(
            began.networks["G"].parameters(), before.networks["G"].parameters(), strict=True
        )
    ]
    assert 0 < max(drift) < 0.01  # one step away


@pytest.mark.parametrize("name", TASKS)
def test_tells_the_user_what_it_is(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert task.title[0].isupper() and not task.title.endswith(".")
    assert len(task.about) > 60 and task.about.endswith(".")
    assert {entry.kind for entry in task.inputs} >= {"picture"}
    assert all(entry.about.endswith(".") for entry in task.inputs)
    assert "tiny" in task.schedules  # what a CPU trains


def test_strength_leads_from_the_picture_to_the_result(
    made: tuple[Restoration, Path], tmp_path: Path
) -> None:
    task, folder = made
    same_size = task.use in ("tiles", "colour", "blend") and task.args.get("scale", 1) == 1
    taken = "strength" in {entry.kind for entry in task.inputs}
    assert taken == same_size
    given = {"package": str(folder / "run/package"), "pictures": (pictures_of(task, folder),)}
    arrays: list[NDArray[np.int64]] = []
    for strength in (0.0, 0.5, 1.0):
        more = {"out": tmp_path / str(strength), "strength": strength}
        request = ApplyRequest.model_validate(given | asked_of(task, tmp_path) | more)
        if not taken and strength < 1:
            with pytest.raises(ConfigError, match="does not take --strength; leave it out"):
                finish(apply(request, open_world()))
            continue
        path = finish(apply(request, open_world()))[0]
        content = path.read_bytes()
        told = mark.read_recipe(content, path.name).inputs.get("strength", 1.0)
        assert told == strength
        arrays.append(decode(content, path.name).array.astype(int))
    if taken:
        source = pictures_of(task, folder) / "0.png"
        before = decode(source.read_bytes(), source.name).array
        assert np.array_equal(arrays[0], before)
        assert not np.array_equal(arrays[2], before)
        assert np.abs(arrays[1] - (arrays[0] + arrays[2]) / 2).max() <= 1
