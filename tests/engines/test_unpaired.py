"""The unpaired game: every direction in one run, contents that stay, and colours not inverted."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.actions.translating import with_references
from mintmark.core.records import Content, Progress
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines import contrast
from mintmark.engines.unpaired import (
    FREED,
    LIKENESS,
    Unpaired,
    Wanted,
    aimed,
    brightness,
    correlation,
    others,
    smooth,
)
from mintmark.models import translator
from mintmark.training import trainer
from mintmark.training.checkpoint import Store
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Cosine, Moment, RunState, Schedule

SIZE = 16
Pixels = NDArray[np.uint8]
ARGS: dict[str, Any] = {
    "height": SIZE,
    "width": SIZE,
    "channels": 3,
    "classes": 2,
    "features": 16,
    "blocks": 2,
    "heads": 16,
}
ENGINE = Unpaired(cycle=10.0, penalty_every=2)
SCHEDULE = Schedule(images=48, batch=4)


def networks(**changes: object) -> dict[str, nn.Module]:
    """Small networks with every weight moved from its start."""
    torch.manual_seed(0)
    built = translator.build({**ARGS, **changes})
    with torch.no_grad():
        for network in built.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return built


def scenes(kind: int, count: int, seed: int) -> Pixels:
    """Grey blocks in warm light (kind 0) or in cold light (kind 1), (N, 3, SIZE, SIZE)."""
    blocks = np.random.default_rng(seed).integers(60, 196, (count, 1, SIZE // 4, SIZE // 4))
    grey = blocks.repeat(4, 2).repeat(4, 3)
    light = np.array([40, 0, -40] if kind == 0 else [-40, 0, 40]).reshape(3, 1, 1)
    pictures: Pixels = (grey + light).astype(np.uint8)
    return pictures


@pytest.fixture(scope="module")
def pixels() -> PixelSet:
    every = np.concatenate([scenes(0, 40, 1), scenes(1, 40, 2)])
    labels = np.repeat([0, 1], 40)
    return with_references(PixelSet(every, labels, "scenes"), kinds=True)


def playing(
    engine: Unpaired, state: RunState, pixels: PixelSet, schedule: Schedule = SCHEDULE
) -> Iterator[Progress]:
    with Loader(pixels, schedule.batch, state.seed) as loader:
        yield from trainer.train(engine, state, loader, schedule, Compute())


def weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def moment(step: int = 0, rows: slice = slice(0, 4)) -> Moment:
    return Moment(step, 0.5, {"gamma_scale": 1.0}, Draws(0, step, 4, rows.start, rows.stop))


def batch_of(pixels: PixelSet, rows: slice = slice(0, 4)) -> Batch:
    real, reference = (
        torch.from_numpy(pixels.pixels[chosen]).float() / 127.5 - 1
        for chosen in ([0, 41, 2, 43], [44, 5, 6, 47])
    )
    own, told = torch.tensor([0, 1, 0, 1]), torch.tensor([[1, 0], [0, 0], [0, 0], [1, 0]])
    return Batch(torch.cat([real, reference], 1)[rows], own[rows], told[rows])


def test_rows_become_any_other_kind_as_often() -> None:
    own = torch.arange(4).repeat(500)
    wanted = others(own, 4, Draws(0, 0, 2000, 0, 2000))
    assert not (wanted == own).any()
    counts = torch.zeros(4, 4).index_put_((own, wanted), torch.ones(2000), accumulate=True)
    off = counts[~torch.eye(4, dtype=torch.bool)]
    assert off.min() > 120 and off.max() < 215  # 167 expected, standard deviation 11


CONTENT = {
    "nce": Unpaired(),
    "cycle": Unpaired(nce=0.0, cycle=10.0),
    "constancy": Unpaired(nce=0.0, constancy=10.0),
    "likeness": Unpaired(nce=0.0, likeness=LIKENESS),
}
"""Games by what alone keeps the content."""


def test_what_keeps_the_content_may_be_chosen() -> None:
    task = Unpaired(nce=1.0)
    ways: tuple[tuple[Content, float, float, float], ...] = (
        ("nce", 1.0, 0.0, 0.0), ("cycle", 0.0, 10.0, 0.0), ("both", 1.0, 10.0, 0.0),
        ("likeness", 0.0, 0.0, LIKENESS),
    )  # fmt: skip
    for content, nce, cycle, like in ways:
        expected = replace(task, nce=nce, cycle=cycle, likeness=like)
        assert replace(task, likeness=like).keeping(content) == expected
    assert CONTENT["cycle"].keeping("nce") == Unpaired()


@pytest.mark.parametrize("name", CONTENT)
def test_content_is_kept_as_asked(name: str, pixels: PixelSet) -> None:
    losses = CONTENT[name].losses("generator", networks(), batch_of(pixels), moment())
    assert set(losses) & set(CONTENT) == {name}
    assert all(value.ndim == 0 and torch.isfinite(value) for value in losses.values())


def test_rows_become_like_references_of_other_kinds(pixels: PixelSet) -> None:
    batch = batch_of(pixels)
    assert batch.condition is not None and batch.other is not None
    reference = batch.real.chunk(2, 1)[1]
    aim = aimed(batch.condition, batch.other, reference, 2, moment().draws)
    assert aim.shown.tolist() == [1, 1, 0, 0] and aim.kind.tolist() == [1, 0, 1, 0]
    same = torch.zeros(4, dtype=torch.int64)
    assert aimed(same, None, reference, 1, moment().draws).shown.tolist() == [1, 1, 1, 1]


def test_a_counterpart_is_what_a_result_shall_be_and_no_style(pixels: PixelSet) -> None:
    batch, engine = batch_of(pixels), CONTENT["likeness"]
    assert batch.other is not None
    told = batch.other.clone()
    told[0, 1] = 1
    aim = aimed(torch.tensor([0, 1, 0, 1]), told, batch.real[:, 3:], 2, moment().draws)
    assert aim.meant.tolist() == [1, 0, 0, 0] and aim.shown.tolist() == [0, 1, 0, 0]
    assert aim.kind.tolist() == [1, 0, 1, 0]
    none, one = (
        engine.losses("generator", networks(), Batch(batch.real, batch.condition, other), moment())
        for other in (batch.other, told)
    )
    assert none["likeness"] == 0 and one["likeness"] > 0.1


def test_a_reference_counts_only_where_it_is_shown(pixels: PixelSet) -> None:
    batch, nets = batch_of(pixels), networks()
    other = Batch(batch.real.clone(), batch.condition, batch.other)
    other.real[2:, 3:] *= -1  # references of rows that have their own kind
    losses, same = (ENGINE.losses("generator", nets, one, moment()) for one in (batch, other))
    torch.testing.assert_close(losses, same)
    other.real[:2, 3:] *= -1
    changed = ENGINE.losses("generator", nets, other, moment())
    assert not torch.equal(changed["texture"], losses["texture"])


def test_a_judge_may_see_another_part_of_the_model(pixels: PixelSet) -> None:
    nets, real = networks(classes=1, cooccurrence=True), batch_of(pixels).real
    for phase in ("generator", "discriminator"):
        losses = ENGINE.losses(phase, nets, Batch(real, None), moment())
        assert all(torch.isfinite(value) for value in losses.values())
    own = real[:, :3]
    seen = ENGINE._seen(nets, own, own)
    assert torch.equal(seen[:, :3], own) and not torch.equal(seen[:, 3:], own)
    assert torch.equal(seen[:, 3:].roll((8, 8), (2, 3)), own)


def test_a_judge_may_learn_that_blurred_edges_are_wrong(pixels: PixelSet) -> None:
    nets, batch = networks(), batch_of(pixels)
    losses = replace(ENGINE, edges=0.5).losses("discriminator", nets, batch, moment())
    assert set(losses) - set(ENGINE.losses("discriminator", nets, batch, moment())) == {"edges"}
    own = batch.real[:, :3]
    assert smooth(own).shape == own.shape
    torch.testing.assert_close(smooth(own).mean((2, 3)), own.mean((2, 3)), atol=0.1, rtol=0)
    assert smooth(own).diff().abs().max() < 0.5 * own.diff().abs().max()


def test_the_share_of_a_picture_that_changes_costs(pixels: PixelSet) -> None:
    engine, nets = replace(ENGINE, area=2.0), networks(local=True)
    found = []
    for bias in (-30.0, 30.0):
        nets["G"].load_state_dict({**nets["G"].state_dict(), "decoder.share.bias": Tensor([bias])})
        found.append(engine.losses("generator", nets, batch_of(pixels), moment()))
    assert found[0]["area"].item() == pytest.approx(0, abs=1e-4)  # nothing changes
    assert found[0]["identity"].item() == pytest.approx(0, abs=1e-4)
    assert found[1]["area"].item() == pytest.approx(2, abs=1e-4)
    assert found[1]["identity"].item() > 1e-2


def test_a_share_is_free_only_when_there_is_something_to_add(pixels: PixelSet) -> None:
    engine, nets = replace(ENGINE, area=2.0), networks(local=True)
    nets["G"].load_state_dict({**nets["G"].state_dict(), "decoder.share.bias": Tensor([-30.0])})
    areas = []
    for fraction in (0.0, FREED[0], sum(FREED) / 2, FREED[1], 1.0):
        engine.prepare(nets, fraction)
        losses = engine.losses("generator", nets, batch_of(pixels), moment())
        areas.append(losses["area"].item())
        nets["G"].zero_grad()
        torch.autograd.backward(sum(losses.values(), torch.zeros(())))
        gradient = nets["G"].get_parameter("decoder.last.weight").grad
        assert gradient is not None
        assert (gradient.abs().max() > 1e-6) == (fraction < FREED[1])
    assert areas == pytest.approx([2.0, 2.0, 1.0, 0.0, 0.0], abs=1e-3)
    assert "decoder.open" not in nets["G"].state_dict()  # of a run, not of a package


def test_penalties_come_when_they_are_due(pixels: PixelSet) -> None:
    nets, batch = networks(), batch_of(pixels)
    assert "penalty" in ENGINE.losses("discriminator", nets, batch, moment(step=2))
    assert "penalty" not in ENGINE.losses("discriminator", nets, batch, moment(step=3))


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
def test_losses_are_means_over_rows(phase: str, pixels: PixelSet) -> None:
    """However a batch is cut, so that micro-batches and processes give the same run."""
    nets = networks()
    whole = ENGINE.losses(phase, nets, batch_of(pixels), moment())
    parts = [
        ENGINE.losses(phase, nets, batch_of(pixels, rows), moment(rows=rows))
        for rows in (slice(0, 1), slice(1, 4))
    ]
    for name, value in whole.items():
        together = parts[0][name] * 0.25 + parts[1][name] * 0.75
        torch.testing.assert_close(together, value, atol=1e-5, rtol=1e-4, msg=name)


def test_both_networks_learn_and_unused_heads_rest(pixels: PixelSet) -> None:
    engine = CONTENT["cycle"]
    state = trainer.start(engine, networks(), 0, Compute())
    before = {name: weights(network) for name, network in state.networks.items()}
    generator = state.networks["G"]
    assert isinstance(generator, translator.Translator)
    heads = weights(generator.heads)
    for _ in islice(playing(engine, state, pixels), 2):
        pass
    assert not any(torch.equal(weights(state.networks[name]), before[name]) for name in before)
    assert torch.equal(weights(generator.heads), heads)


def test_a_run_that_stops_goes_on_as_if_it_had_not(pixels: PixelSet, tmp_path: Path) -> None:
    straight, cut = (trainer.start(ENGINE, networks(), 0, Compute()) for _ in range(2))
    for _ in playing(ENGINE, straight, pixels):
        pass
    for _ in islice(playing(ENGINE, cut, pixels), 5):
        pass
    Store(tmp_path).save(cut)
    fresh = trainer.start(ENGINE, translator.build(ARGS), 3, Compute())
    Store(tmp_path).restore(fresh)
    for _ in playing(ENGINE, fresh, pixels):
        pass
    assert torch.equal(weights(fresh.averages["G"]), weights(straight.averages["G"]))


def test_a_recipe_tells_games_apart() -> None:
    assert ENGINE.describe() != replace(ENGINE, cycle=0.0).describe()
    assert ENGINE.describe() != replace(ENGINE, guard=2.0).describe()


def test_places_are_each_taken_once() -> None:
    found = contrast.chosen(Draws(0, 0, 3, 0, 3).uniform("places", 50), 20)
    assert found.shape == (3, 20) and all(len(set(row.tolist())) == 20 for row in found)
    maps = torch.arange(3 * 2 * 50.0).view(3, 2, 5, 10)
    taken = contrast.at(maps, found)
    assert torch.equal(taken[1, :, 1], maps[1, 1].flatten()[found[1]])


def test_patches_are_told_by_their_own_source() -> None:
    """PatchNCE is small where each patch is most like its own, and large where they are mixed."""
    source = torch.eye(8).expand(2, 8, 8)
    same = contrast.patch_nce(nn.Identity(), source, source)
    moved = contrast.patch_nce(nn.Identity(), source.roll(1, 1), source)
    even = contrast.patch_nce(nn.Identity(), torch.ones(2, 8, 8), source)
    assert same.shape == (2,) and same.max() < 1e-4
    assert moved.min() > 10
    torch.testing.assert_close(even, torch.full((2,), np.log(8.0)).float())


def test_keys_carry_no_gradient() -> None:
    head = nn.Linear(4, 4)
    made, source = (torch.randn(1, 6, 4, requires_grad=True) for _ in range(2))
    torch.autograd.backward(contrast.patch_nce(head, made, source).sum())
    assert made.grad is not None and source.grad is None


def test_inverted_brightness_costs_and_nothing_else_does(pixels: PixelSet) -> None:
    real = batch_of(pixels).real
    bright = brightness(real)
    assert bright.shape == (4, 64)
    assert correlation(bright, brightness(0.3 * real + 0.1)).min() > 0.999
    assert correlation(bright, brightness(-real)).max() < -0.999
    assert correlation(bright, torch.zeros(4, 64)).abs().max() < 1e-6

    class Inverted(translator.Translator):
        def decode(
            self,
            x: Tensor,
            maps: list[Tensor],  # noqa: ARG002 - as its base
            code: Tensor,  # noqa: ARG002 - as its base
        ) -> tuple[Tensor, None]:
            return -x, None

    nets = networks()
    plain = ENGINE.losses("generator", nets, batch_of(pixels), moment())
    inverted = {**nets, "G": Inverted(translator.TranslatorArgs(**ARGS))}
    told = ENGINE.losses("generator", inverted, batch_of(pixels), moment())
    assert plain["inverted"] == 0 and plain["brightness"] > 0.3
    assert told["inverted"] > 0.99 and told["brightness"] < -0.99


def left(engine: Unpaired, learned: PixelSet) -> list[float]:
    """What a short run leaves of the error of no change, to each kind, on unseen blocks."""
    torch.manual_seed(0)
    state = trainer.start(engine, translator.build(ARGS), 0, Compute())
    schedule = Schedule(images=480, batch=8, learning_rate=Cosine(3e-3, 3e-4))
    for _ in playing(engine, state, learned, schedule):
        pass
    shares = []
    for kind in (0, 1):
        real, truth = (
            torch.from_numpy(scenes(one, 8, 9)).float() / 127.5 - 1 for one in (kind, 1 - kind)
        )
        made = engine.run(state.averages, Wanted(real, engine.code(state.averages, 1 - kind)))
        shares.append(float((made - truth).abs().mean() / (real - truth).abs().mean()))
    return shares


@pytest.mark.parametrize("name", ["nce", "cycle"])
def test_it_learns_both_directions_in_one_run(name: str, pixels: PixelSet) -> None:
    """Other light falls on the same blocks, which nobody ever showed beside each other."""
    assert max(left(CONTENT[name], pixels)) < 0.6


def test_it_learns_from_counterparts_that_look_alike() -> None:
    """The same blocks in both lights, in orders that nothing says."""
    order = np.random.default_rng(0).permutation(40)
    every = np.concatenate([scenes(0, 40, 1), scenes(1, 40, 1)[order]])
    pictures = PixelSet(every, np.repeat([0, 1], 40), "scenes")
    learned = with_references(pictures, kinds=True, alike=True)
    assert learned.partners is not None and (learned.partners[40:, 0] == order).all()
    assert learned.groups is not None and (learned.groups == pictures.labels).all()
    assert max(left(CONTENT["likeness"], learned)) < 0.4


def test_pictures_without_a_counterpart_share_one_turn() -> None:
    every = np.concatenate([scenes(0, 40, 1), scenes(1, 40, 1)[:20]])
    labels = np.repeat([0, 1], [40, 20])
    learned = with_references(PixelSet(every, labels, "scenes"), kinds=True, alike=True)
    assert learned.partners is not None and learned.groups is not None
    alone = learned.partners.max(1) < 0
    assert alone[20:40].all() and not alone[40:].any()
    assert (learned.groups[alone] == 2).all()
    assert (learned.groups[~alone] == labels[~alone]).all()


@pytest.mark.parametrize("border", [0, 8])
def test_whole_pictures_are_used_as_they_were_learned_and_crops_with_more_around(
    border: int, pixels: PixelSet
) -> None:
    """Faces changed only half way, because a repeated border hid from the network where it was."""
    nets = networks()
    real = torch.from_numpy(np.array(pixels.pixels[:2])).float() / 127.5 - 1
    engine = replace(ENGINE, border=border)
    code = engine.code(nets, 1)
    made = engine.run(nets, Wanted(real, code))
    with torch.no_grad():
        learned = nets["G"](real, code.expand(2, -1)).clamp(-1, 1)
    assert made.shape == real.shape
    assert torch.equal(made, learned) == (border == 0)
