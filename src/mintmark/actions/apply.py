"""The verb `apply`: better pictures of given ones, of any size and number."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

from torch import Tensor

from mintmark.actions import filling, translating
from mintmark.actions.filling import Where
from mintmark.actions.generate import load
from mintmark.actions.layout import before_and_after
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.using import Step, Work, side_by_side
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError, DataError, InputError
from mintmark.core.files import digest_bytes
from mintmark.core.lineage import version
from mintmark.core.records import Progress, Recipe
from mintmark.core.settings import settings
from mintmark.data.carried import for_result
from mintmark.data.pictures import (
    Measure,
    decode,
    measure,
    read_carried,
    require_still,
)
from mintmark.engines.paired import balanced
from mintmark.models.families import FAMILIES
from mintmark.provenance.mark import COMPOSITE, FORMATS, SHEET, read_recipe, write_marked
from mintmark.tasks._task import Restoration, Task, Translation, find_task

NAMED = 5  # files that failed which the last sentence names


def apply(request: ApplyRequest, world: World) -> Generator[Progress, None, list[Path]]:
    """Works on pictures; those that are there already by the same recipe are left.

    Args:
        request: With what, on what, where to.
        world: The machine.

    Yields:
        Progress in pictures.

    Returns:
        The results, without the comparisons.

    Raises:
        InputError: The package cannot do it or there is no picture; nothing was written.
        DataError: Some pictures could not be read; all others are done.
    """
    work = work_of(request, world)
    files = list(_files(request))
    _require_writable(request.out)
    failed: dict[Path, str] = {}
    for done in range(0, len(files), work.at_once):
        group = files[done : done + work.at_once]
        steps = [_tried(work, file, target, failed) for file, target in group]
        for place, (part, parts) in side_by_side(work, steps):
            name = group[place][0].name
            share = f"{name}, tile {part} of {parts}" if parts > 1 else name
            yield Progress("applying", done, len(files), "pictures", {}, share)
        last = str(group[-1][1])
        yield Progress("applying", done + len(group), len(files), "pictures", {}, last)
    reasons = [failed[file] for file, _ in files if file in failed]
    if reasons and len(files) == 1:
        raise DataError(f"{reasons[0]}.")
    if reasons:
        raise DataError(
            f"{len(reasons)} of {len(files)} pictures could not be worked on, the others are done: "
            f"{'; '.join(reasons[:NAMED])}{'; ...' if len(reasons) > NAMED else ''}. Mend that, "
            "or remove them, and run the same command again."
        )
    return [target for _, target in files]


def _tried(
    work: Work, file: Path, target: Path, failed: dict[Path, str]
) -> Generator[Step, Tensor, None]:
    """What one picture goes through; why it could not is noted."""
    try:
        yield from _one(work, file, target)
    except (DataError, OSError) as error:
        failed[file] = _reason(file, error)


def _reason(file: Path, error: Exception) -> str:
    """Why a file was not worked on, with its name and without an end."""
    reason = str(error).rstrip(".")
    return reason if reason.startswith(file.name) else f"{file.name}: {reason}"


def work_of(request: ApplyRequest, world: World) -> Work:
    """Loads a package that works on pictures.

    Raises:
        ConfigError: It draws new ones, or has no balance and one was asked for.
    """
    package = load(request.package, world)
    task = find_task(package.config.task)
    if isinstance(task, Task):
        raise ConfigError(
            f"The package of {task.name} draws new pictures and works on none; "
            "use mintmark generate."
        )
    faithful = "F" in package.config.networks
    if not faithful and request.fidelity != ApplyRequest.model_fields["fidelity"].default:
        raise ConfigError(f"A package of {task.name} has one balance only; leave --fidelity out.")
    networks = load(request.package, world, ("G", "F")).networks if faithful else package.networks
    network = balanced(networks, request.fidelity) if faithful else networks["G"]
    compute = world.for_given_pictures().compute
    return Work(
        package=package,
        network=compute.place(network),
        compute=compute,
        engine=task.engine,
        scale=int(package.config.args.get("scale", 1)),
        tile=request.tile or FAMILIES[package.config.family].tile,
        fidelity=request.fidelity,
        strength=1.0 if isinstance(task, Translation) else request.strength,
        where=_where(request, task),
        turn=translating.asked(request, package, task),
        use=task.use,
        compare=request.compare,
    )


def _where(request: ApplyRequest, task: Restoration | Translation) -> Where | None:
    if isinstance(task, Translation):
        return filling.within(request, task)
    if task.use == "blend":
        return filling.pasted(request, task.name)
    return filling.asked(request, task.name, task.use == "fill")


def _files(request: ApplyRequest) -> Iterator[tuple[Path, Path]]:
    """Each picture and where its result goes, in the order of their names.

    Raises:
        ConfigError: There is none, or two would be written to one place.
    """
    found: dict[Path, Path] = {}
    for given in request.pictures:
        inside = sorted(path for path in given.rglob("*") if path.suffix.lower() in FORMATS)
        for path in inside if given.is_dir() else [given]:
            place = path.relative_to(given) if given.is_dir() else Path(path.name)
            target = request.out / place
            if not path.is_file() or path.suffix.lower() not in FORMATS:
                raise ConfigError(f"There is no picture {path}; give files or folders of pictures.")
            if target in found or target.resolve() == path.resolve():
                raise ConfigError(f"{path} would be written to {target} over another picture.")
            found[target] = path
    if not found:
        raise ConfigError("The folders hold no pictures; give files or other folders.")
    for target, path in found.items():
        if request.compare and _comparison(target) in found:
            raise ConfigError(f"The comparison of {path} would be written over another picture.")
    yield from ((path, target) for target, path in found.items())


def _require_writable(folder: Path) -> None:
    """Makes the folder; what forbids to write there is told before hours of work.

    Raises:
        ConfigError: It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"Nothing can be written to {folder} ({error.strerror}); name another folder."
        ) from error


