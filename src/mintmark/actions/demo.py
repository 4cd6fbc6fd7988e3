"""The verb `demo`: from nothing to digits that were learned here, and a report."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from mintmark.actions import choosing, drawing, zoo
from mintmark.actions.evaluate import Drawn, measure
from mintmark.actions.evaluation import Evaluation
from mintmark.actions.generate import load
from mintmark.actions.prepare import get, read
from mintmark.actions.report import markdown
from mintmark.actions.requests import DemoRequest, EvaluateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import World
from mintmark.core.files import write_json, write_text
from mintmark.core.records import Progress
from mintmark.provenance.mark import SHEET, write_marked

COUNT = 1000  # digits that are generated and judged
WIDTH = 20  # digits a row of the grid
SHOWN = 36  # pictures of each package that comes with Mintmark


@dataclass(frozen=True)
class Reading:
    """What a classifier of real digits makes of the generated ones.

    Attributes:
        real: Its accuracy on real digits it never saw.
        asked: Share of generated digits in which it finds the class asked for.
        by_class: The same for each class.
    """

    real: float
    asked: float
    by_class: tuple[float, ...]


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Attributes:
        folder: Holds grid.png, report.md, figures.json, report/, data/ and run/.
        reading: The classifier's verdict.
        evaluation: The metrics.
        seconds: From the first line to the last.
    """

    folder: Path
    reading: Reading
    evaluation: Evaluation
    seconds: float


def demo(request: DemoRequest, world: World) -> Generator[Progress, None, Demo]:
    """Builds the data, trains, generates, measures and reports.

    Args:
        request: Where to, and which seed.
        world: The machine.

    Yields:
        The progress of each part.

    Returns:
        The figures that report.md tells.
    """
    began = time.monotonic()
    out = request.out
    yield from _shown(out, request.seed, world)
    data = get("digits", out / "data")
    run = out / "run"
    wish = TrainRequest(
        task="digits",
        data=data / "train",
        out=run,
        preset="tiny",  # the one that the promises are measured with, on every device
        seed=request.seed,
        images=request.images,
    )
    yield from train(wish, world)
    package = load(run / "package", world)
    picture = drawing.draw_sheet(package, request.seed, 10 * WIDTH)
    recipe = drawing.recipe_of(package, request.seed, SHEET, more={"count": 10 * WIDTH})
    write_marked(out / "grid.png", picture, package, recipe)
    question = EvaluateRequest(
        package=str(run / "package"),
        data=data / "train",
        held_out=data / "held-out",
        count=COUNT,
        seed=request.seed,
        out=out / "report",
    )
    evaluation, drawn = yield from measure(package, question, world)
    reading = read_digits(data, drawn, world)
    result = Demo(out, reading, evaluation, time.monotonic() - began)
    figures = evaluation.to_json() | {"reading": reading.__dict__, "seconds": result.seconds}
    write_json(out / "figures.json", figures)
    write_text(out / "report.md", report(result))
    return result


def _shown(out: Path, seed: int, world: World) -> Generator[Progress]:
    """Sheets of the packages that come with Mintmark, to look at while the digits are learned."""
    names = zoo.drawing()
    for place, name in enumerate(names, 1):
        package = load(name, world)
        picture, recipe = choosing.sheet(package, seed, SHOWN)
        path = out / "zoo" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_marked(path, picture, package, recipe)
        told = f"Look at {path}: drawn just now by the package {name!r}"
        yield Progress("showing", place, len(names), "packages", {}, told)


def read_digits(data: Path, drawn: Drawn, world: World) -> Reading:
    """Asks a support vector machine that knows only the real training digits."""
    cache = world.settings.cache / "pixels"
    train_set = read(data / "train").pixels((1, 8, 8), cache)
    held_out = read(data / "held-out").pixels((1, 8, 8), cache)
    judge = SVC(gamma=0.256)  # 0.001 on digits scaled to [0, 16], as scikit-learn shows it
    judge.fit(_flat(train_set.pixels), train_set.labels)
    right = judge.predict(_flat(drawn.pixels)) == drawn.labels
    classes = tuple(float(right[drawn.labels == c].mean()) for c in range(10))
    accuracy = float(judge.score(_flat(held_out.pixels), held_out.labels))
    return Reading(accuracy, float(right.mean()), classes)


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1) / 255.0


def report(result: Demo) -> str:
    """The demo's report in Markdown."""
    reading = result.reading
    worst = int(np.argmin(reading.by_class))
    return f"""# Handwritten digits, learned on this machine

![A row a class](grid.png)

Every digit above was drawn by a network that learned from 1,200 real ones in this demo
({result.seconds / 60:.1f} minutes from its last start on). Each file that leaves Mintmark says
that it is synthetic and how to make it again.

## Do they show what was asked?

A classifier that knows only real digits (right on {reading.real:.1%} of 597 that it never saw)
finds the asked digit in **{reading.asked:.1%}** of {COUNT:,} generated ones; at worst, in
{reading.by_class[worst]:.1%} of the {worst}s.

## Are they like the real ones, and as varied?

{markdown(result.evaluation)}
## What next

    mintmark generate {result.folder}/run/package --class 7 --count 16 --grid --out sevens
    mintmark package show {result.folder}/run/package
    mintmark train pictures FOLDER_OF_YOUR_PICTURES --out runs/mine --minutes 60
"""
