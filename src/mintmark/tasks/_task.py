"""What a task is: one frozen record, the source of flags, forms, docs and tests."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Literal

from mintmark.core.errors import ConfigError
from mintmark.data.loader import Cutting
from mintmark.engines.composites import Pasted
from mintmark.engines.examples import Given
from mintmark.engines.paired import Paired
from mintmark.engines.synthesis import Synthesis
from mintmark.engines.unpaired import Unpaired
from mintmark.training.trainer import Cosine, Schedule

Use = Literal["tiles", "scale", "fill", "map", "colour", "blend", "translate", "restyle"]


@dataclass(frozen=True)
class Input:
    """Something the user gives when using a trained model.

    Attributes:
        name: As it is typed, for instance `class`.
        kind: What it is.
        about: One sentence for help, forms and docs.
        needed: Whether nothing can be made without.
    """

    name: str
    kind: Literal[
        "class",
        "attributes",
        "text",
        "seed",
        "picture",
        "mask",
        "margins",
        "fidelity",
        "strength",
        "switch",
    ]
    about: str
    needed: bool = False


@dataclass(frozen=True)
class Task:
    """New pictures: something that can be learned, in the user's words.

    Attributes:
        name: As it is typed.
        title: A few words for a menu.
        about: What it needs, how long it takes, what it is not good at.
        engine: The game that teaches it.
        family: The network family, a key of `models.families.FAMILIES`.
        schedules: Length and rates by preset name.
        inputs: What using it takes.
        condition: What its models can be asked for.
        optional: Whether it also learns without that.
        size: Pixels a side, or None to choose by the data.
        extractor: The shipped feature network that its results are measured in.
        guard: Whether outputs too near a picture that was learned from are turned down.
        marks: How its outputs are declared.
    """

    name: str
    title: str
    about: str
    engine: Synthesis
    family: str
    schedules: Mapping[str, Schedule]
    inputs: tuple[Input, ...]
    condition: Literal["class", "attributes", "text", "none"] = "none"
    optional: bool = False
    size: int | None = None
    extractor: Literal["digits", "pictures"] = "pictures"
    guard: bool = False
    marks: Literal["created", "edited"] = "created"


@dataclass(frozen=True)
class Restoration:
    """Better pictures of given ones: something that can be learned, in the user's words.

    Attributes:
        name: As it is typed.
        title: A few words for a menu.
        about: What it needs, how long it takes, what it is not good at.
        engine: The game that teaches it, with the damage that it learns to undo.
        args: What the family is built with beside the arguments of its preset.
        schedules: Length and rates by preset name.
        inputs: What using it takes.
        size: Pixels a side of the crops that it learns from.
        family: The network family, a key of `models.families.FAMILIES`.
        cutting: What it learns from: `crops` of pictures at their own resolution, `views`, which
            are whole pictures and large parts of them reduced to that size, or `whole` pictures.
        colours: Whether it works in RGB even where all pictures are grey.
        maps: Whether its inputs are maps, whose colours are names of parts.
        use: How it works on a picture: in `tiles`, at the `scale` that it learned at, to `fill`
            what is missing, or seen whole, for a `map` of it, its `colour`, or to `blend` in what
            a mask says was pasted.
        marks: How its outputs are declared.
    """

    condition: ClassVar[Literal["none"]] = "none"
    optional: ClassVar[bool] = False
    extractor: ClassVar[Literal["pictures"]] = "pictures"
    guard: ClassVar[bool] = False

    name: str
    title: str
    about: str
    engine: Paired
    args: Mapping[str, Any]
    schedules: Mapping[str, Schedule]
    inputs: tuple[Input, ...]
    size: int = 64
    family: str = "rrdb"
    cutting: Cutting = "crops"
    colours: bool = False
    maps: bool = False
    use: Use = "tiles"
    marks: Literal["created", "edited"] = "edited"

    @property
    def pairs(self) -> bool:
        """Whether its data holds inputs and targets."""
        return isinstance(self.engine.examples, Given)

    @property
    def objects(self) -> bool:
        """Whether its data holds objects in one folder, and in another what they are pasted on."""
        return isinstance(self.engine.examples, Pasted)


@dataclass(frozen=True)
class Translation:
    """Pictures of another kind made of given ones: something that can be learned.

    Attributes:
        name: As it is typed.
        title: A few words for a menu.
        about: What it needs, how long it takes, what it is not good at.
        engine: The game that teaches it.
        schedules: Length and rates by preset name.
        inputs: What using it takes.
        size: Pixels a side that pictures are brought to or cut into, or None to choose by the data.
        family: The network family, a key of `models.families.FAMILIES`.
        args: What the family is built with beside the arguments of its preset.
        cutting: How pictures become what it learns from; see `data.loader.prepare`.
        kinds: Whether its pictures are of several kinds; otherwise there are references only.
        use: How it works on a picture: `translate` at the scale that was learned, `restyle` in
            tiles at the picture's own.
        marks: How its outputs are declared.
    """

    optional: ClassVar[bool] = False
    extractor: ClassVar[Literal["pictures"]] = "pictures"
    guard: ClassVar[bool] = False

    name: str
    title: str
    about: str
    engine: Unpaired
    schedules: Mapping[str, Schedule]
    inputs: tuple[Input, ...]
    size: int | None = None
    family: str = "translator"
    args: Mapping[str, Any] = field(default_factory=dict)
    cutting: Cutting = "whole"
    kinds: bool = True
    use: Use = "translate"
    marks: Literal["created", "edited"] = "edited"

    @property
    def condition(self) -> Literal["class", "none"]:
        """What its models can be asked for."""
        return "class" if self.kinds else "none"


AnyTask = Task | Restoration | Translation


def short(images: int) -> Schedule:
    """The schedule of a short run that draws new pictures.

    How far such a run comes goes by its steps, not by the pictures that it sees: hence small
    batches, and rates three times those of `Schedule` (docs/explanation/measured.md).
    """
    return Schedule(images=images, batch=8, learning_rate=Cosine(1.8e-3, 1.8e-4))


MOMENTUM = 0.9  # most of a restoration is no game, and there Adam is faster with it

RESTORING: Mapping[str, Schedule] = {
    "tiny": Schedule(images=32_000, batch=16, learning_rate=Cosine(1e-3, 5e-5), beta1=MOMENTUM),
    "small": Schedule(images=1_000_000, batch=32, learning_rate=Cosine(4e-4, 1e-5), beta1=MOMENTUM),
    "base": Schedule(images=5_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5), beta1=MOMENTUM),
}
"""Schedules of tasks that learn from pieces of photographs."""

WIDE: Mapping[str, Schedule] = {
    "tiny": Schedule(images=16_000, batch=16, learning_rate=Cosine(1e-3, 5e-5)),
    "small": Schedule(images=500_000, batch=32, learning_rate=Cosine(5e-4, 1e-5)),
    "base": Schedule(images=2_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5)),
}
"""Schedules of tasks that learn from whole photographs, reduced."""

TRANSLATING: Mapping[str, Schedule] = {
    "tiny": Schedule(images=24_000, batch=8, learning_rate=Cosine(1e-3, 1e-4)),
    "small": Schedule(images=1_000_000, batch=16, learning_rate=Cosine(4e-4, 2e-5)),
    "base": Schedule(images=5_000_000, batch=16, learning_rate=Cosine(2e-4, 1e-5)),
}
"""Schedules of tasks that learn without pairs."""

BY_PAIRS = Paired(
    Given(), pixel=0.5, perceptual=1.0, matching=1.0, adversarial=0.1, turn=0.2, conditional=True
)
"""The game of tasks that learn from pairs of whole pictures."""

PAIRING: Mapping[str, Schedule] = {
    "tiny": Schedule(images=30_000, batch=16, learning_rate=Cosine(1e-3, 5e-5), beta1=MOMENTUM),
    "small": Schedule(images=500_000, batch=32, learning_rate=Cosine(4e-4, 2e-5), beta1=MOMENTUM),
    "base": Schedule(images=2_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5), beta1=MOMENTUM),
}
"""Schedules of tasks that learn from pairs of whole pictures."""

PICTURE = Input("picture", "picture", "The pictures to work on: files or folders.", needed=True)
MASK = Input("mask", "mask", "White where to fill the picture, of the same size.", needed=True)
PART = Input("mask", "mask", "White where alone the picture shall change, of the same size.")
PASTED = Input("mask", "mask", "White where something was pasted, of the same size.", needed=True)
MARGINS = Input("outpaint", "margins", "Pixels to add at each side, such as left=256.", needed=True)
TO = Input(
    "to", "class", "The kind of pictures that they shall become: a folder's name.", needed=True
)
STRENGTH = Input("strength", "strength", "How far pictures change: 0 same, 1 wholly.")
REFERENCE = Input("reference", "picture", "A picture whose style they shall have.")
STYLE = replace(REFERENCE, needed=True)
PHOTO = Input("photo", "switch", "Keep every edge and the full size, change colours and light.")
FIDELITY = Input("fidelity", "fidelity", "0 looks best, 1 is nearest to the truth.")
SEED = Input("seed", "seed", "Picture i of a seed is always the same.")


def all_tasks() -> dict[str, AnyTask]:
    """Every task by name: each module of this room whose name has no underscore first."""
    return {task.name: task for task in _tasks()}


def _tasks() -> Iterator[AnyTask]:
    room = import_module("mintmark.tasks")
    for module in sorted(iter_modules(room.__path__), key=lambda found: found.name):
        if not module.name.startswith("_"):
            yield import_module(f"mintmark.tasks.{module.name}").TASK


def find_task(name: str) -> AnyTask:
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


def find_synthesis(name: str) -> Task:
    """The task of that name, which draws new pictures.

    Raises:
        ConfigError: There is none, or it works on given pictures.
    """
    task = find_task(name)
    if not isinstance(task, Task):
        raise ConfigError(
            f"Packages of {name} draw nothing by themselves; give them pictures: "
            "mintmark apply PACKAGE PICTURES --out FOLDER."
        )
    return task


def catalogue() -> dict[str, Any]:
    """The tasks as plain JSON, for readers that must not import torch."""
    return {name: _entry(task) for name, task in all_tasks().items()}


def _entry(task: AnyTask) -> dict[str, Any]:
    inputs = [asdict(given) for given in task.inputs]
    return {
        "title": task.title,
        "about": task.about,
        "family": task.family,
        "presets": list(task.schedules),
        "condition": task.condition,
        "optional": task.optional,
        "size": task.size,
        "inputs": inputs,
        "marks": task.marks,
    }
