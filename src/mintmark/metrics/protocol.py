"""What was measured and how, so that numbers compare only where they may."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.records import Score
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage

SUBSETS = 100


def protocol(
    *, extractor: str, dimensions: int, real: int, fake: int, size: int, seed: int, **more: Any
) -> dict[str, Any]:
    """The canonical record of how scores of one kind were measured.

    Args:
        extractor: Digest of the feature network, or what the features are.
        dimensions: Length of a feature vector.
        real: Number of real samples.
        fake: Number of generated samples.
        size: Side of the pictures that the extractor saw, in pixels.
        seed: Seed of everything that was drawn for the measurement.
        more: What else must be equal, in JSON types; `code_version` always,
            `resize` where pictures were resized before the extractor.
    """
    fixed = {"dtype": "float64", "ddof": 1, "resize": "none"}
    counts = {"extractor": extractor, "dimensions": dimensions, "real": real, "fake": fake}
    return {**fixed, **counts, "size": size, "seed": seed, **more}


def scores(
    real: NDArray[np.float64],
    fake: NDArray[np.float64],
    shared: Mapping[str, Any],
    seed: int,
    k: int = 5,
) -> tuple[Score, ...]:
    """FD, KID, precision, recall, density and coverage of two sets of features.

    The Fréchet distance is called FD: FID is the name of the one in Inception
    features.

    Args:
        real: Features, (N, d).
        fake: Features, (M, d).
        shared: The `protocol` of both sets.
        seed: Decides the subsets of KID.
        k: Neighbour that sets the radii of the last four.

    Raises:
        ConfigError: The sets cannot be compared.
    """
    kernel = kernel_distance(real, fake, seed, SUBSETS)
    drawn = {"kernel": "(x.y/d+1)^3", "subsets": SUBSETS, "subset_size": kernel.size}
    overlap = precision_recall_density_coverage(real, fake, k)
    balls = {**shared, "k": k, "ties": "<"}
    return (
        Score("FD", frechet_distance(real, fake), dict(shared)),
        Score("KID", kernel.value, {**shared, **drawn, "subset_seed": seed}, kernel.error),
        Score("precision", overlap.precision, balls),
        Score("recall", overlap.recall, balls),
        Score("density", overlap.density, balls),
        Score("coverage", overlap.coverage, balls),
    )
