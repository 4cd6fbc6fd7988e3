"""The verb `apply`: better pictures of given ones, of any size and number."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.actions import filling
from mintmark.actions.filling import mask_of
from mintmark.actions.generate import load
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError, DataError, InputError
from mintmark.core.files import digest_bytes, digest_file
from mintmark.core.lineage import version
from mintmark.core.media import Picture
from mintmark.core.records import Progress, Recipe, Side
from mintmark.data.pictures import decode
from mintmark.engines.holes import Holes
from mintmark.engines.paired import Paired, balanced
from mintmark.engines.tiles import OVERLAP, in_tiles
from mintmark.models.package import Package
from mintmark.provenance.mark import COMPOSITE, FORMATS, read_recipe, write_marked
from mintmark.tasks._task import find_task

NAMED = 5  # files that failed which the last sentence names


@dataclass(frozen=True)
class Work:
    """What is done to every picture.

    Attributes:
        package: What does it.
        network: Its generator, at the balance asked for.
        engine: Its game.
        scale: How many times the sides grow.
        tile: Pixels a side at once.
        fidelity: The balance.
        mask: Where to fill pictures; see `ApplyRequest`.
        margins: How far to continue them.
    """

    package: Package
    network: nn.Module
    engine: Paired
    scale: int
    tile: int
    fidelity: float
    mask: Path | None = None
    margins: Mapping[Side, int] = field(default_factory=dict)


def apply(request: ApplyRequest, world: World) -> Generator[Progress, None, list[Path]]:
    """Works on pictures; those that are there already by the same recipe are left.

    Args:
        request: With what, on what, where to.
        world: The machine.

    Yields:
        Progress in pictures.

    Returns:
        The files.

    Raises:
        InputError: The package cannot do it or there is no picture; nothing was written.
        DataError: Some pictures could not be read; all others are done.
    """
    work = _work(request, world)
    files = list(_files(request))
    request.out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    failed: list[str] = []
    for done, (file, target) in enumerate(files):
        try:
            content = file.read_bytes()
            for part, parts in _one(work, content, file, target):
                share = f"{file.name}, tile {part} of {parts}" if parts > 1 else file.name
                yield Progress("applying", done, len(files), "pictures", {}, share)
            written.append(target)
        except (DataError, OSError) as error:
            failed.append(f"{file.name} ({error})")
        yield Progress("applying", done + 1, len(files), "pictures", {}, str(target))
    if failed:
        raise DataError(
            f"{len(failed)} of {len(files)} pictures could not be worked on, the others are done: "
            f"{'; '.join(failed[:NAMED])}{'; ...' if len(failed) > NAMED else ''}. Mend or remove "
            "them and run the same command again."
        )
    return written


def _work(request: ApplyRequest, world: World) -> Work:
    """Loads a package that works on pictures.

    Raises:
        ConfigError: It draws new ones, or has no balance and one was asked for.
    """
    package = load(request.package, world)
    task = find_task(package.config.task)
    if not isinstance(task.engine, Paired):
        raise ConfigError(
            f"The package of {task.name} draws new pictures and works on none; "
            "use mintmark generate."
        )
    faithful = "F" in package.config.networks
    if not faithful and request.fidelity != ApplyRequest.model_fields["fidelity"].default:
        raise ConfigError(f"A package of {task.name} has one balance only; leave --fidelity out.")
    networks = load(request.package, world, ("G", "F")).networks if faithful else package.networks
    network = balanced(networks, request.fidelity) if faithful else networks["G"]
    scale = int(package.config.args.get("scale", 1))
    margins = {side: pixels for side, pixels in request.outpaint.items() if pixels}
    _require_holes(isinstance(task.engine.damage, Holes), request.mask, margins, task.name)
    return Work(
        package, network, task.engine, scale, request.tile, request.fidelity, request.mask, margins
    )


def _require_holes(fills: bool, mask: Path | None, margins: Mapping[Side, int], name: str) -> None:
    """Refuses what would fill nothing, or change what it should not.

    Raises:
        ConfigError: No hole is given, two kinds are, the mask is not there, or the package fills
            none.
    """
    if not fills and (mask or margins):
        raise ConfigError(
            f"The package of {name} fills nothing; leave out --mask and --outpaint, or take one "
            "of inpaint or outpaint."
        )
    if mask and not mask.exists():
        raise ConfigError(f"There is no mask {mask}; give a picture or a folder of them.")
    if fills and bool(mask) == bool(margins):
        raise ConfigError(
            f"The package of {name} needs either --mask FILE, white where to fill, or --outpaint "
            "with pixels to add, as in --outpaint left=256; give one of them."
        )


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
    yield from ((path, target) for target, path in found.items())


def _one(
    work: Work, content: bytes, file: Path, target: Path
) -> Generator[tuple[int, int], None, None]:
    """Works on one picture; yields its tiles done and in all."""
    mask = None if work.mask is None else mask_of(work.mask, file)
    recipe = Recipe(
        package=work.package.digest,
        task=work.package.config.task,
        seed=0,
        index=0,
        inputs={
            "parent": digest_bytes(content),
            "fidelity": work.fidelity,
            **({} if mask is None else {"mask": digest_file(mask)}),
            **{f"outpaint_{side}": pixels for side, pixels in work.margins.items()},
        },
        device=next(work.network.parameters()).device.type,
        code_version=version(),
    )
    if _is_done(target, recipe):
        return
    picture = decode(content, file.name)
    if mask is not None or work.margins:
        made = yield from _filled(work, picture, mask)
    else:
        made = yield from _restored(work, picture)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_marked(target, made, work.package, recipe, COMPOSITE)


def _filled(
    work: Work, picture: Picture, mask: Path | None
) -> Generator[tuple[int, int], None, Picture]:
    if mask is None:
        picture, missing = filling.extended(picture, work.margins)
    else:
        missing = filling.read_mask(mask, picture)
    change = partial(work.engine.run, {"G": work.network})
    shape = work.package.config.shape
    depth = min(shape[1:]) // 2
    return (yield from filling.filled(change, picture, missing, shape[0], depth, work.tile))


def _restored(work: Work, picture: Picture) -> Generator[tuple[int, int], None, Picture]:
    samples, alpha = _samples(picture, work.package.config.channels)
    change = work.engine.on({"G": work.network}, samples)
    result = yield from in_tiles(change, samples, work.scale, work.tile, OVERLAP)
    return _picture(result, alpha, work.scale, picture)


def _is_done(target: Path, recipe: Recipe) -> bool:
    """Whether a file by this recipe is there."""
    try:
        there = read_recipe(target.read_bytes(), target.name)
    except (OSError, InputError):
        return False
    return (there.package, there.inputs) == (recipe.package, dict(recipe.inputs))


def _samples(picture: Picture, channels: int) -> tuple[Tensor, NDArray[np.float32] | None]:
    """A picture in [-1, 1] as a network takes it, (C, H, W), and its alpha in [0, 1]."""
    most = np.float32(np.iinfo(picture.array.dtype).max)
    array: NDArray[np.float32] = picture.array.astype(np.float32) / most
    alpha = array[..., -1] if picture.channels in (2, 4) else None
    colours = array if alpha is None else array[..., :-1]
    samples = torch.from_numpy(colours).permute(2, 0, 1) * 2 - 1
    if channels == 3:
        return samples.expand(3, -1, -1), alpha
    return samples.mean(0, keepdim=True), alpha


def _picture(
    result: NDArray[np.float32], alpha: NDArray[np.float32] | None, scale: int, like: Picture
) -> Picture:
    """The result with the depth, the greyness and the alpha of the picture it was made from."""
    if like.channels in (1, 2):
        result = result.mean(0, keepdims=True)
    planes = [*((result + 1) / 2)]
    if alpha is not None:
        planes.append(_enlarged(alpha, scale))
    samples = np.stack(planes, axis=2).clip(0, 1)  # (H, W, C)
    if like.array.dtype == np.uint16:
        return Picture((samples * 65535).round().astype(np.uint16))
    return Picture((samples * 255).round().astype(np.uint8))


def _enlarged(alpha: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    if scale == 1:
        return alpha
    large = F.interpolate(torch.from_numpy(alpha)[None, None], scale_factor=scale, mode="bicubic")
    return np.asarray(large[0, 0].clamp(0, 1))
