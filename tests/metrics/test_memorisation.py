import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics import memorisation
from mintmark.metrics.memorisation import novelty


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
    monkeypatch.setattr(memorisation, "BLOCK", 5)
    assert novelty(train, held_out, fake) == whole


def test_sets_that_do_not_compare_are_refused() -> None:
    with pytest.raises(ConfigError, match="one extractor"):
        novelty(normal(0, 9, 3), normal(1, 9, 4), normal(2, 9, 3))
    with pytest.raises(ConfigError, match="held-out samples and got 0"):
        novelty(normal(0, 9, 3), normal(1, 0, 3), normal(2, 9, 3))
    with pytest.raises(ConfigError, match="generated features hold NaN"):
        novelty(normal(0, 9, 3), normal(1, 9, 3), np.full((9, 3), np.nan))
