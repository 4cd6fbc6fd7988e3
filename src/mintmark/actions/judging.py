"""Which extractor measures a package, and the classifier that says what its classes show."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from mintmark.actions.evaluation import ClassFigures
from mintmark.actions.requests import Features
from mintmark.actions.world import World
from mintmark.core.files import into_cache
from mintmark.core.lineage import version
from mintmark.core.log import get_logger
from mintmark.data.loader import PixelSet
from mintmark.metrics import features
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.extractors import (
    Extractor,
    extract,
    find_inception,
    from_net,
    logits,
    shipped,
)
from mintmark.metrics.features import FeatureNet
from mintmark.models.package import Package
from mintmark.tasks._task import find_synthesis

logger = get_logger("actions")

JUDGE_SEED = 0  # fixed, so that models on one data set share the network
ENOUGH = 30  # pictures of a class, generated and real, before its coverage says anything


def choose(wish: Features, package: Package, real: PixelSet, world: World) -> Extractor:
    """The extractor that was asked for; with `auto`, the shipped one of the package's task.

    Raises:
        InputError: Inception was asked for and its weights are missing or wrong.
    """
    match wish:
        case "auto":
            return shipped(find_synthesis(package.config.task).extractor)
        case "digits" | "pictures":
            return shipped(wish)
        case "inception":
            return find_inception(world.settings.weights)
        case "data":
            return from_net(judge(real, world.settings.cache), "data")
        case _:
            assert_never(wish)


def judge(real: PixelSet, cache: Path) -> FeatureNet:
    """A network trained on the data, kept between evaluations on the same data."""
    folder = cache / "judges"
    channels, size = real.pixels.shape[1:3]
    path = folder / f"{real.snapshot[:32]}-{channels}-{size}-{version()}.safetensors"
    if path.exists():
        return features.load(path)
    logger.info("training a feature net", pictures=len(real.pixels), file=path.name)
    net = features.fit(real.pixels, real.labels, JUDGE_SEED)
    with into_cache(folder, "The classifier"):
        features.save(net, path)
    return net


def by_class(
    classes: Sequence[str],
    real: PixelSet,
    names: Sequence[str],
    fake: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    cache: Path,
) -> tuple[ClassFigures, ...]:
    """How each class came out, by a classifier of the real pictures; empty without classes.

    Args:
        classes: Of the package, in order.
        real: Real pictures with classes.
        names: Their classes, in order.
        fake: Generated pictures, (M, C, S, S).
        labels: The class asked for of each, (M,), or None.
        cache: Where the classifier is kept.
    """
    if labels is None or real.labels is None or len(names) < 2:
        return ()
    extractor = from_net(judge(real, cache), "data")
    theirs, ours = extract(extractor, np.asarray(real.pixels)), extract(extractor, fake)
    seen = logits(extractor, ours).argmax(axis=1)  # (M,), numbers of `names`
    return tuple(
        _one_class(name, theirs[real.labels == number], ours[asked], seen[asked] == number)
        for number, name in enumerate(names)
        if (asked := labels == classes.index(name)).any()
    )


def _one_class(
    name: str, real: NDArray[np.float64], fake: NDArray[np.float64], right: NDArray[np.bool_]
) -> ClassFigures:
    share = float(right.mean())
    coverage = None
    if min(len(real), len(fake)) >= ENOUGH:
        coverage = precision_recall_density_coverage(real, fake).coverage
    error = math.sqrt(share * (1 - share) / len(fake))
    return ClassFigures(name, len(fake), len(real), share, error, coverage)


def rightness(real: PixelSet, held_out: PixelSet | None, cache: Path) -> float | None:
    """How often the classifier is right on held-out pictures; None where that is unknown."""
    if held_out is None or held_out.labels is None or real.labels is None:
        return None
    return features.accuracy(judge(real, cache), held_out.pixels, held_out.labels)
