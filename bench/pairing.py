"""Pictures from pairs, with the game and without it.

`outlines`: drawings of OpenMoji coloured from their lines. Judged are code points that taught
nobody, by the distance to the true drawing in the shipped feature network, and by the palette
error: how far the colours of a picture lie from those of the true one wherever they are, the
sliced Wasserstein distance of their CIELAB values. The game must be nearer in both than the
same network taught by pixels alone, for as many images; the balance is the one that `apply` takes.

`layout`: avatars painted from maps of their parts, in the game of the task, whose discriminator
names the part of each pixel, and against one of patches, for as many images. A network that was
taught by real pictures to say which part each pixel shows must find at least 0.9 of the asked parts
in what the task painted, and more than in the other (400 pairs teach, 100 judge; its own rate on
real pictures stands beside). Unit: a pixel.

    python bench/pairing.py [outlines|layout|PACKAGE] [IMAGES] [DATA] [PICTURE] [SEEDS]

A package of `edges-to-picture` takes the place of the game; what it is set against is trained.
PICTURE is written with some inputs, what pixels alone and the game make of them, and the truth.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from runs import DEFAULT, cache, levels, packaged, perceptual, save_sheet, task_of, trained
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.actions import prepare
from mintmark.actions.pairing import Pairing
from mintmark.data.loader import PixelSet
from mintmark.data.palette import Colour, palette_of
from mintmark.engines.paired import balanced
from mintmark.metrics.colour import lab
from mintmark.models.layers.parts import named, parts_of
from mintmark.tasks._task import BY_PAIRS, Restoration

SIZE = 64
DIRECTIONS = 32  # of colour space
SHOWN = 8
JUDGES = 100  # avatars that only judge
SEGMENTER_STEPS = 1_800
ENOUGH = 0.9  # of the parts

Network = Callable[[Tensor], Tensor]


def pairs_of(folder: Path, inputs: str, exact: bool) -> tuple[PixelSet, tuple[Colour, ...]]:
    """The pairs of a data set as one array, and the colours of the maps where they are maps."""
    data = prepare.read(folder)
    rows = Pairing(inputs).rows(data.snapshot, exact)
    palette = palette_of(data.source, (row[0] for row in rows)) if exact else ()
    return data.pieces((6, SIZE, SIZE), cache(), "whole", rows), palette


def learned(folder: Path) -> Network:
    """The network of a package, at the balance that `apply` takes."""
    task, ends = packaged(folder)
    return partial(task.engine.run, {"G": balanced(ends, DEFAULT)})


def taught(
    task: Restoration, pixels: PixelSet, images: int | None, seed: int, game: bool
) -> Network:
    """A network after a run of the task, of its own length or another, or of pixels alone."""
    engine = task.engine if game else replace(task.engine, adversarial=0.0)
    length = images or task.schedules["tiny"].images
    averages, _ = trained(replace(task, engine=engine), pixels, length, seed)
    network = balanced(averages, DEFAULT) if game else averages["G"]
    return partial(engine.run, {"G": network})


def tensors(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Inputs and targets in [-1, 1], (N, 3, H, W) each."""
    given, target = (torch.from_numpy(pixels.copy()).float() / 127.5 - 1).chunk(2, 1)
    return given, target


def palette_error(made: Tensor, target: Tensor) -> float:
    """Mean over pictures of the sliced Wasserstein distance of their colours."""
    draw = np.random.default_rng(0).normal(size=(3, DIRECTIONS))
    draw /= np.linalg.norm(draw, axis=0)
    far = []
    for pair in zip(made, target, strict=True):
        a, b = (np.sort(lab((x.numpy() + 1) / 2).reshape(-1, 3) @ draw, axis=0) for x in pair)
        far.append(np.abs(a - b).mean())
    return float(np.mean(far))


def shown(path: Path | None, *columns: Tensor) -> None:
    """Rows of inputs, results and truths."""
    if path is None:
        return
    rows = [torch.cat([column[place] for column in columns], 2) for place in range(SHOWN)]
    save_sheet(path, levels(torch.cat(rows, 1)), times=2)


