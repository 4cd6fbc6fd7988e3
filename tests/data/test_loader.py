import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mintmark.core.errors import DataError
from mintmark.data import loader
from mintmark.data.contrasts import contrasts
from mintmark.data.loader import (
    Loader,
    PixelSet,
    balanced_indices,
    batch_indices,
    prepare,
)
from mintmark.data.manifest import Snapshot
from mintmark.data.pictures import decode, fit
from mintmark.data.readers import Source, open_source, take_snapshot

Fill = Callable[..., list[Path]]


@pytest.fixture
def data(tmp_path: Path, fill: Fill) -> tuple[Source, Snapshot]:
    folder = tmp_path / "d"
    fill(folder, *(f"{label}/{n}.png" for label in "ab" for n in range(5)))
    source = open_source(folder)
    return source, take_snapshot(source)[0]


def in_memory(count: int) -> PixelSet:
    pixels = np.arange(count * 12, dtype=np.uint32).astype(np.uint8).reshape(count, 3, 2, 2)
    labels = np.arange(count) % 3
    return PixelSet(pixels, labels, "0" * 64, torch.from_numpy(labels))


def test_the_array_holds_the_pictures_in_order(
    data: tuple[Source, Snapshot], tmp_path: Path
) -> None:
    source, snapshot = data
    pixels = prepare(source, snapshot, (1, 4, 4), tmp_path / "cache")
    assert pixels.pixels.shape == (10, 1, 4, 4) and pixels.snapshot == snapshot.digest
    assert pixels.labels is not None and pixels.labels.tolist() == [0] * 5 + [1] * 5
    for place, item in enumerate(snapshot.items):
        expected = fit(decode(source.read(item.name), item.name), 1, 4, 4)
        assert np.array_equal(pixels.pixels[place], expected)
    with pytest.raises(ValueError, match="read-only"):
        pixels.pixels[0] = 0


def beside_each_other(partners: list[list[int]] | None) -> PixelSet:
    """Six pictures of three kinds beside themselves."""
    alone = in_memory(6)
    kinds = torch.tensor([0, 0, 1, 1, 2, 2])
    return replace(
        alone, condition=kinds, kinds=kinds, beside=alone.pixels,
        partners=None if partners is None else np.array(partners),
    )  # fmt: skip


def test_counterparts_take_the_place_of_pictures_by_chance() -> None:
    partners = [[-1, 3, 5], [-1, 2, -1], [1, -1, -1], [0, -1, -1], [-1, -1, -1], [0, -1, -1]]
    ids = np.array([0, 0, 0, 1, 4])
    chance = np.array([0, 1, 2, 5, 3])
    beside, told = beside_each_other(partners).joined(ids, chance)
    assert beside.tolist() == [3, 3, 5, 2, 3]  # of several kinds, by turns
    assert told.tolist() == [[1, 1], [1, 1], [2, 1], [1, 1], [1, 0]]
    beside, told = beside_each_other(None).joined(ids, chance)
    assert beside.tolist() == chance.tolist()
    assert told.tolist() == [[0, 0], [0, 0], [1, 0], [2, 0], [1, 0]]


def test_a_batch_says_which_rows_hold_counterparts() -> None:
    known = beside_each_other([[-1, 3, 5]] + [[-1, -1, -1]] * 5)
    with Loader(known, 6, 0) as loader:
        rows = loader.at(0, 0, 6)
    assert rows.other is not None and rows.other.shape == (6, 2)
    (place,) = np.flatnonzero(rows.ids == 0)
    assert rows.other[:, 1].tolist() == [int(number == place) for number in range(6)]
    beside = int(rows.other[place, 0])  # of kind 1 or 2, whose counterparts are 3 and 5
    expected = known.pixels[{1: 3, 2: 5}[beside]]
    assert np.array_equal(rows.images[place, 3:].numpy(), expected)


