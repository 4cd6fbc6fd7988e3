"""What the gradient penalties cost: a step of `stylegan` with R1 and R2 beside one without.

The tiny networks at 32 pixels in RGB, a batch of 32, steps of both kinds taken in turn
from the same state, in the precision that this machine leads to.

Limit: at most 1.9 times the step without.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from mintmark.core.settings import settings
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.adversarial import gamma_for
from mintmark.engines.synthesis import Synthesis
from mintmark.models import stylegan
from mintmark.training import precision, trainer
from mintmark.training.trainer import Schedule

SIZE = 32
BATCH = 32
ROUNDS = 8
STEPS = 3  # timed at a time
LIMIT = 1.9


def steps(penalised: bool) -> Iterator[object]:
    """An endless training with or without penalties."""
    engine = Synthesis(gamma=gamma_for(SIZE))
    if not penalised:
        engine = replace(engine, penalties=())
    torch.manual_seed(0)
    sizes = {"classes": 0, "attributes": 0, "words": 0}
    networks = stylegan.build(stylegan.preset("tiny", (3, SIZE, SIZE), sizes))
    compute = precision.choose(settings())
    state = trainer.start(engine, networks, 0, compute)
    rng = np.random.default_rng(0)
    pixels = PixelSet(rng.integers(0, 256, (256, 3, SIZE, SIZE), dtype=np.uint8), None, "random")
    with Loader(pixels, BATCH, 0) as loader:
        yield from trainer.train(engine, state, loader, Schedule(10**9, BATCH), compute)


def timed(run: Iterator[object]) -> float:
    """Seconds of a few steps."""
    began = time.perf_counter()
    for _ in range(STEPS):
        next(run)
    return time.perf_counter() - began


def main() -> None:
    with_penalty, without = steps(True), steps(False)
    timed(with_penalty), timed(without)
    ratios = []
    for turn in range(ROUNDS):
        first, second = (with_penalty, without) if turn % 2 else (without, with_penalty)
        pair = {id(first): timed(first), id(second): timed(second)}
        ratios.append(pair[id(with_penalty)] / pair[id(without)])
    ratio = statistics.median(ratios)
    print(
        f"penalty: {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of the step without, "
        f"stylegan tiny at {SIZE}, batch {BATCH}; limit {LIMIT}"
    )
    sys.exit(int(ratio > LIMIT))


if __name__ == "__main__":
    main()
