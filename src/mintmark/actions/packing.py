"""What a run leaves behind: sheets of samples while it trains, and its package."""

from dataclasses import dataclass
from pathlib import Path

from mintmark.actions import choices, choosing, drawing, known, previews
from mintmark.actions.plan import Plan
from mintmark.actions.prepare import Data
from mintmark.actions.world import World
from mintmark.core.errors import GuardError
from mintmark.core.files import digest_json
from mintmark.core.lineage import version
from mintmark.core.records import Lineage
from mintmark.data.loader import PixelSet
from mintmark.engines.paired import Paired
from mintmark.engines.unpaired import Unpaired
from mintmark.metrics.extractors import shipped
from mintmark.models.card import render
from mintmark.models.families import FAMILIES
from mintmark.models.package import Package, save_pretrained
from mintmark.provenance.mark import COMPOSITE, SHEET, mark, write_marked
from mintmark.tasks._task import Task
from mintmark.training.checkpoint import Store
from mintmark.training.trainer import RunState

SAVES = 40  # checkpoints a run
SAMPLE_SEED = 0  # of sample sheets, so that they show the same latents all along


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to step."""

    plan: Plan
    data: Data
    pixels: PixelSet
    state: RunState
    folder: Path

    @property
    def store(self) -> Store:
        """Where its checkpoints are: the newest two, and one a quarter of the run."""
        quarter = self.save_every * (SAVES // 4)
        return Store(self.folder / "checkpoints", keep_every=quarter)

    @property
    def save_every(self) -> int:
        """Steps between checkpoints."""
        return max(1, self.plan.schedule.steps // SAVES)


def as_it_is(run: Prepared) -> Package:
    """The averaged generator of a run in its middle, as a package that lies nowhere."""
    digest = digest_json({"run": run.plan.to_json(), "step": run.state.step})
    return Package(run.plan.config, dict(run.state.averages), _lineage(run), digest, run.folder)


def draw_samples(run: Prepared, package: Package) -> None:
    """Writes a marked sheet of a package's pictures at fixed latents."""
    folder = run.folder / "samples"
    folder.mkdir(exist_ok=True)
    path, engine = folder / f"step-{run.state.step:08d}.png", run.plan.engine
    if isinstance(engine, Paired):
        picture = previews.sheet(engine, package, run.pixels, run.plan.seed)
        recipe = drawing.recipe_of(package, run.plan.seed, SHEET, more={"report": "restored"})
        write_marked(path, picture, package, recipe, COMPOSITE)  # real pictures are on it
        return
    if isinstance(engine, Unpaired):
        draw = previews.kinds if package.config.classes else previews.styles
        picture = draw(engine, package, run.pixels, run.plan.seed)
        recipe = drawing.recipe_of(package, run.plan.seed, SHEET, more={"report": "translated"})
        write_marked(path, picture, package, recipe, COMPOSITE)
        return
    count = _samples(package)
    picture = drawing.draw_sheet(package, SAMPLE_SEED, count)  # nothing is guarded yet
    recipe = drawing.recipe_of(package, SAMPLE_SEED, SHEET, more={"count": count})
    write_marked(path, picture, package, recipe)


def _samples(package: Package) -> int:
    """Ten pictures a class, or a square of 64."""
    return min(10 * len(package.config.classes), drawing.MOST_ON_A_SHEET) or 64


def _lineage(run: Prepared) -> Lineage:
    schedule = run.plan.schedule
    return Lineage(
        snapshot=run.plan.snapshot,
        rights=run.plan.rights,
        code_version=version(),
        seed=run.plan.seed,
        base=run.plan.base,
        run={"images_seen": run.state.images_seen, "batch": schedule.batch},
    )


def save_package(run: Prepared, world: World, folder: Path) -> Package:
    """Writes the run's package: averaged generator, discriminator, card, samples."""
    plan, state = run.plan, run.state
    origin = _lineage(run)
    figures = {
        "images seen": f"{state.images_seen:,}",
        "pictures learned from": f"{len(run.data.snapshot.items):,}",
        "NaN retries": f"{state.controls['retries']:g}",
    }
    size = f"{plan.config.width}x{plan.config.height}"
    command = f"mintmark train {plan.task.name} DATA --out RUN --size {size} {_flags(plan)}"
    if state.step < plan.schedule.steps:
        command += f"\nmintmark package make RUN DATA --step {state.step} --out PACKAGE"
    hardware = f"{world.compute.device.type}, {str(world.compute.dtype).removeprefix('torch.')}"
    card = render(plan.config, origin, figures, command, hardware, (plan.task.about,))

    def samples(package: Package) -> dict[str, bytes]:
        try:
            picture, recipe = choosing.sheet(package, SAMPLE_SEED, _samples(package))
        except GuardError:  # nothing that may be shown
            return {}
        return {"grid.png": mark(picture, package, recipe)}

    networks = {**state.networks, **state.averages}
    if not isinstance(plan.task, Task):  # its samples would be the user's own photographs
        return save_pretrained(folder, plan.config, networks, origin, card)
    return save_pretrained(
        folder, plan.config, networks, origin, card, samples, {known.FILE: _memory(run)}
    )


def _flags(plan: Plan) -> str:
    """The options of the command that makes a run again, beside its data, size and place."""
    config, made, schedule = plan.config, plan.choices, plan.schedule
    alpha = {2: "keep", 4: "keep"}.get(config.channels)
    told = {
        "preset": plan.preset,
        "family": config.family if isinstance(plan.task, Task) else None,
        "condition": config.conditions.kind if isinstance(plan.task, Task) else None,
        "encoder": config.conditions.encoder or None,
        "alpha": alpha,
        "augment": made.augment.kind if isinstance(plan.task, Task) else None,
        "gamma": f"{made.gamma.start:g}",
        "input": made.pairing.inputs if made.pairing else None,
        "target-half": made.pairing.half if made.pairing else None,
        "kinds": made.kinds,
        "content": made.content,
        "balance": made.balance if isinstance(plan.task, Task) else None,
        "batch": schedule.batch,
        "images": schedule.images,
        "seed": plan.seed,
        "freeze-d": made.frozen or None,
        "grow": choices.growth(made) if FAMILIES[config.family].grows else None,
        "from": "BASE" if plan.base else None,
    }
    return " ".join(f"--{name} {value}" for name, value in told.items() if value is not None)


def _memory(run: Prepared) -> bytes:
    """What the package remembers of its training pictures."""
    task = run.plan.task
    names = [Path(item.name).stem for item in run.data.snapshot.items]
    return known.remember(shipped(task.extractor), run.pixels.pixels, names, task.guard)
