"""The one training loop. It knows phases and no loss; losses know no loop.

`train` is a generator: it yields after each whole step, and whoever iterates
it saves, logs, draws samples or stops. Nothing random is stored: what a step
draws follows from (seed, step), so stopping between two steps and going on
later gives the same run to the last bit.
"""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.core.records import Progress
from mintmark.training import distributed, guards
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute


@dataclass(frozen=True)
class Phase:
    """One part of a step.

    Attributes:
        name: What the engine calls it.
        network: The network that it updates.
        every: It runs in each step whose number is a multiple of this.
        begin: Share of the run from which on it runs.
    """

    name: str
    network: str
    every: int = 1
    begin: float = 0.0


@dataclass(frozen=True)
class Average:
    """Averaged weights that are kept for use.

    Attributes:
        network: Whose they are.
        until: Share of the run after which they rest.
    """

    network: str
    until: float = 1.0


@dataclass(frozen=True)
class Cosine:
    """A value that moves from `start` to `end` along half a cosine."""

    start: float
    end: float

    def at(self, fraction: float) -> float:
        """The value at `fraction` of the run, in [0, 1]."""
        swing = (1 + math.cos(math.pi * min(max(fraction, 0.0), 1.0))) / 2
        return self.end + (self.start - self.end) * swing


