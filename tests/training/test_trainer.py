from dataclasses import replace

import pytest
import small
import torch

from mintmark.core.errors import ConfigError
from mintmark.data.loader import Loader
from mintmark.training import distributed, trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Cosine, RunState, Schedule


def steps(state: RunState, schedule: Schedule, count: int) -> list[dict[str, float]]:
    with Loader(small.pixels(), schedule.batch, state.seed) as loader:
        run = trainer.train(small.ENGINE, state, loader, schedule, Compute())
        return [dict(next(run).figures) for _ in range(count)]


def test_half_a_cosine() -> None:
    curve = Cosine(3.0, 1.0)
    assert [curve.at(f) for f in (-1, 0, 0.5, 1, 2)] == pytest.approx([3, 3, 2, 1, 1])


def test_the_last_step_completes_the_images() -> None:
    assert Schedule(images=100, batch=32).steps == 4
    assert Schedule(images=96, batch=32).steps == 3


def test_the_average_halves_its_memory_in_a_half_life() -> None:
    schedule = Schedule(images=1000, batch=10, average=0.05, ramp=0.1)
    assert schedule.keep(0.0) == 0.0
    assert schedule.keep(1.0) ** 5 == pytest.approx(0.5)  # 50 images are 5 steps
    assert schedule.keep(0.05) ** 2.5 == pytest.approx(0.5)  # half-way up the ramp


def test_a_run_is_a_function_of_its_seed() -> None:
    prints = []
    for seed in (0, 0, 1):
        state = small.state(seed=seed)
        steps(state, small.SCHEDULE, 6)
        prints.append(small.fingerprint(state))
    assert prints[0] == prints[1] != prints[2]


def test_the_random_state_of_torch_does_not_matter() -> None:
    prints = []
    for noise in range(2):
        state = small.state()
        torch.manual_seed(noise)
        steps(state, small.SCHEDULE, 3)
        prints.append(small.fingerprint(state))
    assert prints[0] == prints[1]


@pytest.mark.parametrize("micro", [1, 3, 4])
def test_micro_batches_do_not_change_the_step(micro: int) -> None:
    states = [small.state() for _ in range(2)]
    schedules = [replace(small.SCHEDULE, micro=None), replace(small.SCHEDULE, micro=micro)]
    figures = [steps(s, schedule, 1)[0] for s, schedule in zip(states, schedules, strict=True)]
    for name in ("discriminator", "generator", "r1", "penalty", "gradient_D", "gradient_G"):
        assert figures[0][name] == pytest.approx(figures[1][name], rel=1e-4), name


def test_each_phase_updates_its_network_alone() -> None:
    state = small.state()
    before = {name: value.clone() for name, value in small.tensors(state).items()}
    steps(state, small.SCHEDULE, 2)
    changed = {
        name.split("/")[1]
        for name, value in small.tensors(state).items()
        if name.startswith("n/") and not torch.equal(value, before[name])
    }
    assert changed == {"G", "D"}
    assert state.step == 2
    assert state.images_seen == 16


def test_the_average_follows_the_generator() -> None:
    state = small.state()
    schedule = replace(small.SCHEDULE, images=10**4, ramp=1e-4)
    expected = [p.detach().clone() for p in state.networks["G"].parameters()]
    with Loader(small.pixels(), schedule.batch, state.seed) as loader:
        run = trainer.train(small.ENGINE, state, loader, schedule, Compute())
        for step in range(4):
            next(run)
            keep = schedule.keep(step * schedule.batch / schedule.images)
            weights = list(state.networks["G"].parameters())
            expected = [
                keep * slow + (1 - keep) * fast.detach()
                for slow, fast in zip(expected, weights, strict=True)
            ]
    for slow, wanted in zip(state.averages["G"].parameters(), expected, strict=True):
        torch.testing.assert_close(slow, wanted, atol=1e-6, rtol=1e-5)
    assert not torch.equal(expected[0], next(state.networks["G"].parameters()))


def test_adaptive_augmentation_is_part_of_the_state() -> None:
    state = small.state()
    steps(state, small.SCHEDULE, 20)
    assert set(state.controls) == {"gamma_scale", "retries", "augment", "overfit"}
    assert state.controls["overfit"] != 0


def test_rows_of_a_batch_keep_what_belongs_to_them() -> None:
    real, condition = torch.arange(6.0).view(6, 1), torch.arange(6)
    part = Batch(real, condition, condition.roll(-1)).rows(2, 5)
    assert part.condition is not None and part.other is not None
    assert part.real.flatten().tolist() == part.condition.tolist() == [2, 3, 4]
    assert part.other.tolist() == [3, 4, 5]
    plain = Batch(real, None).rows(0, 2)
    assert plain.condition is None and plain.other is None


def test_draws_for_some_rows_are_those_rows_of_the_whole() -> None:
    whole = Draws(5, 3, 8, 0, 8)
    part = whole.rows(2, 5)
    assert torch.equal(part.normal("z", 4), whole.normal("z", 4)[2:5])
    assert torch.equal(part.uniform("u"), whole.uniform("u")[2:5])
    others = [replace(whole, step=4), replace(whole, seed=6)]
    assert not any(torch.equal(o.normal("z", 4), whole.normal("z", 4)) for o in others)
    assert not torch.equal(whole.normal("y", 4), whole.normal("z", 4))


def test_a_batch_must_divide_among_the_processes() -> None:
    assert distributed.rows_of(Compute(rank=1, world=2), 8) == (4, 8)
    with pytest.raises(ConfigError, match="does not divide"):
        distributed.rows_of(Compute(rank=1, world=3), 8)
