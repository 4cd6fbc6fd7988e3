"""Megapixels a second of every package that works on pictures, beside a plain twin.

Ours is what `apply` does between decoding and encoding: tiles of large pictures, several small
ones at once, in the precision that the machine leads to. The twin is the same network on the same
pictures as a reader would call it: each whole and by itself, float32, the usual layout. They take
turns, and the figure is the median of the ratios. A megapixel is one of what is given; results of
both must agree to half a level of 255 on average. `inpaint` fills a hundred squares, a tenth of the
picture, where the twin computes all of it; `outlines-to-colour` and `avatars-hair` work at the size
that they learned, on pictures of that size.

Limits: at least twice the twin on a CPU with AMX, where the claim was made; elsewhere a quarter
more than it, below which tiles cost what they save.

    python bench/throughput.py [PACKAGE ...]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch
from applying import holes, photograph
from torch import Tensor

from mintmark.actions import zoo
from mintmark.actions.apply import work_of
from mintmark.actions.filling import read_mask
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.using import Step, Work, side_by_side
from mintmark.actions.world import World, open_world
from mintmark.core.media import Picture
from mintmark.core.settings import Settings
from mintmark.data.pictures import decode, scaled
from mintmark.engines.holes import holed
from mintmark.engines.piecewise import levels, planes
from mintmark.models.package import from_pretrained
from mintmark.tasks._task import Task, find_task
from mintmark.training.precision import choose, multiplies_bfloat16

SIZE = (1024, 768)
ROUNDS = 5
WITH_AMX, AT_LEAST = 2.0, 1.25
AGREED = 0.5  # levels
PLAIN = Settings(device="cpu", precision="float32")


def loaded(name: str, folder: Path, world: World) -> Work:
    """A package as `apply` loads it."""
    more: dict[str, dict[str, object]] = {
        "inpaint": {"mask": folder / "mask.png"},
        "avatars-hair": {"to": "pink"},
    }
    request = {
        "package": name,
        "pictures": [folder / "a.png"],
        "out": folder / "out",
        **more.get(name, {}),
    }
    return work_of(ApplyRequest.model_validate(request), world)


def given(work: Work, file: Path) -> list[Picture]:
    """A picture, or as many small ones as are worked on at once."""
    picture = decode(file.read_bytes(), file.name)
    if work.at_once == 1:
        return [picture]
    array = scaled(picture, work.package.config.channels, work.side).array
    return [Picture(np.roll(array, place, 1)) for place in range(work.at_once)]


def ours(work: Work, pictures: list[Picture], file: Path) -> list[Picture]:
    """What `apply` makes of pictures."""
    made: dict[int, Picture] = {}

    def kept(place: int) -> Generator[Step, Tensor, None]:
        made[place] = yield from work.made(pictures[place], file)

    for _ in side_by_side(work, [kept(place) for place in range(len(pictures))]):
        pass
    return [made[place] for place in range(len(pictures))]


def plain(work: Work, picture: Picture) -> Picture:
    """What the network makes of all of it at once."""
    samples: Tensor = planes(picture.array, work.package.config.channels)[None]
    if work.where is not None and work.where.mask is not None:
        missing = torch.from_numpy(read_mask(work.where.mask, picture))[None, None].float()
        samples = holed(samples, missing)
    with torch.no_grad():
        made = work.alike(samples) if work.turn else work.network(samples).float()
    return Picture(levels(made[0].numpy(), picture.channels == 1, 255).astype("uint8"))


def compared(name: str, folder: Path, world: World) -> float:
    """How many times as fast as the twin a package is."""
    fast, slow = loaded(name, folder, world), loaded(name, folder, World(PLAIN, choose(PLAIN)))
    file = folder / "a.png"
    pictures = given(fast, file)
    ratios, speeds = [], []
    for _ in range(ROUNDS + 1):  # the first warms up
        began = time.perf_counter()
        mine = ours(fast, pictures, file)
        middle = time.perf_counter()
        theirs = [plain(slow, picture) for picture in pictures]
        ratios.append((time.perf_counter() - middle) / (middle - began))
        size = sum(picture.width * picture.height for picture in pictures)
        speeds.append(size / 1e6 / (middle - began))
    apart = [abs(a.array.astype(float) - b.array).mean() for a, b in zip(mine, theirs, strict=True)]
    ratio = statistics.median(ratios[1:])
    print(
        f"{name}: {statistics.median(speeds[1:]):.3f} megapixels a second, {ratio:.2f} of the twin "
        f"({min(ratios[1:]):.2f} to {max(ratios[1:]):.2f}), {max(apart):.2f} levels apart",
        flush=True,
    )
    assert max(apart) < AGREED or name == "inpaint"
    return ratio


def works_on_pictures(name: str) -> bool:
    """Whether a package is one for `apply`."""
    return not isinstance(find_task(from_pretrained(zoo.find(name)).config.task), Task)


def main() -> None:
    names = sys.argv[1:] or [name for name in zoo.names() if works_on_pictures(name)]
    with tempfile.TemporaryDirectory() as place:
        photograph(Path(place) / "a.png", *SIZE)
        holes(Path(place) / "mask.png", *SIZE)
        ratios = [compared(name, Path(place), open_world()) for name in names]
    least = WITH_AMX if multiplies_bfloat16(torch.device("cpu")) else AT_LEAST
    sys.exit(int(min(ratios) < least))


if __name__ == "__main__":
    main()
