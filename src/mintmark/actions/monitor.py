"""What a run's pictures are worth while it trains: FD and coverage on a few of them."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.actions import drawing
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.extractors import Extractor, extract
from mintmark.models.package import Package

COUNT = 256  # pictures of each side
SHARE = 0.05  # of the time of a run that watching may take
K = 5
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

    def allows(self) -> bool:
        """Whether one more, as long as the longest so far, would stay within the share."""
        elapsed = self._clock() - self._began
        return self._spent + self._longest <= self._share * (elapsed + self._longest)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Counts the time of a block."""
        began = self._clock()
        try:
            yield
        finally:
            took = self._clock() - began
            self._spent += took
            self._longest = max(self._longest, took)


@dataclass
class Monitor:
    """Follows one run; what it has seen is in the run's log, not in its checkpoints.

    Attributes:
        extractor: What the pictures are compared in.
        real: Features of some real pictures, (n, d).
        labels: Their classes, or None; the generated ones get the same.
        budget: When it may look.
        best: The best coverage so far.
        lost: Whether the alarm is on.
    """

    extractor: Extractor
    real: NDArray[np.float64]
    labels: NDArray[np.int64] | None
    budget: Budget
    best: float = 0.0
    lost: bool = False

    def look(self, package: Package) -> tuple[dict[str, float], str]:
        """Measures the pictures of a package as it now is.

        Returns:
            `fd` and `coverage`, and an alarm or "". Both are empty while the
            time that watching may take is used up.
        """
        if not self.budget.allows():
            return {}, ""
        with self.budget.spend():
            labels = None if self.labels is None else self.labels.tolist()
            drawn = drawing.pixels(package, 0, range(len(self.real)), labels)
            fake = extract(self.extractor, drawn)
            coverage = precision_recall_density_coverage(self.real, fake, K).coverage
            figures = {"fd": frechet_distance(self.real, fake), "coverage": coverage}
        return figures, self._alarm(coverage)

    def _alarm(self, coverage: float) -> str:
        """Speaks once when coverage falls far below its best, until it has come back."""
        self.best = max(self.best, coverage)
        lost = self.best >= ENOUGH and coverage < LOST * self.best
        began, self.lost = lost and not self.lost, lost
        if not began:
            return ""
        return (
            f"alarm: coverage fell from {self.best:.2f} to {coverage:.2f} (modes are being lost); "
            "raise gamma or go back to an earlier checkpoint"
        )


def watch(extractor: Extractor, data: PixelSet, seed: int, log: Path) -> Monitor | None:
    """A monitor of a run on this data, or None where there is too little of it.

    Args:
        extractor: The task's shipped feature network.
        data: The training pictures.
        seed: Decides which of them are compared with.
        log: The run's log, from which a resumed run learns its best coverage.
    """
    if len(data.pixels) <= K:
        return None
    budget = Budget(SHARE)
    draw = np.random.Generator(np.random.PCG64(derive(seed, "monitor")))
    count = min(COUNT, len(data.pixels))
    chosen = np.sort(draw.choice(len(data.pixels), count, replace=False))
    with budget.spend():
        real = extract(extractor, np.asarray(data.pixels[chosen]))
    labels = None if data.labels is None else data.labels[chosen]
    return Monitor(extractor, real, labels, budget, best=_best(log))


def _best(log: Path) -> float:
    """The best coverage that a log tells of, or 0."""
    if not log.is_file():
        return 0.0
    found = [_coverage(text) for text in log.read_text(errors="replace").splitlines()]
    return max(found, default=0.0)


def _coverage(text: str) -> float:
    try:
        line = json.loads(text)
    except ValueError:  # cut short by a crash
        return 0.0
    value = line.get("coverage", 0.0) if isinstance(line, Mapping) else 0.0
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
