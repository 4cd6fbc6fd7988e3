"""What all of them refuse."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage

Array = NDArray[np.float64]


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (normal(0, 9, 3), normal(1, 9, 4), "one extractor"),
        (normal(0, 9, 3), normal(1, 9), "samples, dimensions"),
        (normal(0, 9, 3), np.full((9, 3), np.nan), "generated features hold NaN"),
        (np.full((9, 3), np.inf), normal(1, 9, 3), "real features hold NaN"),
        (normal(0, 9, 3), normal(1, 1, 3), "generated samples and got 1"),
    ],
)
def test_sets_that_do_not_compare_are_refused(real: Array, fake: Array, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        frechet_distance(real, fake)
    with pytest.raises(ConfigError, match=words):
        kernel_distance(real, fake, seed=0)
    with pytest.raises(ConfigError, match=words):
        precision_recall_density_coverage(real, fake)


def test_arguments_out_of_range_are_refused() -> None:
    rows = normal(0, 9, 3)
    with pytest.raises(ConfigError, match="at least 10 real samples and got 9"):
        precision_recall_density_coverage(rows, rows, k=9)
    with pytest.raises(ConfigError, match="k must be at least 1"):
        precision_recall_density_coverage(rows, rows, k=0)
    with pytest.raises(ConfigError, match="at least 2 subsets"):
        kernel_distance(rows, rows, seed=0, subsets=1)