def outlines(
    images: int | None,
    folder: Path,
    picture: Path | None,
    seed: int,
    package: Path | None = None,
) -> bool:
    """Whether the game, of a run or of a package, is nearer than pixels alone."""
    prepare.get("outlines", folder)
    task = task_of("edges-to-picture")
    pixels, _ = pairs_of(folder / "train", "input", exact=False)
    given, target = tensors(pairs_of(folder / "held-out", "input", exact=False)[0].pixels)
    scores, made = {}, {}
    for name, game in (("pixels", False), ("game", True)):
        began = time.process_time()
        if game and package is not None:
            made[name] = learned(package)(given)
        else:
            made[name] = taught(task, pixels, images, seed, game)(given)
        minutes = (time.process_time() - began) / 60
        scores[name] = perceptual(made[name], target), palette_error(made[name], target)
        print(f"outlines, seed {seed}, {name}: distance {scores[name][0]:.3f}, palette error "
              f"{scores[name][1]:.2f}, {len(given)} code points, {minutes:.1f} CPU minutes",
              flush=True)  # fmt: skip
    print(f"  as it is: {perceptual(given, target):.3f}, {palette_error(given, target):.2f}")
    shown(picture, given[::11], made["pixels"][::11], made["game"][::11], target[::11])
    return scores["game"][0] < scores["pixels"][0] and scores["game"][1] < scores["pixels"][1]


def segmenter(pictures: Tensor, parts: Tensor, count: int) -> nn.Module:
    """A network that says which part each pixel shows, taught by real pictures."""
    torch.manual_seed(1)
    widths = (3, 32, 48, 48, 48)
    layers: list[nn.Module] = []
    for place, (a, b) in enumerate(pairwise(widths)):
        layers += [nn.Conv2d(a, b, 3, padding=2**place, dilation=2**place), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(widths[-1], count, 1))
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    draw = torch.Generator().manual_seed(1)
    for _ in range(SEGMENTER_STEPS):
        chosen = torch.randint(0, len(pictures), (8,), generator=draw)
        loss = F.cross_entropy(network(pictures[chosen]), parts[chosen])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return network.eval()


def agreement(judge: nn.Module, pictures: Tensor, parts: Tensor) -> float:
    """Share of the pixels of pictures that show the part asked for, (N, H, W)."""
    with torch.no_grad():
        return float((judge(pictures).argmax(1) == parts).float().mean())


def layout(images: int | None, folder: Path, picture: Path | None, seed: int) -> bool:
    """Whether the parts asked for are found, and more of them than after a game of patches."""
    prepare.get("avatars", folder)
    pixels, palette = pairs_of(folder / "parts", "map", exact=True)
    own = replace(pixels, pixels=pixels.pixels[:-JUDGES])
    task = task_of("layout-to-picture")
    given, target = tensors(np.asarray(pixels.pixels))
    parts = parts_of(given, named(palette)).argmax(1)  # (N, SIZE, SIZE)
    judge = segmenter(target[:-JUDGES], parts[:-JUDGES], len(palette))
    given, target, parts = (rows[-JUDGES:] for rows in (given, target, parts))
    real = agreement(judge, target, parts)
    games = {
        "patches": replace(
            task, engine=replace(BY_PAIRS, turn=task.engine.turn), args={"palette": palette}
        ),
        "segments": replace(task, args={**task.args, "palette": palette}),
    }
    rates, made = {}, {}
    for name, one in games.items():
        began = time.process_time()
        made[name] = taught(one, own, images, seed, game=True)(given)
        minutes = (time.process_time() - began) / 60
        rates[name] = agreement(judge, made[name], parts)
        print(f"layout, seed {seed}, {name}: {rates[name]:.3f} of the pixels show the part asked "
              f"for, of real pictures {real:.3f}; distance {perceptual(made[name], target):.3f}; "
              f"{JUDGES} avatars, {minutes:.1f} CPU minutes", flush=True)  # fmt: skip
    shown(picture, given * 20 + 19, *made.values(), target)
    return rates["segments"] >= ENOUGH and rates["segments"] > rates["patches"]


def main() -> None:
    names = [sys.argv[1]] if len(sys.argv) > 1 else ["outlines", "layout"]
    images = int(sys.argv[2]) if len(sys.argv) > 2 else None
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    picture = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    seeds = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    kept = []
    if (Path(names[0]) / "manifest.json").exists():
        data = folder or Path("data/outlines")
        kept, names = [outlines(images, data, picture, 0, Path(names[0]))], []
    for name in names:
        judge, place = (outlines, "outlines") if name == "outlines" else (layout, "avatars")
        data = folder or Path("data") / place
        kept += [judge(images, data, picture, seed) for seed in range(seeds)]
    sys.exit(int(not all(kept)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