def _one(work: Work, file: Path, target: Path) -> Generator[Step, Tensor, None]:
    """What one picture goes through, from its file to that of the result."""
    content = file.read_bytes()
    recipe = Recipe(
        package=work.package.digest,
        task=work.package.config.task,
        seed=0,
        index=0,
        inputs={
            "parent": digest_bytes(content),
            "fidelity": work.fidelity,
            **({} if work.strength == 1 else {"strength": work.strength}),
            **({} if work.where is None else work.where.inputs(file)),
            **({} if work.turn is None else work.turn.told),
        },
        device=next(work.network.parameters()).device.type,
        code_version=version(),
    )
    wanted = [target, _comparison(target)] if work.compare else [target]
    if all(_is_done(path, recipe) for path in wanted):
        return
    require_still(content, file.name)
    _require_room(measure(content, file.name), work, file.name)
    picture = decode(content, file.name)
    made = yield from work.made(picture, file)
    carried = for_result(read_carried(content, file.name), made.width, made.height)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_marked(target, made, work.package, recipe, COMPOSITE, carried)
    if work.compare:
        both, whole = before_and_after(picture, made), replace(recipe, index=SHEET)
        write_marked(_comparison(target), both, work.package, whole, COMPOSITE)


def _comparison(target: Path) -> Path:
    """Where before and after go; the whole name, since a.jpg and a.png may lie side by side."""
    return target.with_name(f"{target.name}.compare.png")


def _require_room(size: Measure, work: Work, name: str) -> None:
    """Refuses a picture whose result would be larger than pictures may be."""
    margins = work.where.margins if work.where else {}
    learned = work.side / min(size.width, size.height)
    scale = learned if work.use in ("scale", "translate") and not work.photo else work.scale
    width = round(scale * size.width) + margins.get("left", 0) + margins.get("right", 0)
    height = round(scale * size.height) + margins.get("top", 0) + margins.get("bottom", 0)
    limit = settings().max_megapixels
    if width * height > limit * 1e6:
        raise DataError(
            f"{name} would become {width} x {height} pixels, more than the {limit:g} megapixels "
            "that MINTMARK_MAX_MEGAPIXELS allows."
        )


def _is_done(target: Path, recipe: Recipe) -> bool:
    """Whether a file by this recipe is there."""
    try:
        there = read_recipe(target.read_bytes(), target.name)
    except (OSError, InputError):
        return False
    return (there.package, there.inputs) == (recipe.package, dict(recipe.inputs))
