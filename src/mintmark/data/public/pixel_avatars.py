"""The public set `pixel-avatars`: people of the same attributes as `avatars`, in another style.

The style is Pixel Art by DiceBear (CC0 1.0). Hair, skin and background have the colours of
`avatars`, and the same 48 combinations of attributes are held out, so that what is translated
from one set to the other can be judged. No person is in both. Only cuts that show the colour
of the hair are drawn.

    train            4,000 pictures of 192 of the 240 combinations of attributes
    held-out           480 pictures of the other 48 combinations
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mintmark.core.records import Rights
from mintmark.core.seeds import derive
from mintmark.data.public.avatars import (
    BACKGROUND,
    HAIR,
    SKIN,
    Attributes,
    Options,
    Person,
    combinations,
    drawn,
)
from mintmark.data.public.drawing import draw
from mintmark.data.public.parts import Sample, build_part, labelled


def _numbered(name: str, last: int, without: Sequence[int] = ()) -> str:
    return " ".join(f"{name}{place:02}" for place in range(1, last + 1) if place not in without)


LOOKS = {  # what varies by chance
    "smiling": _numbered("happy", 13),
    "serious": _numbered("sad", 10),
    "hair": f"{_numbered('short', 24, (4, 5, 7, 12, 18, 20, 21, 23))} {_numbered('long', 21)}",
    "clothing": _numbered("variant", 23),
    "clothingColor": "5bc0de 428bca 03396c 88d8b0 44c585 00b159 ff6f69 d11141 ffeead ffc425",
    "eyes": _numbered("variant", 12),
    "eyesColor": "76778b 697b94 647b90 5b7c8b 588387 876658",
    "glasses": f"{_numbered('dark', 7)} {_numbered('light', 7)}",
    "beard": _numbered("variant", 8),
}
RIGHTS = Rights(
    "CC0-1.0",
    ("Pixel Art by DiceBear", "DiceBear by Florian Körner (MIT)"),
    "Pixel Art (CC0 1.0), drawn by npm @dicebear/core 9.4.3 and @dicebear/pixel-art 9.4.3",
)


def build(folder: Path, count: int = 4000) -> Path:
    """Writes `train/` and `held-out/`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        count: Pictures of `train/`; the other part shrinks alike.

    Returns:
        The same folder.

    Raises:
        ConfigError: npm, node or the extra `public` is missing, or a download fails.
        DataError: A download is not what was pinned.
    """
    for part, choices, share in zip(("train", "held-out"), combinations(), (1, 0.12), strict=True):
        people = _people(part, choices, round(count * share))
        build_part(folder / part, RIGHTS, labelled(_samples(people)))
    return folder


def _people(part: str, choices: Sequence[Attributes], count: int) -> Iterator[Person]:
    """People of a part; every combination occurs as often as any other."""
    for place in range(count):
        random = np.random.default_rng(derive(0, "pixel-avatars", part, place))
        look = {name: str(random.choice(values.split())) for name, values in LOOKS.items()}
        yield Person(f"{place:05}", choices[place % len(choices)], look)


def _samples(people: Iterator[Person]) -> Iterator[Sample]:
    for person, svg in drawn(people, _options, "pixel-art"):
        columns = {"text": person.attributes.caption, **vars(person.attributes)}
        yield Sample(f"{person.id}.png", draw(svg)[..., :3], columns)


def _options(person: Person) -> Options:
    """What DiceBear is asked to draw; every choice has one value."""
    known, look = person.attributes, person.look
    single = {
        **{name: look[name] for name in LOOKS if name not in ("smiling", "serious")},
        "mouth": look["smiling" if known.smile else "serious"],
        "hairColor": HAIR[known.hair],
        "skinColor": SKIN[known.skin],
        "glassesColor": "262e33",
        "backgroundColor": BACKGROUND,
    }
    return {
        **{name: [value] for name, value in single.items()},
        "glassesProbability": 100 * known.glasses,
        "beardProbability": 100 * known.beard,
        "hatProbability": 0,
        "accessoriesProbability": 0,
    }
