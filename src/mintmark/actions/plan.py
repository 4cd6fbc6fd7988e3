"""What a run is going to do, decided once and kept in `run.json`.

A run that goes on reads its plan from there; whatever differs from what is
asked now is named, and nothing is trained.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mintmark.actions import asking, choices, restoring, translating
from mintmark.actions.asking import Kind
from mintmark.actions.choices import Choices
from mintmark.actions.pairing import Pairing
from mintmark.actions.prepare import Data, channels_of, common_size
from mintmark.actions.requests import TrainRequest
from mintmark.actions.world import World
from mintmark.actions.zoo import find
from mintmark.core.errors import ConfigError, InputError, PackageError, ResumeError
from mintmark.core.files import digest_json, write_json
from mintmark.core.lineage import rights_from_json, rights_to_json, version
from mintmark.core.records import Rights
from mintmark.data.manifest import Snapshot, changes
from mintmark.data.manifest import load as load_snapshot
from mintmark.data.metadata import INPUT
from mintmark.engines.growth import Grow
from mintmark.engines.paired import Paired
from mintmark.engines.synthesis import Synthesis
from mintmark.engines.unpaired import Unpaired
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config, Package, from_pretrained
from mintmark.provenance.rights import combine
from mintmark.tasks._task import AnyTask, Restoration, Task, Translation, find_task
from mintmark.training.trainer import Cosine, Schedule

MARGIN = 0.88  # share of a budget of minutes that is planned; the rest saves, draws and watches


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
        choices: What was chosen for this run and data, on top of the task's game.
        recipe: What the engine was at the start (`Synthesis.describe`).
    """

    task: AnyTask
    preset: str
    config: Config
    schedule: Schedule
    seed: int
    snapshot: str
    rights: Rights
    base: str | None
    choices: Choices
    recipe: Mapping[str, Any]

    @property
    def engine(self) -> Synthesis | Paired | Unpaired:
        """The game of this run."""
        return self.choices.applied(self.task.engine)

    @property
    def sample(self) -> tuple[int, int, int]:
        """Channels, rows and columns of what the data holds; of pairs, one after the other."""
        channels, height, width = self.config.shape
        if isinstance(self.task, Restoration) and self.task.objects:
            return 2 * channels + 1, height, width  # with the transparency of the object
        twice = self.choices.pairing or isinstance(self.task, Translation)  # with a reference
        return (2 * channels if twice else channels), height, width

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
            "choices": asdict(self.choices) | {"why": list(self.choices.why)},
            "recipe": dict(self.recipe),
        }


def new_plan(
    request: TrainRequest, data: Data, world: World, base: Plan | None, given: Package | None
) -> Plan:
    """Decides a new run from the request, the task and the data.

    Args:
        request: What is asked for.
        data: The pictures.
        world: The machine.
        base: The plan of the run that this one is forked from, if any.
        given: The package that this one is fine-tuned from, if any.

    Raises:
        ConfigError, DataError: They do not go together.
    """
    task = find_task(request.task)
    name = request.preset or ("tiny" if world.compute.device.type == "cpu" else "small")
    if name not in task.schedules:
        raise ConfigError(
            f"The task {task.name} has no preset {name!r}; choose {', '.join(task.schedules)}."
        )
    if isinstance(task, Restoration):
        config = restoring.config(request, task, name, data, given)
    elif isinstance(task, Translation):
        config = translating.config(request, task, name, data.snapshot, given)
    else:
        config = _config(request, task, name, data.snapshot, given)
    # What cannot be read back must not be learned for hours first.
    Config.from_json(json.loads(json.dumps(config.to_json())))
    schedule = replace(task.schedules[name], micro=request.micro)
    if request.images:
        schedule = replace(schedule, images=request.images)
    if request.batch:
        schedule = replace(schedule, batch=request.batch)
    made = choices.choose(request, task, config, data.snapshot, schedule)
    return Plan(
        task=task,
        preset=name,
        config=config,
        schedule=schedule,
        seed=request.seed or 0,
        snapshot=data.snapshot.digest,
        rights=_rights(data.snapshot.rights, base, given),
        base=base.digest if base else given.digest if given else None,
        choices=made,
        recipe=made.applied(task.engine).describe(),
    )


def _rights(rights: Rights, base: Plan | None, given: Package | None) -> Rights:
    """The rights of the data and of what was learned before."""
    if base:
        return combine(base.rights, rights)
    return combine(given.lineage.rights, rights) if given else rights


def _config(
    request: TrainRequest, task: Task, preset: str, snapshot: Snapshot, given: Package | None
) -> Config:
    """Networks and pictures of a new run."""
    family = request.family or (given.config.family if given else task.family)
    drawing = sorted(name for name, one in FAMILIES.items() if not one.restores)
    if family not in drawing:
        raise ConfigError(
            f"There is no family {family!r} of new pictures; choose one of {', '.join(drawing)}."
        )
    if given and given.config.family != family:
        raise ConfigError(
            f"The package is of the family {given.config.family!r}, and a run of the family "
            f"{family!r} cannot start from it; add --family {given.config.family}."
        )
    conditions = asking.infer(snapshot, _kind(request, task, snapshot), request.encoder)
    shape = _shape(request, task, snapshot, given)
    args = FAMILIES[family].preset(preset, shape, conditions.sizes)
    if given:
        args = {**given.config.args, **conditions.sizes}
    if task.engine.reconstruct:
        args["decoder"] = True
    if task.engine.mismatched and conditions.kind != "none":
        args["matcher"] = True
    if not given and choices.grows(request, task, family):
        grow = task.engine.grow or Grow()
        args |= {"grow": True, "first": grow.level(min(shape[1:]), 0.0)}
    if request.grow in ("joint", "freeze") and not args.get("grow"):
        raise ConfigError(f"The package was not built to grow; leave out --grow {request.grow}.")
    FAMILIES[family].build(args)  # refuses what cannot be drawn before anything is written
    channels, height, width = shape
    return Config(
        task=task.name,
        family=family,
        args=args,
        conditions=conditions,
        height=height,
        width=width,
        channels=channels,
        networks=("G", "D"),
        library_version=version(),
    )


