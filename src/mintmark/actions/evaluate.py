"""The verb `evaluate`: how near a package's pictures are to real ones, with proof."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.actions import curves, drawing, judging, report, sheets, walks
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
from mintmark.metrics.extractors import Extractor, extract, logits
from mintmark.metrics.memorisation import Neighbour, Novelty, novelty
from mintmark.metrics.protocol import inception_scores, overlaps, protocol, scores
from mintmark.metrics.reference import features_of
from mintmark.models.package import Config, Package

MOST_REAL = 10_000  # real pictures that are compared with
COUNT = 1000  # pictures generated unless asked otherwise
K = 5  # neighbours of precision, recall, density and coverage
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
        pixels: (M, C, S, S), in [0, 255].
        labels: Their classes, (M,), or None.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None


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
    labels = labels_like(package.config, data.snapshot, request.count or COUNT, request.seed)
    for reals, path in ((data, request.data), (held_out, request.held_out)):
        _require_neighbours(reals, path)
    extractor = judging.choose(request.features, package, data.pixels, world)
    fake = yield from _draw(package, request, labels)
    yield Progress("measuring", 0, 3, "parts")
    some = _at_most(data.pixels, MOST_REAL, request.seed)
    features = features_of(extractor, some.pixels, some.snapshot, cache / "features")
    found = (
        *_in_features(extractor, features, some, fake, request.seed),
        *_in_pixels(some, fake, request.seed),
    )
    copies = None if held_out is None else _copies(data, held_out, fake, request.seed)
    yield Progress("measuring", 1, 3, "parts")
    classes = _classes(package.config, data, fake, cache)
    yield Progress("measuring", 2, 3, "parts")
    smooth, charts, pictures = _beyond(package, extractor, features, data.snapshot, request)
    evaluation = Evaluation(
        package=package.digest,
        task=package.config.task,
        facts=_facts(package, request, data, fake, extractor) | _judge(data, held_out, cache),
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
    package: Package, request: EvaluateRequest, labels: NDArray[np.int64] | None
) -> Generator[Progress, None, Drawn]:
    """Generates the pictures that are measured, a few at a time."""
    count = request.count or COUNT
    parts = []
    for first in range(0, count, CHUNK):
        indices = range(first, min(first + CHUNK, count))
        chosen = None if labels is None else labels[first : first + CHUNK].tolist()
        parts.append(drawing.pixels(package, request.seed, indices, chosen))
        yield Progress("generating", indices.stop, count, "pictures")
    return Drawn(np.concatenate(parts), labels)


def _reals(path: Path, config: Config, cache: Path) -> Reals:
    data = read(path)
    return Reals(data.snapshot, data.pixels(config.size, config.channels, cache / "pixels"))


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
    if reals is not None and len(reals.pixels.pixels) <= K:
        raise DataError(
            f"{path} holds {len(reals.pixels.pixels)} pictures; measuring needs more than {K}."
        )


def labels_like(
    config: Config, snapshot: Snapshot, count: int, seed: int
) -> NDArray[np.int64] | None:
    """Classes by the law of the data, since another law would itself be a distance."""
    names = [snapshot.classes[item.label] for item in snapshot.items if item.label is not None]
    if not config.classes or not names:
        numbers = drawing.labels_of(config, range(count), None)
        return None if numbers is None else np.array(numbers)
    if unknown := sorted(set(names) - set(config.classes)):
        raise DataError(
            f"The data has the class {unknown[0]!r}, which the package does not draw; measure it "
            f"against data of its own classes: {', '.join(config.classes)}."
        )
    draw = np.random.Generator(np.random.PCG64(derive(seed, "evaluate", "labels")))
    return draw.choice([config.classes.index(name) for name in names], count)


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
        size=real.pixels.shape[2],
        channels=real.pixels.shape[1],
        seed=seed,
        resize=extractor.resize,
        scaling=extractor.scaling,
        snapshot=real.snapshot,
        code_version=version(),
    )
    ours = extract(extractor, fake.pixels)
    found = scores(features, ours, shared, seed, K)
    if extractor.name != "inception":
        return found
    return (*found, *inception_scores(logits(extractor, ours), shared, seed))


def _in_pixels(real: PixelSet, fake: Drawn, seed: int) -> tuple[Score, ...]:
    theirs, ours = _flat(real.pixels), _flat(fake.pixels)
    return overlaps(theirs, ours, _pixel_protocol(real, fake, ours.shape[1], seed), K)


def _pixel_protocol(real: PixelSet, fake: Drawn, dimensions: int, seed: int) -> dict[str, Any]:
    return protocol(
        features=PIXELS,
        extractor=PIXELS,
        dimensions=dimensions,
        real=len(real.pixels),
        fake=len(fake.pixels),
        size=fake.pixels.shape[2],
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


def _classes(config: Config, data: Reals, fake: Drawn, cache: Path) -> tuple[ClassFigures, ...]:
    names = data.snapshot.classes
    return judging.by_class(config.classes, data.pixels, names, fake.pixels, fake.labels, cache)


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
    labels = labels_like(package.config, snapshot, COUNT, seed)  # whatever count is asked for
    draw = np.random.Generator(np.random.PCG64(derive(seed, "evaluate", "curve")))
    some = features[draw.permutation(len(features))[:CURVE]]  # data is often sorted by class
    classes = None if labels is None else np.resize(labels, len(some))
    chart, strips = walks.interpolation(package, extractor, labels, seed)
    truncated = walks.truncation(package, extractor, some, classes, seed)
    return (
        (walks.smoothness(package, extractor, labels, snapshot.digest, seed),),
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
        "pictures": f"{config.size} x {config.size}, {config.channels} channels",
        "generated": f"{len(fake.pixels):,}, seed {request.seed}",
        "real": f"{len(data.pixels.pixels):,}",
        "measured in": f"{extractor.name} ({extractor.digest[:12]})",
        "licence": rights.licence,
        "attribution": "; ".join(rights.attribution) or "none",
        "made by": f"Mintmark {version()}",
    }


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pictures as rows of numbers in [0, 1], (N, C * s * s), box-reduced to s <= PIXEL_SIDE."""
    n, channels, size, _ = pixels.shape
    factor = max(size // PIXEL_SIDE, 1)  # sizes are powers of two
    side = size // factor
    blocks = pixels.reshape(n, channels, side, factor, side, factor)
    means: NDArray[np.float64] = blocks.mean(axis=(3, 5), dtype=np.float64)
    return means.reshape(n, -1) / 255.0
