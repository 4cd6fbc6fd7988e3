"""What a run of a restoration is decided from: its networks, and wishes that it cannot have."""

from mintmark.actions.pairing import asked
from mintmark.actions.prepare import Data, common_size
from mintmark.actions.requests import TrainRequest
from mintmark.core.errors import ConfigError
from mintmark.core.lineage import version
from mintmark.data.palette import palette_of
from mintmark.models.conditions import Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config, Package
from mintmark.tasks._task import Restoration, Translation


def config(
    request: TrainRequest,
    task: Restoration,
    preset: str,
    data: Data,
    given: Package | None,
) -> Config:
    """Networks and crops of a new run.

    Raises:
        ConfigError: Something was asked for that restoration does not have.
    """
    require_sensible(request, task)
    snapshot = data.snapshot
    grey = all(item.channels in (1, 2) for item in snapshot.items)
    if task.use == "colour" and grey:
        raise ConfigError(f"All pictures are grey; {task.name} learns from pictures in colour.")
    channels = 1 if grey and not task.colours else 3
    side = common_size(snapshot, task.size) if task.pairs else task.size
    width, height = request.sides or (side, side)
    args = FAMILIES[task.family].preset(preset, (channels, height, width), {})
    args = {**args, **task.args}
    if given:
        _require_fitting(given, task, channels)
        args = {**given.config.args, "height": height, "width": width}
    if task.maps:
        args["palette"] = _palette(request, task, data, given)
    FAMILIES[task.family].build(args)  # refuses what cannot be built before anything is written
    return Config(
        task=task.name,
        family=task.family,
        args=args,
        conditions=Conditions(),
        height=height,
        width=width,
        channels=channels,
        networks=("G", "F", "D") if task.engine.adversarial else ("G",),
        library_version=version(),
    )


def _palette(
    request: TrainRequest, task: Restoration, data: Data, given: Package | None
) -> list[list[int]]:
    """The colours of the parts: those of a package that is learned on from, else of the maps."""
    pairing = asked(request, task)
    rows = pairing.rows(data.snapshot, exact=True) if pairing else []
    found = palette_of(data.source, (row[0] for row in rows))
    if given:
        known: list[list[int]] = given.config.args["palette"]
        if lacking := sorted(set(found) - {(r, g, b) for r, g, b in known}):
            raise ConfigError(
                f"The maps have {len(lacking)} colours that the package does not know, first "
                f"{lacking[0]}; start without --from."
            )
        return known
    return [list(colour) for colour in found]


def require_sensible(request: TrainRequest, task: Restoration | Translation) -> None:
    """Refuses what is for new pictures.

    Raises:
        ConfigError: It is asked for here.
    """
    asked = {
        "--family": request.family not in (None, task.family),
        "--condition": request.condition not in ("auto", "none"),
        "--encoder": request.encoder is not None,
        "--alpha": request.alpha is not None,
        "--augment": request.augment is not None,
        "--tune": bool(request.tune),
        "--grow": request.grow not in (None, "off"),
        "--balance": request.balance is not None,
        "--freeze-d": request.freeze_d > 0,
    }
    for name, there in asked.items():
        if there:
            raise ConfigError(f"{name} is for new pictures; {task.name} does not take it.")


def _require_fitting(given: Package, task: Restoration, channels: int) -> None:
    have = given.config
    fits = have.family == task.family and have.channels == channels
    if not fits or any(have.args.get(name) != value for name, value in task.args.items()):
        raise ConfigError(
            f"The package of {have.task} has other networks than {task.name}; start without --from."
        )
