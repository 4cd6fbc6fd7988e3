"""The probe that picks gamma: three short runs that differ in nothing else.

Gamma, the weight of the penalties, is what people have to guess in other programs.
The table of `gamma_for` is right within a factor of four or so; a probe tells the rest.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch

from mintmark.actions.plan import Plan
from mintmark.actions.world import World
from mintmark.core.errors import Diverged
from mintmark.core.records import Progress
from mintmark.core.seeds import derive
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.synthesis import Request, Synthesis
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.extractors import extract, shipped
from mintmark.models.families import FAMILIES
from mintmark.training import distributed, trainer
from mintmark.training.trainer import Cosine, RunState, Schedule

FACTORS = (0.25, 1.0, 4.0)
SHARE = 0.05  # of the run's images that each of them takes
LEAST = 200  # steps of a probe; shorter ones rank by chance
COUNT = 512  # pictures of each side
BETTER = 0.95  # of the middle one's distance; a smaller gain is no reason to leave the table


@dataclass(frozen=True)
class Probe:
    """One short run.

    Attributes:
        gamma: Where its gamma begins.
        distance: Its distance from the data at the end; infinite where it diverged.
    """

    gamma: float
    distance: float


def length(plan: Plan) -> int:
    """Images of one probe."""
    batch = plan.schedule.batch
    return max(int(SHARE * plan.schedule.images), LEAST * batch)


def share(plan: Plan) -> float:
    """Images of all probes, as a share of the run's."""
    return len(FACTORS) * length(plan) / plan.schedule.images


def tuned(plan: Plan, pixels: PixelSet, world: World) -> Generator[Progress, None, Plan]:
    """The plan with the gamma of the best of three short runs, and why.

    Args:
        plan: The run, with gamma by the table.
        pixels: The data.
        world: The machine.

    Yields:
        Progress in images.

    Returns:
        The plan.
    """
    total = len(FACTORS) * length(plan)
    probes = []
    for place, factor in enumerate(FACTORS):
        start = plan.choices.gamma.start * factor
        tried = _with(plan, start)
        state = yield from _short(tried, pixels, world, place * length(plan), total)
        probes.append(Probe(start, _distance(tried, state, pixels, world)))
    chosen, why = choose(probes)
    picked = _with(plan, chosen)
    choices = replace(picked.choices, why=(*plan.choices.why, why))
    return replace(picked, choices=choices, recipe=choices.applied(plan.task.engine).describe())


def choose(probes: list[Probe]) -> tuple[float, str]:
    """The gamma to take, and a sentence that says why.

    Args:
        probes: In the order of FACTORS; the second is the table's.
    """
    middle = probes[1]
    best = min(probes, key=lambda probe: probe.distance)
    taken = best if best.distance < BETTER * middle.distance else middle
    seen = ", ".join(f"{probe.distance:.3g} with {probe.gamma:g}" for probe in probes)
    return taken.gamma, f"gamma is {taken.gamma:g}: short runs ended at a distance of {seen}"


def _with(plan: Plan, start: float) -> Plan:
    choices = replace(plan.choices, gamma=Cosine(start, start / 10))
    return replace(plan, choices=choices)


def _short(
    plan: Plan, pixels: PixelSet, world: World, before: int, total: int
) -> Generator[Progress, None, RunState | None]:
    """Trains a fresh copy of the networks; returns None where it diverges."""
    schedule: Schedule = replace(plan.schedule, images=length(plan))
    torch.manual_seed(derive(plan.seed, "weights"))
    networks = FAMILIES[plan.config.family].build(plan.config.args)
    state = trainer.start(plan.engine, networks, plan.seed, world.compute)
    with Loader(pixels, schedule.batch, plan.seed, background=True) as loader:
        try:
            for progress in trainer.train(plan.engine, state, loader, schedule, world.compute):
                done = before + progress.done
                yield Progress("tuning", done, total, "images", progress.figures)
        except Diverged:
            return None
    return state


def _distance(plan: Plan, state: RunState | None, pixels: PixelSet, world: World) -> float:
    """How far the pictures of a short run are from the data."""
    if state is None:
        return float("inf")
    draw = np.random.Generator(np.random.PCG64(derive(plan.seed, "probe")))
    count = min(COUNT, len(pixels.pixels))
    chosen = np.sort(draw.choice(len(pixels.pixels), count, replace=False))
    rows = None if pixels.condition is None else pixels.condition[torch.from_numpy(chosen)]
    assert isinstance(plan.engine, Synthesis)  # nothing else is probed
    drawn = plan.engine.run(state.averages, Request(plan.seed, range(count), rows))
    levels = drawn.add(1).mul(127.5).round().byte().numpy()
    extractor = shipped(plan.task.extractor)
    real = extract(extractor, np.asarray(pixels.pixels[chosen]))
    distance = frechet_distance(real, extract(extractor, levels))
    shared = torch.tensor([distance], dtype=torch.float64)
    distributed.average([shared], world.compute.world)  # every process must choose the same
    return float(shared)
