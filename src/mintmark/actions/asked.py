"""Whether pictures show the attributes or the words that were asked for, by judges of the data.

A judge is trained on the real pictures alone, and kept between evaluations. How often
it is right on reals stands beside what it says, because a figure means no more than that.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions.evaluation import ClassFigures
from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_json, into_cache
from mintmark.core.lineage import version
from mintmark.core.log import get_logger
from mintmark.data.loader import PixelSet
from mintmark.data.manifest import Snapshot
from mintmark.metrics import attributes, matching
from mintmark.metrics.attributes import AttributeNet
from mintmark.models.conditions import Choice, Conditions

logger = get_logger("actions")

SEED = 0  # fixed, so that models on one data set share the judge
FIRST = 5  # places that count as found
OTHERS = 99  # captions that the asked one is hidden among


def by_attribute(
    conditions: Conditions,
    real: PixelSet,
    theirs: Tensor,
    fake: NDArray[np.uint8],
    ours: Tensor,
    cache: Path,
) -> tuple[tuple[ClassFigures, ...], str]:
    """How often each value of each choice comes out as asked, and how good the judge is.

    Args:
        conditions: Of the package.
        real: Real pictures.
        theirs: What they show, (N, width).
        fake: Generated pictures, (M, C, H, W).
        ours: What those were asked to show, (M, width).
        cache: Where the judge is kept.
    """
    choices = [one for one in conditions.attributes if isinstance(one, Choice)]
    if not choices:
        return (), ""
    shown, asked = conditions.values_of(theirs), conditions.values_of(ours)
    try:
        net = _judge(choices, real, shown, cache)
    except ConfigError as error:  # too few pictures of some value
        return (), f"none: {error}"
    seen = attributes.predict(net, fake)
    rows = []
    for place, one in enumerate(choices):
        for number, value in enumerate(one.values):
            wanted = asked[:, place] == number
            if wanted.any():
                right = (seen[wanted, place] == number).mean()
                count = int((shown[:, place] == number).sum())
                rows.append(
                    _figures(f"{one.name}: {value}", int(wanted.sum()), count, float(right))
                )
    return tuple(rows), _told(net)


def _judge(
    choices: Sequence[Choice], real: PixelSet, shown: NDArray[np.int64], cache: Path
) -> AttributeNet:
    folder = cache / "judges"
    channels, height, width = real.pixels.shape[1:]
    asked = digest_json([[one.name, *one.values] for one in choices])[:12]
    of = f"{real.snapshot[:32]}-{channels}-{height}-{width}-{asked}"
    name = f"{of}-{version()}-attributes.safetensors"
    if (folder / name).exists():
        return attributes.load(folder / name)
    logger.info("training a judge of attributes", pictures=len(real.pixels), file=name)
    wanted = [attributes.Attribute(one.name, one.values) for one in choices]
    net = attributes.fit(np.asarray(real.pixels), shown, wanted, SEED)
    with into_cache(folder, "The judge"):
        attributes.save(net, folder / name)
    return net


def _told(net: AttributeNet) -> str:
    parts = [
        f"{one.name} {int(right) / max(int(count), 1):.1%}"
        for one, (right, count) in zip(net.attributes, net.accuracy.tolist(), strict=True)
    ]
    return "right on reals kept from it: " + ", ".join(parts)


def by_caption(
    snapshot: Snapshot, real: PixelSet, fake: NDArray[np.uint8], asked: Sequence[str], seed: int
) -> tuple[tuple[ClassFigures, ...], str]:
    """How often a matcher finds the asked caption among others, generated beside real.

    Args:
        snapshot: The data set.
        real: Its pictures.
        fake: Generated pictures, (M, C, H, W).
        asked: The caption of each, (M,).
        seed: Decides the other captions.
    """
    captions = [item.text or "" for item in snapshot.items]
    if len(set(captions)) <= OTHERS:
        return (), ""
    pixels = np.asarray(real.pixels)
    learned = np.arange(len(pixels)) % 10 > 0  # the others tell how good the matcher is
    texts = np.array(captions, dtype=object)
    matcher = matching.fit(pixels[learned], texts[learned].tolist(), SEED)
    own = matching.ranks(
        matcher, pixels[~learned], texts[~learned].tolist(), seed, OTHERS, captions
    )
    found = matching.ranks(matcher, fake, asked, seed, OTHERS, captions)
    reals, share = matching.r_precision(own, FIRST), matching.r_precision(found, FIRST)
    name = f"caption among the first {FIRST} of {OTHERS + 1}"
    return (
        (_figures(name, len(fake), len(pixels), share.value),),
        f"a matcher finds {reals.value:.1%} of {reals.count} real captions among the first {FIRST}",
    )


def _figures(name: str, generated: int, real: int, share: float) -> ClassFigures:
    error = float(np.sqrt(share * (1 - share) / generated))
    return ClassFigures(name, generated, real, share, error, None)
