"""Stacked digits: does the default game reach 1,000 modes of real data?

As StackedMNIST (Metz et al. 2017, "Unrolled GANs"), with scikit-learn's real digits
at their own 8 x 8 pixels: each channel of a picture is a digit drawn by itself, so
there are 10 x 10 x 10 = 1,000 modes, and nobody tells the generator so. A support
vector machine that knows only the real training digits names the digit of each
channel; its accuracy on held-out writers is printed, because a judge that errs finds
modes that are not there. 26,000 pictures are judged, as in the literature.

Limits: at least 950 of 1,000 modes, and at most 30 minutes of CPU time (threads add
up, so that a machine with more cores gains nothing).
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from mintmark.core.seeds import derive
from mintmark.data.loader import HostBatch
from mintmark.engines.synthesis import Request, Synthesis
from mintmark.metrics.distribution.modes import kl_floor, mode_coverage
from mintmark.models import r3gan
from mintmark.training import trainer
from mintmark.training.precision import Compute
from mintmark.training.trainer import Cosine, Schedule

TRAIN = 1200  # as in data.public.digits: the first so many, the others are held out
MODES = 1000
SAMPLES = 26_000
MINUTES = 30  # of CPU time
SEED = 0
ENGINE = Synthesis(gamma=Cosine(1.0, 0.1))
SCHEDULE = Schedule(images=300_000, batch=64)
ARGS = {
    "height": 8,
    "width": 8,
    "channels": 3,
    "classes": 0,
    "widths": [128, 64],
    "block": "dense",
}


@dataclass(frozen=True)
class Stacks:
    """An endless supply of stacks; those of a step are a function of (seed, step)."""

    digits: NDArray[np.uint8]
    seed: int

    def at(self, step: int, first: int, last: int) -> HostBatch:
        """Rows `first` to `last` of a step, (rows, 3, 8, 8)."""
        rng = np.random.Generator(np.random.PCG64(derive(self.seed, "stacks", step)))
        ids = rng.integers(0, len(self.digits), (SCHEDULE.batch, 3))[first:last]
        return HostBatch(torch.from_numpy(self.digits[ids]), None, ids[:, 0])


@dataclass(frozen=True)
class Judge:
    """A classifier of single digits.

    Attributes:
        machine: What names them.
        accuracy: Share that it names rightly of real digits by other writers.
    """

    machine: SVC
    accuracy: float

    def modes(self, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The mode of each stack, (N, 3, 8, 8) to (N,) in [0, 1000)."""
        named = self.machine.predict(_flat(pixels.reshape(-1, 8, 8))).reshape(-1, 3)
        modes: NDArray[np.int64] = named @ np.array([100, 10, 1])
        return modes


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1) / 255.0


def read() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All digits in [0, 255], (N, 8, 8), and what they are, (N,)."""
    digits = load_digits()
    return np.rint(digits.images * 255 / 16).astype(np.uint8), digits.target


def fit(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> Judge:
    """A judge that knows the training digits."""
    machine = SVC(gamma=0.256).fit(_flat(pixels[:TRAIN]), labels[:TRAIN])
    return Judge(machine, float(machine.score(_flat(pixels[TRAIN:]), labels[TRAIN:])))


def train(pixels: NDArray[np.uint8], schedule: Schedule = SCHEDULE) -> torch.nn.Module:
    """The averaged generator after one run."""
    torch.manual_seed(derive(SEED, "weights"))
    state = trainer.start(ENGINE, r3gan.build(ARGS), SEED, Compute())
    for _ in trainer.train(ENGINE, state, Stacks(pixels[:TRAIN], SEED), schedule, Compute()):
        pass
    return state.averages["G"]


def draw(generator: torch.nn.Module, count: int) -> NDArray[np.uint8]:
    """Generated stacks, (count, 3, 8, 8)."""
    samples = ENGINE.run({"G": generator}, Request(SEED, range(count)))
    drawn: NDArray[np.uint8] = samples.add(1).mul(127.5).round().byte().numpy()
    return drawn


def main() -> None:
    pixels, labels = read()
    judge = fit(pixels, labels)
    began = time.process_time()
    generator = train(pixels)
    minutes = (time.process_time() - began) / 60
    named = judge.modes(draw(generator, SAMPLES))
    shares = np.bincount(judge.machine.predict(_flat(pixels[:TRAIN])), minlength=10) / TRAIN
    law = np.einsum("i,j,k->ijk", shares, shares, shares).reshape(-1)  # channels are independent
    coverage = mode_coverage(named, MODES, law)
    floor = kl_floor(law, SAMPLES, SEED)
    print(
        f"stacked digits: {coverage.found} of {MODES} modes, KL {coverage.kl:.3f} "
        f"(a perfect generator shows {floor.value:.3f} +/- {floor.deviation:.3f}), "
        f"{minutes:.1f} CPU minutes; judge {judge.accuracy:.3f} on {len(labels) - TRAIN} real "
        f"digits it never saw; floor {floor.value / coverage.kl:.2f} of the KL"
    )
    sys.exit(int(coverage.found < 950 or minutes > MINUTES))


if __name__ == "__main__":
    main()
