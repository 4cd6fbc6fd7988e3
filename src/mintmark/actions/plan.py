"""What a run is going to do, decided once and kept in `run.json`.

A run that goes on reads its plan from there; whatever differs from what is
asked now is named, and nothing is trained.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mintmark.actions.prepare import Data, common_channels, common_size
from mintmark.actions.requests import TrainRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError, DataError, InputError, ResumeError
from mintmark.core.files import digest_json, write_json
from mintmark.core.lineage import rights_from_json, rights_to_json, version
from mintmark.core.records import Rights
from mintmark.data.loader import Loader, PixelSet
from mintmark.data.manifest import Snapshot, changes
from mintmark.data.manifest import load as load_snapshot
from mintmark.engines.synthesis import Synthesis
from mintmark.models.package import FAMILIES, Config
from mintmark.provenance.rights import combine
from mintmark.tasks._task import Task, all_tasks
from mintmark.training import distributed, trainer
from mintmark.training.trainer import Cosine, Schedule

MARGIN = 0.88  # share of a budget of minutes that is planned; the rest saves, draws and watches
TRIAL_STEPS = 6  # timed to plan a budget of minutes, after two to warm up


@dataclass(frozen=True)
class Plan:
    """The decisions of one run.

    Attributes:
        task: What is learned.
        preset: Name of the size of networks and schedule.
        config: Networks and pictures.
        schedule: Length and rates.
        seed: Of everything random.
        snapshot: Digest of the data.
        rights: Of the data, and of what a run that it was forked from had learned.
        base: Digest of the run that this one was forked from.
        recipe: What the engine was at the start (`Synthesis.describe`).
    """

    task: Task
    preset: str
    config: Config
    schedule: Schedule
    seed: int
    snapshot: str
    rights: Rights
    base: str | None
    recipe: Mapping[str, Any]

    @property
    def engine(self) -> Synthesis:
        """The game, fitted to the size of the pictures."""
        return self.task.engine.fitted(self.config.size)

    @property
    def digest(self) -> str:
        """What tells this plan from every other."""
        return digest_json(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The content of run.json."""
        return {
            "task": self.task.name,
            "preset": self.preset,
            "config": self.config.to_json(),
            "schedule": asdict(self.schedule),
            "seed": self.seed,
            "snapshot": self.snapshot,
            "rights": rights_to_json(self.rights),
            "base": self.base,
            "recipe": dict(self.recipe),
        }


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        ConfigError: There is none.
    """
    tasks = all_tasks()
    if name not in tasks:
        raise ConfigError(
            f"There is no task {name!r}; `mintmark tasks` lists them: {', '.join(tasks)}."
        )
    return tasks[name]


def new_plan(request: TrainRequest, data: Data, world: World, base: Plan | None) -> Plan:
    """Decides a new run from the request, the task and the data.

    Raises:
        ConfigError, DataError: They do not go together.
    """
    task = find_task(request.task)
    classes = _classes(task, data.snapshot)
    name = request.preset or ("tiny" if world.compute.device.type == "cpu" else "small")
    if name not in task.schedules:
        raise ConfigError(
            f"The task {task.name} has no preset {name!r}; choose {', '.join(task.schedules)}."
        )
    size = request.size or task.size or common_size(data.snapshot)
    channels = common_channels(data.snapshot)
    family = FAMILIES[task.family]
    args = family.preset(name, size, channels, len(classes))
    family.build(args)  # refuses a size that the family cannot draw, before anything is written
    config = Config(
        task=task.name,
        family=task.family,
        args=args,
        classes=classes,
        size=size,
        channels=channels,
        networks=("G", "D"),
        library_version=version(),
    )
    schedule = task.schedules[name]
    if request.images:
        schedule = replace(schedule, images=request.images)
    rights = data.snapshot.rights
    return Plan(
        task=task,
        preset=name,
        config=config,
        schedule=replace(schedule, micro=request.micro),
        seed=request.seed or 0,
        snapshot=data.snapshot.digest,
        rights=combine(base.rights, rights) if base else rights,
        base=base.digest if base else None,
        recipe=task.engine.fitted(size).describe(),
    )


def _classes(task: Task, snapshot: Snapshot) -> tuple[str, ...]:
    if task.classes == "none":
        return ()
    labelled = bool(snapshot.classes) and all(item.label is not None for item in snapshot.items)
    if task.classes == "needs" and not labelled:
        raise DataError(
            f"The task {task.name} needs a class for every picture; put each class into a folder "
            "of its own, or add a label column to metadata.csv."
        )
    return snapshot.classes if labelled else ()


def within_minutes(plan: Plan, pixels: PixelSet, world: World, minutes: float) -> Plan:
    """The plan with as many images as fit into a budget, from a short timed trial.

    The trial's networks are thrown away, so the run itself starts untouched.
    """
    networks = FAMILIES[plan.config.family].build(plan.config.args)
    state = trainer.start(plan.engine, networks, plan.seed, world.compute)
    with Loader(pixels, plan.schedule.batch, plan.seed) as loader:
        steps = trainer.train(plan.engine, state, loader, plan.schedule, world.compute)
        next(steps), next(steps)
        begin = time.perf_counter()
        for _, _progress in zip(range(TRIAL_STEPS), steps, strict=False):
            pass
        seconds = torch.tensor([time.perf_counter() - begin], device=world.compute.device)
    distributed.average([seconds], world.compute.world)  # every process must plan the same length
    pace = TRIAL_STEPS * plan.schedule.batch / float(seconds)
    images = max(plan.schedule.batch, int(pace * 60 * minutes * MARGIN))
    return replace(plan, schedule=replace(plan.schedule, images=images))


def write(plan: Plan, data: Data, folder: Path) -> None:
    """Keeps the plan and the snapshot in the run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data.snapshot.save(folder / "snapshot.json")
    write_json(folder / "run.json", plan.to_json())


