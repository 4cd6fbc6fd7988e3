"""The verb `generate`: marked pictures and clips from a package, in bounded memory."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from mintmark.actions import again, asking, choosing, clips, drawing, layout
from mintmark.actions.asking import Mix, Vary, Wish
from mintmark.actions.choosing import Kept, Refused
from mintmark.actions.clips import Walk
from mintmark.actions.requests import GenerateRequest
from mintmark.actions.world import World
from mintmark.actions.zoo import find
from mintmark.core.errors import ConfigError, GuardError
from mintmark.core.files import digest_json
from mintmark.core.records import Artifact, Progress, Recipe
from mintmark.engines import styles
from mintmark.models.package import Package, from_pretrained
from mintmark.provenance.mark import (
    CLIPS,
    COMPOSITE,
    FORMATS,
    SHEET,
    read_recipe,
    write_marked,
    write_marked_clip,
)
from mintmark.tasks._task import find_synthesis

SHOWN = 24  # refused pictures on their sheet


def load(source: str | Path, world: World, networks: tuple[str, ...] = ("G",)) -> Package:
    """A package with its networks on the world's device.

    Raises:
        PackageError: It cannot be used; the sentence says why.
    """
    package = from_pretrained(find(source), networks)
    for network in package.networks.values():
        # The plain layout whatever training chose, so that pictures depend on the device alone.
        network.to(world.compute.device)
    return package


def generate(request: GenerateRequest, world: World) -> Generator[Progress]:
    """Writes pictures into a folder, each with its mark.

    Args:
        request: What to draw and where to.
        world: The machine.

    Yields:
        Progress in pictures; the message names each file written.

    Raises:
        InputError: The package, the wish or the file to start from is not usable.
    """
    package = load(request.package, world, networks_for(request))
    total = _count(request)
    for done, artifact in enumerate(artifacts(package, request), 1):
        yield Progress("generating", min(done, total), total, "pictures", {}, str(artifact.path))


def networks_for(request: GenerateRequest) -> tuple[str, ...]:
    """The networks that a request needs."""
    return ("G", "D") if request.best_of > 1 else ("G",)


def _count(request: GenerateRequest) -> int:
    """Files that a request leads to, but for those a guard adds."""
    if request.like is not None or request.walk is not None:
        return 1
    singles = len(request.seeds) if request.seeds else request.count
    return singles + int(request.grid) + int(request.sheet)


def artifacts(package: Package, request: GenerateRequest) -> Iterator[Artifact]:
    """Draws, marks and writes what was asked for, a few pictures at a time.

    Raises:
        InputError: The wish or a file to start from is not usable; nothing was written.
    """
    if request.like is not None:
        yield _like(request, package, request.like)
        return
    wish = _wish(request)
    _require_possible(package, request, wish)
    if request.vary is not None:
        yield from _variations(request, package, request.vary)
        return
    if request.walk is not None:
        yield _walk(request, package, wish, request.walk)
        return
    request.out.mkdir(parents=True, exist_ok=True)
    if request.seeds:
        yield from _by_seed(request, package, wish)
        return
    indices: list[int] = []
    refused: list[Refused] = []
    try:
        for one in choosing.chosen(package, request.seed, request.count, wish, request.best_of):
            if isinstance(one, Refused):
                refused = [*refused, one][-SHOWN:]
                continue
            indices.append(one.index)
            yield _single(request, package, wish, request.seed, one)
    except GuardError:
        _turned_down(request, package, refused)  # what it shows is the reason
        raise
    yield from _sheets(request, package, wish, indices)
    if refused:
        yield _turned_down(request, package, refused)


def _require_possible(package: Package, request: GenerateRequest, wish: Wish) -> None:
    """Refuses before anything is written."""
    guarded = find_synthesis(package.config.task).guard
    if guarded and (request.seeds or request.vary is not None or request.walk is not None):
        raise ConfigError(
            "Every picture of this package has to pass its guard, so it draws by --seed and "
            "--count alone; leave out --seeds, --vary and --walk."
        )
    asking.require_known(package.config.conditions, wish)
    if wish.mix is not None:
        styles.require_layers(styles.of(package.networks), wish.mix.scale)
    both = request.grid or request.sheet
    if both and request.count > drawing.MOST_ON_A_SHEET:
        raise ConfigError(
            f"A sheet holds at most {drawing.MOST_ON_A_SHEET} pictures, not {request.count}; "
            "lower --count or leave out --grid and --sheet."
        )


def _wish(request: GenerateRequest) -> Wish:
    return Wish(
        label=request.label,
        attributes=request.attributes,
        text=request.text,
        psi=request.psi,
        noise=request.noise,
        mix=None if request.mix is None else Mix(request.mix, 0, request.scale),
    )


def _single(
    request: GenerateRequest, package: Package, wish: Wish, seed: int, one: Kept
) -> Artifact:
    name = f"{_stem(package, seed)}{_tag(wish)}-{one.index:06d}.{request.format}"
    recipe = drawing.recipe_of(package, seed, one.index, wish)
    return write_marked(request.out / name, one.picture, package, recipe)


def _by_seed(request: GenerateRequest, package: Package, wish: Wish) -> Iterator[Artifact]:
    """The first picture of each of several seeds."""
    for seed in request.seeds:
        (picture,) = drawing.draw(package, seed, [0], wish)
        yield _single(request, package, wish, seed, Kept(0, picture))


def _variations(request: GenerateRequest, package: Package, file: Path) -> Iterator[Artifact]:
    """Pictures near one that was generated before."""
    origin = _recipe_in(file)
    again.require_own(package, origin)
    wish = again.wish_of(origin)
    if origin.index == SHEET or wish.vary is not None:
        raise ConfigError(
            f"{file} is a sheet, a clip or itself a variation; vary a single picture that was "
            "generated by number."
        )
    request.out.mkdir(parents=True, exist_ok=True)
    for number in range(request.count):
        near = replace(wish, vary=Vary(request.strength, number))
        (picture,) = drawing.draw(package, origin.seed, [origin.index], near)
        stem = f"{_stem(package, origin.seed)}-{origin.index:06d}"
        path = request.out / f"{stem}{_tag(near)}-near-{number:04d}.{request.format}"
        recipe = drawing.recipe_of(package, origin.seed, origin.index, near)
        yield write_marked(path, picture, package, recipe)


def _walk(request: GenerateRequest, package: Package, wish: Wish, format: str) -> Artifact:
    """A clip that passes the first pictures of the seed and returns."""
    way = Walk(request.count, request.frames, request.fps)
    clip = clips.walk(package, request.seed, wish, way)
    recipe = drawing.recipe_of(package, request.seed, SHEET, wish, way.to_inputs())
    tag = digest_json({**wish.to_inputs(), **way.to_inputs()})[:6]
    path = request.out / f"{_stem(package, request.seed)}-{tag}-walk.{format}"
    request.out.mkdir(parents=True, exist_ok=True)
    return write_marked_clip(path, clip, package, recipe)


def _sheets(
    request: GenerateRequest, package: Package, wish: Wish, indices: list[int]
) -> Iterator[Artifact]:
    """One sheet of all pictures, plain, or with their numbers."""
    stem = _stem(package, request.seed)
    chosen = indices if indices != list(range(len(indices))) else None
    for name, there in (("grid", request.grid), ("sheet", request.sheet)):
        if there:
            captions = name == "sheet"
            more = {"count": len(indices), "captions": captions, "indices": chosen}
            asked = {key: value for key, value in more.items() if value}
            picture = drawing.draw_sheet(
                package, request.seed, len(indices), wish, chosen, captions
            )
            recipe = drawing.recipe_of(package, request.seed, SHEET, wish, asked)
            path = request.out / f"{stem}{_tag(wish)}-{name}.{request.format}"
            yield write_marked(path, picture, package, recipe)


def _turned_down(request: GenerateRequest, package: Package, refused: list[Refused]) -> Artifact:
    """A sheet of what the guard refused, each beside the picture that it is near."""
    tiles, names = [], []
    for one in refused:
        tiles.append(layout.beside(one.picture, one.original))
        names.append(f"{one.index}: {one.name}")
    recipe = drawing.recipe_of(package, request.seed, SHEET, Wish(), {"report": "turned down"})
    path = request.out / f"{_stem(package, request.seed)}-turned-down.png"
    sheet = layout.captioned(tiles, names, 4)
    return write_marked(path, sheet, package, recipe, COMPOSITE)


def _tag(wish: Wish) -> str:
    """What tells files of different wishes apart; nothing for a plain one."""
    asked = wish.to_inputs()
    return f"-{digest_json(asked)[:6]}" if asked else ""


def _stem(package: Package, seed: int) -> str:
    """A file name's start: two packages in one folder do not overwrite each other."""
    return f"{package.config.task}-{package.digest[:8]}-{seed}"


def _recipe_in(file: Path) -> Recipe:
    """The recipe in a generated file."""
    if not file.is_file() or file.suffix.lower() not in {**FORMATS, **CLIPS}:
        raise ConfigError(f"There is no picture {file}; give a file that Mintmark generated.")
    return read_recipe(file.read_bytes(), file.name)


def _like(request: GenerateRequest, package: Package, file: Path) -> Artifact:
    """Makes one generated file again, under the same name in the folder asked for."""
    recipe = _recipe_in(file)
    path = request.out / file.name
    if path.resolve() == file.resolve():
        raise ConfigError(f"{file} would be written over; choose another --out.")
    if "walk" in recipe.inputs:
        clip = again.clip(package, recipe)
        request.out.mkdir(parents=True, exist_ok=True)
        return write_marked_clip(path, clip, package, recipe)
    picture = again.picture(package, recipe)
    request.out.mkdir(parents=True, exist_ok=True)
    return write_marked(path, picture, package, recipe)
