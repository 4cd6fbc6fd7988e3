"""Captions as rows of numbers: hashed words and their character n-grams.

A word is the bag of its own name and of its character trigrams, as in fastText
(Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"), so a
spelling that was never seen still shares most of its bag with its neighbours.
The hash is CRC-32: the same on every machine and in every process.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError

WORDS = 16  # words of a caption that count; later ones are left out
GRAMS = 12  # the word itself and its first trigrams
BUCKETS = 4096  # what hashes fall into; 0 is for nothing
WORD = re.compile(r"[^\W_]+")


def words(caption: str) -> list[str]:
    """The words of a caption in lower case, without punctuation."""
    return WORD.findall(caption.casefold())


def tokens(captions: Sequence[str]) -> NDArray[np.int64]:
    """Captions as numbers of buckets, (N, WORDS, GRAMS); 0 stands for nothing."""
    rows = np.zeros((len(captions), WORDS, GRAMS), np.int64)
    for row, caption in zip(rows, captions, strict=True):
        for place, word in enumerate(words(caption)[:WORDS]):
            units = _units(word)
            row[place, : len(units)] = units
    return rows


def vocabulary(captions: Sequence[str]) -> tuple[str, ...]:
    """Every word of the captions, sorted."""
    return tuple(sorted({word for caption in captions for word in words(caption)}))


def require_known(caption: str, known: Sequence[str]) -> None:
    """Refuses a caption of which the model knows no word.

    Raises:
        ConfigError: No word was in the captions it learned from; the nearest are named.
    """
    asked = words(caption)
    if set(asked) & set(known):
        return
    near = [match for word in asked for match in get_close_matches(word, known, 2, 0.6)]
    some = ", ".join(dict.fromkeys(near)) or ", ".join(list(known)[:8])
    what = "the nearest that it knows are" if near else "words that it knows are, for instance"
    raise ConfigError(
        f"The model learned from captions without any word of {caption!r}; {what}: {some}."
    )


def _units(word: str) -> list[int]:
    """Buckets of a word and of its trigrams, each in [1, BUCKETS)."""
    edged = f"<{word}>"
    grams = [edged[i : i + 3] for i in range(len(edged) - 2)]
    return [1 + crc32(unit.encode()) % (BUCKETS - 1) for unit in [edged, *grams][:GRAMS]]
