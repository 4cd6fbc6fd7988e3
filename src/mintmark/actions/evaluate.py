"""The verb `evaluate`: how near a package's pictures are to real ones, with proof."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import asked, asking, curves, drawing, judging, report, sheets, walks
from mintmark.actions.evaluation import PIXELS, Chart, ClassFigures, Evaluation, Sheet
from mintmark.actions.generate import load
from mintmark.actions.prepare import read
from mintmark.actions.requests import EvaluateRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.lineage import version
from mintmark.core.records import Progress, Score
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.data.manifest import Snapshot
from mintmark.engines.synthesis import CHUNK
from mintmark.metrics.copies import find_copies
from mintmark.metrics.distribution.neighbours import NEIGHBOURS
from mintmark.metrics.extractors import Extractor, extract, logits
from mintmark.metrics.memorisation import Neighbour, Novelty, novelty
from mintmark.metrics.protocol import inception_scores, overlaps, protocol, scores
from mintmark.metrics.reference import features_of
from mintmark.models.conditions import Kind
from mintmark.models.package import Config, Package

MOST_REAL = 10_000  # real pictures that are compared with
COUNT = 1000  # pictures generated unless asked otherwise
PIXEL_SIDE = 32  # plain pixels are compared at this side at most: more takes gigabytes
CURVE = 300  # pictures for each point of the truncation curve


@dataclass(frozen=True)
class Copying:
    """What was found of copies.

    Attributes:
        train: The training pictures that were searched.
        novelty: Distances in pixels next to those of held-out pictures.
        score: Share of copies, also of moved and mirrored ones.
        nearest: Pairs to look at: copies first, then by distance.
    """

    train: PixelSet
    novelty: Novelty
    score: Score
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Reals:
    """Real pictures as a package sees them."""

    snapshot: Snapshot
    pixels: PixelSet


@dataclass(frozen=True)
class Drawn:
    """Generated pictures.

    Attributes:
        pixels: (M, C, H, W), in [0, 255].
        rows: What each was asked to show, (M, ...), or None.
        kind: Which kind of condition that is.
    """

    pixels: NDArray[np.uint8]
    rows: Tensor | None
    kind: Kind

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """Their classes, (M,), or None."""
        return None if self.rows is None or self.kind != "class" else self.rows.numpy()


def evaluate(request: EvaluateRequest, world: World) -> Generator[Progress, None, Evaluation]:
    """Measures a package against real pictures, with the protocol of each number.

    Args:
        request: The package, the data it learned from, and held-out data if any.
        world: The machine.

    Yields:
        Progress in pictures generated, then in parts measured.

    Returns:
        The evaluation; also written to `request.out` where that is given.

    Raises:
        InputError: The package, the data or the extractor cannot be used.
    """
    evaluation, _ = yield from measure(load(request.package, world), request, world)
    return evaluation


def measure(
    package: Package, request: EvaluateRequest, world: World
) -> Generator[Progress, None, tuple[Evaluation, Drawn]]:
    """The same as `evaluate`, of a loaded package; also returns what was drawn."""
    _require_out(request)
    cache = world.settings.cache
    data = _reals(request.data, package.config, cache)
    held_out = _reals(request.held_out, package.config, cache) if request.held_out else None
    if held_out is not None and held_out.snapshot.digest == data.snapshot.digest:
        raise DataError(
            f"{request.held_out} holds the training pictures themselves; give real pictures that "
            "training never saw, or leave out --held-out."
        )
    conditions = package.config.conditions
    rows = asking.rows_like(conditions, data.snapshot, request.count or COUNT, request.seed)
    for reals, path in ((data, request.data), (held_out, request.held_out)):
        _require_neighbours(reals, path)
    extractor = judging.choose(request.features, package, data.pixels, world)
    fake = yield from _draw(package, request, rows)
    yield Progress("measuring", 0, 3, "parts")
    some = _at_most(data.pixels, MOST_REAL, request.seed)
    features = features_of(extractor, some.pixels, some.snapshot, cache / "features")
    found = (
        *_in_features(extractor, features, some, fake, request.seed),
        *_in_pixels(some, fake, request.seed),
    )
    copies = None if held_out is None else _copies(data, held_out, fake, request.seed)
    yield Progress("measuring", 1, 3, "parts")
    classes, judged = _classes(package.config, data, fake, request, cache)
    yield Progress("measuring", 2, 3, "parts")
    smooth, charts, pictures = _beyond(package, extractor, features, data.snapshot, request)
    evaluation = Evaluation(
        package=package.digest,
        task=package.config.task,
        facts=_facts(package, request, data, fake, extractor)
        | _judge(data, held_out, cache)
        | judged,
        scores=(*found, *(() if copies is None else (copies.score,)), *smooth),
        novelty=None if copies is None else copies.novelty,
        classes=classes,
        charts=(*charts, *curves.training(package.path.parent / "log.jsonl")),
        sheets=(*_sheets(package, data, fake, copies, request.seed), *pictures),
    )
    if request.out:
        report.write(evaluation, request.out)
    yield Progress("measuring", 3, 3, "parts")
    return evaluation, fake


def _draw(
    package: Package, request: EvaluateRequest, rows: Tensor | None
) -> Generator[Progress, None, Drawn]:
    """Generates the pictures that are measured, a few at a time."""
    count = request.count or COUNT
    parts = []
    for first in range(0, count, CHUNK):
        indices = range(first, min(first + CHUNK, count))
        chosen = None if rows is None else rows[first : first + CHUNK]
        parts.append(drawing.pixels(package, request.seed, indices, chosen))
        yield Progress("generating", indices.stop, count, "pictures")
    return Drawn(np.concatenate(parts), rows, package.config.conditions.kind)


def _reals(path: Path, config: Config, cache: Path) -> Reals:
    data = read(path)
    return Reals(data.snapshot, data.pixels(config.shape, cache / "pixels"))


def _require_out(request: EvaluateRequest) -> None:
    """Refuses a place for the report before hours are spent on it."""
    out = request.out
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; choose a folder for --out.")
    for data in (request.data, request.held_out):
        if data is not None and out.resolve().is_relative_to(data.resolve()):
            raise ConfigError(
                f"{out} lies in the data, which the report's pictures would change; choose an "
                "--out elsewhere."
            )


def _require_neighbours(reals: Reals | None, path: Path | None) -> None:
    if reals is None:
        return
    count = len(reals.pixels.pixels)
    if count <= NEIGHBOURS:
        raise DataError(f"{path} holds {count} pictures; measuring needs more than {NEIGHBOURS}.")


def _at_most(real: PixelSet, count: int, seed: int) -> PixelSet:
    """The set, or `count` pictures drawn from it; the protocol tells how many."""
    if len(real.pixels) <= count:
        return real
    draw = np.random.Generator(np.random.PCG64(derive(seed, "evaluate", "real")))
    chosen = np.sort(draw.choice(len(real.pixels), count, replace=False))
    labels = None if real.labels is None else real.labels[chosen]
    return replace(real, pixels=real.pixels[chosen], labels=labels)


def _in_features(
    extractor: Extractor, features: NDArray[np.float64], real: PixelSet, fake: Drawn, seed: int
) -> tuple[Score, ...]:
    shared = protocol(
        features=extractor.name,
        extractor=extractor.digest,
        dimensions=extractor.dimensions,
        real=len(features),
        fake=len(fake.pixels),
        size=_sides(real.pixels),
        channels=real.pixels.shape[1],
        seed=seed,
        resize=extractor.resize,
        scaling=extractor.scaling,
        snapshot=real.snapshot,
        code_version=version(),
    )
    ours = extract(extractor, fake.pixels)
    found = scores(features, ours, shared, seed)
    if extractor.name != "inception":
        return found
    return (*found, *inception_scores(logits(extractor, ours), shared, seed))


def _in_pixels(real: PixelSet, fake: Drawn, seed: int) -> tuple[Score, ...]:
    theirs, ours = _flat(real.pixels), _flat(fake.pixels)
    return overlaps(theirs, ours, _pixel_protocol(real, fake, ours.shape[1], seed))


def _pixel_protocol(real: PixelSet, fake: Drawn, dimensions: int, seed: int) -> dict[str, Any]:
    return protocol(
        features=PIXELS,
        extractor=PIXELS,
        dimensions=dimensions,
        real=len(real.pixels),
        fake=len(fake.pixels),
        size=_sides(fake.pixels),
        channels=fake.pixels.shape[1],
        seed=seed,
        resize=f"box to {PIXEL_SIDE} where larger",
        snapshot=real.snapshot,
        code_version=version(),
    )


def _copies(data: Reals, held_out: Reals, fake: Drawn, seed: int) -> Copying:
    some = _at_most(data.pixels, MOST_REAL, seed)
    train = np.asarray(some.pixels)
    others = np.asarray(_at_most(held_out.pixels, MOST_REAL, seed).pixels)
    found = find_copies(train, others, fake.pixels)
    share = float(found.copied.mean())
    how = {
        **_pixel_protocol(some, fake, int(np.prod(train.shape[1:])), seed),
        "resize": "none",
        "aligned": "over shifts and mirror images",
        "held_out": [held_out.snapshot.digest, len(others)],
    }
    order = np.lexsort((found.best.distance, ~found.copied))[: sheets.PAIRS]
    nearest = (
        Neighbour(int(i), int(found.best.train[i]), float(found.best.distance[i])) for i in order
    )
    return Copying(
        some,
        novelty(_flat(train), _flat(others), _flat(fake.pixels)),
        Score("copies", share, how, math.sqrt(share * (1 - share) / len(fake.pixels))),
        tuple(nearest),
    )


def _classes(
    config: Config, data: Reals, fake: Drawn, request: EvaluateRequest, cache: Path
) -> tuple[tuple[ClassFigures, ...], dict[str, str]]:
    """How each class, value or caption came out, and how good the judge of it is."""
    conditions, snapshot = config.conditions, data.snapshot
    match conditions.kind:
        case "attributes" if not request.quick:
            theirs = asking.learned(conditions, snapshot)
            assert theirs is not None and fake.rows is not None
            rows, told = asked.by_attribute(
                conditions, data.pixels, theirs, fake.pixels, fake.rows, cache
            )
        case "text" if not request.quick:
            places = asking.like(snapshot, len(fake.pixels), request.seed)
            texts = [snapshot.items[place].text or "" for place in places]
            rows, told = asked.by_caption(snapshot, data.pixels, fake.pixels, texts, request.seed)
        case _:
            labels, names = fake.labels, snapshot.classes
            found = judging.by_class(config.classes, data.pixels, names, fake.pixels, labels, cache)
            return found, {}
    return rows, {"judge": told} if told else {}


def _judge(data: Reals, held_out: Reals | None, cache: Path) -> dict[str, str]:
    """How good the classifier is that names the classes, where that can be known."""
    if (
        len(data.snapshot.classes) < 2
        or held_out is None
        or held_out.snapshot.classes != data.snapshot.classes
    ):
        return {}
    share = judging.rightness(data.pixels, held_out.pixels, cache)
    return {} if share is None else {"classifier": f"right on {share:.1%} of the held-out"}


def _beyond(
    package: Package,
    extractor: Extractor,
    features: NDArray[np.float64],
    snapshot: Snapshot,
    request: EvaluateRequest,
) -> tuple[tuple[Score, ...], tuple[Chart, ...], tuple[Sheet, ...]]:
    """What takes more drawing: smoothness, truncation, ways; nothing where haste is asked for."""
    if request.quick:
        return (), (), ()
    seed = request.seed
    conditions = package.config.conditions
    rows = asking.rows_like(conditions, snapshot, COUNT, seed)  # whatever count is asked for
    draw = np.random.Generator(np.random.PCG64(derive(seed, "evaluate", "curve")))
    some = features[draw.permutation(len(features))[:CURVE]]  # data is often sorted by class
    chart, strips = walks.interpolation(package, extractor, rows, seed)
    truncated = walks.truncation(package, extractor, some, rows, seed)
    return (
        (walks.smoothness(package, extractor, rows, snapshot.digest, seed),),
        (truncated, chart),
        (strips,),
    )


def _sheets(
    package: Package, data: Reals, fake: Drawn, copies: Copying | None, seed: int
) -> tuple[Sheet, ...]:
    real = sheets.reals(data.pixels, data.snapshot.classes, package.config.classes, seed)
    beside = (sheets.samples(package, seed), real)
    if copies is None:
        return beside
    return (*beside, sheets.neighbours(package, copies.train, fake.pixels, copies.nearest, seed))


def _facts(
    package: Package,
    request: EvaluateRequest,
    data: Reals,
    fake: Drawn,
    extractor: Extractor,
) -> dict[str, str]:
    config, rights = package.config, data.snapshot.rights
    return {
        "package": f"{package.path.name} ({package.digest[:12]})",
        "data": f"{request.data.name} ({data.snapshot.digest[:12]})",
        "held out": request.held_out.name if request.held_out else "none",
        "pictures": f"{config.width} x {config.height}, {config.channels} channels",
        "generated": f"{len(fake.pixels):,}, seed {request.seed}",
        "real": f"{len(data.pixels.pixels):,}",
        "measured in": f"{extractor.name} ({extractor.digest[:12]})",
        "licence": rights.licence,
        "attribution": "; ".join(rights.attribution) or "none",
        "made by": f"Mintmark {version()}",
    }


def _sides(pixels: NDArray[np.uint8]) -> int | list[int]:
    """The side of square pictures, or rows and columns."""
    height, width = pixels.shape[2:]
    return height if height == width else [height, width]


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pictures as rows of numbers in [0, 1], (N, C * h * w), box-reduced to about PIXEL_SIDE."""
    n, channels, height, width = pixels.shape
    factor = max(min(height, width) // PIXEL_SIDE, 1)
    height, width = height // factor, width // factor
    whole = pixels[:, :, : height * factor, : width * factor]  # a rest is left out
    blocks = whole.reshape(n, channels, height, factor, width, factor)
    means: NDArray[np.float64] = blocks.mean(axis=(3, 5), dtype=np.float64)
    return means.reshape(n, -1) / 255.0
