"""An independent judge of captions: which of many texts does a picture show?

Two small towers, trained on real pictures with their captions alone, bring both to
unit vectors that are close where they belong together. R-precision by them tells
whether a generator of pictures from text listens to its text.
"""

import re
import unicodedata
from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_bytes
from mintmark.core.seeds import derive
from mintmark.metrics.judges import (
    FEATURES,
    IMAGES,
    SMALLEST,
    Pixels,
    Share,
    factor,
    reduced,
    require_pixels,
    scaled,
    share,
    train,
    trunk,
)

DIMENSIONS = 64  # of the space in which both towers end
LARGEST = 32  # pixels a side that the convolutions see
BUCKETS = 1 << 13  # words and 3-grams that hash alike share a vector
GRAM = 3
FIRST_SCALE, LARGEST_SCALE = 1 / 0.07, 100.0  # of the logits, as in CLIP


class Matcher(nn.Module):
    """A tower for pictures and one for texts, which end in one space.

    Attributes:
        shape: Channels, height and width of the pictures as given, in pixels.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        """Builds the layers.

        Args:
            channels: Of the pictures, 1 to 4.
            height: Of the pictures, in pixels.
            width: Of the pictures, in pixels.

        Raises:
            ConfigError: An argument is out of range.
        """
        super().__init__()
        block = factor(height, width, LARGEST)
        if not 1 <= channels <= 4 or min(height, width) // block < SMALLEST:
            raise ConfigError(
                "A matcher needs pictures of 1 to 4 channels, at least 8 x 8 pixels and no narrow "
                f"strips, not {channels}, {height} x {width}."
            )
        self.shape = (channels, height, width)
        self.trunk = trunk(channels, max(height, width) // block)
        self.picture_head = nn.Linear(FEATURES, DIMENSIONS)
        self.bags = nn.EmbeddingBag(BUCKETS, DIMENSIONS, mode="mean")
        self.text_head = nn.Sequential(
            nn.Linear(DIMENSIONS, DIMENSIONS), nn.ReLU(), nn.Linear(DIMENSIONS, DIMENSIONS)
        )
        self.log_scale = nn.Parameter(torch.tensor(log(FIRST_SCALE)))

    def pictures(self, x: Tensor) -> Tensor:
        """Unit vectors, (N, 64), of reduced pictures in [-1, 1], (N, C, h, w)."""
        return F.normalize(self.picture_head(self.trunk(x)), dim=1)

    def texts(self, bags: Sequence[NDArray[np.int64]]) -> Tensor:
        """Unit vectors, (N, 64), of texts as hashed by `hashed`."""
        starts = np.cumsum([0, *map(len, bags[:-1])])
        joined = self.bags(torch.from_numpy(np.concatenate(bags)), torch.from_numpy(starts))
        return F.normalize(self.text_head(joined), dim=1)


def hashed(caption: str) -> NDArray[np.int64]:
    """The words of a caption and their 3-grams, as sorted numbers in [0, 8192).

    Bags know no order: "red on blue" is "blue on red". Upper and lower case are one.

    Raises:
        ConfigError: The caption holds no word.
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", caption).casefold())
    if not words:
        raise ConfigError(f"The caption {caption!r} holds no word; describe the picture in words.")
    ends = [f"<{word}>" for word in words]  # a whole word is told from a 3-gram by its ends
    grams = [word[i : i + GRAM] for word in ends for i in range(len(word) - GRAM + 1)]
    digests = [digest_bytes(token.encode()) for token in ends + grams]
    return np.sort(np.array([int(digest[:8], 16) % BUCKETS for digest in digests], dtype=np.int64))


def fit(pixels: Pixels, captions: Sequence[str], seed: int, images: int = IMAGES) -> Matcher:
    """Trains a matcher on real pictures and their captions.

    The loss is the symmetric cross-entropy of Radford et al. 2021 (CLIP, figure 3)
    with a learned scale. Pictures of a batch that share a caption need no mask: they
    share its vector, so the loss is the same whichever of them counts as its own.

    Args:
        pixels: Real pictures, (N, C, H, W), in [0, 255], N >= 2. Above 32 pixels a
            side they are reduced by whole blocks first.
        captions: One a picture, at least 2 different ones.
        seed: Decides weights, order and shifts. On one machine with
            one number of threads the same seed gives the same matcher.
        images: About how many are shown, repeats included.

    Returns:
        The matcher, in evaluation mode.

    Raises:
        ConfigError: The pictures have the wrong shape or type, or the captions do
            not fit them or hold no words.
    """
    _check(pixels, captions, 2)
    distinct, codes = np.unique(np.array(captions), return_inverse=True)
    if len(distinct) < 2:
        raise ConfigError(
            "All pictures have one caption; a matcher needs at least 2 to tell apart."
        )
    bags = [hashed(str(caption)) for caption in distinct]
    channels, height, width = pixels.shape[1:]
    with torch.random.fork_rng(devices=[]):  # torch draws first weights from its global generator
        torch.manual_seed(derive(seed, "matching", "weights"))
        matcher = Matcher(channels, height, width)
    train(
        matcher,
        lambda x, chosen: _loss(matcher, x, bags, codes[chosen]),
        reduced(pixels, LARGEST),
        images,
        derive(seed, "matching", "batches"),
    )
    return matcher