def read(folder: Path) -> Plan:
    """The plan of a run folder.

    Raises:
        ResumeError: It cannot be read.
    """
    try:
        value = json.loads((folder / "run.json").read_text())
        return Plan(
            task=find_task(value["task"]),
            preset=value["preset"],
            config=Config.from_json(value["config"]),
            schedule=_schedule(value["schedule"]),
            seed=value["seed"],
            snapshot=value["snapshot"],
            rights=rights_from_json(value["rights"]),
            base=value["base"],
            recipe=value["recipe"],
        )
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        raise ResumeError(
            f"{folder / 'run.json'} cannot be read ({error}); choose another --out."
        ) from error


def _schedule(value: Mapping[str, Any]) -> Schedule:
    moving = {name: Cosine(**value[name]) for name in ("learning_rate", "beta2")}
    return Schedule(**{**value, **moving})


def require_same(plan: Plan, request: TrainRequest, data: Data) -> None:
    """Refuses to go on with a run when the request or the data differ from its plan.

    Raises:
        ResumeError: It says what differs and how to fork.
    """
    folder = request.out
    differences = _differences(plan, request)
    if request.fork and not _is_forked_from(plan, request.fork):
        differences.append(f"it was not forked from {request.fork}")
    if digest_json(plan.recipe) != digest_json(plan.engine.describe()):
        differences.append("this version of Mintmark trains the task by another recipe")
    if data.snapshot.digest != plan.snapshot:
        before = load_snapshot(folder / "snapshot.json")
        differences.append(f"the data changed ({changes(before, data.snapshot)})")
    if differences:
        raise ResumeError(
            f"The run in {folder} cannot go on as asked: {'; '.join(differences)}. Ask for the "
            f"same as before, or start a new run from its weights with --fork {folder} and "
            "another --out."
        )


def _is_forked_from(plan: Plan, source: Path) -> bool:
    """Whether a plan was forked from the run in `source`; believed where that is gone."""
    gone = not (source / "run.json").exists()
    return plan.base is not None and (gone or plan.base == read(source).digest)


def _differences(plan: Plan, request: TrainRequest) -> list[str]:
    """Where an explicit wish differs from the plan, in words."""
    pairs = {
        "task": (request.task, plan.task.name),
        "preset": (request.preset, plan.preset),
        "seed": (request.seed, plan.seed),
        "size": (request.size, plan.config.size),
        "micro-batch": (request.micro, plan.schedule.micro),
        "images": (request.images, plan.schedule.images),
    }
    return [
        f"its {name} is {planned}, not {wish}"
        for name, (wish, planned) in pairs.items()
        if wish is not None and wish != planned
    ]
