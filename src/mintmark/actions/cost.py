"""What a run will cost before it starts: time from a short trial, memory from one batch."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from mintmark.actions.plan import Plan
from mintmark.core.errors import ConfigError
from mintmark.data.loader import Loader, PixelSet
from mintmark.models.families import FAMILIES
from mintmark.training import distributed, trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Batch, Moment, RunState

MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the run that are timed, since costs may change
ROWS = 2  # pictures that memory is measured with
COPIES = 5  # of a weight: itself, its gradient, two moments of Adam, its average
SPARE = 0.85  # of the free memory that a run may plan with
SECOND = 1.6  # what a gradient of a gradient keeps beside the graph that it is taken of
MEMINFO = Path("/proc/meminfo")
LIMIT = Path("/sys/fs/cgroup/memory.max")
USED = Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class Memory:
    """Bytes that a run takes.

    Attributes:
        fixed: Weights, gradients, optimiser and average.
        picture: Activations of one picture of a batch.
    """

    fixed: int
    picture: int

    def of(self, rows: int) -> int:
        """Bytes with so many pictures at once."""
        return self.fixed + rows * self.picture


def pace(plan: Plan, pixels: PixelSet, compute: Compute) -> float:
    """Pictures a second of a run, from a few timed steps of a trial that is thrown away.

    Steps are timed at several places of the run, because growing networks and rising
    augmentation cost more later.
    """
    state = _trial(plan, compute)
    seconds = 0.0
    with Loader(pixels, plan.schedule.batch, plan.seed) as loader:
        for moment in MOMENTS:
            state.step = int(moment * plan.schedule.steps)
            state.images_seen = state.step * plan.schedule.batch
            schedule = replace(plan.schedule, images=plan.schedule.images + 4 * plan.schedule.batch)
            steps = trainer.train(plan.engine, state, loader, schedule, compute)
            next(steps)
            begin = time.perf_counter()
            next(steps), next(steps)
            seconds += (time.perf_counter() - begin) / 2
    whole = torch.tensor([seconds / len(MOMENTS)], device=compute.device)
    distributed.average([whole], compute.world)  # every process must plan the same length
    return plan.schedule.batch / float(whole)


def _trial(plan: Plan, compute: Compute) -> RunState:
    networks = FAMILIES[plan.config.family].build(plan.config.args)
    return trainer.start(plan.engine, networks, plan.seed, compute)


def memory(plan: Plan) -> Memory:
    """What a run keeps in memory, counted on the CPU from the first phase of a step.

    Counted is what the graph saves for the backward pass, by which every device has to
    go; libraries may take some room of their own on top.
    """
    state = _trial(plan, Compute())
    engine = plan.engine
    engine.prepare(state.networks, 1.0)
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _losses(plan, state)
    for network in state.networks.values():
        for weight in network.parameters():
            saved.pop(weight.untyped_storage().data_ptr(), None)  # the graph only points to them
    weights = _bytes(state.networks.values())
    return Memory(COPIES * weights, int(SECOND * sum(saved.values()) / ROWS))


def _losses(plan: Plan, state: RunState) -> dict[str, Tensor]:
    config = plan.config
    real = torch.zeros(ROWS, *plan.sample)
    wanted = config.conditions
    condition = {
        "class": torch.zeros(ROWS, dtype=torch.int64),
        "attributes": torch.zeros(ROWS, wanted.sizes["attributes"]),
        "text": wanted.of_texts([""] * ROWS),
        "none": None,
    }[wanted.kind]
    others = None if condition is None else torch.stack([condition] * 2, 1)  # suits every game
    moment = Moment(0, 1.0, state.controls, Draws(0, 0, ROWS, 0, ROWS))
    return plan.engine.losses(
        plan.engine.phases[0].name, state.networks, Batch(real, condition, others), moment
    )


def _bytes(networks: Iterable[nn.Module]) -> int:
    weights = (weight for network in networks for weight in network.parameters())
    return sum(weight.numel() * weight.element_size() for weight in weights)


def free(compute: Compute) -> int:
    """Bytes that the device has left; a very large number where it does not say."""
    if compute.device.type == "cuda":
        return int(torch.cuda.mem_get_info(compute.device)[0])
    rooms = [1 << 62]
    if MEMINFO.exists():
        lines = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
        rooms.append(int(lines["MemAvailable"].split()[0]) * 1024)
    if LIMIT.exists() and LIMIT.read_text().strip().isdecimal():
        rooms.append(int(LIMIT.read_text()) - int(USED.read_text()))
    return min(rooms)


def micro(plan: Plan, needed: Memory, room: int) -> int | None:
    """Most pictures at once that fit, or None where the whole batch does.

    Args:
        plan: The run.
        needed: What it takes.
        room: Bytes that are free.

    Raises:
        ConfigError: Not even one picture fits.
    """
    allowed = int(SPARE * room)
    if needed.of(plan.schedule.batch) <= allowed:
        return None
    rows = (allowed - needed.fixed) // max(needed.picture, 1)
    if rows < 1:
        raise ConfigError(
            f"The preset {plan.preset} at {plan.config.width} x {plan.config.height} pixels takes "
            f"{_gigabytes(needed.of(1))} of memory for one picture at a time, and "
            f"{_gigabytes(room)} are free; choose a smaller --preset or --size."
        )
    return 1 << (rows.bit_length() - 1)


def tell(plan: Plan, images_a_second: float, needed: Memory) -> str:
    """What a run will take, in a sentence."""
    minutes = plan.schedule.images / images_a_second / 60
    rows = plan.schedule.micro or plan.schedule.batch
    return (
        f"This will take about {_minutes(minutes)} ({plan.schedule.images:,} images at "
        f"{images_a_second:.0f} a second) and {_gigabytes(needed.of(rows))} of memory"
    )


def _minutes(minutes: float) -> str:
    if minutes < 1.5:
        return f"{max(1, round(minutes * 60))} seconds"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
