"""The verb `generate`: marked pictures from a package, in bounded memory."""

from collections.abc import Generator, Iterator
from pathlib import Path

from mintmark.actions import drawing
from mintmark.actions.requests import GenerateRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError
from mintmark.core.records import Artifact, Progress
from mintmark.engines.synthesis import CHUNK
from mintmark.models.package import Package, from_pretrained
from mintmark.provenance.mark import read_recipe, write_marked


def load(source: str | Path, world: World) -> Package:
    """A package with its generator on the world's device.

    Raises:
        PackageError: It cannot be used; the sentence says why.
    """
    package = from_pretrained(source)
    package.networks["G"] = world.compute.place(package.networks["G"])
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
    if request.like is not None:
        yield _like(request, package, request.like)
        return
    drawing.class_of(package.config, 0, request.label)  # refuses before anything is written
    if request.grid and request.count > drawing.MOST_ON_A_SHEET:
        raise ConfigError(
            f"A sheet holds at most {drawing.MOST_ON_A_SHEET} pictures, not {request.count}; "
            "lower --count or leave out --grid."
        )
    request.out.mkdir(parents=True, exist_ok=True)
    for artifact in artifacts(package, request):
        done = artifact.recipe.index + 1 if artifact.recipe else request.count
        yield Progress("generating", done, request.count, "pictures", {}, str(artifact.path))
    if request.grid:
        yield _grid(request, package)


def artifacts(package: Package, request: GenerateRequest) -> Iterator[Artifact]:
    """Draws, marks and writes the pictures asked for, a few at a time."""
    label, seed = request.label, request.seed
    for first in range(0, request.count, CHUNK):
        indices = range(first, min(first + CHUNK, request.count))
        labels = drawing.labels_of(package.config, indices, label)
        pictures = drawing.draw(package, seed, indices, labels)
        for index, picture in zip(indices, pictures, strict=True):
            name = f"{package.config.task}-{seed}-{index:06d}.{request.format}"
            recipe = drawing.recipe_of(package, seed, index, label)
            yield write_marked(request.out / name, picture, package, recipe)


def _grid(request: GenerateRequest, package: Package) -> Progress:
    count, label = request.count, request.label
    picture = drawing.draw_sheet(package, request.seed, count, label)
    recipe = drawing.recipe_of(package, request.seed, drawing.SHEET, label, count)
    path = request.out / f"{package.config.task}-{request.seed}-grid.{request.format}"
    write_marked(path, picture, package, recipe)
    return Progress("generating", count, count, "pictures", {}, str(path))


def _like(request: GenerateRequest, package: Package, file: Path) -> Progress:
    """Makes one generated file again, under the same name in the folder asked for."""
    if not file.is_file():
        raise ConfigError(f"There is no file {file}; give a picture that Mintmark generated.")
    recipe = read_recipe(file.read_bytes(), file.name)
    picture = drawing.again(package, recipe)
    request.out.mkdir(parents=True, exist_ok=True)
    path = request.out / file.name
    device = next(package.networks["G"].parameters()).device.type
    note = "" if device == recipe.device else f" (made on {recipe.device}, now on {device})"
    write_marked(path, picture, package, recipe)
    return Progress("generating", 1, 1, "pictures", {}, f"{path}{note}")
