"""What every engine promises: finite, deterministic, and the same in pieces."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mintmark.core.errors import Diverged
from mintmark.data.loader import HostBatch
from mintmark.engines import adversarial, synthesis
from mintmark.engines.adversarial import Game
from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Request, Synthesis
from mintmark.models import r3gan, stylegan
from mintmark.training import trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Cosine, Moment, Schedule

ARGS = {
    "height": 16,
    "width": 16,
    "channels": 3,
    "classes": 2,
    "widths": [16, 16, 16],
    "latent": 8,
    "block": "dense",
}
ROWS = 6
FRACTION = 0.6  # of the run; growing networks have added a stage
PLAIN = Synthesis(gamma=Cosine(1, 1))
GAMES = [game for game in vars(adversarial).values() if isinstance(game, Game)]
PLACES: tuple[tuple[synthesis.Place, ...], ...] = (
    (),
    ("real",),
    ("fake",),
    ("between",),
    ("real", "fake"),
    ("real", "fake", "between"),
)
AUGMENTS = [
    Augment("off"),
    *(
        Augment(kind, mode, strength=0.7)
        for kind in ("ada", "diff")
        for mode in ("fixed", "ramp", "adaptive")
    ),
]
ENGINES = {
    **{
        f"{game.name}-{'+'.join(places) or 'none'}": Synthesis(game, Cosine(1, 1), places)
        for game, places in product(GAMES, PLACES)
    },
    **{f"augment-{a.kind}-{a.mode}": Synthesis(gamma=Cosine(1, 1), augment=a) for a in AUGMENTS},
    "lazy": Synthesis(gamma=Cosine(1, 1), penalty_every=2),
    "mismatched": Synthesis(gamma=Cosine(1, 1), mismatched=0.5),
    "reconstruct": Synthesis(gamma=Cosine(1, 1), reconstruct=0.5),
    "frozen": Synthesis(gamma=Cosine(1, 1), frozen=1),
    "grow": Synthesis(gamma=Cosine(1, 1), grow=Grow(first=8)),
    "grow-all": Synthesis(
        gamma=Cosine(1, 1),
        augment=Augment("ada", "fixed", strength=0.7),
        mismatched=0.5,
        reconstruct=0.5,
        grow=Grow(first=8, freeze=True),
    ),
}
every_engine = pytest.mark.parametrize("name", ENGINES)


def networks_of(engine: Synthesis = PLAIN) -> dict[str, nn.Module]:
    """Small networks that can play a game, with every weight moved from its start."""
    with torch.random.fork_rng(), torch.no_grad():  # so that a fault cannot hide behind this seed
        torch.manual_seed(0)
        args = {**ARGS, "decoder": engine.reconstruct > 0, "grow": engine.grow is not None}
        args["matcher"] = engine.mismatched > 0
        styled = engine.grow is not None or engine.mismatched > 0
        networks = stylegan.build(args) if styled else r3gan.build(args)
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return networks


def batch_of(rows: slice = slice(ROWS)) -> Batch:
    real = torch.rand(ROWS, 3, 16, 16, generator=torch.Generator().manual_seed(7)) * 2 - 1
    classes = torch.tensor([0, 1, 1, 0, 1, 1])
    others = torch.stack([classes.roll(-1), classes.roll(-2)], 1)  # two that it does not have
    return Batch(real[rows], classes[rows], others[rows])


def moment_of(engine: Synthesis, step: int = 0, seed: int = 0) -> Moment:
    controls = {"gamma_scale": 1.0, **engine.controls()}
    if "augment" in controls:
        controls["augment"] = 0.5
    return Moment(step, FRACTION, controls, Draws(seed, step, ROWS, 0, ROWS))


def losses_of(engine: Synthesis, step: int = 0, seed: int = 0) -> dict[str, Tensor]:
    networks = networks_of(engine)
    engine.prepare(networks, FRACTION)
    return {
        name: value.detach()
        for phase in engine.phases
        for name, value in engine.losses(
            phase.name, networks, batch_of(), moment_of(engine, step, seed)
        ).items()
    }


class Still:
    """The same pictures in every step."""

    def at(self, step: int, first: int, last: int) -> HostBatch:
        assert step == 0
        batch = batch_of(slice(first, last))
        return HostBatch(batch.real, batch.condition, np.arange(first, last), batch.other)


def gradients_of(engine: Synthesis, micro: int | None) -> dict[str, Tensor]:
    """What the trainer accumulates in one step; the rate is 0, so that no phase moves a weight."""
    # Of a seed at which no activation lies within rounding of a kink, where gradients jump.
    state = trainer.start(engine, networks_of(engine), 1, Compute())
    if "augment" in state.controls:
        state.controls["augment"] = 0.5
    schedule = Schedule(10 * ROWS, ROWS, micro, learning_rate=Cosine(0, 0))
    state.images_seen = int(FRACTION * schedule.images)
    next(trainer.train(engine, state, Still(), schedule, Compute()))
    return {
        f"{name}.{key}": parameter.grad
        for name, network in state.networks.items()
        for key, parameter in network.named_parameters()
        if parameter.grad is not None
    }


def test_there_are_engines() -> None:
    assert {game.name for game in GAMES} >= {"relativistic", "hinge", "wasserstein"}
    assert len(ENGINES) == 43


@every_engine
def test_phases_name_networks_that_exist(name: str) -> None:
    engine, networks = ENGINES[name], networks_of(ENGINES[name])
    assert {phase.network for phase in engine.phases} == set(networks)
    assert set(engine.averaged) <= set(networks)


def check_finite(engine: Synthesis) -> None:
    for name, value in losses_of(engine).items():
        assert value.ndim == 0 and torch.isfinite(value), name


@every_engine
def test_losses_are_finite(name: str) -> None:
    check_finite(ENGINES[name])


@every_engine
def test_losses_are_penalised_as_asked(name: str) -> None:
    found = losses_of(ENGINES[name])
    assert ("penalty" in found) == bool(ENGINES[name].penalties)
    assert ("gp" in found) == ("between" in ENGINES[name].penalties)


def check_deterministic(engine: Synthesis) -> None:
    first, again = losses_of(engine), losses_of(engine)
    assert all(torch.equal(first[name], again[name]) for name in first)


@every_engine
def test_losses_follow_from_seed_and_step(name: str) -> None:
    engine = ENGINES[name]
    check_deterministic(engine)
    here, then, other = losses_of(engine), losses_of(engine, step=2), losses_of(engine, seed=1)
    assert here["generator"] != then["generator"] != other["generator"] != here["generator"]


@every_engine
def test_losses_leave_the_global_generator_alone(name: str) -> None:
    networks, engine = networks_of(ENGINES[name]), ENGINES[name]
    before = torch.get_rng_state()
    for phase in engine.phases:
        engine.losses(phase.name, networks, batch_of(), moment_of(engine))
    assert torch.equal(before, torch.get_rng_state())


def check_pieces(engine: Synthesis) -> None:
    """A step in micro-batches has the gradients of the whole step."""
    whole = gradients_of(engine, None)
    assert whole
    for micro in (1, 2, 4):
        pieces = gradients_of(engine, micro)
        assert pieces.keys() == whole.keys()
        for name, value in whole.items():
            assert (pieces[name] - value).norm() <= 1e-5 * (1 + value.norm()), name


@every_engine
def test_micro_batches_give_the_same_gradients(name: str) -> None:
    check_pieces(ENGINES[name])


def check_ranks(draws: Draws) -> None:
    """A worker's rows are those rows of the whole batch, whatever the kind of numbers."""
    for kind in ("normal", "uniform"):
        whole = getattr(draws, kind)("z", 4)
        assert len(whole) == draws.total
        for first, last in ((0, 3), (3, 6), (2, 4)):
            part = getattr(draws.rows(first, last), kind)("z", 4)
            assert torch.equal(part, whole[first:last])


