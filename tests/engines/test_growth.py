"""Growing from a low resolution: when, what learns meanwhile, and going on after a stop."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from arrays import stirred
from torch import Tensor, nn

from mintmark.data.loader import Loader, PixelSet
from mintmark.engines import growth
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.models import stylegan
from mintmark.training import trainer
from mintmark.training.checkpoint import Store
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Cosine, Moment, RunState, Schedule

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 1,
    "classes": 2,
    "widths": [16, 16, 16, 16],
    "latent": 8,
    "style": 8,
    "block": "dense",
    "grow": True,
}
GROW = Grow(first=8, last=0.4)
ENGINE = Synthesis(gamma=Cosine(1.0, 0.1), grow=GROW)
SCHEDULE = Schedule(images=80, batch=4)
RISEN = 7  # steps, after which the run is at its second resolution


def networks(**changes: object) -> dict[str, nn.Module]:
    """Networks of four stages."""
    return stirred(stylegan.build, {**ARGS, **changes})


def pixels() -> PixelSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 1, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 2, 12)
    return PixelSet(images, labels, "random", torch.from_numpy(labels))


def played(engine: Synthesis, state: RunState, steps: int) -> dict[str, float]:
    """The figures of the last of so many steps."""
    with Loader(pixels(), SCHEDULE.batch, state.seed) as loader:
        run = trainer.train(engine, state, loader, SCHEDULE, Compute())
        return [dict(next(run).figures) for _ in range(steps)][-1]


def weights(state: RunState, name: str) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in state.networks[name].state_dict().items()}


def moved(state: RunState, name: str, before: dict[str, Tensor]) -> set[str]:
    after = state.networks[name].state_dict()
    return {key for key, value in before.items() if not torch.equal(value, after[key])}


def level_of(network: nn.Module) -> float:
    return float(network.state_dict()["level"])


def test_the_level_over_a_run() -> None:
    """8 pixels for 0.3 of the run, 16 for 0.3, 32 for 0.4."""
    levels = {0.0: 1, 0.29: 1, 0.31: 2, 0.59: 2, 0.61: 3, 1.0: 3}
    assert {fraction: GROW.level(32, fraction) for fraction in levels} == levels


def test_levels_at_the_edges() -> None:
    assert Grow(first=64).level(32, 0.0) == 3  # no lower resolution than the first
    assert Grow(first=4).level(8, 0.0) == 1.0
    assert [Grow(first=8).level(16, f) for f in (0.0, 0.29, 0.31)] == [1, 1, 2]
    assert Grow(first=8, last=1.0).level(32, 0.5) == 3.0
    assert Grow(first=16).level(48, 0.0) == Grow(first=16).level(32, 0.0) == 2.0


def test_pictures_are_shown_at_the_generators_size() -> None:
    images = torch.arange(2 * 8 * 12.0).view(1, 2, 8, 12)
    small = growth.reduced(images, (4, 6))
    assert small.shape == (1, 2, 4, 6)
    assert small[0, 0, 0, 0] == images[0, 0, :2, :2].mean()
    assert growth.reduced(images, (8, 12)) is images
    points = torch.zeros(3, 2)
    assert growth.reduced(points, points.shape[2:]) is points


def test_real_pictures_have_the_size_of_the_level() -> None:
    nets = networks()
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    for level in (1, 2, 3):
        nets["G"].state_dict()["level"].fill_(level)
        small = torch.nn.functional.avg_pool2d(images, 1 << (3 - level))
        assert torch.equal(growth.shown(images, nets, GROW), small)
    assert growth.shown(images, nets, None) is images


def test_the_game_does_not_notice_that_the_resolution_rises() -> None:
    """At the step of the change every loss is what it would have been without it."""
    state = trainer.start(ENGINE, stylegan.build(ARGS), 0, Compute())
    played(ENGINE, state, 5)  # the lowest stages have learned, the third has not
    real = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    batch, draws = Batch(real, torch.tensor([0, 1, 0, 1])), Draws(0, 5, 4, 0, 4)
    moment = Moment(5, 0.3, {"gamma_scale": 1.0}, draws)
    found = []
    for fraction in (0.25, 0.35):
        growth.set_level(state.networks, GROW, fraction)
        found.append({**ENGINE.losses("discriminator", state.networks, batch, moment)})
        found[-1] |= ENGINE.losses("generator", state.networks, batch, moment)
    assert level_of(state.networks["G"]) == 2
    for name in ("discriminator", "generator", "pairs_won"):
        torch.testing.assert_close(found[1][name], found[0][name], atol=1e-5, rtol=1e-5)


def test_a_growing_step_is_that_of_small_pictures() -> None:
    """At level 1 the game is the same on pictures that were reduced before."""
    nets = networks()
    growth.set_level(nets, GROW, 0.0)
    real = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    moment = Moment(0, 0.0, {"gamma_scale": 1.0}, Draws(0, 0, 4, 0, 4))
    classes = torch.tensor([0, 1, 0, 1])
    for phase in ("discriminator", "generator"):
        large = ENGINE.losses(phase, nets, Batch(real, classes), moment)
        small = torch.nn.functional.avg_pool2d(real, 4)
        again = ENGINE.losses(phase, nets, Batch(small, classes), moment)
        assert large.keys() == again.keys()
        for name, value in large.items():
            torch.testing.assert_close(value, again[name], msg=name)


def test_gamma_is_lower_while_pictures_are_small() -> None:
    """By a quarter a doubling: as the squared gradient of what sees reduced pictures."""
    nets = networks(height=128, width=128, widths=[16] * 6)
    real = torch.zeros(2, 1, 128, 128)
    batch, draws = Batch(real, torch.tensor([0, 1])), Draws(0, 0, 2, 0, 2)
    moment = Moment(0, 0.0, {"gamma_scale": 1.0}, draws)
    growth.set_level(nets, GROW, 0.0)
    found = ENGINE.losses("discriminator", nets, batch, moment)
    share = (8 / 128) ** 2
    expected = share / 2 * (found["r1"] + found["r2"])
    torch.testing.assert_close(found["penalty"].detach(), expected)
    growth.set_level(nets, GROW, 1.0)
    found = ENGINE.losses("discriminator", nets, batch, moment)
    torch.testing.assert_close(found["penalty"].detach(), (found["r1"] + found["r2"]) / 2)


def test_the_penalty_does_not_notice_that_the_resolution_rises() -> None:
    nets = stylegan.build(ARGS)
    real = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    batch, draws = Batch(real, torch.tensor([0, 1, 0, 1])), Draws(0, 0, 4, 0, 4)
    moment = Moment(0, 0.0, {"gamma_scale": 1.0}, draws)
    found = []
    for fraction in (0.0, 0.4, 0.8):
        growth.set_level(nets, GROW, fraction)
        found.append(ENGINE.losses("discriminator", nets, batch, moment)["penalty"].item())
    assert found[0] > 0
    assert found == pytest.approx([found[0]] * 3, rel=1e-4)


def test_each_step_is_at_its_own_level() -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    with Loader(pixels(), SCHEDULE.batch, 0) as loader:
        for step, _ in enumerate(
            islice(trainer.train(ENGINE, state, loader, SCHEDULE, Compute()), 10)
        ):
            level = GROW.level(32, step * SCHEDULE.batch / SCHEDULE.images)
            assert level_of(state.networks["G"]) == pytest.approx(level)
            assert level_of(state.networks["D"]) == pytest.approx(level)


def test_only_the_stages_of_the_level_learn() -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    before = {name: weights(state, name) for name in ("G", "D")}
    played(ENGINE, state, 1)
    for name, low in (("G", ("blocks.0", "blocks.1", "mapping", "basis")), ("D", ("stages.3",))):
        changed = moved(state, name, before[name])
        assert all(any(key.startswith(part) for key in changed) for part in low)
    assert not any(
        key.startswith(("blocks.2", "blocks.3")) for key in moved(state, "G", before["G"])
    )
    assert not any(
        key.startswith(("stages.0", "stages.1")) for key in moved(state, "D", before["D"])
    )


def test_a_frozen_stem_learns_at_its_own_resolution_and_rests_above() -> None:
    engine = replace(ENGINE, grow=replace(GROW, freeze=True))
    state = trainer.start(engine, networks(), 0, Compute())
    first = weights(state, "G")
    played(engine, state, 1)
    stem = ("mapping.", "basis", "blocks.0", "blocks.1", "finish.1", "tints.1")
    changed = moved(state, "G", first)
    assert all(any(key.startswith(part) for key in changed) for part in stem)
    played(engine, state, RISEN)  # the second resolution begins at step 6
    assert level_of(state.networks["G"]) == 2
    above = weights(state, "G")
    played(engine, state, 1)
    changed = moved(state, "G", above) - {"level"}
    assert changed
    assert not any(key.startswith(stem) for key in changed)
    assert any(key.startswith("blocks.2") for key in changed)


def test_frozen_stages_of_the_discriminator_keep_what_they_know() -> None:
    engine = replace(ENGINE, grow=None, frozen=2)
    state = trainer.start(engine, networks(grow=False), 0, Compute())
    before = weights(state, "D")
    played(engine, state, 2)
    changed = moved(state, "D", before)
    kept = ("starts.0", "stages.0", "stages.1", "widen.0", "widen.1")
    assert not any(key.startswith(kept) for key in changed)
    assert {key for key in before if not key.startswith(kept)} == changed


def test_a_run_that_stops_above_its_first_resolution_goes_on_as_if_it_had_not(
    tmp_path: Path,
) -> None:
    straight, cut = (trainer.start(ENGINE, networks(), 0, Compute()) for _ in range(2))
    played(ENGINE, cut, RISEN)
    assert level_of(cut.networks["G"]) == 2
    Store(tmp_path).save(cut)
    fresh = trainer.start(ENGINE, networks(latent=8), 3, Compute())
    Store(tmp_path).restore(fresh)
    last = [played(ENGINE, fresh, 9), played(ENGINE, straight, RISEN + 9)]
    assert last[0] == last[1]
    for group in ("networks", "averages"):
        for name, network in getattr(straight, group).items():
            for key, value in network.state_dict().items():
                assert torch.equal(value, getattr(fresh, group)[name].state_dict()[key]), key


def test_the_average_draws_whole_pictures_at_any_moment() -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    for steps in (1, RISEN, 8):
        played(ENGINE, state, steps)
        with torch.no_grad():
            drawn = state.averages["G"](torch.zeros(1, 8), torch.tensor([0]))
        assert drawn.shape == (1, 1, 32, 32)
        assert level_of(state.averages["G"]) == level_of(state.networks["G"])