@dataclass(frozen=True)
class Schedule:
    """How long a run is and how its optimiser moves.

    Attributes:
        images: Length of the run.
        batch: Pictures a step, over all processes.
        micro: Most pictures in memory at once a process; None for all.
        learning_rate: Adam's rate, the same for every network.
        beta1: Adam's first-moment decay; 0 for games (R3GAN).
        beta2: Its second-moment decay.
        average: Half-life of the averaged weights, as a share of `images`.
        ramp: Share of the run over which that half-life grows from 0.
    """

    images: int
    batch: int
    micro: int | None = None
    learning_rate: Cosine = Cosine(6e-4, 6e-5)
    beta1: float = 0.0
    beta2: Cosine = Cosine(0.9, 0.99)
    average: float = 0.05
    ramp: float = 0.1

    @property
    def steps(self) -> int:
        """Steps of the run; the last one completes `images`."""
        return -(-self.images // self.batch)

    def keep(self, fraction: float) -> float:
        """Weight of the old average in the step at `fraction` of the run."""
        half_life = self.average * self.images * min(fraction / self.ramp, 1.0)
        return float(0.5 ** (self.batch / half_life)) if half_life > 0 else 0.0


@dataclass(frozen=True)
class Batch:
    """What an engine's loss sees of the data.

    Attributes:
        real: Pictures in [-1, 1], (N, C, H, W), float32, or other samples.
        condition: What each shows, (N, ...): class numbers, rows of attributes or
            hashed captions; or None.
        other: For each K conditions that it does not have, (N, K, ...), or what is told of the
            sample beside it, (N, 2), or None.
    """

    real: Tensor
    condition: Tensor | None
    other: Tensor | None = None

    def rows(self, first: int, last: int) -> "Batch":
        """Rows `first` to `last` (excluded)."""
        parts = (self.condition, self.other)
        return Batch(self.real[first:last], *(None if p is None else p[first:last] for p in parts))


@dataclass(frozen=True)
class Moment:
    """When and with what randomness a loss is computed.

    Attributes:
        step: The step, from 0.
        fraction: Share of the run that is done, in [0, 1].
        controls: Numbers that adapt during the run; `gamma_scale` is the
            kernel's, the others are the engine's own.
        draws: The random numbers of these rows.
    """

    step: int
    fraction: float
    controls: Mapping[str, float]
    draws: Draws


class Engine(Protocol):
    """A training game: what it updates, what it minimises, how it is used."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parts of a step, in order."""

    @property
    def averaged(self) -> Mapping[str, Average]:
        """Averaged weights that are kept for use, by name."""

    def controls(self) -> dict[str, float]:
        """Starting values of the numbers that this engine adapts."""

    def prepare(self, networks: Mapping[str, nn.Module], fraction: float) -> None:
        """Sets what networks have to know of the moment, before each step."""

    def resting(self, name: str, network: nn.Module) -> tuple[str, ...]:
        """How the names begin of a network's parameters that do not learn at this moment."""

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        """Scalars by name, each a mean over the rows of `batch`.

        Those that carry a gradient are summed and minimised; detached ones
        are figures to log.
        """

    def adapt(
        self, controls: Mapping[str, float], figures: Mapping[str, float], batch: int
    ) -> dict[str, float]:
        """The controls of the next step, from this step's figures."""

    def run(self, networks: Mapping[str, nn.Module], inputs: Any) -> Tensor:
        """Uses the trained networks."""


class Rows(Protocol):
    """A slice of a batch, still on the host."""

    @property
    def images(self) -> Tensor:
        """(rows, ...), uint8 pictures or float samples."""

    @property
    def condition(self) -> Tensor | None:
        """(rows, ...), or None."""

    @property
    def other(self) -> Tensor | None:
        """Conditions that the rows do not have, or None."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """(rows,), places in the data set."""


class Batches(Protocol):
    """Where rows come from: any row of any step, by number."""

    def at(self, step: int, first: int, last: int) -> Rows:
        """Rows `first` to `last` of the batch of `step`."""


@dataclass
class RunState:
    """All that changes during a run; a checkpoint is exactly this."""

    networks: dict[str, nn.Module]
    averages: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Adam]
    seed: int
    step: int = 0
    images_seen: int = 0
    controls: dict[str, float] = field(default_factory=dict)
    monitors: dict[str, float] = field(default_factory=dict)


def start(
    engine: Engine, networks: Mapping[str, nn.Module], seed: int, compute: Compute
) -> RunState:
    """The state before the first step.

    Args:
        engine: The game.
        networks: Freshly initialised or loaded networks by name.
        seed: The seed of the run.
        compute: Where the networks shall live.
    """
    placed = {name: compute.place(network) for name, network in networks.items()}
    averages = {
        name: copy.deepcopy(placed[kept.network]).eval() for name, kept in engine.averaged.items()
    }
    for average in averages.values():
        average.requires_grad_(False)
    optimizers = {
        phase.network: torch.optim.Adam(
            placed[phase.network].parameters(), betas=(0.0, 0.9), fused=True
        )
        for phase in engine.phases
    }
    controls = {"gamma_scale": 1.0, "retries": 0.0, **engine.controls()}
    return RunState(placed, averages, optimizers, seed, controls=controls)


def train(
    engine: Engine, state: RunState, batches: Batches, schedule: Schedule, compute: Compute
) -> Iterator[Progress]:
    """Trains until `schedule.images` are seen, yielding after each step.

    Args:
        engine: The game to play.
        state: What is trained; changed in place, whole at each yield.
        batches: Rows by step and number.
        schedule: Length and rates.
        compute: Device, precision and place among the processes.

    Yields:
        Progress in images, with every loss and figure of the step.

    Raises:
        Diverged: NaN or Inf in data, loss, gradient or weights; the state is
            spoilt and has to be restored from a checkpoint.
    """
    first, last = distributed.rows_of(compute, schedule.batch)
    while state.step < schedule.steps:
        rows = batches.at(state.step, first, last)
        batch = Batch(
            compute.pixels(rows.images), compute.moved(rows.condition), compute.moved(rows.other)
        )
        total = batch.real.sum()
        distributed.average([total], compute.world)  # so that all processes see it, or none
        guards.require_finite(state.step, {"the data": total})
        figures = _step(engine, state, batch, schedule, compute)
        state.step += 1
        state.images_seen += schedule.batch
        alarms = guards.watch(state.monitors, figures, state.images_seen / schedule.images)
        done = min(state.images_seen, schedule.images)
        yield Progress("training", done, schedule.images, "images", figures, "; ".join(alarms))


def _step(
    engine: Engine, state: RunState, batch: Batch, schedule: Schedule, compute: Compute
) -> dict[str, float]:
    """Runs every phase that is due, averages the weights, adapts the controls."""
    fraction = state.images_seen / schedule.images
    draws = Draws(
        state.seed,
        state.step,
        schedule.batch,
        *distributed.rows_of(compute, schedule.batch),
        device=compute.device,
    )
    moment = Moment(state.step, fraction, state.controls, draws)
    figures: dict[str, float] = {}
    engine.prepare(state.networks, fraction)
    for phase in engine.phases:
        if state.step % phase.every or fraction < phase.begin:
            continue
        _steer(state.optimizers[phase.network], schedule, fraction)
        figures |= _phase(engine, phase, state, batch, moment, schedule.micro, compute)
    _average(engine, state, schedule.keep(fraction), fraction)
    state.controls = engine.adapt(state.controls, figures, schedule.batch)
    return figures


def _steer(optimizer: torch.optim.Adam, schedule: Schedule, fraction: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = schedule.learning_rate.at(fraction)
        group["betas"] = (schedule.beta1, schedule.beta2.at(fraction))


def _phase(
    engine: Engine,
    phase: Phase,
    state: RunState,
    batch: Batch,
    moment: Moment,
    micro: int | None,
    compute: Compute,
) -> dict[str, float]:
    """Accumulates gradients over micro-batches, averages them, updates one network."""
    for name, network in state.networks.items():
        network.requires_grad_(name == phase.network)
    learning = state.networks[phase.network]
    resting = engine.resting(phase.network, learning)
    for name, parameter in learning.named_parameters():
        parameter.requires_grad_(not name.startswith(resting))
    optimizer = state.optimizers[phase.network]
    optimizer.zero_grad(set_to_none=True)
    figures = _accumulate(engine, phase.name, state.networks, batch, moment, micro, compute)
    parameters = list(state.networks[phase.network].parameters())
    gradients = [p.grad for p in parameters if p.grad is not None]
    distributed.average([*gradients, *figures.values()], compute.world)
    norm = torch.nn.utils.get_total_norm(gradients)
    checked = {f"the loss {name!r}": value for name, value in figures.items()}
    guards.require_finite(state.step, checked | {f"the gradient of {phase.network}": norm})
    optimizer.step()
    weights = torch.nn.utils.get_total_norm([p.detach() for p in parameters])
    guards.require_finite(state.step, {f"the weights of {phase.network}": weights})
    figures[f"gradient_{phase.network}"] = norm
    return dict(zip(figures, torch.stack(list(figures.values())).tolist(), strict=True))


def _accumulate(
    engine: Engine,
    phase: str,
    networks: Mapping[str, nn.Module],
    batch: Batch,
    moment: Moment,
    micro: int | None,
    compute: Compute,
) -> dict[str, Tensor]:
    """Backpropagates the phase's losses piece by piece; returns their weighted means."""
    rows = len(batch.real)
    size = micro or rows
    sums: dict[str, Tensor] = {}
    for begin in range(0, rows, size):
        end = min(begin + size, rows)
        first = moment.draws.first
        part = replace(moment, draws=moment.draws.rows(first + begin, first + end))
        with compute.autocast():
            losses = engine.losses(phase, networks, batch.rows(begin, end), part)
        share = (end - begin) / rows
        total = torch.stack([value for value in losses.values() if value.requires_grad]).sum()
        torch.autograd.backward(total * share)
        for name, value in losses.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach().float() * share
    return sums


@torch.no_grad()
def _average(engine: Engine, state: RunState, keep: float, fraction: float) -> None:
    """Moves the averaged weights towards the trained ones; buffers are copied."""
    for name, kept in engine.averaged.items():
        if fraction > kept.until:
            continue
        average, network = state.averages[name], state.networks[kept.network]
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - keep)
        for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)


def spoilt(state: RunState) -> str | None:
    """Name of a network that holds NaN or Inf, or None; for use before saving."""
    for name, network in {**state.networks, **state.averages}.items():
        norm = torch.nn.utils.get_total_norm([p.detach() for p in network.parameters()])
        if not math.isfinite(float(norm)):
            return name
    return None
