"""Precision, recall, density and coverage: ours against the package prdc, in one run.

10,000 real and 10,000 generated Gaussian features, of 64 and of 512 dimensions,
k = 5. The four figures must be equal before a ratio is worth anything. prdc
cuts each matrix into eight threads whatever it is told, and each of these may
call a BLAS of several: so that both sides have the same, everything runs in a
process that is held to one core, with a BLAS of one thread (OMP_NUM_THREADS).

Both are timed in ABBA order. Peak memory is that of a process of its own, beyond
importing both; the features take 10 and 82 MB of it.

Prints: seconds of both and the median ratio, and the memory. Limits: at most half
of the time of prdc, at most 2 GB.
"""

import contextlib
import io
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from prdc import compute_prdc

from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage

COUNT = 10_000
DIMENSIONS = (64, 512)
K = 5
ROUNDS = 2  # of ABBA
RATIO = 0.5
MEGABYTES = 2048

Figures = tuple[float, float, float, float]


def features(dimensions: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.Generator(np.random.PCG64(0))
    real, fake = rng.normal(size=(2, COUNT, dimensions))
    return real, fake


def ours(real: NDArray[np.float64], fake: NDArray[np.float64]) -> Figures:
    found = precision_recall_density_coverage(real, fake, K)
    return found.precision, found.recall, found.density, found.coverage


def peer(real: NDArray[np.float64], fake: NDArray[np.float64]) -> Figures:
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real, fake, K)
    return found["precision"], found["recall"], found["density"], found["coverage"]


def seconds(side: Callable[..., Figures], dimensions: int) -> float:
    real, fake = features(dimensions)
    began = time.perf_counter()
    side(real, fake)
    return time.perf_counter() - began


def memory(name: str, dimensions: int) -> float:
    """Megabytes that a side takes beyond what it imports."""
    arguments = [sys.executable, __file__, name, str(dimensions)]
    run = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return float(run.stdout)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(dimensions: int) -> bool:
    """Whether both limits are kept."""
    # Memory first: a process begins with the peak of the one that starts it.
    taken, peers = memory("ours", dimensions), memory("peer", dimensions)
    if ours(*features(dimensions)) != peer(*features(dimensions)):
        print(f"overlap d = {dimensions}: the figures differ")
        return False
    times: dict[Callable[..., Figures], list[float]] = {ours: [], peer: []}
    for _ in range(ROUNDS):
        for side in (ours, peer, peer, ours):
            times[side].append(seconds(side, dimensions))
    ratio = statistics.median(a / b for a, b in zip(times[ours], times[peer], strict=True))
    print(
        f"overlap d = {dimensions}: equal figures; ours {statistics.median(times[ours]):.2f} s, "
        f"prdc {statistics.median(times[peer]):.2f} s, ratio {ratio:.2f} (limit {RATIO}); "
        f"memory +{taken:.0f} MB (limit {MEGABYTES}), prdc +{peers:.0f} MB"
    )
    return ratio <= RATIO and taken <= MEGABYTES


def main() -> None:
    match sys.argv[1:]:
        case ["compare", dimensions]:
            sys.exit(int(not compare(int(dimensions))))
        case [name, dimensions]:
            before = _megabytes()
            {"ours": ours, "peer": peer}[name](*features(int(dimensions)))
            print(_megabytes() - before)
        case _:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            calls = [[sys.executable, __file__, "compare", str(d)] for d in DIMENSIONS]
            one = {**os.environ, "OMP_NUM_THREADS": "1"}
            sys.exit(max([subprocess.run(call, check=False, env=one).returncode for call in calls]))


if __name__ == "__main__":
    main()
