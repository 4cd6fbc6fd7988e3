"""The published grouped block against a dense one: FD at equal time on the digits.

Each side trains the digits for the same seconds on this machine, its schedule
planned from its own measured pace, three seeds each. The two generators have
about the same number of weights. FD is taken in one feature net trained on the
real digits, on 1,000 generated pictures.

Prints a line a run and the means. The `tiny` preset takes the block that wins here.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mintmark.actions.prepare import read
from mintmark.core.seeds import derive
from mintmark.data.loader import Loader, PixelSet
from mintmark.data.public import digits
from mintmark.engines.synthesis import Request
from mintmark.metrics import features
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.models import r3gan
from mintmark.models.layers import presets
from mintmark.tasks.digits import TASK
from mintmark.training import trainer
from mintmark.training.precision import Compute

SECONDS = 45
SEEDS = 3
COUNT = 1000
TIMED_STEPS = 20
BASE = presets.preset("tiny", (1, 8, 8), {"classes": 10})
BLOCKS = {
    "dense": {**BASE, "widths": [96, 48], "block": "dense"},
    "grouped": {**BASE, "widths": [160, 80], "block": "grouped"},
}


@dataclass(frozen=True)
class Outcome:
    """One run's figures."""

    images: int
    fd: float
    coverage: float


def pace(args: Mapping[str, Any], pixels: PixelSet) -> float:
    """Images a second of a training step."""
    schedule = TASK.schedules["tiny"]
    state = trainer.start(TASK.engine, r3gan.build(args), 0, Compute())
    with Loader(pixels, schedule.batch, 0) as loader:
        steps = trainer.train(TASK.engine, state, loader, schedule, Compute())
        next(steps)
        began = time.perf_counter()
        for _ in islice(steps, TIMED_STEPS):
            pass
    return TIMED_STEPS * schedule.batch / (time.perf_counter() - began)


def run(
    args: Mapping[str, Any], images: int, seed: int, pixels: PixelSet, judge: features.FeatureNet
) -> Outcome:
    """Trains once and measures the averaged generator."""
    schedule = replace(TASK.schedules["tiny"], images=images)
    torch.manual_seed(derive(seed, "weights"))
    state = trainer.start(TASK.engine, r3gan.build(args), seed, Compute())
    with Loader(pixels, schedule.batch, seed) as loader:
        for _ in trainer.train(TASK.engine, state, loader, schedule, Compute()):
            pass
    labels = torch.arange(COUNT) % 10
    samples = TASK.engine.run(state.averages, Request(seed, range(COUNT), labels))
    fake = samples.add(1).mul(127.5).round().byte().numpy()
    fd = frechet_distance(features.extract(judge, pixels.pixels), features.extract(judge, fake))
    overlap = precision_recall_density_coverage(_flat(pixels.pixels), _flat(fake))
    return Outcome(images, fd, overlap.coverage)


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1) / 255.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = read(digits.build(Path(folder) / "digits") / "train")
        pixels = data.pixels((1, 8, 8), Path(folder))
        assert pixels.labels is not None
        pixels = replace(pixels, condition=torch.from_numpy(pixels.labels))
        judge = features.fit(pixels.pixels, pixels.labels, 0)
        for name, args in BLOCKS.items():
            weights = sum(p.numel() for p in r3gan.build(args)["G"].parameters())
            images = int(pace(args, pixels) * SECONDS)
            runs = [run(args, images, seed, pixels, judge) for seed in range(SEEDS)]
            for seed, outcome in enumerate(runs):
                print(
                    f"blocks {name} ({weights:,} weights) seed {seed}: "
                    f"{outcome.images:,} images in {SECONDS} s, "
                    f"FD {outcome.fd:.3f}, coverage {outcome.coverage:.3f}"
                )
            mean = statistics.mean(outcome.fd for outcome in runs)
            print(f"blocks {name}: mean FD {mean:.3f}")


if __name__ == "__main__":
    main()
