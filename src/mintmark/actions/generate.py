"""The verb `generate`: marked pictures from a package, in bounded memory."""

from collections.abc import Generator, Iterator
from pathlib import Path

from mintmark.actions import drawing
from mintmark.actions.plan import find_task
from mintmark.actions.requests import GenerateRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError
from mintmark.core.records import Artifact, Progress
from mintmark.engines.synthesis import CHUNK
from mintmark.models.package import Package, from_pretrained
from mintmark.provenance.mark import FORMATS, SHEET, read_recipe, write_marked


def load(source: str | Path, world: World) -> Package:
    """A package with its generator on the world's device.

    Raises:
        PackageError: It cannot be used; the sentence says why.
    """
    package = from_pretrained(source)
    # The plain layout whatever training chose, so that pictures depend on the device alone.
    package.networks["G"].to(world.compute.device)
    return package


def generate(request: GenerateRequest, world: World) -> Generator[Progress]:
    """Writes pictures into a folder, each with its mark.

    Args:
        request: What to draw and where to.
        world: The machine.

    Yields:
        Progress in pictures; the message names each file written.

    Raises:
        InputError: The package, the class or the file to make again is not usable.
    """
    package = load(request.package, world)
    total = 1 if request.like is not None else request.count + int(request.grid)
    for done, artifact in enumerate(artifacts(package, request), 1):
        yield Progress("generating", done, total, "pictures", {}, str(artifact.path))


def artifacts(package: Package, request: GenerateRequest) -> Iterator[Artifact]:
    """Draws, marks and writes what was asked for, a few pictures at a time.

    Raises:
        InputError: The class or the file to make again is not usable; nothing
            was written.
    """
    if request.like is not None:
        yield _like(request, package, request.like)
        return
    # Both refuse before anything is written.
    find_task(package.config.task)
    drawing.class_of(package.config, 0, request.label)
    if request.grid and request.count > drawing.MOST_ON_A_SHEET:
        raise ConfigError(
            f"A sheet holds at most {drawing.MOST_ON_A_SHEET} pictures, not {request.count}; "
            "lower --count or leave out --grid."
        )
    request.out.mkdir(parents=True, exist_ok=True)
    yield from _singles(request, package)
    if request.grid:
        yield _grid(request, package)


def _singles(request: GenerateRequest, package: Package) -> Iterator[Artifact]:
    label, seed = request.label, request.seed
    for first in range(0, request.count, CHUNK):
        indices = range(first, min(first + CHUNK, request.count))
        labels = drawing.labels_of(package.config, indices, label)
        pictures = drawing.draw(package, seed, indices, labels)
        for index, picture in zip(indices, pictures, strict=True):
            name = f"{_stem(request, package)}-{index:06d}.{request.format}"
            recipe = drawing.recipe_of(package, seed, index, label)
            yield write_marked(request.out / name, picture, package, recipe)


def _grid(request: GenerateRequest, package: Package) -> Artifact:
    count, label = request.count, request.label
    picture = drawing.draw_sheet(package, request.seed, count, label)
    recipe = drawing.recipe_of(package, request.seed, SHEET, label, count)
    path = request.out / f"{_stem(request, package)}-grid.{request.format}"
    return write_marked(path, picture, package, recipe)


def _stem(request: GenerateRequest, package: Package) -> str:
    """A file name's start: two packages in one folder do not overwrite each other."""
    return f"{package.config.task}-{package.digest[:8]}-{request.seed}"


def _like(request: GenerateRequest, package: Package, file: Path) -> Artifact:
    """Makes one generated file again, under the same name in the folder asked for."""
    if not file.is_file() or file.suffix.lower() not in FORMATS:
        raise ConfigError(f"There is no picture {file}; give a file that Mintmark generated.")
    if (request.out / file.name).resolve() == file.resolve():
        raise ConfigError(f"{file} would be written over; choose another --out.")
    recipe = read_recipe(file.read_bytes(), file.name)
    picture = drawing.again(package, recipe)
    request.out.mkdir(parents=True, exist_ok=True)
    return write_marked(request.out / file.name, picture, package, recipe)
