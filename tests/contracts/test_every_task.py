"""What every task promises; a new task file is walked without touching this one."""

import json
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from mintmark.actions import asking
from mintmark.actions.generate import generate
from mintmark.actions.requests import GenerateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.files import digest_file
from mintmark.core.media import Picture
from mintmark.core.records import Progress
from mintmark.data.encode import encode
from mintmark.data.loader import HostBatch
from mintmark.models.conditions import Choice, Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import from_pretrained, verify
from mintmark.provenance import mark
from mintmark.tasks._task import Task, all_tasks, catalogue
from mintmark.training import trainer
from mintmark.training.precision import Compute

TASKS = {name: task for name, task in all_tasks().items() if isinstance(task, Task)}
SIZE, CLASSES, PICTURES = 8, ("apple", "pear"), 6
SIDES = {"base": 8}  # the widest networks take seconds a step where they are large
BATCH = 8
every_task = pytest.mark.parametrize("name", TASKS)


METADATA = {"attributes": "fruit", "text": "text"}
"""The column of metadata that says what a picture shows, where folders do not."""


def conditions_of(task: Task) -> Conditions:
    """What a model learns to be asked for from `folder_of_pictures`."""
    match task.condition:
        case "class":
            return Conditions(classes=CLASSES)
        case "attributes":
            return Conditions(attributes=(Choice("fruit", CLASSES, (0.5, 0.5)),))
        case "text":
            return Conditions(words=CLASSES, examples=CLASSES)
        case _:
            return Conditions()


def rows_of(task: Task, count: int) -> torch.Tensor | None:
    return asking.rows(conditions_of(task), 0, range(count), asking.PLAIN)


