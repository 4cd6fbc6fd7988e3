"""25 Gaussians on a grid: does the default game find every mode?

The standard toy of mode collapse: 5 x 5 Gaussians two apart, standard deviation
0.05, no noise in the data beyond that. A generator and a discriminator of three
hidden layers play the default game (relativistic pairs, R1 + R2) by the kernel's
own loop. A sample is good when it lies within three standard deviations of a
mode; a mode is found when at least one in 20 of its fair share of samples is
good. Three seeds.

Limits: 25 of 25 modes, at least 90 % good, at most 3 minutes a seed.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.core.seeds import derive
from mintmark.engines.synthesis import Synthesis
from mintmark.training import trainer
from mintmark.training.precision import Compute
from mintmark.training.trainer import Cosine, Schedule

SPREAD = 0.05  # standard deviation of a mode
APART = 2.0  # distance of neighbouring modes
WIDTH = 128
LATENT = 2
SAMPLES = 10_000
SCHEDULE = Schedule(
    images=3_300_000,
    batch=128,
    learning_rate=Cosine(3e-3, 3e-5),
    beta2=Cosine(0.99, 0.99),
    average=0.02,
)
ENGINE = Synthesis(gamma=Cosine(0.1, 0.003))


def centres() -> NDArray[np.float64]:
    """The modes, (25, 2)."""
    line = (np.arange(5) - 2) * APART
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


@dataclass(frozen=True)
class Points:
    """Rows of one batch."""

    images: Tensor
    condition: None
    ids: NDArray[np.int64]
    other: None = None


@dataclass(frozen=True)
class Grid:
    """An endless supply of points, each step's a function of (seed, step)."""

    seed: int

    def at(self, step: int, first: int, last: int) -> Points:
        """Points `first` to `last` of a step, (rows, 2)."""
        rng = np.random.Generator(np.random.PCG64(derive(self.seed, "grid", step)))
        modes = rng.integers(0, 25, SCHEDULE.batch)
        points = centres()[modes] + rng.normal(0, SPREAD, (SCHEDULE.batch, 2))
        scaled = torch.from_numpy(points[first:last]).float()
        return Points(scaled, None, modes[first:last])


class Multilayer(nn.Module):
    """A plain perceptron; as a generator it has a latent, which it first makes uniform."""

    latent = LATENT
    extras: Mapping[str, int] = {}

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.judges = outputs == 1
        sizes = [inputs, WIDTH, WIDTH, WIDTH]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, outputs))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):  # torch's own start is too flat to see the modes
                nn.init.kaiming_normal_(layer.weight, 0.2)

    def forward(
        self,
        x: Tensor,
        condition: Tensor | None = None,  # noqa: ARG002 - the engine gives it
        psi: float = 1.0,  # noqa: ARG002 - and this
    ) -> Tensor:
        """(N, inputs) to (N, outputs), or (N,) for one output."""
        # Equal masses lie in equal areas of a square, which a perceptron cuts into 25 at ease.
        y: Tensor = self.layers(x if self.judges else torch.erf(x / 2**0.5) * 3**0.5)
        return y[:, 0] if y.shape[1] == 1 else y


def score(points: NDArray[np.float64]) -> tuple[int, float]:
    """Modes found, and the share of good samples.

    Args:
        points: (N, 2), in the grid's own units.
    """
    distances = np.linalg.norm(points[:, None] - centres(), axis=2)  # (N, 25)
    nearest, good = distances.argmin(1), distances.min(1) < 3 * SPREAD
    counts = np.bincount(nearest[good], minlength=25)
    return int((counts >= len(points) / 25 / 20).sum()), float(good.mean())


def run(seed: int, schedule: Schedule = SCHEDULE) -> tuple[int, float, float]:
    """Trains once.

    Returns:
        Modes found, share of good samples, seconds.
    """
    torch.manual_seed(derive(seed, "weights"))
    networks = {"G": Multilayer(LATENT, 2), "D": Multilayer(2, 1)}
    state = trainer.start(ENGINE, networks, seed, Compute())
    began = time.monotonic()
    for _ in trainer.train(ENGINE, state, Grid(seed), schedule, Compute()):
        pass
    seconds = time.monotonic() - began
    draw = torch.Generator().manual_seed(derive(seed, "judge"))
    with torch.no_grad():
        points = state.averages["G"](torch.randn(SAMPLES, LATENT, generator=draw))
    return *score(points.double().numpy()), seconds


def main() -> None:
    failed = False
    for seed in range(3):
        modes, good, seconds = run(seed)
        failed |= modes < 25 or good < 0.9
        print(f"gaussians seed {seed}: {modes} of 25 modes, {good:.1%} good, {seconds:.0f} s")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
