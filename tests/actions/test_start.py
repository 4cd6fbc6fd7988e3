"""Runs that start from a package, and what a run decides by its data."""

from collections import deque
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mintmark.actions import choices
from mintmark.actions import plan as plans
from mintmark.actions.prepare import read
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError, ResumeError
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.models.package import from_pretrained
from mintmark.models.weights import from_bytes
from mintmark.training.trainer import Cosine

Tensors = dict[str, torch.Tensor]


def asked(shapes: Path, out: Path, **options: object) -> TrainRequest:
    words = {"task": "avatars", "data": shapes, "out": out, "images": 32, "batch": 16, **options}
    return TrainRequest.model_validate(words)


def begun(request: TrainRequest) -> tuple[plans.Plan, dict[str, Tensors]]:
    """The plan of a new run, and its networks before the first step by group and name."""
    with closing(train(request, open_world())) as steps:
        deque(islice((done for done in steps if done.figures), 1), maxlen=0)
    content = (request.out / "checkpoints/0000000000.safetensors").read_bytes()
    found: dict[str, Tensors] = {}
    for key, value in from_bytes(content, "checkpoint").items():
        group, _, rest = key.partition("/")
        name, _, tensor = rest.partition("/")
        found.setdefault(f"{group}/{name}", {})[tensor] = value
    return plans.read(request.out), found


def weights(package: Path) -> dict[str, Tensors]:
    networks = from_pretrained(package, ("G", "D")).networks
    return {name: dict(network.state_dict()) for name, network in networks.items()}


def test_a_run_from_a_package_begins_with_its_weights(
    shapes: Path, by_attributes: Path, tmp_path: Path
) -> None:
    plan, found = begun(asked(shapes, tmp_path / "run", start=str(by_attributes)))
    package = from_pretrained(by_attributes)
    assert plan.base == package.digest
    assert plan.config.shape == package.config.shape
    theirs = weights(by_attributes)
    for group, name in (("networks", "G"), ("networks", "D"), ("averages", "G")):
        mine = found[f"{group}/{name}"]
        assert mine.keys() == theirs[name].keys()
        for key, value in theirs[name].items():
            assert key == "level" or torch.equal(mine[key], value), key


def test_a_run_from_a_package_does_not_grow_again_unless_asked(
    shapes: Path, by_attributes: Path, tmp_path: Path
) -> None:
    """What was learned at the full size would be taught the low one again."""
    package, data = from_pretrained(by_attributes, ("G", "D")), read(shapes)
    for wish, grows in ((None, False), ("off", False), ("joint", True)):
        request = asked(shapes, tmp_path / "run", start=str(by_attributes), grow=wish)
        plan = plans.new_plan(request, data, open_world(), None, package)
        assert (plan.choices.grow is not None) == grows
    _, found = begun(asked(shapes, tmp_path / "run", start=str(by_attributes)))
    assert float(found["networks/G"]["level"]) == 2.0


def test_another_condition_inherits_what_fits(shapes: Path, by_text: Path, tmp_path: Path) -> None:
    """From captions to attributes: the encoder has no place, all else goes on."""
    plan, found = begun(asked(shapes, tmp_path / "run", start=str(by_text)))
    assert plan.config.conditions.kind == "attributes"
    for name, theirs in weights(by_text).items():
        mine = found[f"networks/{name}"]
        shared = {key for key in mine if key in theirs and mine[key].shape == theirs[key].shape}
        assert not any("units" in key for key in mine)
        assert shared >= {key for key in mine if "embed" not in key}
        assert all(torch.equal(mine[key], theirs[key]) for key in shared - {"level"})


def test_no_condition_inherits_what_fits(shapes: Path, by_attributes: Path, tmp_path: Path) -> None:
    request = asked(shapes, tmp_path / "run", start=str(by_attributes), condition="none")
    plan, found = begun(request)
    assert plan.config.conditions.kind == "none"
    theirs = weights(by_attributes)["G"]
    mine = found["networks/G"]
    assert torch.equal(mine["basis"], theirs["basis"])
    assert mine["mapping.layers.0.weight"].shape != theirs["mapping.layers.0.weight"].shape


def test_a_game_that_needs_a_decoder_gets_one(
    shapes: Path, by_attributes: Path, tmp_path: Path
) -> None:
    request = asked(shapes, tmp_path / "run", task="logos", start=str(by_attributes))
    plan, found = begun(request)
    assert plan.config.args["decoder"] is True
    assert any(key.startswith("decoder.") for key in found["networks/D"])


def test_frozen_stages_stay_as_the_package_had_them(
    shapes: Path, by_attributes: Path, tmp_path: Path
) -> None:
    request = asked(shapes, tmp_path / "run", start=str(by_attributes), freeze_d=1)
    deque(train(request, open_world()), maxlen=0)
    before, after = weights(by_attributes)["D"], weights(tmp_path / "run/package")["D"]
    kept = {key for key in before if key.startswith(("starts.0.", "stages.0.", "widen.0."))}
    assert kept
    assert all(torch.equal(before[key], after[key]) for key in kept)
    assert not any(
        torch.equal(before[key], after[key])
        for key in before
        if key.startswith(("stages.1.", "stages.2.", "linear."))
    )


