"""What all of them refuse, and the order that those with subsets share."""

import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import canonical
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.distribution.sliced import sliced_wasserstein

Array = NDArray[np.float64]


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
        sliced_wasserstein(real, fake, seed=0)
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
    with pytest.raises(ConfigError, match="at least 2 directions"):
        sliced_wasserstein(rows, rows, seed=0, directions=1)


def test_the_canonical_order_holds_the_same_rows_in_one_order() -> None:
    rows = normal(0, 40, 3)
    rows[5] = rows[9] = rows[30]
    ordered = canonical(rows)
    np.testing.assert_array_equal(canonical(rows[::-1]), ordered)
    assert sorted(map(tuple, ordered)) == sorted(map(tuple, rows))
    assert not np.array_equal(ordered, rows)


def test_the_canonical_order_takes_zeros_of_both_signs_for_equal() -> None:
    rows = normal(0, 40, 3).round()
    signed = np.where(rows == 0, -0.0, rows)
    assert np.signbit(signed[rows == 0]).all()
    np.testing.assert_array_equal(canonical(signed), canonical(rows))


def test_the_canonical_order_has_no_pattern() -> None:
    ordered = canonical(np.arange(2000.0)[:, None])[:, 0]
    assert abs(np.corrcoef(ordered, np.arange(2000))[0, 1]) < 3 / np.sqrt(2000)
