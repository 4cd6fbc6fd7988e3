"""What a run of a translation is decided from, and translating one picture."""

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from mintmark.actions.prepare import common_size
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.restoring import require_sensible
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.lineage import version
from mintmark.core.media import Picture
from mintmark.data.manifest import Snapshot
from mintmark.data.pictures import scaled
from mintmark.engines.piecewise import levels, planes
from mintmark.engines.unpaired import Unpaired, Wanted
from mintmark.models.conditions import Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config, Package
from mintmark.tasks._task import AnyTask, Translation

STEP = 4  # pixels that sides to learn are multiples of
LEAST = 16


def config(
    request: TrainRequest,
    task: Translation,
    preset: str,
    snapshot: Snapshot,
    given: Package | None,
) -> Config:
    """Networks and pictures of a new run.

    Raises:
        ConfigError: Something was asked for that translation does not have.
        DataError: There are not two folders of pictures.
    """
    require_sensible(request, task)
    conditions = _kinds(snapshot)
    channels = 1 if all(item.channels in (1, 2) for item in snapshot.items) else 3
    width, height = request.sides or [max(LEAST, task.size or common_size(snapshot))] * 2
    shape = (channels, height, width)
    args = FAMILIES[task.family].preset(preset, shape, conditions.sizes)
    if given:
        _require_fitting(given, task, channels, conditions)
        args = {**given.config.args, "height": height, "width": width}
    FAMILIES[task.family].build(args)  # refuses what cannot be built before anything is written
    return Config(
        task=task.name,
        family=task.family,
        args=args,
        conditions=conditions,
        height=height,
        width=width,
        channels=channels,
        networks=("G", "D"),
        library_version=version(),
    )


def _kinds(snapshot: Snapshot) -> Conditions:
    """The kinds of pictures, of which there must be two.

    Raises:
        DataError: There are not.
    """
    apart = all(item.label is not None for item in snapshot.items)
    if len(snapshot.classes) < 2 or not apart:
        raise DataError(
            "Translation learns from a folder for each kind of pictures, and needs two or more, "
            "such as data/day and data/night; put every picture into one of them and give the "
            "folder above."
        )
    return Conditions(classes=snapshot.classes)


def _require_fitting(
    given: Package, task: Translation, channels: int, conditions: Conditions
) -> None:
    have = given.config
    if have.family != task.family or have.channels != channels:
        raise ConfigError(
            f"The package of {have.task} has other networks than {task.name}; start without --from."
        )
    if have.conditions != conditions:
        raise ConfigError(
            f"The package knows the kinds {', '.join(have.classes)}; give folders of these names, "
            "or start without --from."
        )


@dataclass(frozen=True)
class Turn:
    """What pictures shall become.

    Attributes:
        kind: Number of the kind.
        name: Its name.
        strength: How far they change, in [0, 1].
    """

    kind: int
    name: str
    strength: float

    def inputs(self) -> dict[str, object]:
        """What of it decides a result, for its recipe."""
        return {"to": self.name, "strength": self.strength}


def asked(request: ApplyRequest, package: Package, task: AnyTask) -> Turn | None:
    """What a request says of kinds, or None where a task has none.

    Raises:
        ConfigError: The kind is missing, there is none of that name, or the task has none.
    """
    kinds, wish = package.config.classes, request.to
    if not isinstance(task, Translation):
        if wish is not None or request.strength != ApplyRequest.model_fields["strength"].default:
            raise ConfigError(
                f"The package of {task.name} knows no kinds; leave --to and --strength out."
            )
        return None
    if wish is None:
        raise ConfigError(f"Say what the pictures shall become: --to {' or --to '.join(kinds)}.")
    if wish not in kinds:
        near = get_close_matches(wish, kinds, 1, 0.0) or kinds
        raise ConfigError(
            f"The package cannot make {wish!r}; did you mean {near[0]!r}? "
            f"It makes: {', '.join(kinds)}."
        )
    return Turn(kinds.index(wish), wish, request.strength)


def translated(engine: Unpaired, package: Package, picture: Picture, turn: Turn) -> Picture:
    """A picture as another kind, at the scale that was learned.

    Args:
        engine: The game.
        package: Whose generator it is.
        picture: Any picture; what is transparent is laid on white.
        turn: What it shall become.

    Returns:
        A picture of 8 bits of the package's channels, its shorter side that of the pictures
        that were learned from.
    """
    config = package.config
    small = scaled(picture, config.channels, min(config.height, config.width))
    given = planes(small.array, config.channels)[None]
    made = engine.run(package.networks, Wanted(given, turn.kind, turn.strength))[0]
    return Picture(levels(made.numpy(), grey=False, most=255).astype(np.uint8))
