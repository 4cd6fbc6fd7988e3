"""Does the probe pick a gamma that a search would have picked?

Two public sets, and for every seed five whole runs that differ in gamma alone (the table's value
times 1/16, 1/4, 1, 4 and 16), judged by FD in the shipped features on 1,000 generated pictures.
The probe of `train --tune` sees none of these; its choice is one of the middle three, and may be
another at each seed. Runs of one gamma and two seeds differ by a third, so means over seeds count.

Limit: the mean FD of what it picks is at most 10 % above that of the best of the five, on both
sets.

    python bench/gamma.py [FOLDER] [SEEDS]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from runs import cache

from mintmark.actions import asking, drawing, plan, prepare, train, tune
from mintmark.actions.generate import load
from mintmark.actions.python import finish
from mintmark.actions.requests import TrainRequest
from mintmark.actions.world import open_world
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.extractors import extract, shipped
from mintmark.tasks._task import find_task

FACTORS = (1 / 16, 1 / 4, 1.0, 4.0, 16.0)
COUNT = 1000
SEEDS = 5
SETS = {"digits": ("digits", 8, 24_000), "icons": ("pictures", 16, 16_000)}


def request(name: str, data: Path, out: Path, seed: int, gamma: float | None) -> TrainRequest:
    """A run on one of the sets."""
    task, size, images = SETS[name]
    return TrainRequest(
        task=task, data=data, out=out, preset="tiny", size=size, images=images,
        seed=seed, gamma=gamma, tune=False, condition="auto" if name == "digits" else "none",
        alpha=None if name == "digits" else "white",
    )  # fmt: skip


def distance(package: Path, data: Path) -> float:
    """FD of a package's pictures from the data."""
    loaded = load(package, open_world())
    read = prepare.read(data)
    pixels = read.pixels(loaded.config.shape, cache()).pixels
    rows = asking.rows_like(loaded.config.conditions, read.snapshot, COUNT, 0)
    extractor = shipped(find_task(loaded.config.task).extractor)
    drawn = drawing.pixels(loaded, 0, range(COUNT), rows)
    chosen = np.random.default_rng(0).permutation(len(pixels))[: 2 * COUNT]
    return frechet_distance(
        extract(extractor, np.asarray(pixels[np.sort(chosen)])), extract(extractor, drawn)
    )


def probed(name: str, data: Path, out: Path, seed: int) -> tuple[float, float, str]:
    """The gamma of the table, the one that the probe picks, and its reason."""
    world = open_world()
    read = prepare.read(data)
    made = plan.new_plan(request(name, data, out, seed, None), read, world, None, None)
    picked = finish(tune.tuned(made, train.pixels_of(made, read, world), world))
    choices = picked.choices
    return made.choices.gamma.start, choices.gamma.start, choices.why[-1]


def searched(name: str, data: Path, folder: Path, seed: int) -> tuple[list[float], float]:
    """FD by factor, and FD with the gamma that the probe picks."""
    table, gamma, why = probed(name, data, folder / "probe", seed)
    found = []
    for factor in FACTORS:
        out = folder / f"{name}-{seed}-{factor:g}"
        finish(train.train(request(name, data, out, seed, table * factor), open_world()))
        found.append(distance(out / "package", data))
    picked = found[FACTORS.index(gamma / table)]
    tried = zip(found, FACTORS, strict=True)
    listed = ", ".join(f"{value:.3g} with {table * factor:g}" for value, factor in tried)
    print(f"gamma on {name}, seed {seed}: FD {listed}; picked {gamma:g} ({why})", flush=True)
    return found, picked


def main() -> None:
    failed = False
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data")
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    with tempfile.TemporaryDirectory() as temporary:
        for name in SETS:
            data = prepare.get(name, folder / name) / "train"
            runs = [searched(name, data, Path(temporary), seed) for seed in range(seeds)]
            means = np.mean([found for found, _ in runs], axis=0)
            picked = np.mean([one for _, one in runs])
            ratio = picked / means.min()
            failed |= bool(ratio > 1.1)
            listed = ", ".join(f"{mean:.3g}" for mean in means)
            print(f"gamma on {name}, means of {seeds} seeds: FD {listed}; picked {picked:.3g}, "
                  f"{ratio:.2f} of the best", flush=True)  # fmt: skip
    sys.exit(int(failed))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
