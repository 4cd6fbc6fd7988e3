"""What is decided for one run because it depends on the data, on its length or on a wish."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mintmark.actions import asking
from mintmark.actions.pairing import Pairing, asked
from mintmark.actions.requests import TrainRequest
from mintmark.core.errors import ConfigError
from mintmark.core.records import Content
from mintmark.data.manifest import Snapshot
from mintmark.engines.augment import Augment, chosen
from mintmark.engines.growth import Grow
from mintmark.engines.paired import Paired
from mintmark.engines.synthesis import Synthesis
from mintmark.engines.unpaired import Unpaired
from mintmark.models.conditions import Choice, Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config
from mintmark.tasks._task import AnyTask, Restoration, Task, Translation
from mintmark.training.trainer import Cosine, Schedule


@dataclass(frozen=True)
class Choices:
    """What is decided for one run, because it depends on the data or was asked for.

    Attributes:
        gamma: Weight of the penalties over the run.
        augment: Augmentation of what the discriminator sees.
        frozen: Stages of the discriminator that keep what a package had learned.
        grow: Training from a low resolution on, or None.
        balance: What is shown equally often: `class`, an attribute, or None.
        pairing: Which pictures are inputs and which targets, or None without pairs.
        kinds: Column of the metadata that says of what kind pictures are, or None.
        content: What keeps the content of translations, or None for what the task has.
        why: A sentence for each choice that was made here, for people.
    """

    gamma: Cosine
    augment: Augment
    frozen: int = 0
    grow: Grow | None = None
    balance: str | None = None
    pairing: Pairing | None = None
    kinds: str | None = None
    content: Content | None = None
    why: tuple[str, ...] = ()

    def applied(self, engine: Synthesis | Paired | Unpaired) -> Synthesis | Paired | Unpaired:
        """The game of a task with these choices."""
        if isinstance(engine, Unpaired):
            kept = engine.keeping(self.content) if self.content else engine
            return replace(kept, gamma=self.gamma)
        if isinstance(engine, Paired):
            return replace(engine, gamma=self.gamma)
        return replace(
            engine, gamma=self.gamma, augment=self.augment, frozen=self.frozen, grow=self.grow
        )


def grows(request: TrainRequest, task: Task, family: str) -> bool:
    """Whether a run begins at a low resolution; what has been learned already need not."""
    if request.grow is not None:
        return request.grow != "off"
    can = task.engine.grow is not None and FAMILIES[family].grows
    return can and request.start is None and request.fork is None


def choose(
    request: TrainRequest, task: AnyTask, config: Config, snapshot: Snapshot, schedule: Schedule
) -> Choices:
    """The choices of a run of that length and batch."""
    pairing = asked(request, task)
    if request.content and not isinstance(task, Translation):
        raise ConfigError(f"--content is for translations; {task.name} does not take it.")
    if request.content == "likeness" and not (isinstance(task, Translation) and task.kinds):
        raise ConfigError(f"--content likeness compares kinds, and {task.name} has none; leave it.")
    if isinstance(task, Restoration):
        return Choices(_gamma(request, task.engine.gamma), Augment(), pairing=pairing)
    if isinstance(task, Translation):  # every kind as often, however few pictures it has
        balance = "class" if task.kinds else None
        gamma = _gamma(request, task.engine.gamma)
        return Choices(
            gamma, Augment(), balance=balance, kinds=request.kinds, content=request.content
        )
    images = schedule.images
    engine = task.engine.fitted(min(config.height, config.width), schedule.batch)
    assert engine.gamma is not None
    gamma, why = _gamma(request, engine.gamma), []
    if request.gamma is not None:
        why.append(f"gamma is {request.gamma:g}, as asked for")
    augment = _augment(request, task, len(snapshot.items), images)
    if augment != engine.augment:
        passes = images / len(snapshot.items)
        why.append(f"augmentation is {_called(augment)} for {passes:.0f} passes over the data")
    growing = config.args.get("grow") and grows(request, task, config.family)
    grow = _growth(request, engine.grow or Grow()) if growing else None
    if request.balance:
        groups(config.conditions, snapshot, request.balance)  # refuses what is not there
    return Choices(gamma, augment, request.freeze_d, grow, request.balance, why=tuple(why))


def _gamma(request: TrainRequest, gamma: Cosine) -> Cosine:
    return gamma if request.gamma is None else Cosine(request.gamma, request.gamma / 10)


def _growth(request: TrainRequest, grow: Grow) -> Grow:
    """How a run grows: as asked for, else as the task has it."""
    return grow if request.grow is None else replace(grow, freeze=request.grow == "freeze")


def growth(choices: Choices) -> Literal["off", "joint", "freeze"]:
    """The option that asks for the growth of a run."""
    if choices.grow is None:
        return "off"
    return "freeze" if choices.grow.freeze else "joint"


def _augment(request: TrainRequest, task: Task, pictures: int, images: int) -> Augment:
    """The augmentation of a run: as asked for, else as the task has it, chosen where it is auto."""
    wish = replace(task.engine.augment, kind=request.augment or task.engine.augment.kind)
    asked = request.augment is not None or wish.kind == "auto"
    return chosen(wish, pictures, images) if asked else wish


def _called(augment: Augment) -> str:
    return "off" if augment.kind == "off" else f"{augment.kind}, {augment.mode}"


def groups(conditions: Conditions, snapshot: Snapshot, balance: str) -> NDArray[np.int64]:
    """The group of each picture that shall be shown as often as any other, (N,).

    Raises:
        ConfigError: The model takes no such condition.
    """
    rows = asking.learned(conditions, snapshot)
    if balance == "class" and conditions.kind == "class" and rows is not None:
        return rows.numpy()
    choices = [one.name for one in conditions.attributes if isinstance(one, Choice)]
    if rows is None or balance not in choices:
        known = ", ".join(["class"] if conditions.kind == "class" else choices) or "none"
        raise ConfigError(f"The run cannot be balanced by {balance!r}; choose one of: {known}.")
    return conditions.values_of(rows)[:, choices.index(balance)]


def from_json(value: Mapping[str, Any]) -> Choices:
    """The choices in a run.json."""
    grow = None if value["grow"] is None else Grow(**value["grow"])
    return Choices(
        gamma=Cosine(**value["gamma"]),
        augment=Augment(**value["augment"]),
        frozen=value["frozen"],
        grow=grow,
        balance=value["balance"],
        pairing=Pairing(**value["pairing"]) if value.get("pairing") else None,
        kinds=value.get("kinds"),
        content=value.get("content"),
        why=tuple(value["why"]),
    )
