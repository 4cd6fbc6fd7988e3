"""Megapixels a second of every package that was taught by pairs, beside a plain twin.

Ours is what `apply` does between decoding and encoding: tiles, in the precision that the
machine leads to. The twin is the same network on the same picture as a reader would call it:
whole, float32, the usual layout. They take turns, and the figure is the median of the ratios.
A megapixel is one of the picture that is given; results of both must agree to half a level of
255 on average. `inpaint` fills a hundred squares, a tenth of the picture, where the twin
computes all of it; `outlines-to-colour` works at the size that it learned.

Limits: at least twice the twin on a CPU with AMX, where the claim was made; elsewhere half of
it, below which something is computed several times for nothing.

    python bench/throughput.py [PACKAGE ...]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from applying import holes, photograph
from torch import Tensor

from mintmark.actions import zoo
from mintmark.actions.apply import work_of
from mintmark.actions.filling import read_mask
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.using import Work
from mintmark.actions.world import World, open_world
from mintmark.core.media import Picture
from mintmark.core.settings import Settings
from mintmark.data.pictures import decode, scaled
from mintmark.engines.holes import holed
from mintmark.engines.piecewise import levels, planes
from mintmark.models.package import from_pretrained
from mintmark.tasks._task import Restoration, find_task
from mintmark.training.precision import choose, multiplies_bfloat16

SIZE = (1024, 768)
ROUNDS = 5
WITH_AMX, AT_LEAST = 2.0, 0.5
AGREED = 0.5  # levels
PLAIN = Settings(device="cpu", precision="float32")


def loaded(name: str, folder: Path, world: World) -> Work:
    """A package as `apply` loads it."""
    mask = {"mask": folder / "mask.png"} if name == "inpaint" else {}
    request = {"package": name, "pictures": [folder / "a.png"], "out": folder / "out", **mask}
    return work_of(ApplyRequest.model_validate(request), world)


def ours(work: Work, picture: Picture, file: Path) -> Picture:
    """What `apply` makes of a picture."""
    steps = work.made(picture, file)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            made: Picture = finished.value
            return made


def plain(work: Work, picture: Picture) -> Picture:
    """What the network makes of all of it at once."""
    given: Tensor = planes(picture.array, work.package.config.channels)[None]
    if work.where is not None and work.where.mask is not None:
        missing = torch.from_numpy(read_mask(work.where.mask, picture))[None, None].float()
        given = holed(given, missing)
    with torch.no_grad():
        made = work.network(given).float().numpy()[0]
    return Picture(levels(made, picture.channels == 1, 255).astype("uint8"))


def compared(name: str, folder: Path, world: World) -> float:
    """How many times as fast as the twin a package is."""
    fast, slow = loaded(name, folder, world), loaded(name, folder, World(PLAIN, choose(PLAIN)))
    file = folder / "a.png"
    picture = decode(file.read_bytes(), file.name)
    if fast.use == "scale":
        picture = scaled(picture, fast.package.config.channels, fast.side)
    ratios, speeds = [], []
    for _ in range(ROUNDS + 1):  # the first warms up
        began = time.perf_counter()
        mine = ours(fast, picture, file)
        middle = time.perf_counter()
        theirs = plain(slow, picture)
        ratios.append((time.perf_counter() - middle) / (middle - began))
        speeds.append(picture.width * picture.height / 1e6 / (middle - began))
    far = abs(mine.array.astype(float) - theirs.array).mean()
    ratio = statistics.median(ratios[1:])
    print(
        f"{name}: {statistics.median(speeds[1:]):.3f} megapixels a second, {ratio:.2f} of the twin "
        f"({min(ratios[1:]):.2f} to {max(ratios[1:]):.2f}), {far:.2f} levels apart",
        flush=True,
    )
    assert far < AGREED or name == "inpaint"
    return ratio


def is_restoration(name: str) -> bool:
    """Whether a package was taught by pairs."""
    return isinstance(find_task(from_pretrained(zoo.find(name)).config.task), Restoration)


def main() -> None:
    names = sys.argv[1:] or [name for name in zoo.names() if is_restoration(name)]
    with tempfile.TemporaryDirectory() as place:
        photograph(Path(place) / "a.png", *SIZE)
        holes(Path(place) / "mask.png", *SIZE)
        ratios = [compared(name, Path(place), open_world()) for name in names]
    least = WITH_AMX if multiplies_bfloat16(torch.device("cpu")) else AT_LEAST
    sys.exit(int(min(ratios) < least))


if __name__ == "__main__":
    main()
