from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution import distances
from mintmark.metrics.distribution.distances import nearest
from mintmark.metrics.memorisation import Mifid, closer_share, mifid, novelty


def normal(seed: int, n: int, d: int = 8) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_planted_copies_are_found() -> None:
    train, fake = normal(0, 300), normal(2, 400)
    fake[100:140] = train[200:240]
    found = novelty(train, normal(1, 300), fake)
    assert found.excess
    assert 0.1 <= found.copies < 0.14
    assert len(found.nearest) == 16
    assert all(pair.distance == 0 and pair.train == pair.fake + 100 for pair in found.nearest)


def test_near_copies_are_found_and_listed_nearest_first() -> None:
    train, fake = normal(0, 300), normal(2, 400)
    fake[:40] = train[:40] + 0.01 * normal(3, 40)
    found = novelty(train, normal(1, 300), fake)
    assert found.excess
    distances = [pair.distance for pair in found.nearest]
    assert distances == sorted(distances)
    for pair in found.nearest:
        assert pair.train == pair.fake < 40
        exact = np.linalg.norm(fake[pair.fake] - train[pair.train])
        assert pair.distance == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("held_out", "fakes"), [(40, 200), (150, 60), (200, 200)])
def test_new_work_of_the_same_law_is_seldom_flagged(held_out: int, fakes: int) -> None:
    found = [
        novelty(normal(3 * i, 60, 2), normal(3 * i + 1, held_out, 2), normal(3 * i + 2, fakes, 2))
        for i in range(300)
    ]
    # The tail is at most 0.00135, so 3 or more of 300 would be rare luck, and
    # these seeds are fixed. Gaussian tails instead of the exact one give 3 to 13.
    assert sum(one.excess for one in found) <= 2
    copies = np.array([one.copies for one in found])
    error = copies.std(ddof=1) / np.sqrt(len(copies))
    assert abs(copies.mean() - found[0].expected) < 3.5 * error


def test_expected_share_is_the_rank_of_the_threshold() -> None:
    train = np.zeros((1, 1))
    held_out = np.arange(1.0, 200.0)[:, None]  # 199 distances: 1, 2, ..., 199
    found = novelty(train, held_out, np.array([[0.5], [1.5], [2.0], [50.0]]))
    assert found.threshold == 2
    assert found.expected == pytest.approx(0.01)
    assert found.copies == 0.5  # a sample at the threshold is not below it
    assert found.median_held_out == 100
    assert found.median_fake == 1.75


def test_repeats_in_the_held_out_set_do_not_hide_copies() -> None:
    train, held_out = normal(0, 200), normal(1, 200)
    held_out[:10] = train[:10]
    found = novelty(train, held_out, train[50:150])
    assert found.threshold > 0
    assert found.copies == 1
    assert found.expected == pytest.approx(11 / 201)
    assert found.excess
    assert not novelty(train, held_out, normal(2, 100)).excess


def test_a_single_held_out_sample_never_accuses() -> None:
    train = normal(0, 50)
    assert not novelty(train, normal(1, 1), train[:20]).excess


def test_pixels_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    train, held_out, fake = (rng.integers(0, 256, (n, 48), dtype=np.uint8) for n in (50, 41, 37))
    whole = novelty(train, held_out, fake)
    exact = np.sqrt(((fake[:, None].astype(int) - train[None].astype(int)) ** 2).sum(axis=2))
    assert whole.median_fake == pytest.approx(np.median(exact.min(axis=1)), rel=1e-12)
    monkeypatch.setattr(distances, "BLOCK", 5)
    assert novelty(train, held_out, fake) == whole


def test_sets_that_do_not_compare_are_refused() -> None:
    with pytest.raises(ConfigError, match="one extractor"):
        novelty(normal(0, 9, 3), normal(1, 9, 4), normal(2, 9, 3))
    with pytest.raises(ConfigError, match="held-out samples and got 0"):
        novelty(normal(0, 9, 3), normal(1, 0, 3), normal(2, 9, 3))
    with pytest.raises(ConfigError, match="generated features hold NaN"):
        novelty(normal(0, 9, 3), normal(1, 9, 3), np.full((9, 3), np.nan))


@pytest.mark.parametrize(("trains", "held_out", "fakes"), [(60, 60, 40), (80, 50, 200)])
def test_closer_share_is_a_half_for_new_work(trains: int, held_out: int, fakes: int) -> None:
    found = [
        closer_share(normal(3 * i, trains, 3), normal(3 * i + 1, held_out, 3),
                     normal(3 * i + 2, fakes, 3), seed=i)
        for i in range(300)
    ]  # fmt: skip
    scores = np.array([(one.share - 0.5) / one.error for one in found])
    assert abs(scores.mean()) < 3 / np.sqrt(300)
    assert abs(scores.std() - 1) < 3 / np.sqrt(600)  # also where few samples are nearest to many
    assert all(one.size == min(trains, held_out) for one in found)


