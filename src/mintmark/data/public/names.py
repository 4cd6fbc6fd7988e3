"""Names of emoji: which there are, what they are called, and what belongs together."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mintmark.data.public import fetch

COMPONENTS, FLAGS = 2, 9  # groups of emojibase that are left out
VARIANT = re.compile(r"-(FE0F|200D-(2640|2642|27A1))")
"""What says only: drawn in colour, woman, man, facing right."""
ADULT = re.compile(r"1F46[89]")  # man, woman
TOGETHER = (  # kinds of couples and families, which are sequences of many sorts
    (re.compile("200D-1F48B"), "1F48F"),
    (re.compile("200D-2764-200D"), "1F491"),
    (re.compile("200D-1F91D|^1F46[BCD]"), "1F46B"),
    (re.compile("200D-1F(46[67]|9D2)"), "1F46A"),
)
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Emoji:
    """A sequence of code points that is drawn as one picture.

    Attributes:
        code: Its code points in hexadecimal without FE0F, "1F3C3-200D-2642".
        text: The characters.
        label: Its English name.
        tags: More words for it.
    """

    code: str
    text: str
    label: str
    tags: tuple[str, ...]

    @property
    def group(self) -> str:
        """What it and its variants have in common."""
        return base(self.code)


def emoji() -> Iterator[Emoji]:
    """Every emoji without its variants in skin tone; no flags, of which some are equal.

    Raises:
        ConfigError: npm is missing, or the download fails.
        DataError: The download is not what was pinned.
    """
    package = fetch.npm("emojibase-data")
    for entry in json.loads((package / "en" / "data.json").read_bytes()):
        if entry.get("group", COMPONENTS) not in (COMPONENTS, FLAGS):
            yield Emoji(
                plain(entry["hexcode"]), entry["emoji"], entry["label"], tuple(entry["tags"])
            )


def plain(code: str) -> str:
    """Code points in upper case without the mark that asks for colour."""
    return code.upper().replace("-FE0F", "")


def base(code: str) -> str:
    """Code points without what tells variants of one drawing apart.

    A woman, a man and a person who run are drawn alike, and so they must lie on
    the same side of a split; so must all families, of which some are equal.
    """
    for pattern, group in TOGETHER:
        if pattern.search(code):
            return group
    return ADULT.sub("1F9D1", VARIANT.sub("", code))


def words(caption: str) -> set[str]:
    """The words of a caption in lower case."""
    return set(WORD.findall(caption.casefold()))
