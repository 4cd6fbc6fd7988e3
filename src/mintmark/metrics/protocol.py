"""What was measured and how, so that numbers compare only where they may."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.records import Score
from mintmark.metrics.distribution.bins import different_bins
from mintmark.metrics.distribution.frechet import frechet, frechet_bias, frechet_error
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.modes import inception_score
from mintmark.metrics.distribution.moments import moments_of
from mintmark.metrics.distribution.neighbours import NEIGHBOURS, precision_recall_density_coverage
from mintmark.metrics.distribution.sliced import sliced_wasserstein

SUBSETS = 100  # of KID
GROUPS = 10  # left out one by one for the error of FD
DIRECTIONS = 1000  # of MIND
FEW = 500  # samples of a side below which balls of neighbours are wide
MOST_BINS = 100  # of NDB
FEWEST_BINS = 20
IS_SAMPLES = 5000  # below which splits of 1008 classes are far too small
MOSTLY_BIAS = 0.5  # share of a distance that equal laws would show too


def protocol(
    *,
    features: str,
    extractor: str,
    dimensions: int,
    real: int,
    fake: int,
    size: int | list[int],
    seed: int,
    **more: Any,
) -> dict[str, Any]:
    """The canonical record of how scores of one kind were measured.

    Args:
        features: Name of the extractor, or `pixels`.
        extractor: Digest of its weights, or `pixels`.
        dimensions: Length of a feature vector.
        real: Number of real samples.
        fake: Number of generated samples.
        size: Side of the pictures before the extractor, in pixels; or rows and columns.
        seed: Seed of everything that was drawn for the measurement.
        more: What else must be equal, in JSON types; `code_version` always,
            `resize` where pictures were resized before the extractor.
    """
    fixed = {"dtype": "float64", "ddof": 1, "resize": "none"}
    counts = {"dimensions": dimensions, "real": real, "fake": fake}
    names = {"features": features, "extractor": extractor}
    return {**fixed, **names, **counts, "size": size, "seed": seed, **more}


def scores(
    real: NDArray[np.float64],
    fake: NDArray[np.float64],
    shared: Mapping[str, Any],
    seed: int,
    k: int = NEIGHBOURS,
) -> tuple[Score, ...]:
    """FD, KID, MIND, precision, recall, density, coverage, NDB and JS of two sets of features.

    The Fréchet distance is called FD: FID is the name of the one in Inception
    features. Where the counts are too small for a number to mean much, its
    note says so; NDB and JS are left out where their bins would be too few.

    Args:
        real: Features, (N, d).
        fake: Features, (M, d).
        shared: The `protocol` of both sets.
        seed: Decides the subsets of KID, the directions of MIND and the bins of NDB.
        k: Neighbour that sets the radii of precision to coverage.

    Raises:
        ConfigError: The sets cannot be compared.
    """
    kernel = kernel_distance(real, fake, seed, SUBSETS)
    drawn = {"kernel": "(x.y/d+1)^3", "subsets": SUBSETS, "subset_size": kernel.size}
    sliced = sliced_wasserstein(real, fake, seed, DIRECTIONS)
    cuts = {**shared, "directions": DIRECTIONS, "direction_seed": seed}
    return (
        _frechet(real, fake, shared),
        Score("KID", kernel.value, {**shared, **drawn, "subset_seed": seed}, kernel.error),
        Score("MIND", sliced.value, cuts, sliced.error),
        *overlaps(real, fake, shared, k),
        *_bins(real, fake, shared, seed),
    )


def inception_scores(
    logits: NDArray[np.float64], shared: Mapping[str, Any], seed: int
) -> tuple[Score, ...]:
    """The Inception Score, of logits without bias, (M, 1008); see `modes.inception_score`.

    Its error is that of the mean over the splits; the "±" of papers is the
    standard deviation over them.
    """
    found = inception_score(logits, seed)
    error = found.deviation / math.sqrt(found.splits - 1)
    few = len(logits) < IS_SAMPLES
    note = f"not meaningful: {len(logits)} samples, fewer than {IS_SAMPLES}" if few else ""
    cut = {**shared, "splits": found.splits, "split_seed": seed}
    return (Score("IS", found.value, cut, error, note=note),)


def overlaps(
    real: NDArray[np.float64],
    fake: NDArray[np.float64],
    shared: Mapping[str, Any],
    k: int = NEIGHBOURS,
) -> tuple[Score, ...]:
    """Precision, recall, density and coverage as scores; arguments as of `scores`."""
    found = precision_recall_density_coverage(real, fake, k)
    balls = {**shared, "k": k, "ties": "<"}
    fewest = min(len(real), len(fake))
    note = "" if fewest >= FEW else f"not meaningful: {fewest} samples, fewer than {FEW}"
    return tuple(
        Score(name, getattr(found, name), balls, getattr(found.errors, name), note=note)
        for name in ("precision", "recall", "density", "coverage")
    )


def _bins(
    real: NDArray[np.float64], fake: NDArray[np.float64], shared: Mapping[str, Any], seed: int
) -> tuple[Score, ...]:
    bins = min(MOST_BINS, len(real) // 10, len(fake) // 5)  # as different_bins needs
    if bins < FEWEST_BINS:
        return ()
    found = different_bins(real, fake, seed, bins)
    cut = {**shared, "bins": bins, "alpha": 0.05, "bin_seed": seed}
    error = math.sqrt(found.ndb * (1 - found.ndb) / bins)
    return Score("NDB", found.ndb, cut, error), Score("JS", found.js, cut)


def _frechet(
    real: NDArray[np.float64], fake: NDArray[np.float64], shared: Mapping[str, Any]
) -> Score:
    first, second = moments_of(real), moments_of(fake)
    value, bias = frechet(first, second), frechet_bias(first, second)
    name = "FID" if shared["features"] == "inception" else "FD"
    note = ""
    fewest = min(len(real), len(fake))
    if fewest <= real.shape[1]:
        note = f"not meaningful: {fewest} samples do not fill {real.shape[1]} dimensions"
    elif bias > MOSTLY_BIAS * value:
        note = f"mostly sample size: equal laws would show about {bias:.3g} at these counts"
    error = frechet_error(real, fake, GROUPS) if fewest >= 2 * GROUPS else None
    return Score(name, value, dict(shared), error, bias, note)
