"""NaN and Inf planted everywhere, and games that go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import small
import torch
from torch import Tensor, nn

from mintmark.core.errors import CheckpointError, Diverged, GaveUp
from mintmark.data.loader import Loader
from mintmark.engines.synthesis import Synthesis
from mintmark.training import durable, guards, trainer
from mintmark.training.checkpoint import Store
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Moment, RunState

BAD_STEP = 7


@dataclass(frozen=True)
class Planted(Synthesis):
    """The real game with a fault in one step, until gamma was raised `cured_at` times."""

    fault: str = "loss"
    cured_at: float = 2.0

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        found = super().losses(phase, networks, batch, moment)
        sick = moment.step == BAD_STEP and moment.controls["gamma_scale"] < self.cured_at
        if sick and phase == "discriminator":
            if self.fault == "loss":
                found["discriminator"] = found["discriminator"] * torch.nan
            if self.fault == "infinite":
                found["discriminator"] = found["discriminator"] + torch.inf
            if self.fault == "gradient":  # finite forward, infinite backward
                zero = found["discriminator"] * 0
                found["discriminator"] = found["discriminator"] + zero.abs().sqrt()
            if self.fault == "weights":
                next(networks["D"].parameters()).data.fill_(torch.nan)
        return found


def engine(fault: str, cured_at: float = 2.0) -> Planted:
    base = small.ENGINE
    return Planted(
        gamma=base.gamma,
        penalty_every=base.penalty_every,
        augment=base.augment,
        fault=fault,
        cured_at=cured_at,
    )


def run(game: Planted, state: RunState, store: Store) -> list[str]:
    with Loader(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        steps = durable.run(game, state, loader, small.SCHEDULE, Compute(), store, 5)
        return [progress.message for progress in steps if "retry" in progress.message]


@pytest.mark.parametrize("fault", ["loss", "infinite", "gradient", "weights"])
def test_a_fault_is_seen_in_its_own_step(fault: str) -> None:
    state = small.state()
    with Loader(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        steps = trainer.train(engine(fault), state, loader, small.SCHEDULE, Compute())
        with pytest.raises(Diverged) as caught:
            for _ in steps:
                pass
    assert caught.value.step == BAD_STEP == state.step
    word = {"infinite": "loss", "weights": "loss"}.get(fault, fault)
    assert word in str(caught.value)


def test_a_fault_in_the_data_is_named() -> None:
    class Spoilt(Loader):
        def at(self, step: int, first: int, last: int) -> object:  # type: ignore[override]
            rows = super().at(step, first, last)
            images = rows.images.float()
            images[0, 0, 0, 0] = torch.nan
            return replace(rows, images=images)

    with Spoilt(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        steps = trainer.train(
            small.ENGINE,
            small.state(),
            loader,
            small.SCHEDULE,
            Compute(),
        )
        with pytest.raises(Diverged, match="the data"):
            next(steps)


def test_the_update_that_spoils_the_weights_is_seen_at_once() -> None:
    state = small.state()
    state.optimizers["D"].param_groups[0]["eps"] = torch.nan
    with Loader(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        steps = trainer.train(small.ENGINE, state, loader, small.SCHEDULE, Compute())
        with pytest.raises(Diverged, match="the weights of D at step 0"):
            next(steps)


def test_the_run_goes_back_and_on_with_a_stronger_gamma(tmp_path: Path) -> None:
    state, store = small.state(), Store(tmp_path)
    messages = run(engine("loss"), state, store)
    assert len(messages) == 1
    assert "Went back to step 5" in messages[0]
    assert state.step == small.SCHEDULE.steps
    assert state.controls["gamma_scale"] == 2.0

    # The good part before is untouched: a run that had the stronger gamma from
    # step 5 on is the same to the last bit.
    twin = small.state()
    with Loader(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        for _ in range(5):
            next(trainer.train(small.ENGINE, twin, loader, small.SCHEDULE, Compute()))
        twin.controls |= {"gamma_scale": 2.0, "retries": 1.0}
        for _ in trainer.train(small.ENGINE, twin, loader, small.SCHEDULE, Compute()):
            pass
    assert small.fingerprint(state) == small.fingerprint(twin)


def test_it_gives_up_after_three_retries_and_keeps_the_good_state(tmp_path: Path) -> None:
    state, store = small.state(), Store(tmp_path)
    with pytest.raises(GaveUp, match="ends at the good step 5"):
        run(engine("loss", cured_at=1e9), state, store)
    kept = small.state()
    assert store.restore(kept) == 5
    assert kept.controls["gamma_scale"] == 8.0
    assert trainer.spoilt(kept) is None
    with pytest.raises(GaveUp):  # started again, it does not retry for ever
        run(engine("loss", cured_at=1e9), small.state(), store)


def test_a_poisoned_state_is_never_saved(tmp_path: Path) -> None:
    state, store = small.state(), Store(tmp_path)
    store.save(state)
    state.step = 1
    next(state.averages["G"].parameters()).data.fill_(torch.inf)
    with pytest.raises(CheckpointError, match="NaN or Inf"):
        store.save(state)
    assert store.steps() == [0]


def follow(
    pairs_won: float, spread: float, steps: int, fraction: float = 0.5, loss: float = 0.05
) -> list[str]:
    monitors: dict[str, float] = {}
    figures = {"pairs_won": pairs_won, "discriminator": loss, "spread": spread}
    return [alarm for _ in range(steps) for alarm in guards.watch(monitors, figures, fraction)]


def test_alarms_speak_once_and_only_when_they_should() -> None:
    assert follow(0.7, 0.9, 1000) == []
    assert [a for a in follow(1.0, 0.9, 300) if "discriminator" in a] != []
    assert len(follow(1.0, 0.9, 300)) == 1
    assert follow(1.0, 0.9, 300, loss=0.3) == []  # right, but closely: as healthy runs are
    assert len(follow(0.7, 0.1, 300)) == 1
    assert follow(0.7, 0.1, 300, fraction=0.1) == []  # it has not begun to draw yet
    assert follow(0.7, 0.1, 99) == []


def test_a_generator_that_draws_one_picture_sets_the_alarm_off() -> None:
    @dataclass(frozen=True)
    class Collapsed(Synthesis):
        def losses(
            self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
        ) -> dict[str, Tensor]:
            with torch.no_grad():
                for parameter in networks["G"].parameters():
                    parameter.mul_(0.5)
            return super().losses(phase, networks, batch, moment)

    schedule = replace(small.SCHEDULE, images=8 * 150)
    with Loader(small.pixels(), schedule.batch, 0) as loader:
        steps = trainer.train(
            Collapsed(gamma=small.ENGINE.gamma), small.state(), loader, schedule, Compute()
        )
        messages = [progress.message for progress in steps if progress.message]
    assert any("collapse" in message for message in messages)


def test_a_healthy_run_sets_no_alarm_off() -> None:
    schedule = replace(small.SCHEDULE, images=8 * 150)
    with Loader(small.pixels(), schedule.batch, 0) as loader:
        steps = trainer.train(small.ENGINE, small.state(), loader, schedule, Compute())
        assert [progress.message for progress in steps if progress.message] == []
