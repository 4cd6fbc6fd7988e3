"""The paired game: two stages, weights of both, and a real picture made better than bicubic."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.media import Picture
from mintmark.core.records import Progress
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.degrade import Chain, Downscale, Noise
from mintmark.engines.examples import Given, Undo
from mintmark.engines.paired import Paired, balanced
from mintmark.engines.perception import perceptual_loss
from mintmark.engines.piecewise import glance, worked
from mintmark.engines.tiles import Change
from mintmark.models import lut, rrdb, unet
from mintmark.models.layers import toning
from mintmark.training import trainer
from mintmark.training.checkpoint import Store
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Cosine, Moment, RunState, Schedule

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "scale": 2,
    "features": 8,
    "growth": 4,
    "blocks": 1,
}
ARGS_OF_PAIRS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "features": 8,
    "blocks": 1,
}
ENGINE = Paired(Undo(Chain((Downscale(2), Noise(0, 10)))), turn=0.5, penalty_every=2)
SCHEDULE = Schedule(images=80, batch=4)
TURN = 10  # steps


def networks(**changes: object) -> dict[str, nn.Module]:
    """Small networks with every weight moved from its start."""
    torch.manual_seed(0)
    built = rrdb.build({**ARGS, **changes})
    with torch.no_grad():
        for network in built.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return built


def photo(name: str) -> NDArray[np.uint8]:
    """A photograph of scikit-image, (H, W, 3)."""
    return np.asarray(getattr(skimage.data, name)())


def crops(pictures: list[NDArray[np.uint8]], side: int, step: int) -> NDArray[np.uint8]:
    """Square parts of pictures, (N, 3, side, side)."""
    parts = [
        picture[y : y + side, x : x + side]
        for picture in pictures
        for y in range(0, picture.shape[0] - side + 1, step)
        for x in range(0, picture.shape[1] - side + 1, step)
    ]
    return np.stack(parts).transpose(0, 3, 1, 2)


@pytest.fixture(scope="module")
def pixels() -> PixelSet:
    return PixelSet(crops([photo("astronaut")], 32, 64), None, "astronaut")


def playing(
    engine: Paired, state: RunState, pixels: PixelSet, schedule: Schedule = SCHEDULE
) -> Iterator[Progress]:
    with Loader(pixels, schedule.batch, state.seed) as loader:
        yield from trainer.train(engine, state, loader, schedule, Compute())


def play(engine: Paired, state: RunState, pixels: PixelSet, steps: int) -> dict[str, float]:
    """The figures of the last of so many steps."""
    return [dict(one.figures) for one in islice(playing(engine, state, pixels), steps)][-1]


def weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def moment(fraction: float, step: int = 0, rows: slice = slice(0, 4)) -> Moment:
    draws = Draws(0, step, 4, rows.start, rows.stop)
    return Moment(step, fraction, {"gamma_scale": 1.0}, draws)


def test_fidelity_comes_first_and_alone(pixels: PixelSet) -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    before = weights(state.networks["D"])
    assert set(play(ENGINE, state, pixels, TURN)) == {"pixel", "gradient_G"}
    assert torch.equal(weights(state.networks["D"]), before)
    figures = play(ENGINE, state, pixels, 1)
    assert {"pixel", "perceptual", "adversarial", "discriminator", "penalty"} <= set(figures)
    assert not torch.equal(weights(state.networks["D"]), before)


def test_what_the_discriminator_finds_is_matched_in_the_second_stage(pixels: PixelSet) -> None:
    engine = replace(ENGINE, matching=1.0)
    state = trainer.start(engine, networks(), 0, Compute())
    assert "matching" not in play(engine, state, pixels, TURN)
    assert play(engine, state, pixels, 1)["matching"] > 0


def test_the_palette_counts_in_the_second_stage(pixels: PixelSet) -> None:
    engine = replace(ENGINE, palette=2.0)
    state = trainer.start(engine, networks(), 0, Compute())
    assert "palette" not in play(engine, state, pixels, TURN)
    assert play(engine, state, pixels, 1)["palette"] > 0
    assert "palette" not in play(ENGINE, state, pixels, 1)


def test_the_discriminator_sees_what_was_given_where_it_shall() -> None:
    engine = Paired(Given(mirror=False), turn=0.0, conditional=True)
    built = unet.build({**ARGS_OF_PAIRS, "conditional": True})
    pairs = torch.rand(4, 6, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    other = pairs.clone()
    other[:, :3] *= 0.5  # another input, the same target
    first, second = (
        engine.losses("discriminator", built, Batch(one, None), moment(0.5, step=1))
        for one in (pairs, other)
    )
    assert first["discriminator"] != second["discriminator"]
    alone = replace(engine, conditional=False)
    with pytest.raises(RuntimeError, match="channels"):
        alone.losses("discriminator", built, Batch(pairs, None), moment(0.5, step=1))


def test_without_a_game_there_is_one_stage(pixels: PixelSet) -> None:
    engine = replace(ENGINE, adversarial=0.0)
    assert [phase.name for phase in engine.phases] == ["generator"]
    state = trainer.start(engine, networks(), 0, Compute())
    assert set(play(engine, state, pixels, TURN + 2)) == {"pixel", "gradient_G"}
    assert set(state.averages) == {"G"}


def test_the_faithful_weights_rest_when_the_second_stage_begins(pixels: PixelSet) -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    play(ENGINE, state, pixels, TURN)
    assert torch.equal(weights(state.averages["F"]), weights(state.averages["G"]))
    play(ENGINE, state, pixels, 1)
    rested = weights(state.averages["F"])
    play(ENGINE, state, pixels, 5)
    assert torch.equal(weights(state.averages["F"]), rested)
    assert not torch.equal(weights(state.averages["G"]), rested)


def test_a_balance_lies_between_the_two(pixels: PixelSet) -> None:
    state = trainer.start(ENGINE, networks(), 0, Compute())
    play(ENGINE, state, pixels, TURN + 5)
    lively, faithful = weights(state.averages["G"]), weights(state.averages["F"])
    for fidelity in (0.0, 0.3, 1.0):
        found = weights(balanced(state.averages, fidelity))
        torch.testing.assert_close(found, torch.lerp(lively, faithful, fidelity))
    assert torch.equal(weights(state.averages["G"]), lively)  # nothing was changed in place


@pytest.mark.parametrize("stop", [TURN - 3, TURN, TURN + 3])
def test_a_run_that_stops_goes_on_as_if_it_had_not(
    pixels: PixelSet, tmp_path: Path, stop: int
) -> None:
    straight, cut = (trainer.start(ENGINE, networks(), 0, Compute()) for _ in range(2))
    play(ENGINE, cut, pixels, stop)
    Store(tmp_path).save(cut)
    fresh = trainer.start(ENGINE, networks(features=8), 3, Compute())
    Store(tmp_path).restore(fresh)
    rest = SCHEDULE.steps - stop
    assert play(ENGINE, fresh, pixels, rest) == play(ENGINE, straight, pixels, SCHEDULE.steps)
    for name in ("G", "F"):
        assert torch.equal(weights(fresh.averages[name]), weights(straight.averages[name]))


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
def test_losses_are_means_over_rows(phase: str, pixels: PixelSet) -> None:
    """However a batch is cut, so that micro-batches and processes give the same run."""
    nets = networks()
    real = torch.from_numpy(pixels.pixels[:4]).float() / 127.5 - 1
    whole = ENGINE.losses(phase, nets, Batch(real, None), moment(0.7))
    parts = [
        ENGINE.losses(phase, nets, Batch(real[rows], None), moment(0.7, rows=rows))
        for rows in (slice(0, 1), slice(1, 4))
    ]
    for name, value in whole.items():
        together = parts[0][name] * 0.25 + parts[1][name] * 0.75
        torch.testing.assert_close(together, value, atol=1e-5, rtol=1e-4, msg=name)


def test_the_perceptual_loss_is_nothing_for_equal_pictures_and_learns() -> None:
    clean = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert perceptual_loss(clean, clean).item() == pytest.approx(0, abs=1e-5)
    made = (clean + 0.2).requires_grad_()
    loss = perceptual_loss(made, clean)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss > 0.001 and made.grad is not None and made.grad.abs().sum() > 0


def test_a_recipe_tells_games_apart() -> None:
    assert ENGINE.describe() != replace(ENGINE, examples=Undo(Downscale(2))).describe()
    assert ENGINE.describe() != replace(ENGINE, pixel=2.0).describe()


def psnr(made: Tensor, clean: Tensor) -> float:
    return float(-10 * ((made - clean) / 2).square().mean().log10())


def test_it_learns_to_enlarge_better_than_bicubic() -> None:
    """Three photographs teach, a fourth judges."""
    taught = [photo("astronaut"), photo("coffee"), photo("rocket")]
    data = PixelSet(crops(taught, 32, 16), None, "photographs")
    engine = Paired(Undo(Downscale(2)), adversarial=0.0)
    torch.manual_seed(0)
    state = trainer.start(engine, rrdb.build({**ARGS, "features": 16, "growth": 8}), 0, Compute())
    schedule = Schedule(images=4800, batch=16, learning_rate=Cosine(2e-3, 1e-4))
    for _ in playing(engine, state, data, schedule):
        pass
    judge = torch.from_numpy(crops([photo("chelsea")], 128, 128)).float() / 127.5 - 1
    small = Downscale(2)(judge, Draws(0, 0, len(judge), 0, len(judge)))
    bicubic = F.interpolate(small, scale_factor=2, mode="bicubic").clamp(-1, 1)
    gain = psnr(engine.run(state.averages, small), judge) - psnr(bicubic, judge)
    assert gain > 0.3


def whole(change: Change, picture: Picture, tile: int) -> NDArray[Any]:
    """What becomes of a picture in tiles."""
    steps = worked(change, picture, 3, 1, tile)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return np.asarray(end.value.array).astype(int)


def test_a_table_is_found_once_and_changes_every_tile_alike() -> None:
    network = lut.build({"height": 32, "width": 32, "channels": 3})["G"]
    assert isinstance(network, lut.Enhancer)
    with torch.no_grad():
        network.bases.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
        network.look.last.bias.add_(1)
    picture = Picture(photo("astronaut")[:300])
    small = glance(picture, 3)
    change = replace(ENGINE, adversarial=0.0).on({"G": network}, lambda: small)
    tiled = whole(change, picture, 96)
    assert np.abs(tiled - whole(change, picture, 1000)).max() <= 1  # rounded once
    assert np.abs(tiled - picture.array).max() > 10


def test_levels_are_found_once_and_change_every_tile_alike() -> None:
    network = unet.build({**ARGS_OF_PAIRS, "toned": True})["G"]
    assert isinstance(network, toning.Toned)
    with torch.no_grad():  # the local part still changes nothing
        network.look.last.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    picture = Picture(photo("astronaut")[:300])
    change = replace(ENGINE, adversarial=0.0).on({"G": network}, lambda: glance(picture, 3))
    tiled = whole(change, picture, 96)
    assert np.abs(tiled - whole(change, picture, 1000)).max() <= 1  # rounded once
    assert np.abs(tiled - picture.array).max() > 10


def test_tables_that_bend_cost_something() -> None:
    clean = torch.zeros(4, 3, 32, 32)
    network = lut.build({"height": 32, "width": 32, "channels": 3})
    engine = Paired(Undo(Noise(0, 10)), adversarial=0.0)
    losses = engine.losses("generator", network, Batch(clean, None), moment(0.5))
    assert set(losses) == {"pixel", "regularity"} and losses["regularity"].requires_grad
