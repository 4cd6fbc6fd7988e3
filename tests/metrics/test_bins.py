import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.bins import BinDifference, different_bins

Array = NDArray[np.float64]


def points(*counts: int) -> Array:
    """So many copies of points far apart on a line, which k-means tells apart."""
    return np.repeat(100.0 * np.arange(len(counts))[:, None], counts, axis=0)


def on_equal_laws(d: int, size: int, bins: int, repeats: int) -> list[BinDifference]:
    return [
        different_bins(normal(2 * i, 2 * size, d), normal(2 * i + 1, size, d), i, bins)
        for i in range(repeats)
    ]


def within_three_sigma(values: list[float], expected: float) -> bool:
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return bool(abs(np.mean(values) - expected) < 3 * error)


def test_equal_laws_differ_in_a_twentieth_of_the_bins() -> None:
    found = on_equal_laws(d=2, size=1000, bins=20, repeats=60)
    assert within_three_sigma([one.ndb for one in found], 0.05)
    assert within_three_sigma([one.js for one in found], 19 / 8 * (2 / 1000))
    loose = [
        different_bins(normal(2 * i, 2000, 2), normal(2 * i + 1, 1000, 2), i, 20, alpha=0.2).ndb
        for i in range(30)
    ]
    assert within_three_sigma(loose, 0.2)


def test_many_dimensions_do_not_bias_the_share() -> None:
    # Counting the samples that made the bins would give .27 and three times the
    # divergence: they lie nearer to centres than new ones do.
    found = on_equal_laws(d=256, size=400, bins=8, repeats=40)
    error = np.sqrt(0.05 * 0.95 / (8 * 40))
    assert 0.02 < np.mean([one.ndb for one in found]) < 0.05 + 3 * error
    assert np.mean([one.js for one in found]) < 1.5 * 7 / 8 * (2 / 400)


def test_bins_by_hand() -> None:
    # Half of each kind of real sample is counted, on average; far apart, no chance decides.
    real, fake = points(1000, 1000), points(900, 100)
    found = different_bins(real, fake, seed=0, bins=2)
    assert (found.ndb, found.bins) == (1, 2)
    assert found.js == pytest.approx(jensenshannon([0.5, 0.5], [0.9, 0.1]) ** 2, abs=0.01)


def test_each_bin_is_tested_on_its_own() -> None:
    # Four bins of a quarter each: two keep their share, two exchange a part.
    real, fake = points(4000, 4000, 4000, 4000), points(1000, 1000, 1200, 800)
    assert different_bins(real, fake, seed=1, bins=4).ndb == 0.5


@pytest.mark.parametrize(("moved", "differ"), [(0, 0.0), (100, 1.0), (20, 0.0)])
def test_the_test_of_two_shares(moved: int, differ: float) -> None:
    # Halves of 10,000 against 1,000: the standard error of a share is .0166.
    found = different_bins(points(10_000, 10_000), points(500 + moved, 500 - moved), 0, bins=2)
    assert found.ndb == differ


def test_the_two_shares_are_pooled_by_their_samples() -> None:
    # .02 of 10,000 against .06 of 100: z is 2.8, and 2.0 if both sets weighed alike.
    real, fake = points(19_600, 400), points(94, 6)
    assert different_bins(real, fake, seed=0, bins=2, alpha=0.01).ndb == 1


def with_a_lonely_one(fake: Array) -> list[BinDifference]:
    """Of 400 reals one lies apart; only in the half that makes the bins it gets one of its own."""
    real = np.concatenate([points(399), np.array([[1e3]])])
    found = []
    for seed in range(12):
        try:
            found.append(different_bins(real, fake, seed, bins=2))
        except ConfigError:  # it fell into the half that is counted
            continue
    assert 0 < len(found) < 12
    return found


def test_a_bin_that_is_empty_in_both_counts_as_equal() -> None:
    assert set(with_a_lonely_one(points(100))) == {BinDifference(0, 0, 2)}


def test_divergence_is_in_nats_and_reaches_ln_2() -> None:
    for found in with_a_lonely_one(points(100) + 1e3):
        assert found.ndb == 1
        assert found.js == pytest.approx(np.log(2))


def test_a_generator_that_misses_a_mode_fills_fewer_bins() -> None:
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
    real = normal(0, 4000, 2) + centres[np.arange(4000) % 4]
    whole = normal(1, 2000, 2) + centres[np.arange(2000) % 4]
    partial = normal(1, 2000, 2) + centres[np.arange(2000) % 3]
    good = different_bins(real, whole, seed=0, bins=40)
    bad = different_bins(real, partial, seed=0, bins=40)
    assert good.ndb < 0.2 < 0.5 < bad.ndb
    assert good.js < 0.02 < 0.05 < bad.js


def test_bins_depend_on_the_seed_and_not_on_the_order() -> None:
    real, fake = normal(0, 600, 3), normal(1, 300, 3) * 1.2
    found = different_bins(real, fake, seed=5, bins=20)
    assert found == different_bins(real[::-1], fake[::-1], seed=5, bins=20)
    assert found.js != different_bins(real, fake, seed=6, bins=20).js


@pytest.mark.parametrize(
    ("real", "fake", "bins", "alpha", "story"),
    [
        (normal(0, 999, 2), normal(1, 500, 2), 100, 0.05, "1000 real and 500 .* got 999 and 500"),
        (normal(0, 1000, 2), normal(1, 499, 2), 100, 0.05, "got 1000 and 499"),
        (np.zeros((50, 2)), np.zeros((50, 2)), 5, 0.05, "only 1 different"),
        (normal(0, 50, 2), normal(1, 50, 2), 1, 0.05, "at least 2"),
        (normal(0, 50, 2), normal(1, 50, 2), 2, 1.0, "alpha"),
        (normal(0, 50, 2), normal(1, 50, 3), 2, 0.05, "dimensions"),
    ],
)
def test_bins_refuse(real: Array, fake: Array, bins: int, alpha: float, story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        different_bins(real, fake, 0, bins, alpha)