def test_it_is_built_once(
    data: tuple[Source, Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, snapshot = data
    prepare(source, snapshot, (3, 4, 4), tmp_path / "cache")
    (array,) = (tmp_path / "cache").glob("*.npy")
    stamp = array.stat().st_mtime_ns
    prepare(source, snapshot, (3, 4, 4), tmp_path / "cache")
    assert array.stat().st_mtime_ns == stamp
    prepare(source, snapshot, (3, 2, 2), tmp_path / "cache")
    prepare(source, snapshot, (1, 4, 4), tmp_path / "cache")
    monkeypatch.setattr(loader, "VERSION", loader.VERSION + 1)
    prepare(source, snapshot, (3, 4, 4), tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 4


def cut(array: Path) -> None:
    array.write_bytes(array.read_bytes()[:-1])


def reshape(array: Path) -> None:
    np.save(array, np.load(array).reshape(10, 3, 2, 8))


def unseal(array: Path) -> None:
    array.with_suffix(".json").unlink()


def forge(array: Path) -> None:
    seal = array.with_suffix(".json")
    seal.write_text(json.dumps({**json.loads(seal.read_text()), "snapshot": "0" * 64}))


def garble(array: Path) -> None:
    array.with_suffix(".json").write_bytes(b"\xff{")


@pytest.mark.parametrize("harm", [cut, reshape, unseal, forge, garble, Path.unlink])
def test_a_harmed_cache_is_built_again(
    data: tuple[Source, Snapshot], tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    source, snapshot = data
    first = np.array(prepare(source, snapshot, (3, 4, 4), tmp_path / "cache").pixels)
    (array,) = (tmp_path / "cache").glob("*.npy")
    harm(array)
    stamp = array.stat().st_mtime_ns if array.exists() else 0
    assert np.array_equal(prepare(source, snapshot, (3, 4, 4), tmp_path / "cache").pixels, first)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert array.stat().st_mtime_ns > stamp


def test_changed_pictures_are_refused_and_nothing_stays(
    data: tuple[Source, Snapshot], tmp_path: Path
) -> None:
    source, snapshot = data
    (tmp_path / "d/a/1.png").write_bytes((tmp_path / "d/a/2.png").read_bytes())
    with pytest.raises(DataError, match=r"a/1\.png changed"):
        prepare(source, snapshot, (3, 4, 4), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(
    data: tuple[Source, Snapshot], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match="MINTMARK_CACHE"):
        prepare(*data, (3, 4, 4), tmp_path / "cache")


def build(folder: Path, cache: Path, slow: bool) -> None:
    """Runs in another process."""
    if slow:
        whole = loader._write

        def pause(file: Any, rows: Any) -> None:
            whole(file, rows)
            file.flush()
            (cache / "half").touch()
            time.sleep(60)

        loader._write = pause
    source = open_source(folder)
    prepare(source, take_snapshot(source)[0], (3, 4, 4), cache)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_killed_build_leaves_nothing_usable(
    data: tuple[Source, Snapshot], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    worker = multiprocessing.get_context("fork").Process(
        target=build, args=(tmp_path / "d", cache, True)
    )
    worker.start()
    while worker.is_alive() and not (cache / "half").exists():
        time.sleep(0.01)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert not list(cache.glob("*.npy"))
    assert prepare(*data, (3, 4, 4), cache).pixels.shape == (10, 3, 4, 4)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_processes_may_build_at_once(data: tuple[Source, Snapshot], tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    arguments = (tmp_path / "d", tmp_path / "cache", False)
    workers = [context.Process(target=build, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_pictures_without_labels_give_none(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path / "d", "a.png", "b.png")
    source = open_source(tmp_path / "d")
    pixels = prepare(source, take_snapshot(source)[0], (3, 4, 4), tmp_path / "cache")
    assert pixels.labels is None
    with Loader(pixels, 2, 0) as batches:
        assert batches.at(0, 0, 2).condition is None


@given(st.integers(0, 9), st.integers(0, 30), st.integers(1, 40), st.integers(1, 25))
def test_steps_walk_through_one_permutation_an_epoch(
    seed: int, step: int, batch: int, count: int
) -> None:
    walk = np.concatenate([batch_indices(seed, s, batch, count) for s in range(step + 1)])
    assert len(walk) == (step + 1) * batch and walk.dtype == np.int64
    whole = len(walk) // count * count
    for epoch in walk[:whole].reshape(-1, count):
        assert np.array_equal(np.sort(epoch), np.arange(count))
    assert len(set(walk[whole:].tolist())) == len(walk) - whole
    loader._order.cache_clear()
    assert np.array_equal(batch_indices(seed, step, batch, count), walk[-batch:])


def test_epochs_and_seeds_differ() -> None:
    orders = {tuple(batch_indices(seed, step, 50, 50)) for seed in (0, 1) for step in (0, 1)}
    assert len(orders) == 4


def test_the_order_is_fixed_for_ever() -> None:
    """A run that resumes under a later version must see the same pictures."""
    assert batch_indices(7, 1, 6, 10).tolist() == [0, 7, 2, 1, 4, 6]


@pytest.mark.parametrize("background", [False, True])
def test_batches_are_the_rows_of_the_indices(background: bool) -> None:
    pixels = in_memory(11)
    assert pixels.labels is not None
    with Loader(pixels, 8, seed=3, background=background) as batches:
        for step, first, last in [(0, 0, 4), (1, 0, 4), (2, 4, 8), (7, 4, 8), (8, 4, 8), (0, 0, 8)]:
            rows = batches.at(step, first, last)
            ids = batch_indices(3, step, 8, 11)[first:last]
            assert np.array_equal(rows.ids, ids)
            assert rows.images.dtype == torch.uint8
            assert np.array_equal(rows.images.numpy(), pixels.pixels[ids])
            assert rows.condition is not None and rows.condition.dtype == torch.int64
            assert np.array_equal(rows.condition.numpy(), pixels.labels[ids])


def test_batches_are_fresh_memory() -> None:
    pixels = in_memory(4)
    with Loader(pixels, 4, seed=0) as batches:
        batches.at(0, 0, 4).images.zero_()
        assert batches.at(0, 0, 4).images.max() > 0


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with Loader(in_memory(4), 2, seed=0, background=True) as batches:
        batches.at(0, 0, 2)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


GROUPS = np.array([0] * 3 + [1] * 17 + [-1] * 1 + [5] * 8)
"""Uneven groups; -1 stands for what is missing, and is not shown."""


@pytest.mark.parametrize("batch", [1, 5, 8, 32])
def test_every_group_is_shown_as_often_as_any_other(batch: int) -> None:
    steps = 3 * 17 * 8
    walk = np.concatenate([balanced_indices(3, step, batch, GROUPS) for step in range(steps)])
    counts = [int((GROUPS[walk] == number).sum()) for number in (-1, 0, 1, 5)]
    assert counts == [0, *[len(walk) // 3] * 3]
    assert set(walk.tolist()) == set(np.flatnonzero(GROUPS >= 0).tolist())


def test_a_group_passes_through_its_own_pictures() -> None:
    walk = np.concatenate([balanced_indices(3, step, 8, GROUPS) for step in range(51)])
    own = walk[GROUPS[walk] == 1]
    assert len(own) == 8 * 17
    passes = own.reshape(8, 17)
    assert all(set(one.tolist()) == set(range(3, 20)) for one in passes)
    assert len({tuple(one) for one in passes.tolist()}) == 8  # in another order each time


def test_balanced_steps_need_no_former_ones() -> None:
    walk = [balanced_indices(3, step, 6, GROUPS).tolist() for step in range(40)]
    for step in (39, 7, 20):
        loader._order.cache_clear()
        assert balanced_indices(3, step, 6, GROUPS).tolist() == walk[step]
    assert balanced_indices(4, 7, 6, GROUPS).tolist() != walk[7]


def test_the_balanced_order_is_fixed_for_ever() -> None:
    assert balanced_indices(7, 1, 6, np.array([0, 1, 1, 1, 0, 2])).tolist() == [0, 2, 5, 4, 3, 5]


def test_balanced_batches_come_from_the_groups() -> None:
    pixels = PixelSet(np.zeros((29, 1, 2, 2), np.uint8), None, "x", groups=GROUPS)
    with Loader(pixels, 8, seed=3) as batches:
        assert np.array_equal(batches.at(5, 0, 8).ids, balanced_indices(3, 5, 8, GROUPS))


def test_contrasts_are_wrong_in_one_attribute_alone() -> None:
    """Two attributes: a choice of three, and a number with its mark of being known."""
    draw = np.random.default_rng(0)
    choice = torch.eye(3)[torch.from_numpy(draw.integers(0, 3, 16))]
    number = torch.stack([torch.from_numpy(draw.uniform(-1, 1, 16)).float(), torch.ones(16)], 1)
    rows = torch.cat([choice, number], 1)
    for step in range(4):
        changed = (contrasts(rows, (3, 2), step) != rows[:, None]).float()  # (16, 2, 5)
        turns = (torch.arange(16) + step) % 2  # the attribute that is denied first
        for place in (0, 1):
            denied = (turns + place) % 2
            assert torch.equal(changed[:, place, :3].any(1), denied == 0)
            assert torch.equal(changed[:, place, 3:].any(1), denied == 1)
        assert torch.equal(changed[..., 4], torch.zeros(16, 2))  # a known number stays known


def test_many_attributes_take_turns() -> None:
    rows = torch.cat([torch.eye(2), torch.eye(2)]).repeat(1, 10)  # ten of yes or no
    seen = torch.zeros(10)
    for step in range(10):
        changed = (contrasts(rows, (2,) * 10, step) != rows[:, None]).view(4, 8, 10, 2).any(3)
        assert torch.equal(changed.sum(2), torch.ones(4, 8, dtype=torch.long))
        seen += changed.sum((0, 1))
    assert torch.equal(seen, torch.full((10,), 32.0))


def test_contrasts_say_nothing_of_what_is_missing() -> None:
    red, blue, missing = [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]
    rows = torch.tensor([red, missing, blue, red])
    assert contrasts(rows, (2,), 0)[:, 0].tolist() == [blue, missing, red, blue]
    alike = torch.tensor([red, red, missing])
    assert torch.equal(contrasts(alike, (2,), 0)[:, 0], alike)


@pytest.mark.parametrize("parts", [(), (1, 1)])
@pytest.mark.parametrize("background", [False, True])
def test_the_other_condition_is_the_same_whatever_the_slice(
    background: bool, parts: tuple[int, ...]
) -> None:
    rows = torch.arange(1, 23.0).view(11, 2)
    pixels = PixelSet(np.zeros((11, 1, 2, 2), np.uint8), None, "x", rows, parts=parts)
    with Loader(pixels, 8, seed=3, background=background) as batches:
        whole = batches.at(2, 0, 8)
        assert whole.condition is not None and whole.other is not None
        assert torch.equal(whole.condition, rows[torch.from_numpy(whole.ids)])
        if parts:
            assert torch.equal(whole.other, contrasts(whole.condition, parts, 2))
        else:
            rolled = [whole.condition.roll(-turn, 0) for turn in (1, 2, 3, 4)]
            assert torch.equal(whole.other, torch.stack(rolled, 1))
        for first, last in ((0, 4), (4, 8), (7, 8)):
            part = batches.at(2, first, last)
            assert part.condition is not None and part.other is not None
            assert torch.equal(part.condition, whole.condition[first:last])
            assert torch.equal(part.other, whole.other[first:last])
