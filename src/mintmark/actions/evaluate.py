"""The verb `evaluate`: how near a package's pictures are to real ones, with proof."""

from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.actions import drawing
from mintmark.actions.generate import load
from mintmark.actions.prepare import Data, read
from mintmark.actions.requests import EvaluateRequest
from mintmark.actions.world import World
from mintmark.core.errors import DataError
from mintmark.core.files import write_json, write_text
from mintmark.core.lineage import version
from mintmark.core.log import get_logger
from mintmark.core.records import Progress, Score
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.data.manifest import Snapshot
from mintmark.engines.synthesis import CHUNK
from mintmark.metrics import features
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.memorisation import Novelty, novelty
from mintmark.metrics.protocol import protocol, scores
from mintmark.models.package import Config, Package

logger = get_logger("actions")

MOST_REAL = 10_000  # real pictures that are compared with; more take hours in pixels
COUNT = 1000  # pictures generated unless asked otherwise
K = 5  # neighbours of precision, recall, density and coverage
JUDGE_SEED = 0  # of the feature net: fixed, so that models on one data set share it


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        package: Digest of the package.
        scores: Metrics in a feature net trained on the data, then the
            neighbour metrics in plain pixels.
        novelty: Nearest neighbours in pixels against those of held-out
            pictures; None where no held-out pictures were given.
        pixels: The generated pictures, (M, C, S, S), uint8.
        labels: Their classes, (M,), or None.
    """

    package: str
    scores: tuple[Score, ...]
    novelty: Novelty | None
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None

    def to_json(self) -> dict[str, Any]:
        """The content of report.json."""
        return {
            "package": self.package,
            "scores": [asdict(score) for score in self.scores],
            "novelty": None if self.novelty is None else asdict(self.novelty),
        }

    def text(self) -> str:
        """The same as a Markdown table and a sentence."""
        lines = ["| metric | measured in | value |", "| --- | --- | ---: |"]
        for score in self.scores:
            error = "" if score.error is None else f" ± {score.error:.4f}"
            place = "pixels" if score.protocol["extractor"] == "pixels" else "feature net"
            lines.append(f"| {score.name} | {place} | {score.value:.4f}{error} |")
        return "\n".join([*lines, "", _novelty_text(self.novelty)]) + "\n"


def evaluate(request: EvaluateRequest, world: World) -> Generator[Progress, None, Evaluation]:
    """Measures a package against real pictures, with the protocol of each number.

    Args:
        request: The package, the data it learned from, and held-out data if any.
        world: The machine.

    Yields:
        Progress in pictures generated.

    Returns:
        The evaluation; also written to `request.out` where that is given.

    Raises:
        InputError: The package or the data cannot be used.
    """
    return (yield from measure(load(request.package, world), request, world))


def measure(
    package: Package, request: EvaluateRequest, world: World
) -> Generator[Progress, None, Evaluation]:
    """The same as `evaluate`, of a package that is already loaded."""
    cache = world.settings.cache
    data = read(request.data)
    real = _pixels(data, package.config, cache)
    held_out = _pixels(read(request.held_out), package.config, cache) if request.held_out else None
    count = request.count or COUNT
    labels = _labels(package.config, data.snapshot, count, request.seed)
    _require_neighbours(request.data, real)
    if held_out is not None:
        _require_neighbours(request.held_out, held_out)
    fake = np.empty((count, *real.pixels.shape[1:]), np.uint8)
    for first in range(0, count, CHUNK):
        indices = range(first, min(first + CHUNK, count))
        part = None if labels is None else labels[first : first + CHUNK].tolist()
        for index, picture in zip(
            indices, drawing.draw(package, request.seed, indices, part), strict=True
        ):
            fake[index] = picture.array.transpose(2, 0, 1)
        yield Progress("generating", indices.stop, count, "pictures")
    yield Progress("measuring", 0, 1, "reports")
    net, some = _judge(real, cache), _at_most(real, MOST_REAL, request.seed)
    result = Evaluation(
        package=package.digest,
        scores=(*_in_features(net, some, fake, request.seed), *_in_pixels(some, fake, request)),
        novelty=None
        if held_out is None
        else novelty(_flat(real.pixels), _flat(held_out.pixels), _flat(fake)),
        pixels=fake,
        labels=labels,
    )
    if request.out:
        write(result, package, request.out)
    yield Progress("measuring", 1, 1, "reports")
    return result


def write(result: Evaluation, package: Package, folder: Path) -> None:
    """Writes report.json and report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", result.to_json())
    title = f"# {package.config.task}: package {package.digest[:12]}\n\n"
    write_text(folder / "report.md", title + result.text())


def _require_neighbours(path: Path | None, pixels: PixelSet) -> None:
    if len(pixels.pixels) <= K:
        raise DataError(
            f"{path} holds {len(pixels.pixels)} pictures; measuring needs more than {K}."
        )


def _pixels(data: Data, config: Config, cache: Path) -> PixelSet:
    return data.pixels(config.size, config.channels, cache / "pixels")


def _labels(config: Config, snapshot: Snapshot, count: int, seed: int) -> NDArray[np.int64] | None:
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


def _judge(real: PixelSet, cache: Path) -> features.FeatureNet:
    """A feature net trained on the data, kept between evaluations on the same data."""
    folder = cache / "judges"
    folder.mkdir(parents=True, exist_ok=True)
    channels, size = real.pixels.shape[1:3]
    path = folder / f"{real.snapshot[:32]}-{channels}-{size}-{version()}.safetensors"
    if path.exists():
        return features.load(path)
    logger.info("training a feature net", pictures=len(real.pixels), file=path.name)
    net = features.fit(real.pixels, real.labels, JUDGE_SEED)
    features.save(net, path)
    return net


def _in_features(
    net: features.FeatureNet, real: PixelSet, fake: NDArray[np.uint8], seed: int
) -> tuple[Score, ...]:
    shared = protocol(
        extractor=features.digest(net),
        dimensions=features.DIMENSIONS,
        real=len(real.pixels),
        fake=len(fake),
        size=real.pixels.shape[2],
        seed=seed,
        snapshot=real.snapshot,
        code_version=version(),
    )
    theirs, ours = features.extract(net, real.pixels), features.extract(net, fake)
    return scores(theirs, ours, shared, seed, K)


def _in_pixels(
    real: PixelSet, fake: NDArray[np.uint8], request: EvaluateRequest
) -> tuple[Score, ...]:
    shared = protocol(
        extractor="pixels",
        dimensions=int(np.prod(fake.shape[1:])),
        real=len(real.pixels),
        fake=len(fake),
        size=fake.shape[2],
        seed=request.seed,
        snapshot=real.snapshot,
        code_version=version(),
        k=K,
        ties="<",
    )
    overlap = precision_recall_density_coverage(_flat(real.pixels), _flat(fake), K)
    return tuple(Score(name, value, shared) for name, value in asdict(overlap).items())


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pictures as rows of numbers in [0, 1], (N, C * S * S)."""
    return pixels.reshape(len(pixels), -1) / 255.0


def _novelty_text(found: Novelty | None) -> str:
    if found is None:
        return "Copies were not looked for: give held-out pictures with --held-out."
    verdict = "more than held-out pictures show" if found.excess else "no more than chance"
    return (
        f"Copies: {found.copies:.1%} of the generated pictures lie nearer to a training picture "
        f"than {found.threshold:.3f}, where {found.expected:.1%} of held-out pictures do: "
        f"{verdict}. Median distance {found.median_fake:.3f}, held-out {found.median_held_out:.3f}."
    )