def _shape(
    request: TrainRequest, task: Task, snapshot: Snapshot, given: Package | None
) -> tuple[int, int, int]:
    """Channels, rows and columns of the pictures of a new run."""
    if given and request.alpha is None and request.size is None:
        return given.config.shape
    channels = channels_of(snapshot, request.alpha)
    width, height = request.sides or [task.size or common_size(snapshot)] * 2
    if given and request.size is None:
        width, height = given.config.width, given.config.height
    shape = (channels, height, width)
    if given and shape != given.config.shape:
        have = given.config
        raise ConfigError(
            f"The package draws {have.width} x {have.height} pictures with {have.channels} "
            f"channels, not {width} x {height} with {channels}; leave out --size and --alpha to "
            "learn pictures of its own shape."
        )
    return shape


def _kind(request: TrainRequest, task: Task, snapshot: Snapshot) -> Kind:
    """Which condition the model takes: the one asked for, else the task's, where it is there."""
    if request.condition != "auto":
        return request.condition
    labelled = bool(snapshot.classes) and all(item.label is not None for item in snapshot.items)
    if task.condition == "class" and task.optional and not labelled:
        return "none"
    return task.condition


def within(plan: Plan, request: TrainRequest, data: Data, pace: float) -> Plan:
    """The plan with as many images as fit into the minutes asked for, and what follows from that.

    Args:
        plan: The run.
        request: What was asked for, with its minutes.
        data: The pictures.
        pace: Images a second.
    """
    budget = pace * 60 * (request.minutes or 0) * MARGIN
    schedule = replace(plan.schedule, images=max(plan.schedule.batch, int(budget)))
    made = choices.choose(request, plan.task, plan.config, data.snapshot, schedule)
    return replace(
        plan,
        schedule=schedule,
        choices=made,
        recipe=made.applied(plan.task.engine).describe(),
    )


def shorter(plan: Plan, images: int) -> Plan:
    """The plan without so many images, which are spent before the run.

    Raises:
        ConfigError: Nothing would be left.
    """
    left = plan.schedule.images - images
    if left < plan.schedule.batch:
        raise ConfigError(
            "The probes for gamma alone take longer than that; give more --minutes or --no-tune."
        )
    return replace(plan, schedule=replace(plan.schedule, images=left))


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
            choices=choices.from_json(value["choices"]),
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
    if request.alpha and channels_of(data.snapshot, request.alpha) != plan.config.channels:
        differences.append(f"its pictures have {plan.config.channels} channels")
    if request.start and not _is_from(plan, request.start):
        differences.append(f"it did not start from {request.start}")
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


def _is_from(plan: Plan, start: str) -> bool:
    """Whether a plan started from a package; believed where that is gone."""
    try:
        return plan.base == from_pretrained(find(start)).digest
    except PackageError:
        return plan.base is not None


def _differences(plan: Plan, request: TrainRequest) -> list[str]:
    """Where an explicit wish differs from the plan, in words."""
    condition = None if request.condition == "auto" else request.condition
    augment = None if request.augment == "auto" else request.augment
    sides, pairing = request.sides, plan.choices.pairing or Pairing()
    pairs: dict[str, tuple[Any, Any]] = {
        "task": (request.task, plan.task.name),
        "preset": (request.preset, plan.preset),
        "family": (request.family, plan.config.family),
        "condition": (condition, plan.config.conditions.kind),
        "text encoder": (request.encoder, plan.config.conditions.encoder),
        "seed": (request.seed, plan.seed),
        "size": (sides and "{}x{}".format(*sides), f"{plan.config.width}x{plan.config.height}"),
        "gamma": (request.gamma, plan.choices.gamma.start),
        "augmentation": (augment, plan.choices.augment.kind),
        "batch": (request.batch, plan.schedule.batch),
        "micro-batch": (request.micro, plan.schedule.micro),
        "images": (request.images, plan.schedule.images),
        "column of kinds": (request.kinds, plan.choices.kinds),
        "way to keep the content": (request.content, plan.choices.content),
        "balance": (request.balance, plan.choices.balance),
        "folder of inputs": (request.input, pairing.inputs or INPUT),
        "half of targets": (request.target_half, pairing.half),
        "growth": (request.grow, choices.growth(plan.choices)),
        "frozen stages": (request.freeze_d or None, plan.choices.frozen),
    }
    return [
        f"its {name} is {planned}, not {wish}"
        for name, (wish, planned) in pairs.items()
        if wish is not None and wish != planned
    ]
