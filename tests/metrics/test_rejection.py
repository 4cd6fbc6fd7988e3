from typing import Any

import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution import distances
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.rejection import best, typicality

Array = NDArray[np.float64]


def line(*places: float) -> Array:
    return np.array(places)[:, None]


def test_typicality_on_a_line_by_hand() -> None:
    # Reals at 0, 1, 2, 10: balls to the second neighbour reach 2, 1, 2 and 9.
    real = line(0, 1, 2, 10)
    fake = line(1.5, 0.5, 3.5, -1.5, 18.5, 30)
    # 1.5 lies in all four; 0.5 in the first three; 3.5 in those of 2 and 10.
    np.testing.assert_array_equal(typicality(real, fake, k=2), [2, 1.5, 1, 0.5, 0.5, 0])
    # With k = 1 the balls reach 1, 1, 1 and 8.
    np.testing.assert_array_equal(typicality(real, fake, k=1), [2, 2, 1, 0, 0, 0])


def test_the_surface_of_a_ball_is_outside() -> None:
    real = line(0, 1, 2, 10)
    np.testing.assert_array_equal(typicality(real, line(2, 4, -2), k=2), [1, 0.5, 0])


@pytest.mark.parametrize("k", [1, 5])
def test_its_mean_is_the_density(k: int) -> None:
    real, fake = normal(0, 120, 4), normal(1, 90, 4) * 0.8
    found = typicality(real, fake, k)
    assert found.shape == (90,)
    assert found.dtype == np.float64
    density = precision_recall_density_coverage(real, fake, k).density
    assert found.mean() == pytest.approx(density, rel=1e-12)
    assert np.array_equal(found * k, np.round(found * k))


def test_five_neighbours_are_the_default() -> None:
    real, fake = normal(0, 60, 3), normal(1, 20, 3)
    assert np.array_equal(typicality(real, fake), typicality(real, fake, k=5))
    assert not np.array_equal(typicality(real, fake), typicality(real, fake, k=4))


def test_each_candidate_is_judged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = normal(0, 70, 3), normal(1, 30, 3)
    whole = typicality(real, fake)
    order = np.random.default_rng(2).permutation(30)
    assert np.array_equal(typicality(real[::-1], fake[order]), whole[order])
    assert np.array_equal(typicality(real, fake[:1]), whole[:1])
    monkeypatch.setattr(distances, "BLOCK", 7)
    assert np.array_equal(typicality(real, fake), whole)


def test_planted_flaws_are_rejected() -> None:
    real, fake = normal(0, 400, 6), normal(1, 60, 6) * 0.9
    flawed = np.arange(60) % 3 == 0
    fake[flawed] += 4 * np.sign(normal(2, 20, 6))
    # The discriminator sees the flaws too, but dimly.
    scores = np.where(flawed, -0.5, 0.5) + normal(3, 60)
    kept = best(scores, typicality(real, fake), keep=20)
    assert len(kept) == len(set(kept.tolist())) == 20
    assert not flawed[kept].any()
    assert flawed[np.argsort(-scores)[:20]].sum() >= 3  # one judge alone is not enough here


def test_best_is_the_mean_of_two_ranks_by_hand() -> None:
    scores = np.array([0.0, 1e9, 2.0, 3.0])  # ranks 1, 4, 2, 3: how far apart is no matter
    depth = np.array([3.0, 0.0, 2.5, 2.0])  # ranks 4, 1, 3, 2
    assert best(scores, depth, 4).tolist() == [0, 1, 2, 3]  # 5 each: as they come
    assert best(scores, np.array([0.0, 1, 2, 3]), 3).tolist() == [3, 1, 2]  # 2, 6, 5, 7
    assert best(np.array([2.0, 0, 1]), np.array([0.0, 1, 2]), 1).tolist() == [2]  # 4, 3, 5


def test_equal_values_share_their_rank_and_the_first_is_kept() -> None:
    depth = np.array([0.0, 1, 0, 0])  # ranks 2, 4, 2, 2
    scores = np.array([1.0, 0, 2, 2])  # ranks 2, 1, 3.5, 3.5
    assert best(scores, depth, 4).tolist() == [2, 3, 1, 0]
    assert best(np.zeros(5), np.zeros(5), 2).tolist() == [0, 1]


def test_the_order_of_candidates_does_not_matter() -> None:
    scores, depth = normal(0, 40), normal(1, 40)
    total = scores.argsort().argsort() + depth.argsort().argsort()
    order = np.random.default_rng(3).permutation(40)
    kept, again = best(scores, depth, 12), best(scores[order], depth[order], 12)
    # Ties of the sums may be kept either way; what is kept is as good.
    assert np.array_equal(np.sort(total[kept])[::-1], np.sort(total[order][again])[::-1])
    assert np.array_equal(total[kept], np.sort(total)[::-1][:12])
    assert kept.dtype == np.int64


@pytest.mark.parametrize(
    ("real", "fake", "k", "words"),
    [
        (normal(0, 5, 2), normal(1, 3, 2), 5, "at least 6 real samples and got 5"),
        (normal(0, 9, 2), normal(1, 3, 2), 0, "k must be at least 1"),
        (normal(0, 9, 2), normal(1, 3, 3), 5, "one extractor"),
        (normal(0, 9, 2), normal(1, 0, 2), 5, "at least 1 generated"),
        (normal(0, 9, 2), np.full((3, 2), np.nan), 5, "generated features hold NaN"),
    ],
)
def test_typicality_refuses(real: Array, fake: Array, k: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        typicality(real, fake, k)


@pytest.mark.parametrize(
    ("scores", "depth", "keep", "words"),
    [
        (np.zeros(3), np.zeros(4), 1, "one finite number a candidate"),
        (np.zeros((4, 1)), np.zeros(4), 1, "one finite number a candidate"),
        (np.array([0, np.nan]), np.zeros(2), 1, "one finite number a candidate"),
        (np.zeros(2), np.array([0, np.inf]), 1, "one finite number a candidate"),
        (np.zeros(2), np.zeros(2), 0, "1 to 2 can be kept, not 0"),
        (np.zeros(2), np.zeros(2), 3, "1 to 2 can be kept, not 3"),
    ],
)
def test_best_refuses(scores: Any, depth: Any, keep: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        best(scores, depth, keep)
