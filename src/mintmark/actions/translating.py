"""What a run of a translation is decided from, and translating one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.actions.prepare import Data, common_size
from mintmark.actions.requests import ApplyRequest, TrainRequest
from mintmark.actions.restoring import require_sensible
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_bytes
from mintmark.core.lineage import version
from mintmark.core.media import Picture
from mintmark.data.counterparts import counterparts
from mintmark.data.loader import PixelSet
from mintmark.data.manifest import Snapshot
from mintmark.data.pictures import decode, require_still, scaled
from mintmark.engines.piecewise import glance, planes
from mintmark.engines.tiles import Change
from mintmark.engines.tones import toning
from mintmark.engines.unpaired import Unpaired, Wanted
from mintmark.models.conditions import Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config, Package
from mintmark.tasks._task import AnyTask, Translation, find_task

STEP = 4  # pixels that sides to learn are multiples of
LEAST = 16
LARGEST = 512  # pixels a side of a reference that is seen at its own resolution


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
    conditions = _kinds(snapshot) if task.kinds else Conditions()
    channels = 1 if all(item.channels in (1, 2) for item in snapshot.items) else 3
    width, height = request.sides or [max(LEAST, task.size or common_size(snapshot))] * 2
    shape = (channels, height, width)
    args = {**FAMILIES[task.family].preset(preset, shape, conditions.sizes), **task.args}
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


def sorted_by(data: Data, column: str, name: str) -> Data:
    """The pictures by kinds that a column of their metadata names.

    Args:
        data: The pictures.
        column: Which.
        name: Of the task.

    Raises:
        ConfigError: The task has no kinds.
        DataError: The column does not tell them.
    """
    task = find_task(name)
    if not isinstance(task, Translation) or not task.kinds:
        raise ConfigError(f"--kinds is for translation between kinds; {name} does not take it.")
    return data.by(column)


def with_references(pieces: PixelSet, kinds: bool, alike: bool = False) -> PixelSet:
    """What a run learns from: pieces, each with another one beside it.

    Args:
        pieces: Of all pictures.
        kinds: Whether they are of several kinds, as their labels say.
        alike: Whether counterparts that look alike are found and laid beside each other.
    """
    beside = replace(pieces, beside=pieces.pixels)
    if not kinds:
        return beside
    assert pieces.labels is not None  # or `config` would have refused the data
    labels = torch.from_numpy(pieces.labels)
    by_kind = replace(beside, condition=labels, kinds=labels, groups=pieces.labels)
    if not alike:
        return by_kind
    partners = counterparts(pieces.pixels, pieces.labels)
    alone = partners.max(1) < 0  # these share one turn, since less is to be learned from them
    groups = np.where(alone, partners.shape[1], pieces.labels)
    return replace(by_kind, groups=groups, partners=partners)


def found(partners: NDArray[np.int64]) -> str:
    """A sentence that says how many pictures have a counterpart, of (N, number of kinds)."""
    count = int((partners >= 0).any(1).sum())
    return (
        f"{count} of {len(partners)} pictures have a counterpart of another kind that looks like "
        "them; some of these are in counterparts.png of the run"
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
            "folder above, or say with --kinds which column of the metadata tells them."
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
        code: What tells it to the generator, (1, code).
        reference: The picture whose style is wanted, (1, C, h, w), or None.
        strength: How far they change, in [0, 1].
        photo: Whether edges and the size stay, and only colours and light change.
        told: What of it decides a result, for its recipe.
    """

    code: Tensor
    reference: Tensor | None
    strength: float
    photo: bool
    told: Mapping[str, object]

    def of(self, engine: Unpaired, network: nn.Module, whole: Tensor | None) -> Change:
        """What it does to pictures, or to the parts of one.

        Args:
            engine: The game.
            network: Its generator.
            whole: The picture, small, (C, h, w) in [-1, 1], or None if its colours may stay.
        """
        tones = None
        if engine.tone and self.reference is not None and whole is not None:
            tones = toning(whole[None], self.reference)

        def change(pictures: Tensor) -> Tensor:
            wanted = Wanted(pictures, self.code, tones, self.strength)
            return engine.run({"G": network}, wanted)

        return change


def asked(request: ApplyRequest, package: Package, task: AnyTask) -> Turn | None:
    """What a request says of kinds and styles, or None where a task has none.

    Raises:
        ConfigError: The kind or the reference is missing, there is no such, or the task has none.
    """
    if not isinstance(task, Translation):
        _require_none(request, task)
        return None
    kind = _kind(request, package.config.classes)
    if not task.kinds and request.reference is None:
        raise ConfigError(f"{task.name} takes the style of a picture; add --reference PICTURE.")
    told: dict[str, object] = {"strength": request.strength, "photo": request.photo}
    if task.kinds:
        told["to"] = request.to
    reference = None
    if request.reference is not None:
        content = _content(request.reference)
        told["reference"] = digest_bytes(content)
        reference = _seen(decode(content, request.reference.name), package, task)
    code = task.engine.code(package.networks, kind, reference)
    return Turn(code, reference, request.strength, request.photo, told)


def _require_none(request: ApplyRequest, task: AnyTask) -> None:
    defaults, taken = ApplyRequest.model_fields, {given.name for given in task.inputs}
    for name in ("to", "strength", "reference", "photo"):
        if name not in taken and getattr(request, name) != defaults[name].default:
            raise ConfigError(f"The package of {task.name} does not take --{name}; leave it out.")


def _kind(request: ApplyRequest, kinds: Sequence[str]) -> int:
    """Number of the kind that is asked for.

    Raises:
        ConfigError: None is, or one that is not there.
    """
    wish = request.to
    if not kinds:
        if wish is not None:
            raise ConfigError("The package knows styles and no kinds; leave --to out.")
        return 0
    if wish is None:
        raise ConfigError(f"Say what the pictures shall become: --to {' or --to '.join(kinds)}.")
    if wish not in kinds:
        near = get_close_matches(wish, kinds, 1, 0.0) or kinds
        raise ConfigError(
            f"The package cannot make {wish!r}; did you mean {near[0]!r}? "
            f"It makes: {', '.join(kinds)}."
        )
    return kinds.index(wish)


def _content(path: Path) -> bytes:
    """The bytes of a still picture.

    Raises:
        ConfigError: There is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"There is no picture {path} to take the style of.") from error
    require_still(content, path.name)
    return content


def _seen(picture: Picture, package: Package, task: Translation) -> Tensor:
    """A reference as the style encoder learned to see pictures, (1, C, h, w)."""
    config = package.config
    if task.use == "restyle":
        return glance(picture, config.channels, LARGEST)[None]
    side = min(config.height, config.width)
    return planes(scaled(picture, config.channels, side).array, config.channels)[None]
