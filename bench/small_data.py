"""Does augmentation chosen by the size of the data help with 300 pictures?

300 icons on white at 16 pixels, three seeds: once with the augmentation that `--augment
auto` chooses, once with none and more images, so that it gets at least the same time of
the processor. Judged by FD in the shipped features between 1,000 generated pictures and
icons that training never saw.

Limit: `auto` below `off` at every seed.

    python bench/small_data.py [FOLDER]
"""

import shutil
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np
import torch

from mintmark.actions import drawing, prepare
from mintmark.actions.generate import load
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.extractors import extract, shipped

PICTURES = 300
IMAGES = {"off": 23_000, "auto": 20_000}
COUNT = 1000
SHAPE = (3, 16, 16)


def few(source: Path, out: Path) -> Path:
    """A folder of the first pictures by a fixed order, without their metadata."""
    files = sorted(source.glob("*.png"))
    out.mkdir(parents=True)
    for place in np.random.default_rng(0).permutation(len(files))[:PICTURES]:
        shutil.copy(files[place], out)
    return out


def run(data: Path, out: Path, augment: str, seed: int) -> Path:
    """Trains once; returns the package."""
    request = TrainRequest(
        task="logos", data=data, out=out, preset="tiny", size=16, images=IMAGES[augment], seed=seed,
        augment=augment, alpha="white", tune=False,
    )  # fmt: skip
    deque(train(request, open_world()), maxlen=0)
    return out / "package"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data")
    icons = prepare.get("icons", folder / "icons")
    extractor = shipped("pictures")
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        data = few(icons / "train", Path(temporary) / "few")
        cache = open_world().settings.cache / "pixels"
        unseen = extract(extractor, prepare.read(icons / "held-out").pixels(SHAPE, cache).pixels)
        for seed in range(3):
            found, seconds = {}, {}
            for augment in ("off", "auto"):
                began = time.process_time()
                out = Path(temporary) / f"{augment}-{seed}"
                package = load(run(data, out, augment, seed), open_world())
                seconds[augment] = time.process_time() - began
                drawn = drawing.pixels(package, 0, range(COUNT), None)
                found[augment] = frechet_distance(unseen, extract(extractor, drawn))
            ratio = found["auto"] / found["off"]
            failed |= ratio >= 1 or seconds["off"] < seconds["auto"]
            print(
                f"small data, seed {seed}: FD {found['auto']:.3g} with auto, {found['off']:.3g} "
                f"without ({ratio:.2f}); {seconds['auto'] / seconds['off']:.2f} of the CPU time"
            )
    sys.exit(int(failed))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