def test_ranks_draw_their_rows_of_the_whole_batch() -> None:
    check_ranks(Draws(0, 3, ROWS, 0, ROWS))


def test_streams_differ_by_seed_step_and_name() -> None:
    draws = Draws(0, 0, ROWS, 0, ROWS)
    rows = [
        draws.normal("a", 4),
        draws.normal("b", 4),
        replace(draws, step=1).normal("a", 4),
        replace(draws, seed=1).normal("a", 4),
    ]
    assert not any(torch.equal(a, b) for i, a in enumerate(rows) for b in rows[:i])


@pytest.mark.parametrize("name", ["relativistic-real+fake", "mismatched"])
def test_a_sample_depends_on_nothing_but_its_number(name: str) -> None:
    """Pictures of 8 bits are equal to the last bit, alone, in any order and in any chunk."""
    engine = ENGINES[name]
    networks = {key: network.eval() for key, network in networks_of(engine).items()}
    count = synthesis.CHUNK * 2 + 3
    everything = drawn(engine, networks, list(range(count)))
    alone = [drawn(engine, networks, [index])[0] for index in range(count)]
    backwards = drawn(engine, networks, list(reversed(range(count)))).flip(0)
    some = drawn(engine, networks, [30, 2, 17])
    assert torch.equal(everything, torch.stack(alone))
    assert torch.equal(everything, backwards)
    assert torch.equal(everything[[30, 2, 17]], some)
    assert len(torch.unique(everything, dim=0)) == count


def drawn(engine: Synthesis, networks: dict[str, nn.Module], indices: list[int]) -> Tensor:
    """Samples in the 8 bits that they are written in, (N, 3, 16, 16)."""
    classes = torch.tensor([index % 2 for index in indices])
    samples = engine.run(networks, Request(3, indices, classes))
    return samples.add(1).mul(127.5).round().byte()


# Faults, each planted where it could slip in: the suite must notice.


def test_fault_nan_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    real = adversarial.squared_gradient
    monkeypatch.setattr(synthesis, "squared_gradient", lambda *given: real(*given) * float("nan"))
    with pytest.raises(AssertionError, match=r"r1|penalty"):
        check_finite(ENGINES["relativistic-real+fake"])
    with pytest.raises(Diverged, match="penalty"):
        gradients_of(ENGINES["relativistic-real+fake"], None)


def test_fault_unseeded_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    def unseeded(self: Draws, name: str, *shape: int) -> Tensor:
        return torch.randn(self.last - self.first, *shape)

    monkeypatch.setattr(Draws, "normal", unseeded)
    with pytest.raises(AssertionError):
        check_deterministic(ENGINES["relativistic-real+fake"])
    with pytest.raises(AssertionError):
        test_losses_leave_the_global_generator_alone("relativistic-real+fake")
    with pytest.raises(AssertionError):
        check_ranks(Draws(0, 3, ROWS, 0, ROWS))


def test_fault_numbers_that_depend_on_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def own_rows(self: Draws, name: str, *shape: int) -> Tensor:
        return torch.randn(self.last - self.first, *shape, generator=self._generator(name))

    monkeypatch.setattr(Draws, "normal", own_rows)
    with pytest.raises(AssertionError):
        check_ranks(Draws(0, 3, ROWS, 0, ROWS))
    with pytest.raises(AssertionError):
        check_pieces(ENGINES["relativistic-real+fake"])
