import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions import cost
from mintmark.actions import plan as plans
from mintmark.actions.prepare import Data, common_channels, common_size, read
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError, ResumeError
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.tasks._task import find_task

Make = Callable[..., Data]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A data set of pictures of (side, channels), in the folders named."""

    def write(*kinds: tuple[int, int], folders: tuple[str, ...] = ("",)) -> Data:
        for place, (side, channels) in enumerate(kinds):
            rng = np.random.default_rng(place)
            array = rng.integers(0, 256, (side, side, channels), dtype=np.uint8)
            path = tmp_path / "data" / folders[place % len(folders)] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(Picture(array), "png"))
        return read(tmp_path / "data")

    return write


def asked(**options: object) -> TrainRequest:
    words = {"task": "pictures", "data": "data", "out": "run", "preset": "tiny", **options}
    return TrainRequest.model_validate(words)


def test_channels_keep_colour_and_alpha(make: Make) -> None:
    assert common_channels(make((8, 1), (8, 1)).snapshot) == 1
    assert common_channels(make((8, 1), (8, 2)).snapshot) == 2
    assert common_channels(make((8, 1), (8, 3)).snapshot) == 3
    assert common_channels(make((8, 2), (8, 3)).snapshot) == 4


def test_the_size_fits_the_median_picture(make: Make) -> None:
    assert common_size(make((9, 1), (40, 1), (200, 1)).snapshot) == 32
    assert common_size(make((200, 1), (200, 1), (9, 1)).snapshot) == 64
    with pytest.raises(DataError, match="smaller than 8"):
        common_size(make((5, 1), (6, 1), (40, 1)).snapshot)


def test_a_plan_follows_the_data_and_the_wishes(make: Make) -> None:
    data = make((20, 3), (20, 3), folders=("cats", "dogs"))
    plan = plans.new_plan(asked(images=77, seed=5), data, open_world(), None, None)
    assert plan.config.shape == (3, 16, 16)
    assert plan.config.classes == ("cats", "dogs")
    assert (plan.schedule.images, plan.seed) == (77, 5)
    assert plan.engine.gamma is not None
    assert plans.new_plan(asked(size=8), data, open_world(), None, None).config.shape == (3, 8, 8)


def test_a_plan_comes_back_from_its_file(make: Make, tmp_path: Path) -> None:
    data = make((8, 1), (8, 1))
    base = plans.new_plan(asked(seed=1), data, open_world(), None, None)
    plan = plans.new_plan(asked(micro=4), data, open_world(), base, None)
    assert (plan.base, plan.schedule.micro) == (base.digest, 4)
    plans.write(plan, data, tmp_path / "run")
    assert plans.read(tmp_path / "run") == plan


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"task": "digits"}', "null"])
def test_an_unreadable_plan_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ResumeError, match=r"run\.json cannot be read"):
        plans.read(tmp_path)


def test_every_difference_is_named(make: Make, tmp_path: Path) -> None:
    data = make((8, 1), (8, 1), (8, 1))
    out = tmp_path / "run"
    plan = plans.new_plan(asked(), data, open_world(), None, None)
    plans.write(plan, data, out)
    plans.require_same(plan, asked(out=out), data)
    plans.require_same(plan, asked(out=out, minutes=5, seed=0, size=8), data)
    (tmp_path / "data/1.png").unlink()
    wishes = asked(out=out, preset="small", seed=1, size=16, images=9, fork="other")
    with pytest.raises(ResumeError) as caught:
        plans.require_same(plan, wishes, read(tmp_path / "data"))
    for part in (
        "preset is tiny, not small",
        "seed is 0, not 1",
        "size is 8x8, not 16x16",
        "images is 100000, not 9",
        "not forked",
        "1 picture removed (1.png)",
        f"--fork {out}",
    ):
        assert part in str(caught.value)


def test_minutes_become_images_by_the_pace_of_this_machine(make: Make, tmp_path: Path) -> None:
    world, data = open_world(), make((8, 1), (8, 1))
    plan = plans.new_plan(asked(), data, world, None, None)
    plan = replace(plan, schedule=replace(plan.schedule, batch=4))
    pace = cost.pace(plan, data.pixels((1, 8, 8), tmp_path / "cache"), world.compute)
    assert pace > 0
    short, long, least = (
        plans.within(plan, asked(minutes=minutes), data, pace).schedule.images
        for minutes in (0.1, 10, 1e-9)
    )
    assert 4 < short < long
    assert long / short == pytest.approx(100, rel=0.2)
    assert least == 4
    whole = plans.within(plan, asked(minutes=10), data, pace)
    assert plans.shorter(whole, 1000).schedule.images == long - 1000
    with pytest.raises(ConfigError, match="--no-tune"):
        plans.shorter(whole, long)


def test_a_run_of_minutes_ends_in_time(make: Make, tmp_path: Path) -> None:
    make((8, 1), (8, 1))
    out = tmp_path / "run"
    request = asked(data=tmp_path / "data", out=out, minutes=0.02)
    deque(train(request, open_world()), maxlen=0)
    images = json.loads((out / "run.json").read_text())["schedule"]["images"]
    assert 8 <= images < 100_000  # one step at least
    assert json.loads((out / "package/lineage.json").read_text())["run"]["images_seen"] >= images
    deque(train(request, open_world()), maxlen=0)  # the same command again goes on, and is done


def test_unknown_names_are_refused(make: Make) -> None:
    data = make((8, 1), (8, 1))
    with pytest.raises(ConfigError, match="poems"):
        find_task("poems")
    with pytest.raises(ConfigError, match="no preset 'giant'"):
        plans.new_plan(asked(preset="giant"), data, open_world(), None, None)
    with pytest.raises(DataError, match="needs a class"):
        plans.new_plan(asked(task="digits"), data, open_world(), None, None)
