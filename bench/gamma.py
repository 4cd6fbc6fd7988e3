"""Does the probe pick a gamma that a search would have picked?

Two public sets, five whole runs each that differ in gamma alone (the table's value times
1/16, 1/4, 1, 4 and 16), judged by FD in the shipped features on 1,000 generated pictures.
The probe of `train --tune` sees none of these; its choice is one of the middle three.

Limit: the FD of the gamma it picks is at most 10 % above the best of the five, on both sets.

    python bench/gamma.py [FOLDER]
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
SETS = {"digits": ("digits", 8, 24_000), "icons": ("pictures", 16, 16_000)}


def request(name: str, data: Path, out: Path, gamma: float | None) -> TrainRequest:
    """A run on one of the sets."""
    task, size, images = SETS[name]
    return TrainRequest(
        task=task, data=data, out=out, preset="tiny", size=size, images=images,
        gamma=gamma, tune=False, condition="auto" if name == "digits" else "none",
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


def probed(name: str, data: Path, out: Path) -> tuple[float, str]:
    """The gamma that the probe picks, and its reason."""
    asked, world = request(name, data, out, None), open_world()
    read = prepare.read(data)
    made = plan.new_plan(asked, read, world, None, None)
    picked = finish(tune.tuned(made, train.pixels_of(made, read, world), world))
    return picked.choices.gamma.start, picked.choices.why[-1]


def base(name: str, data: Path, out: Path) -> float:
    """The gamma of the table."""
    made = plan.new_plan(
        request(name, data, out, None), prepare.read(data), open_world(), None, None
    )
    return made.choices.gamma.start


def main() -> None:
    failed = False
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data")
    with tempfile.TemporaryDirectory() as temporary:
        for name in SETS:
            data = prepare.get(name, folder / name) / "train"
            table = base(name, data, Path(temporary) / "base")
            found = {}
            for factor in FACTORS:
                out = Path(temporary) / f"{name}-{factor:g}"
                finish(train.train(request(name, data, out, table * factor), open_world()))
                found[table * factor] = distance(out / "package", data)
            gamma, why = probed(name, data, Path(temporary) / "probe")
            ratio = found[gamma] / min(found.values())
            failed |= ratio > 1.1
            listed = ", ".join(f"{value:.3g} with {key:g}" for key, value in found.items())
            print(
                f"gamma on {name}: FD {listed}; picked {gamma:g}, {ratio:.2f} of the best ({why})"
            )
    sys.exit(int(failed))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