def folder_of_pictures(folder: Path, task: Task) -> Path:
    """Random pictures as the task wants them: in a folder a class, or with metadata."""
    rng = np.random.default_rng(0)
    lines = [f"file_name,{METADATA.get(task.condition, 'note')}"]
    for place in range(PICTURES):
        shown = CLASSES[place % len(CLASSES)]
        path = folder / (shown if task.condition == "class" else "") / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        array = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        path.write_bytes(encode(Picture(array), "png"))
        lines.append(f"{path.name},{shown}")
    if task.condition in METADATA:
        (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def request_of(task: Task, data: Path, out: Path) -> TrainRequest:
    """Three small steps of the smallest preset."""
    return TrainRequest(
        task=task.name,
        data=data,
        out=out,
        preset=next(iter(task.schedules)),
        size=task.size or SIZE,
        batch=BATCH,
        images=3 * BATCH,
    )


def steps_of(request: TrainRequest) -> Generator[Progress]:
    return train(request, open_world())


class Noise:
    """Random pictures of any step, asked for as the task learns."""

    def __init__(self, size: int, task: Task) -> None:
        self.size, self.task = size, task

    def at(self, step: int, first: int, last: int) -> HostBatch:
        rng = np.random.default_rng(step)
        images = torch.from_numpy(
            rng.integers(0, 256, (last, 3, self.size, self.size), dtype=np.uint8)
        )
        shown = rows_of(self.task, last + 1)
        condition, other = (
            (None, None) if shown is None else (shown[first:last], shown[first + 1 :, None])
        )
        return HostBatch(images[first:], condition, np.arange(first, last), other)


def trained_weights(task: Task, preset: str, seed: int) -> dict[str, torch.Tensor]:
    """All weights after two steps on noise."""
    size = SIDES.get(preset) or task.size or SIZE
    family = FAMILIES[task.family]
    torch.manual_seed(seed)
    args = family.preset(preset, (3, size, size), conditions_of(task).sizes)
    if task.engine.reconstruct:
        args["decoder"] = True
    if task.engine.mismatched:
        args["matcher"] = True
    if task.engine.grow is not None:
        args["grow"] = True
    networks = family.build(args)
    engine = task.engine.fitted(size, 2)
    state = trainer.start(engine, networks, seed, Compute())
    schedule = replace(task.schedules[preset], images=4, batch=2, micro=None)
    deque(trainer.train(engine, state, Noise(size, task), schedule, Compute()), maxlen=0)
    modules = {**state.networks, **{f"average {n}": m for n, m in state.averages.items()}}
    return {f"{n}/{k}": v for n, m in modules.items() for k, v in m.state_dict().items()}


@pytest.fixture(scope="module", params=list(TASKS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Task, Path]:
    """A task, and a folder with its data and a finished run."""
    task = TASKS[request.param]
    folder = tmp_path_factory.mktemp(task.name)
    deque(
        steps_of(request_of(task, folder_of_pictures(folder / "data", task), folder / "run")),
        maxlen=0,
    )
    return task, folder


def test_there_are_tasks() -> None:
    assert {"digits", "pictures"} <= set(TASKS)


@pytest.mark.parametrize(
    ("name", "preset"), [(name, preset) for name in TASKS for preset in TASKS[name].schedules]
)
def test_trains_the_same_from_the_same_seed(name: str, preset: str) -> None:
    first = trained_weights(TASKS[name], preset, seed=1)
    again = trained_weights(TASKS[name], preset, seed=1)
    assert all(torch.isfinite(value).all() for value in first.values())
    assert all(torch.equal(first[key], again[key]) for key in first)


@every_task
def test_another_seed_gives_other_weights(name: str) -> None:
    preset = next(iter(TASKS[name].schedules))
    first, other = (trained_weights(TASKS[name], preset, seed) for seed in (1, 2))
    # Some begin at zero, and those of a normalisation, which have one axis, at one.
    begun = [key for key in first if "weight" in key and first[key].ndim > 1 and first[key].any()]
    assert not any(torch.equal(first[key], other[key]) for key in begun)


def test_resumes_exactly(made: tuple[Task, Path], tmp_path: Path) -> None:
    task, folder = made
    request = request_of(task, folder / "data", tmp_path / "run")
    with closing(steps_of(request)) as steps:
        first = next(progress for progress in steps if progress.done)
    assert 0 < first.done < first.total
    deque(steps_of(request), maxlen=0)
    for name in ("G.safetensors", "D.safetensors"):
        straight, cut = folder / "run/package" / name, tmp_path / "run/package" / name
        assert digest_file(straight) == digest_file(cut)


def test_packages_and_loads_back(made: tuple[Task, Path]) -> None:
    task, folder = made
    package = from_pretrained(folder / "run/package", ("G", "D"))
    assert package.config.task == task.name
    assert package.config.conditions == conditions_of(task)
    assert set(package.networks) == {"G", "D"}
    assert "README.md" in verify(folder / "run/package")


def test_what_it_generates_is_marked(made: tuple[Task, Path], tmp_path: Path) -> None:
    task, folder = made
    package = folder / "run/package"
    request = GenerateRequest(package=str(package), out=tmp_path, count=3, seed=5)
    deque(generate(request, open_world()), maxlen=0)
    written = sorted(tmp_path.iterdir())
    assert len(written) == 3
    for index, path in enumerate(written):
        assert mark.source_type(path.read_bytes()) == mark.TRAINED
        recipe = mark.read_recipe(path.read_bytes(), path.name)
        assert (recipe.task, recipe.seed, recipe.index) == (task.name, 5, index)
        assert recipe.package == from_pretrained(package).digest


@every_task
def test_tells_the_user_what_it_is(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert task.title[0].isupper() and not task.title.endswith(".")
    assert len(task.about) > 60 and task.about.endswith(".")
    assert {entry.name for entry in task.inputs} >= {"seed"}
    asked = {entry.kind for entry in task.inputs} - {"seed"}
    assert asked == ({task.condition} - {"none"})
    assert all(entry.about.endswith(".") for entry in task.inputs)
    assert "tiny" in task.schedules  # what a CPU trains


def stored_catalogue() -> dict[str, object]:
    text = files("mintmark.tasks").joinpath("catalogue.json").read_text(encoding="utf-8")
    stored: dict[str, object] = json.loads(text)
    return stored


def test_the_catalogue_is_not_stale() -> None:
    assert stored_catalogue() == catalogue(), "regenerate it: python -m mintmark.tasks"


@pytest.mark.parametrize("name", all_tasks())
def test_is_in_the_catalogue(name: str) -> None:
    assert name in stored_catalogue(), "regenerate it: python -m mintmark.tasks"
