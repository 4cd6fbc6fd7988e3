"""What a run's pictures are worth while it trains: FD and coverage on a few of them."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import drawing
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.engines.synthesis import CHUNK
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.neighbours import NEIGHBOURS, precision_recall_density_coverage
from mintmark.metrics.extractors import Extractor, extract
from mintmark.models.package import Package

COUNT = 256  # pictures of each side
SHARE = 0.05  # of the time of a run that watching may take
LOST = 0.5  # of the best coverage so far: below that, modes are being lost
ENOUGH = 0.2  # coverage that a run must have reached before it can lose it


class Budget:
    """Keeps what is done inside `spend` below a share of all the time since it began."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._began = clock()
        self._spent = 0.0
        self._longest = 0.0

    def expect(self, seconds: float) -> None:
        """Takes note that one more may well last this long."""
        self._longest = max(self._longest, seconds)

    def allows(self) -> bool:
        """Whether one more, as long as any so far or expected, would stay within the share."""
        elapsed = self._clock() - self._began
        return self._spent + self._longest <= self._share * (elapsed + self._longest)

    @contextmanager
    def spend(self, share: float = 1.0) -> Iterator[None]:
        """Counts the time of a block, which is a share of one look."""
        began = self._clock()
        try:
            yield
        finally:
            took = self._clock() - began
            self._spent += took
            self.expect(took / share)


@dataclass
class Monitor:
    """Follows one run; what it has seen is in the run's log, not in its checkpoints.

    Attributes:
        extractor: What the pictures are compared in.
        real: Features of some real pictures, (n, d).
        rows: What they show, or None; the generated ones are asked for the same.
        budget: When it may look.
        best: The best coverage so far.
        lost: Whether the alarm is on.
        tried: Whether it knows what a look takes.
    """

    extractor: Extractor
    real: NDArray[np.float64]
    rows: Tensor | None
    budget: Budget
    best: float = 0.0
    lost: bool = False
    tried: bool = False

    def look(self, package: Package) -> tuple[dict[str, float], str]:
        """Measures the pictures of a package as it now is.

        Returns:
            `fd` and `coverage`, and an alarm or "". Both are empty while the
            time that watching may take is used up.
        """
        if not self.budget.allows():
            return {}, ""
        if not self.tried:  # a few pictures tell what a whole look takes
            self.tried = True
            few = min(CHUNK, len(self.real))
            with self.budget.spend(few / len(self.real)):
                self._features(package, few)
            if not self.budget.allows():
                return {}, ""
        with self.budget.spend():
            fake = self._features(package, len(self.real))
            coverage = precision_recall_density_coverage(self.real, fake).coverage
            figures = {"fd": frechet_distance(self.real, fake), "coverage": coverage}
        return figures, self._alarm(coverage)

    def _features(self, package: Package, count: int) -> NDArray[np.float64]:
        rows = None if self.rows is None else self.rows[:count]
        return extract(self.extractor, drawing.pixels(package, 0, range(count), rows))

    def _alarm(self, coverage: float) -> str:
        """Speaks once when coverage falls far below its best, until it has come back."""
        self.best = max(self.best, coverage)
        lost = self.best >= ENOUGH and coverage < LOST * self.best
        began, self.lost = lost and not self.lost, lost
        if not began:
            return ""
        return (
            f"alarm: coverage fell from {self.best:.2f} to {coverage:.2f} (modes are being lost); "
            "raise gamma, or keep an earlier moment with mintmark package make"
        )


def watch(extractor: Extractor, data: PixelSet, seed: int, log: Path) -> Monitor | None:
    """A monitor of a run on this data, or None where there is too little of it.

    Args:
        extractor: The task's shipped feature network.
        data: The training pictures.
        seed: Decides which of them are compared with.
        log: The run's log, from which a resumed run learns its best coverage.
    """
    if len(data.pixels) <= NEIGHBOURS:
        return None
    budget = Budget(SHARE)
    draw = np.random.Generator(np.random.PCG64(derive(seed, "monitor")))
    count = min(COUNT, len(data.pixels))
    chosen = np.sort(draw.choice(len(data.pixels), count, replace=False))
    with budget.spend():
        real = extract(extractor, np.asarray(data.pixels[chosen]))
    rows = None if data.condition is None else data.condition[torch.from_numpy(chosen)]
    return Monitor(extractor, real, rows, budget, best=_best(log))


def _best(log: Path) -> float:
    """The best coverage that a log tells of, or 0."""
    if not log.is_file():
        return 0.0
    found = [_coverage(text) for text in log.read_text(errors="replace").splitlines()]
    return max(found, default=0.0)


def _coverage(text: str) -> float:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # cut short by a crash, or no log of ours
        return 0.0
    value = line.get("coverage") if isinstance(line, Mapping) else None
    return value if isinstance(value, float) and math.isfinite(value) else 0.0