def _loss(
    matcher: Matcher, x: Tensor, bags: Sequence[NDArray[np.int64]], codes: NDArray[np.int64]
) -> Tensor:
    """Mean of picture-to-text and text-to-picture cross-entropy in a batch."""
    texts = matcher.texts([bags[code] for code in codes])
    scale = matcher.log_scale.exp().clamp(max=LARGEST_SCALE)
    logits = scale * matcher.pictures(x) @ texts.T  # (N, N)
    right = torch.arange(len(codes))
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def ranks(
    matcher: Matcher,
    pixels: Pixels,
    captions: Sequence[str],
    seed: int,
    distractors: int = 99,
    pool: Sequence[str] | None = None,
) -> NDArray[np.float64]:
    """Where the asked caption of each picture stands among others.

    Args:
        matcher: The judge; it is left in evaluation mode.
        pixels: Pictures, (N, C, H, W), of the size it was trained on, in [0, 255].
        captions: What was asked, one a picture.
        seed: Decides the other captions of each picture, by its place.
        distractors: How many others, each different from the asked one and from
            each other; Xu et al. 2018 take 99.
        pool: Where the others come from; None for `captions`.

    Returns:
        Ranks, (N,), from 1 for the best to `distractors` + 1; equal ones count half.

    Raises:
        ConfigError: Pictures and captions do not fit each other or the matcher, or
            there are too few different captions.
    """
    _check(pixels, captions, 1)
    if pixels.shape[1:] != matcher.shape:
        raise ConfigError(
            f"This matcher was trained on pictures of {matcher.shape} and cannot judge "
            f"{pixels.shape[1:]}; bring them to its size."
        )
    pool = captions if pool is None else pool
    distinct = sorted({*captions, *pool})
    places = {caption: place for place, caption in enumerate(distinct)}
    similar = _similarity(matcher, pixels, distinct)  # (N, distinct)
    drawn_from = np.array(sorted(places[caption] for caption in set(pool)))
    found = np.empty(len(captions))
    for row, caption in enumerate(captions):
        others = drawn_from[drawn_from != places[caption]]
        if not 1 <= distractors <= len(others):
            raise ConfigError(
                f"There are {len(others)} captions beside {caption!r}, too few to draw "
                f"{distractors} from; give a larger pool, or ask for fewer but at least 1."
            )
        rng = np.random.default_rng(derive(seed, "distractors", row))
        chosen = rng.choice(others, distractors, replace=False)
        own, other = similar[row, places[caption]], similar[row, chosen]
        found[row] = 1 + (other > own).sum() + (other == own).sum() / 2
    return found


def r_precision(ranks: NDArray[Any], within: int = 5) -> Share:
    """The share of pictures whose asked caption is among the first.

    Xu et al. 2018 (AttnGAN, section 4) count the first alone. A matcher that knows
    nothing reaches `within` / (distractors + 1): .05 for 5 of 100. Read it beside the
    figure of the same matcher on real pictures with the same kind of captions.

    Args:
        ranks: Of `ranks`, (N,), N >= 1.
        within: How many count as first, >= 1.

    Raises:
        ConfigError: There are no ranks, or `within` is out of range.
    """
    if ranks.ndim != 1 or len(ranks) == 0 or within < 1:
        raise ConfigError(
            f"R-precision needs a list of ranks and at least the first place, not {ranks.shape} "
            f"and {within}."
        )
    return share(int((ranks <= within).sum()), len(ranks))


def _similarity(
    matcher: Matcher, pixels: Pixels, captions: Sequence[str], batch: int = 256
) -> NDArray[np.float64]:
    """Cosines of pictures and captions, (N, captions)."""
    matcher.eval()
    with torch.inference_mode():
        parts = [
            matcher.pictures(scaled(reduced(pixels[start : start + batch], LARGEST)))
            for start in range(0, len(pixels), batch)
        ]
        texts = matcher.texts([hashed(caption) for caption in captions])
    cosines = torch.cat(parts).double() @ texts.double().T
    return np.round(cosines.numpy(), 6)  # captions of equal words tie, whatever the rounding


def _check(pixels: Pixels, captions: Sequence[str], least: int) -> None:
    require_pixels(pixels, least)
    if len(captions) != len(pixels):
        raise ConfigError(
            f"There are {len(pixels)} pictures and {len(captions)} captions; give one each."
        )