def test_closer_share_is_a_half_on_held_out_digits() -> None:
    # Every third digit: writers come in blocks, so that blocks are not of one law.
    rows = load_digits().data
    found = closer_share(rows[0::3], rows[1::3], rows[2::3])
    assert abs(found.share - 0.5) < 3 * found.error
    pulled = rows[2::3] + 0.2 * (rows[0::3][nearest(rows[2::3], rows[0::3])[1]] - rows[2::3])
    assert closer_share(rows[0::3], rows[1::3], pulled).share > 0.5 + 6 * found.error


def test_closer_share_by_hand() -> None:
    train, held_out = np.array([[0.0], [10.0]]), np.array([[4.0], [20.0]])
    fake = np.array([[1.0], [2.0], [3.0], [9.0], [25.0]])  # nearer, tie, farther, nearer, farther
    found = closer_share(train, held_out, fake)
    assert found.share == pytest.approx(2.5 / 5)
    weights = {0: 1.5, 10: 1.0, 4: 1.5, 20: 1.0}  # fakes whose nearest each is
    deals = [(a + b) / 5 for a, b in combinations(weights.values(), 2)]
    assert found.error == pytest.approx(np.std(deals))
    assert closer_share(train, train, fake).share == 0.5


def test_closer_share_does_not_depend_on_the_order() -> None:
    train, held_out, fake = normal(0, 90), normal(1, 40), normal(2, 70)
    found = closer_share(train, held_out, fake)
    shuffled = closer_share(train[::-1], np.roll(held_out, 7, axis=0), fake[::-1])
    assert (shuffled.share, shuffled.size) == (found.share, found.size)
    assert shuffled.error == pytest.approx(found.error, rel=1e-12)
    others = {closer_share(train, held_out, fake, seed).share for seed in range(9)}
    assert len(others) > 1
    assert closer_share(held_out, train, fake).share == pytest.approx(1 - found.share)


def cosine_gaps(fake: NDArray[np.float64], train: NDArray[np.float64]) -> NDArray[np.float64]:
    products = np.abs(fake @ train.T)
    norms = np.linalg.norm(fake, axis=1)[:, None] * np.linalg.norm(train, axis=1)
    gaps: NDArray[np.float64] = (1 - products / norms).min(axis=1)
    return gaps


def test_mifid_is_fd_over_the_mean_least_cosine_distance() -> None:
    fake, train = normal(0, 40, 6), normal(1, 300, 6)
    distance = cosine_gaps(fake, train).mean()
    assert distance != pytest.approx(cosine_gaps(train, fake).mean(), rel=0.1)
    found = mifid(3.0, fake, train, tau=0.9)
    assert found.distance == pytest.approx(distance, rel=1e-12)
    assert found.value == pytest.approx(3 / distance, rel=1e-9)


def test_mifid_leaves_fd_alone_from_the_threshold_on() -> None:
    fake, train = normal(0, 40, 30), normal(1, 20, 30)
    found = mifid(3.0, fake, train)
    assert found.distance > 0.1
    assert found.value == 3
    assert mifid(3.0, fake, train, tau=found.distance).value == 3


def test_mifid_of_copies_is_beyond_every_other() -> None:
    train = normal(0, 50, 6)
    assert mifid(3.0, train[:20], train) == Mifid(3 / 1e-14, 0)
    turned = mifid(3.0, -2 * train[:20], train)  # |cos| knows neither sign nor length
    assert turned.distance == pytest.approx(0, abs=1e-15)
    assert turned.value == pytest.approx(3 / 1e-14, rel=0.1)


def test_mifid_leaves_out_rows_of_zeros_and_takes_any_scale() -> None:
    fake, train = normal(0, 20, 6), normal(1, 30, 6)
    zeros = np.zeros((5, 6))
    found = mifid(3.0, np.vstack([zeros, fake]), np.vstack([train, zeros]))
    assert found == mifid(3.0, fake, train)
    huge = mifid(3.0, fake * 1e200, train * 1e-200)
    assert huge.distance == pytest.approx(found.distance, rel=1e-9)
    with pytest.raises(ConfigError, match="all zero"):
        mifid(3.0, zeros, train)


@pytest.mark.parametrize("tau", [-0.1, 1.1, float("nan")])
def test_mifid_refuses_a_threshold_out_of_range(tau: float) -> None:
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        mifid(3.0, normal(0, 5), normal(1, 5), tau)
