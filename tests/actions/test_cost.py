from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mintmark.actions import cost, plan, prepare
from mintmark.actions.plan import Plan
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import pixels_of, train
from mintmark.actions.tune import Probe, choose, tuned
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError


def planned(data: Path, **options: object) -> Plan:
    asked = {"task": "digits", "data": data, "out": Path("out"), **options}
    request = TrainRequest.model_validate(asked)
    return plan.new_plan(request, prepare.read(data), open_world(), None, None)


def test_memory_grows_with_pictures_and_networks(digits: Path) -> None:
    tiny, small = (cost.memory(planned(digits / "train", preset=p)) for p in ("tiny", "small"))
    assert small.fixed > 3 * tiny.fixed and small.picture > 1.5 * tiny.picture
    weights = 2 * 230_000 * 4  # two networks of nearly a quarter million numbers
    assert 4 * weights < tiny.fixed < 6 * weights
    assert tiny.of(64) == tiny.fixed + 64 * tiny.picture


def test_memory_is_near_what_the_graph_holds(digits: Path) -> None:
    """A stage of 8 x 8 x 48 numbers a picture is saved a few dozen times."""
    picture = cost.memory(planned(digits / "train")).picture
    assert 10 * 8 * 8 * 48 * 4 < picture < 400 * 8 * 8 * 48 * 4


def test_a_batch_that_does_not_fit_is_cut(digits: Path) -> None:
    made = planned(digits / "train")
    needed = cost.memory(made)
    assert cost.micro(made, needed, 10 * needed.of(64)) is None
    rows = cost.micro(made, needed, int(needed.of(20) / cost.SPARE))
    assert rows == 16
    with pytest.raises(ConfigError, match=r"tiny at 8 x 8 pixels takes .* smaller --preset"):
        cost.micro(made, needed, needed.fixed)


def test_too_little_memory_is_told_before_anything_is_written(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "free", lambda _compute: 1_000_000)
    request = TrainRequest(task="digits", data=digits / "train", out=tmp_path / "out")
    with pytest.raises(ConfigError, match="1 MB are free"):
        deque(train(request, open_world()), maxlen=0)
    assert not (tmp_path / "out").exists()


def test_a_cut_batch_gives_the_plan_its_micro_batch(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = digits / "train"
    room = int(cost.memory(planned(data)).of(10) / cost.SPARE)
    monkeypatch.setattr(cost, "free", lambda _compute: room)
    request = TrainRequest(task="digits", data=data, out=tmp_path / "out", images=64)
    deque(train(request, open_world()), maxlen=0)
    assert plan.read(tmp_path / "out").schedule.micro == 8


def test_the_cost_is_told_before_a_long_run(digits: Path, tmp_path: Path) -> None:
    request = TrainRequest(task="digits", data=digits / "train", out=tmp_path, images=64 * 200)
    steps = train(request, open_world())
    told = next(steps).message
    steps.close()
    assert "12,800 images" in told and "of memory" in told and "a second" in told


def test_minutes_plan_a_run_of_that_length(digits: Path, tmp_path: Path) -> None:
    request = TrainRequest(task="digits", data=digits / "train", out=tmp_path, minutes=0.1)
    steps = train(request, open_world())
    next(steps)
    steps.close()
    made = planned(digits / "train", out=tmp_path)
    pixels = pixels_of(made, prepare.read(digits / "train"), open_world())
    pace = cost.pace(made, pixels, open_world().compute)
    assert pace > 1


def test_the_best_probe_is_taken_when_it_is_clearly_better() -> None:
    def found(*distances: float) -> float:
        probes = [Probe(g, d) for g, d in zip((0.25, 1.0, 4.0), distances, strict=True)]
        return choose(probes)[0]

    assert found(1.0, 2.0, 3.0) == 0.25
    assert found(3.0, 2.0, 1.0) == 4.0
    assert found(1.95, 2.0, 3.0) == 1.0  # too little to leave the table
    assert found(float("inf"), 5.0, float("inf")) == 1.0
    assert found(float("inf"), float("inf"), 9.0) == 4.0


def test_a_probe_explains_itself_and_leaves_the_run_untouched(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mintmark.actions import tune

    monkeypatch.setattr(tune, "LEAST", 2)
    data = digits / "train"
    made = planned(data, images=64 * 40)
    world = open_world()
    pixels = pixels_of(made, prepare.read(data), world)
    before = torch.get_rng_state()
    steps = tuned(made, pixels, world)
    stages = []
    while True:
        try:
            stages.append(next(steps))
        except StopIteration as end:
            picked: Plan = end.value
            break
    assert stages[-1].done == stages[-1].total and {one.stage for one in stages} == {"tuning"}
    assert picked.choices.gamma.start in (0.25, 1.0, 4.0)
    assert picked.choices.why[-1].startswith("gamma is")
    assert picked.engine.gamma == picked.choices.gamma
    assert replace(picked, choices=made.choices, recipe=made.recipe) == made
    torch.set_rng_state(before)
