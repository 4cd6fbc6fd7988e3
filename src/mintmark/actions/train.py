"""The verb `train`: from a data set to a package, resumable at any instant."""

import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from mintmark.actions import asking, choices, cost, previews, sheets, translating, tune
from mintmark.actions import plan as plans
from mintmark.actions.monitor import Monitor, watch
from mintmark.actions.packing import Prepared, as_it_is, draw_samples, save_package
from mintmark.actions.plan import Plan
from mintmark.actions.prepare import Data, read
from mintmark.actions.requests import PackRequest, TrainRequest
from mintmark.actions.world import World
from mintmark.actions.zoo import find
from mintmark.core.errors import CheckpointError, ConfigError, MintmarkError, ResumeError
from mintmark.core.files import sync, write_bytes, write_text
from mintmark.core.records import Progress
from mintmark.core.seeds import derive
from mintmark.data.doctor import examine
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.paired import Paired
from mintmark.metrics.extractors import shipped
from mintmark.models.families import FAMILIES
from mintmark.models.package import Package, from_pretrained
from mintmark.tasks._task import Restoration, Task, Translation, find_task
from mintmark.training import distributed, durable, trainer
from mintmark.training.checkpoint import Store
from mintmark.training.runlog import RunLog
from mintmark.training.trainer import RunState

SAMPLES = 20  # sample sheets a run
LOG_EVERY = 20  # steps
SHORT = 100  # steps; a shorter run is over before its cost is known
MOST_TUNING = 0.2  # of a run's images that probes may take unless they are asked for


def train(request: TrainRequest, world: World) -> Generator[Progress]:
    """Trains a task on a data set; goes on where a run in `request.out` stopped.

    The run folder gets `run.json`, `snapshot.json`, `checkpoints/`,
    `log.jsonl`, `events/`, `samples/` and, at the end, `package/`.

    Args:
        request: What to train, on what, where to.
        world: The machine.

    Yields:
        Progress after each step. Closing the iterator saves a checkpoint.

    Raises:
        InputError: The request, the data or the run folder cannot be used;
            nothing was written.
        MintmarkError: The run ended badly; what it had learned is kept.
    """
    if not isinstance(find_task(request.task), Task):
        world = world.for_given_pictures()
    with distributed.joined(world.compute):
        run = yield from _prepare(request, world)
        yield from _findings(run)
        yield from _steps(run, world)
        if world.compute.rank == 0:
            save_package(run, world, run.folder / "package")
        distributed.wait_for_all(world.compute.world)


def pack(request: PackRequest, world: World) -> Generator[Progress, None, Package]:
    """Makes a package of a checkpoint that a run has kept, such as one before it got worse.

    Args:
        request: Which run, what it learns from, which step, where to.
        world: The machine.

    Yields:
        Nothing; the run is not trained on, and nothing in its folder changes.

    Returns:
        The package.

    Raises:
        ResumeError: There is no run or no checkpoint of that step, or `out` is not free.
    """
    if not (request.run / "run.json").exists():
        raise ResumeError(f"{request.run} holds no run; name the folder that train wrote to.")
    plan = plans.read(request.run)
    _require_free(request.out, request.data)
    if not isinstance(plan.task, Task):
        world = world.for_given_pictures()
    asked = TrainRequest(
        task=plan.task.name, data=request.data, out=request.run, kinds=plan.choices.kinds
    )
    run = yield from _prepare(asked, world)
    if run.store.restore(run.state, request.step) is None:
        kept = ", ".join(map(str, run.store.steps()))
        raise ResumeError(
            f"{request.run} has no whole checkpoint of step {request.step}; it has kept: {kept}."
        )
    return save_package(run, world, request.out)


def _prepare(request: TrainRequest, world: World) -> Generator[Progress, None, Prepared]:
    """Reads the data, and the plan of the run or makes one; builds the networks."""
    data = read(request.data, request.skip_broken)
    if request.kinds:
        data = translating.sorted_by(data, request.kinds, request.task)
    begun = (request.out / "run.json").exists()
    given = None if begun else _given(request)
    if begun:
        plan = plans.read(request.out)
        plans.require_same(plan, request, data)
    else:
        _require_free(request.out, request.data)
        base = plans.read(request.fork) if request.fork else None
        plan = plans.new_plan(request, data, world, base, given)
    pixels = pixels_of(plan, data, world)
    if not begun and pixels.partners is not None:
        sentence = translating.found(pixels.partners)
        yield Progress("training", 0, plan.schedule.images, "images", {}, sentence)
    distributed.rows_of(world.compute, plan.schedule.batch)  # refuses before anything is written
    if not begun:
        plan = yield from _fitted(plan, request, data, pixels, world)
    torch.manual_seed(derive(plan.seed, "weights"))
    networks = FAMILIES[plan.config.family].build(plan.config.args)
    state = trainer.start(plan.engine, networks, plan.seed, world.compute)
    if request.fork and not begun:
        _adopt(request.fork, state, plan)
    if given:
        _inherit(given, state, plan)
    run = Prepared(plan, data, pixels, state, request.out)
    distributed.wait_for_all(world.compute.world)  # all have looked before one of them writes
    if not begun and world.compute.rank == 0:
        _begin(run)
    distributed.wait_for_all(world.compute.world)
    return run


