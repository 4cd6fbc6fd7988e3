"""Counterparts are found by likeness, from both sides, and never within a kind."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.data import counterparts as module
from mintmark.data.counterparts import counterparts, mutual, similarity

Pixels = NDArray[np.uint8]


def drawings(count: int, seed: int = 0) -> Pixels:
    """Coarse pictures that differ from each other, (count, 3, 16, 16)."""
    cells = np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 4))
    pictures: Pixels = cells.repeat(4, 2).repeat(4, 3).astype(np.uint8)
    return pictures


def other_hand(pictures: Pixels) -> Pixels:
    """The same in paler, greener colours."""
    paler = 0.6 * pictures + np.array([20, 80, 20]).reshape(3, 1, 1)
    redrawn: Pixels = paler.astype(np.uint8)
    return redrawn


def test_the_same_by_two_hands_are_counterparts() -> None:
    first, order = drawings(40), np.random.default_rng(1).permutation(40)
    every = np.concatenate([first, other_hand(first)[order]])
    found = counterparts(every, np.repeat([0, 1], 40))
    assert found.shape == (80, 2)
    assert (found[:40, 0] == -1).all() and (found[40:, 1] == -1).all()
    assert (found[40:, 0] == order).all()
    assert (found[found[:40, 1], 0] == np.arange(40)).all()


def test_what_only_one_hand_drew_is_left_alone() -> None:
    first = drawings(40)
    every = np.concatenate([first, other_hand(first)[:20]])
    found = counterparts(every, np.repeat([0, 1], [40, 20]))
    assert (found[40:, 0] == np.arange(20)).all()
    assert (found[20:40] == -1).all()


def test_three_kinds_and_an_empty_one() -> None:
    first = drawings(20)
    kinds = np.repeat([0, 1, 3], 20)
    found = counterparts(np.concatenate([first, other_hand(first), 255 - first]), kinds)
    assert found.shape == (60, 4)
    assert (found[:20, 1] == np.arange(20, 40)).all()
    assert (found[:, 2] == -1).all()


def test_of_many_pictures_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    first = drawings(40)
    found = counterparts(np.concatenate([first, other_hand(first)]), np.repeat([0, 1], 40))
    assert 0 < (found >= 0).any(1).sum() <= 20


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    every = np.concatenate([drawings(30), drawings(30, 1)])
    kinds = np.repeat([0, 1], 30)
    whole = counterparts(every, kinds)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert np.array_equal(counterparts(every, kinds), whole)


def test_what_is_near_to_everything_is_not_everybodys_counterpart() -> None:
    likeness = np.full((12, 12), 0.1, np.float32)
    likeness[np.arange(11), np.arange(11)] = 0.5
    likeness[:, 11] = 0.6  # a hub
    rows, columns = mutual(likeness)
    assert (rows[rows < 11] == columns[rows < 11]).all() and (rows < 11).sum() == 11


def test_what_is_usual_for_a_kind_does_not_count() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10, 30)).astype(np.float32)
    shifted = rows * 0.5 + 100 * rng.normal(size=30).astype(np.float32)
    assert np.diag(similarity(rows, shifted)).min() > 0.9
    assert similarity(rows, 20 * rows).max() < 1.001  # cosines
    first, second = rows.copy(), rows.copy()
    first[:, 0], second[:, 0] = 1000 * rng.normal(size=(2, 10))  # one cell that varies wildly
    assert (similarity(first, second).argmax(1) == np.arange(10)).all()
    assert np.isfinite(similarity(np.ones((3, 4), np.float32), shifted[:, :4])).all()


def test_lines_too_fine_for_small_pictures_count() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 2, (12, 1, 8, 8)).repeat(8, 2).repeat(8, 3).astype(bool)
    stripes = np.indices((64, 64)) % 2 * 200
    drawn = np.where(cells, stripes[0], stripes[1])  # of the same means everywhere
    inverted = np.where(cells, stripes[0], 200 - stripes[1])
    every = np.concatenate([drawn, inverted]).repeat(3, 1).astype(np.uint8)
    found = counterparts(every, np.repeat([0, 1], 12))
    assert (found[:12, 1] == np.arange(12, 24)).all()
