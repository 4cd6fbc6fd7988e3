import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mintmark.actions.generate import load
from mintmark.actions.monitor import SHARE, Budget, Monitor, watch
from mintmark.actions.prepare import read
from mintmark.actions.world import open_world
from mintmark.core.settings import settings
from mintmark.data.loader import PixelSet
from mintmark.metrics.distribution.neighbours import NEIGHBOURS
from mintmark.metrics.extractors import shipped


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_watching_stays_within_its_share_of_the_time() -> None:
    clock = Clock()
    budget = Budget(SHARE, clock)
    rng = np.random.default_rng(0)
    spent = 0.0
    for _ in range(2000):
        clock.now += rng.uniform(0, 2)  # the run
        if budget.allows():
            took = rng.uniform(0.5, 1.0)
            with budget.spend():
                clock.now += took
            spent += took
    elapsed = clock.now - 100.0
    assert 0.8 * SHARE < spent / elapsed <= SHARE + 1.0 / elapsed


def test_a_dear_look_is_waited_for() -> None:
    clock = Clock()
    budget = Budget(0.05, clock)
    with budget.spend():
        clock.now += 1.0
    assert not budget.allows()
    clock.now += 37.0  # the next look would make 2 s of 39 s
    assert not budget.allows()
    clock.now += 2.0  # 2 s of 41 s
    assert budget.allows()


def test_time_counts_when_a_look_fails() -> None:
    clock = Clock()
    budget = Budget(0.05, clock)
    with pytest.raises(ZeroDivisionError), budget.spend():
        clock.now += 5.0
        raise ZeroDivisionError
    assert not budget.allows()


@pytest.fixture
def pixels(digits: Path) -> PixelSet:
    found = read(digits / "train").pixels((1, 8, 8), settings().cache / "pixels")
    assert found.labels is not None
    return replace(found, condition=torch.from_numpy(found.labels))


def monitor_of(pixels: PixelSet, log: Path) -> Monitor:
    monitor = watch(shipped("digits"), pixels, 0, log)
    assert monitor is not None
    monitor.budget = Budget(1.0)
    return monitor


def test_it_measures_a_package(pixels: PixelSet, trained: Path, tmp_path: Path) -> None:
    monitor = monitor_of(pixels, tmp_path / "log.jsonl")
    package = load(trained / "package", open_world())
    figures, alarm = monitor.look(package)
    assert set(figures) == {"fd", "coverage"}
    assert figures["fd"] > 0
    assert 0 <= figures["coverage"] <= 1
    assert alarm == ""
    again, _ = monitor.look(package)
    assert again == figures


def test_without_time_it_does_not_look(pixels: PixelSet, trained: Path, tmp_path: Path) -> None:
    monitor = monitor_of(pixels, tmp_path / "log.jsonl")
    monitor.budget = Budget(0.0)
    with monitor.budget.spend():
        pass
    assert monitor.look(load(trained / "package", open_world())) == ({}, "")


def test_a_fall_of_coverage_raises_one_alarm(pixels: PixelSet, tmp_path: Path) -> None:
    monitor = monitor_of(pixels, tmp_path / "log.jsonl")
    alarms = [monitor._alarm(value) for value in (0.05, 0.01, 0.6, 0.5, 0.2, 0.1, 0.5, 0.2)]
    assert [bool(alarm) for alarm in alarms] == [0, 0, 0, 0, 1, 0, 0, 1]
    assert "from 0.60 to 0.20" in alarms[4]


def test_a_resumed_run_knows_its_best(pixels: PixelSet, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [{"step": 1, "coverage": 0.3}, {"step": 2, "coverage": 0.7}, {"step": 3}, [1], "x"]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 4, "cov')
    assert monitor_of(pixels, log).best == 0.7


def test_too_few_pictures_are_not_watched(pixels: PixelSet, tmp_path: Path) -> None:
    few = PixelSet(pixels.pixels[:NEIGHBOURS], None, "x")
    assert watch(shipped("digits"), few, 0, tmp_path / "log.jsonl") is None