def _fitted(
    plan: Plan, request: TrainRequest, data: Data, pixels: PixelSet, world: World
) -> Generator[Progress, None, Plan]:
    """The plan with what depends on the machine: micro-batches, length, gamma; tells its cost."""
    needed = cost.memory(plan)
    if request.micro is None:
        rows = cost.micro(plan, needed, cost.free(world.compute))
        plan = replace(plan, schedule=replace(plan.schedule, micro=rows))
    short = plan.schedule.images < SHORT * plan.schedule.batch
    if short and not (request.minutes or request.tune):
        return plan
    pace = cost.pace(plan, pixels, world.compute)
    tunes = _tunes(request, plan)
    if request.minutes:
        plan = plans.within(plan, request, data, pace)
        tunes = _tunes(request, plan)
        plan = plans.shorter(plan, len(tune.FACTORS) * tune.length(plan)) if tunes else plan
    yield Progress("training", 0, plan.schedule.images, "images", {}, cost.tell(plan, pace, needed))
    if tunes:
        plan = yield from tune.tuned(plan, pixels, world)
    for sentence in plan.choices.why:
        yield Progress("training", 0, plan.schedule.images, "images", {}, sentence)
    return plan


def _tunes(request: TrainRequest, plan: Plan) -> bool:
    """Whether gamma is probed: as asked for, else where nobody chose it and it costs little."""
    if request.tune is not None:
        return request.tune
    chosen = request.gamma is not None or plan.task.engine.gamma is not None
    fresh = request.fork is None and request.start is None
    return fresh and not chosen and tune.share(plan) <= MOST_TUNING


def _given(request: TrainRequest) -> Package | None:
    """The package that a run starts from, with its discriminator where it has one."""
    if not request.start:
        return None
    package = from_pretrained(find(request.start))
    judged = "D" in package.config.networks
    return from_pretrained(find(request.start), ("G", "D")) if judged else package


def pixels_of(plan: Plan, data: Data, world: World) -> PixelSet:
    """The decoded pictures with what the model shall learn of each, or pieces of them."""
    if isinstance(plan.task, Restoration):
        cache = world.settings.cache / "pixels"
        if plan.task.objects:
            return data.composites(plan.config.shape, cache, plan.task.cutting)
        pairing, exact = plan.choices.pairing, "palette" in plan.config.args
        rows = pairing.rows(data.snapshot, exact) if pairing else None
        return data.pieces(plan.sample, cache, plan.task.cutting, rows)
    if isinstance(plan.task, Translation):
        cache = world.settings.cache / "pixels"
        pieces = data.pieces(plan.config.shape, cache, plan.task.cutting)
        alike = plan.choices.content == "likeness"
        return translating.with_references(pieces, plan.task.kinds, alike)
    pixels = data.pixels(plan.config.shape, world.settings.cache / "pixels")
    conditions, balance = plan.config.conditions, plan.choices.balance
    return replace(
        pixels,
        condition=asking.learned(conditions, data.snapshot),
        groups=choices.groups(conditions, data.snapshot, balance) if balance else None,
        parts=tuple(attribute.width for attribute in conditions.attributes),
    )


def _inherit(given: Package, state: RunState, plan: Plan) -> None:
    """Takes over every tensor of a package that has a place here.

    What belongs to another condition does not fit, and is learned anew. The stage that
    a growing network had come to is this run's own affair.
    """
    anew = given.config.conditions != plan.config.conditions
    for name, given_network in given.networks.items():
        network = state.networks[name]
        theirs, ours = given_network.state_dict(), network.state_dict()
        same = [key for key in theirs if key in ours and theirs[key].shape == ours[key].shape]
        fitting = {
            key: theirs[key] for key in same if key != "level" and not (anew and "embed" in key)
        }
        network.load_state_dict(fitting, strict=False)
    for name, kept in plan.engine.averaged.items():
        state.averages[name].load_state_dict(state.networks[kept.network].state_dict())


def _begin(run: Prepared) -> None:
    """Makes the run's folder appear whole: its plan, its data's check, its first state."""
    folder = run.folder.resolve()
    part = folder.parent / f".{folder.name}.begun"
    shutil.rmtree(part, ignore_errors=True)  # of a beginning that was killed
    part.mkdir(parents=True)
    plans.write(run.plan, run.data, part)
    data = run.data
    task, size = run.plan.task, max(run.plan.config.shape[1:])
    whole = isinstance(task, Task) or task.cutting == "whole"
    report = examine(data.source, data.snapshot, data.broken, size, whole)
    write_text(part / "data.txt", report.text())
    if run.pixels.partners is not None:
        write_bytes(part / "counterparts.png", sheets.counterparts(run.pixels, run.plan.seed))
    Store(part / "checkpoints").save(run.state)
    part.replace(folder)
    sync(folder.parent)