def test_rights_of_the_package_are_carried(
    shapes: Path, trained: Path, digits: Path, tmp_path: Path
) -> None:
    request = asked(
        shapes, tmp_path / "run", task="pictures", start=str(trained / "package"), condition="none"
    )
    plan, _ = begun(request)
    assert plan.config.shape == (1, 8, 8)
    assert "CC-BY-4.0" in plan.rights.licence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "r3gan"}, "of the family 'stylegan'.*add --family stylegan"),
        ({"size": 32}, "draws 16 x 16 pictures with 3 channels, not 32 x 32 with 3"),
        ({"fork": "elsewhere"}, "--fork or --from, not both"),
    ],
)
def test_what_does_not_fit_the_package_is_refused(
    options: dict[str, object], message: str, shapes: Path, by_attributes: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        begun(asked(shapes, tmp_path / "run", start=str(by_attributes), **options))
    assert not (tmp_path / "run").exists()


def test_choices_come_back_from_their_file(shapes: Path, tmp_path: Path) -> None:
    data = read(shapes)
    wishes = {"gamma": 3.0, "augment": "diff", "grow": "freeze", "balance": "colour", "size": 16}
    request = asked(shapes, tmp_path / "run", images=60 * 200, **wishes)
    plan = plans.new_plan(request, data, open_world(), None, None)
    choices = plan.choices
    assert choices.gamma == Cosine(3.0, 0.3)
    assert (choices.augment.kind, choices.augment.mode) == ("diff", "fixed")
    assert choices.grow == Grow(freeze=True) and choices.frozen == 0 and choices.balance == "colour"
    assert len(choices.why) >= 2
    plans.write(plan, data, tmp_path / "run")
    again = plans.read(tmp_path / "run")
    assert again == plan and again.digest == plan.digest
    engine = again.engine
    assert isinstance(engine, Synthesis)
    assert (engine.gamma, engine.frozen, engine.grow) == (Cosine(3.0, 0.3), 0, Grow(freeze=True))
    plans.require_same(again, request, data)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"family": "r3gan"}, "family is stylegan, not r3gan"),
        ({"condition": "text"}, "condition is attributes, not text"),
        ({"size": (32, 16)}, "size is 16x16, not 32x16"),
        ({"batch": 8}, "batch is 16, not 8"),
        ({"micro": 3}, "micro-batch is None, not 3"),
        ({"balance": "colour"}, "balance is None, not colour"),
        ({"grow": "off"}, "growth is joint, not off"),
        ({"freeze_d": 2, "fork": Path("gone")}, "frozen stages is 0, not 2"),
        ({"gamma": 7.0}, "gamma is 1.0, not 7.0"),
        ({"augment": "ada"}, "augmentation is off, not ada"),
    ],
)
def test_every_other_wish_for_a_run_that_goes_on_is_named(
    wish: dict[str, object], said: str, shapes: Path, tmp_path: Path
) -> None:
    data, base = read(shapes), asked(shapes, tmp_path / "run", size=16)
    plan = plans.new_plan(base, data, open_world(), None, None)
    plans.write(plan, data, base.out)
    with pytest.raises(ResumeError, match=said):
        plans.require_same(plan, asked(shapes, base.out, **{"size": 16, **wish}), data)


def test_balanced_runs_show_every_value_as_often(shapes: Path, tmp_path: Path) -> None:
    data = read(shapes)
    plan = plans.new_plan(asked(shapes, tmp_path, size=16), data, open_world(), None, None)
    groups = choices.groups(plan.config.conditions, data.snapshot, "colour")
    assert np.bincount(groups).tolist() == [20, 20, 20]
    with pytest.raises(ConfigError, match="'mood'; choose one of: colour, round"):
        choices.groups(plan.config.conditions, data.snapshot, "mood")
    with pytest.raises(ConfigError, match="'size'"):  # a number has no groups
        choices.groups(plan.config.conditions, data.snapshot, "size")


@pytest.fixture
def mixed_alpha(tmp_path: Path) -> Callable[[int], Path]:
    """Pictures of which so many of four are opaque."""

    def make(opaque: int) -> Path:
        folder = tmp_path / f"data{opaque}"
        folder.mkdir()
        for place in range(4):
            channels = 3 if place < opaque else 4
            array = np.random.default_rng(place).integers(0, 256, (8, 8, channels), dtype=np.uint8)
            (folder / f"{place}.png").write_bytes(encode(Picture(array), "png"))
        return folder

    return make


def test_mixed_alpha_is_refused_with_two_ways_on(
    mixed_alpha: Callable[[int], Path], tmp_path: Path
) -> None:
    def shape(opaque: int, **options: Any) -> tuple[int, int, int]:
        request = asked(mixed_alpha(opaque), tmp_path / "run", task="pictures", **options)
        plan = plans.new_plan(request, read(request.data), open_world(), None, None)
        return plan.config.shape

    with pytest.raises(
        DataError, match=r"1 of 4 pictures have no alpha.*--alpha white.*--alpha keep"
    ):
        shape(1)
    assert shape(2, alpha="white") == (3, 8, 8)
    assert shape(3, alpha="keep") == (4, 8, 8)
    assert shape(0) == (4, 8, 8)
    assert shape(4) == (3, 8, 8)


def test_a_task_keeps_its_own_augmentation_and_auto_is_chosen(shapes: Path, tmp_path: Path) -> None:
    data, world = read(shapes), open_world()
    short = asked(shapes, tmp_path, size=16)
    plan = plans.new_plan(short, data, world, None, None)
    assert plan.choices.augment.kind == "off"  # few passes
    plan = plans.new_plan(asked(shapes, tmp_path, images=60 * 300), data, world, None, None)
    assert plan.choices.augment.kind == "diff"
    plan = plans.new_plan(asked(shapes, tmp_path, task="pictures"), data, world, None, None)
    assert isinstance(plan.choices.augment, Augment)
    assert plan.choices.augment.kind == "ada"
