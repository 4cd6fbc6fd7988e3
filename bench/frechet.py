"""The Fréchet distance at d = 2048 against a matrix square root, and what memory it takes.

Both sides start from the same two sets of 5,000 features, whose variances fall as
1 / i, and must agree before a ratio is worth anything. The opponents are the plain
formula with `scipy.linalg.sqrtm`, and torch-fidelity's formula (eigenvalues of the
product of the covariances) where its package can be imported: with
`PYTHONPATH=tests/peers`. Set `OMP_NUM_THREADS`, on a machine that does nothing else.

Prints: for each opponent the median ratio of times in interleaved rounds (ABBA) with
a bootstrap interval; the peak of what numpy and scipy allocate beyond the features,
in arrays of d x d float64, by tracemalloc. Limits: at most 0.5 of the time with
sqrtm, at most 4 arrays.
"""

import os
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from mintmark.metrics.distribution.frechet import frechet_distance

Array = NDArray[np.float64]
Distance = Callable[[Array, Array], float]

DIMENSIONS = 2048
SAMPLES = 5000
ROUNDS = 2  # of ABBA; two pairs of times each
SLOWEST = 0.5  # of the time with sqrtm
ARRAYS = 4.0


def features(d: int, n: int) -> tuple[Array, Array]:
    """Two sets, (n, d) each, in one random basis."""
    rng = np.random.Generator(np.random.PCG64(0))
    scales = np.arange(1, d + 1) ** -0.5
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
    real = rng.normal(size=(n, d)) * scales @ basis
    fake = (rng.normal(size=(n, d)) * scales * 1.1 + 0.01) @ basis
    return real, fake


def by_square_root(real: Array, fake: Array) -> float:
    shift = real.mean(axis=0) - fake.mean(axis=0)
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    overlap = np.trace(sqrtm(first @ second)).real
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * overlap)


def opponents() -> dict[str, Distance]:
    """The other implementations that can be had here."""
    found: dict[str, Distance] = {"sqrtm": by_square_root}
    try:
        from fidelity import fidelity

        module = fidelity("metric_fid")
    except ImportError:
        return found

    def by_eigenvalues(real: Array, fake: Array) -> float:
        sides = [module.fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)]
        return float(module.fid_statistics_to_metric(*sides, False)[module.KEY_METRIC_FID])

    return {**found, "torch-fidelity": by_eigenvalues}


def seconds(distance: Distance, real: Array, fake: Array) -> float:
    begin = time.perf_counter()
    distance(real, fake)
    return time.perf_counter() - begin


def ratio(name: str, theirs: Distance, real: Array, fake: Array) -> float:
    """Prints the comparison with one opponent; returns the median ratio of the times."""
    gap = abs(frechet_distance(real, fake) / theirs(real, fake) - 1)
    if gap > 1e-6:
        sys.exit(f"frechet: {name} gives another distance, {gap:.1e} apart")
    times: dict[Distance, list[float]] = {frechet_distance: [], theirs: []}
    for _ in range(ROUNDS):
        for side in (frechet_distance, theirs, theirs, frechet_distance):
            times[side].append(seconds(side, real, fake))
    ratios = np.divide(times[frechet_distance], times[theirs])
    rng = np.random.Generator(np.random.PCG64(0))
    medians = np.median(rng.choice(ratios, (1000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    middle = float(np.median(ratios))
    print(
        f"frechet d {real.shape[1]}, {len(real)} samples: ours "
        f"{np.median(times[frechet_distance]):.1f} s, {name} {np.median(times[theirs]):.1f} s, "
        f"ratio {middle:.2f} ({low:.2f} to {high:.2f}); distances {gap:.0e} apart"
    )
    return middle


def arrays(real: Array, fake: Array) -> float:
    """Peak memory of our distance beyond the features, in arrays of d x d float64."""
    tracemalloc.start()
    frechet_distance(real, fake)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return float(peak / (8 * real.shape[1] ** 2))


def main() -> None:
    print(f"numpy {np.__version__}, OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}")
    real, fake = features(DIMENSIONS, SAMPLES)
    ratios = {name: ratio(name, theirs, real, fake) for name, theirs in opponents().items()}
    held = arrays(real, fake)
    print(f"frechet memory: {held:.2f} arrays of d x d beyond the features")
    sys.exit(int(ratios["sqrtm"] > SLOWEST or held > ARRAYS))


if __name__ == "__main__":
    main()