def _findings(run: Prepared) -> Iterator[Progress]:
    """What the data's check warned of, told once more before the steps begin."""
    if run.state.step == 0 and (run.folder / "data.txt").exists():
        total = run.plan.schedule.images
        for line in (run.folder / "data.txt").read_text().splitlines():
            if line.lower().startswith(("error", "warning")):
                yield Progress("training", 0, total, "images", {}, line)


def _require_free(folder: Path, data: Path) -> None:
    """Refuses to start a run among files that are not a run's."""
    if folder.resolve().is_relative_to(data.resolve()):
        raise ResumeError(
            f"{folder} lies in the data, which the run's own pictures would change; choose an "
            "--out elsewhere."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ResumeError(
            f"{folder} is not empty and holds no run; choose another --out or empty it first."
        )


def _adopt(source: Path, state: RunState, plan: Plan) -> None:
    """Takes the networks of another run's newest checkpoint, and nothing else of it."""
    try:
        found = Store(source / "checkpoints").restore(state)
    except CheckpointError as error:
        raise ResumeError(
            f"The networks in {source} differ from the ones asked for; "
            "fork with the same preset, size and number of classes."
        ) from error
    if found is None:
        raise ResumeError(f"{source} holds no whole checkpoint to fork from; train it first.")
    for optimizer in state.optimizers.values():
        optimizer.state.clear()
    state.step, state.images_seen, state.seed = 0, 0, plan.seed
    state.controls = {"gamma_scale": 1.0, "retries": 0.0, **plan.engine.controls()}
    state.monitors = {}


def _steps(run: Prepared, world: World) -> Iterator[Progress]:
    """Steps the run to its end; saves, logs and draws samples between steps."""
    plan, state, compute = run.plan, run.state, world.compute
    run.store.restore(state)
    with ExitStack() as stack:
        if compute.rank == 0:
            stack.enter_context(_alone(run.folder))
        loader = stack.enter_context(
            Loader(run.pixels, plan.schedule.batch, plan.seed, background=True)
        )
        log = stack.enter_context(RunLog(run.folder, state.step)) if compute.rank == 0 else None
        monitor = _monitor(run) if compute.rank == 0 else None
        steps = durable.run(
            plan.engine, state, loader, plan.schedule, compute, run.store, run.save_every
        )
        try:
            for progress in steps:
                yield progress if log is None else _observe(run, log, monitor, progress)
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"A batch of {plan.schedule.batch} does not fit into the device's memory; start "
                "again in another folder with --micro 16 or less, which gives the same run in "
                "smaller bites."
            ) from error
        except GeneratorExit:
            if log is not None:
                run.store.save(state)
            raise
        except MintmarkError as error:
            if log is not None:
                _report(run, error)
            raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps a second run of the same command out; the system unlocks when a process dies."""
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ResumeError(
            f"Another process is training in {folder}; wait for it or stop it."
        ) from error
    with lock:
        yield


def _monitor(run: Prepared) -> Monitor | None:
    if not isinstance(run.plan.task, Task):
        return None
    extractor = shipped(run.plan.task.extractor)
    return watch(extractor, run.pixels, run.plan.seed, run.folder / "log.jsonl")


def _observe(run: Prepared, log: RunLog, monitor: Monitor | None, progress: Progress) -> Progress:
    """Logs a step; draws and measures samples when they are due, and tells what they say."""
    step = run.state.step
    if progress.message:
        log.tell(step, progress.message)
    if step % LOG_EVERY == 0 and progress.figures:
        log.write(step, run.state.images_seen, progress.figures)
    if step % max(1, run.plan.schedule.steps // SAMPLES) or not progress.figures:
        return progress
    package = as_it_is(run)
    draw_samples(run, package)
    figures, alarm = monitor.look(package) if monitor else (_fidelity(run, package), "")
    if figures:
        log.write(step, run.state.images_seen, figures)
    if alarm:
        log.tell(step, alarm)
    message = "; ".join(part for part in (progress.message, alarm) if part)
    return replace(progress, figures={**progress.figures, **figures}, message=message)


def _fidelity(run: Prepared, package: Package) -> Mapping[str, float]:
    """How near a restoration is to the truth; nothing where pictures are new."""
    engine = run.plan.engine
    if not isinstance(engine, Paired):
        return {}
    return previews.fidelity(engine, package, run.pixels, run.plan.seed)


def _report(run: Prepared, error: MintmarkError) -> None:
    """Says in the run folder how the run ended, for who comes back later."""
    text = (
        f"# The run ended early\n\n{error}\n\nStep {run.state.step}, "
        f"{run.state.images_seen} of {run.plan.schedule.images} images. The figures are in "
        "`log.jsonl`, the pictures in `samples/`, the last good state in `checkpoints/`.\n"
    )
    write_text(run.folder / "report.md", text)
