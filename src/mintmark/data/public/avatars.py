"""The public set `avatars`: drawn people whose every attribute is known.

The style is Avataaars by Pablo Stanley ("free for personal and commercial use"),
drawn by DiceBear under Node.js. Five attributes are conditions; clothes, eyes,
brows, the cut of the hair and the kind of mouth, glasses and beard vary by chance
and are not told. Only cuts that show the colour of the hair are drawn, and only
mouths that smile clearly or clearly do not.

    train            8,000 pictures of 192 of the 240 combinations of attributes
    held-out           960 pictures of the other 48 combinations
    held-out-seen      800 other people of the 192 combinations
    pairs              500 people before and after a change of one attribute
    parts              500 people with a map of the parts that each pixel shows
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.core.records import Rights
from mintmark.core.seeds import derive
from mintmark.data.public import fetch
from mintmark.data.public.drawing import draw
from mintmark.data.public.parts import Files, Sample, build_part, labelled, lines, png

HAIR = {
    "black": "2c1b18",
    "blond": "e3bd4f",
    "brown": "80501e",
    "grey": "cfc9c9",
    "pink": "ff6fa3",
    "red": "c93305",
}
SKIN = {  # DiceBear's own, from light to dark
    "pale": "ffdbb4",
    "light": "edb98a",
    "tan": "d08b5b",
    "brown": "ae5d29",
    "dark": "614335",
}
BACKGROUND = "b6e3f4"
LOOKS = {  # what varies by chance
    "smiling": "smile",
    "serious": "serious sad disbelief concerned",
    "top": "bob bun curly curvy dreads dreads01 dreads02 frizzle fro longButNotTooLong "
    "miaWallace shaggy shaggyMullet shavedSides shortCurly shortFlat shortRound shortWaved "
    "straight01 straight02 straightAndStrand theCaesar theCaesarAndSidePart",
    "clothing": "blazerAndShirt blazerAndSweater collarAndSweater graphicShirt hoodie overall "
    "shirtCrewNeck shirtScoopNeck shirtVNeck",
    "clothesColor": "262e33 5199e4 25557c e6e6e6 929598 a7ffc4 ffffb1 ff488e ff5c5c",
    "clothingGraphic": "bat bear deer diamond pizza skull",
    "eyes": "default happy side squint surprised wink",
    "eyebrows": "angry default defaultNatural flatNatural raisedExcited sadConcerned",
    "accessories": "kurt prescription01 prescription02 round sunglasses wayfarers",
    "facialHair": "beardLight beardMajestic beardMedium",
}
PARTS = ("background", "skin", "hair", "clothes", "other")  # 0..4 in a map
PAINT = ("ff00ff", "00ff00", "ff0000", "0000ff")  # the first four of them
NEUTRAL = ("000000", "808080", "ffffff")  # what eyes, mouths, glasses and shirts are drawn in
HELD_OUT = 48  # combinations of 240
CHUNK = 1000  # people that one start of Node.js draws
RIGHTS = Rights(
    "LicenseRef-Avataaars-free-use",
    ("Avataaars by Pablo Stanley", "DiceBear by Florian Körner (MIT)"),
    "Avataaars (free for personal and commercial use, https://avataaars.com), drawn by npm "
    "@dicebear/core 9.4.3 and @dicebear/avataaars 9.4.3",
)
PROGRAM = """
import { createAvatar } from '@dicebear/core';
import * as style from '@dicebear/STYLE';
import { readFileSync } from 'node:fs';
for (const options of JSON.parse(readFileSync(0, 'utf8'))) {
  console.log(JSON.stringify(createAvatar(style, options).toString()));
}
"""
Options = dict[str, object]


@dataclass(frozen=True)
class Attributes:
    """What is known of a person, and can be asked for."""

    smile: bool
    hair: str
    skin: str
    glasses: bool
    beard: bool

    @property
    def caption(self) -> str:
        """The attributes in words."""
        mood = "smiling" if self.smile else "serious"
        things = [f"{self.hair} hair", f"{self.skin} skin"]
        things += ["glasses"] * self.glasses + ["a beard"] * self.beard
        return f"{mood} person with {', '.join(things[:-1])} and {things[-1]}"


@dataclass(frozen=True)
class Person:
    """A person of the set.

    Attributes:
        id: Name of the files, the same in every run.
        attributes: What is known.
        look: What varies by chance; it does not depend on the attributes.
    """

    id: str
    attributes: Attributes
    look: Mapping[str, str]


def build(folder: Path, count: int = 8000) -> Path:
    """Writes `train/`, `held-out/`, `held-out-seen/`, `pairs/` and `parts/`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        count: Pictures of `train/`; the other parts shrink alike.

    Returns:
        The same folder.

    Raises:
        ConfigError: npm, node or the extra `public` is missing, or a download fails.
        DataError: A download is not what was pinned.
    """
    seen, unseen = combinations()
    for part, choices, share in (
        ("train", seen, 1),
        ("held-out", unseen, 0.12),
        ("held-out-seen", seen, 0.1),
    ):
        people = _people(part, choices, round(count * share))
        build_part(folder / part, RIGHTS, labelled(_samples(people)))
    build_part(folder / "pairs", RIGHTS, _pairs(_people("pairs", seen, count // 16), seen))
    build_part(folder / "parts", RIGHTS, _parts(_people("parts", seen, count // 16)))
    return folder


def combinations() -> tuple[list[Attributes], list[Attributes]]:
    """The 192 combinations that training sees, and the 48 that it does not."""
    truths = (False, True)
    every = [Attributes(*values) for values in product(truths, HAIR, SKIN, truths, truths)]
    by_lot = sorted(every, key=lambda one: derive(0, "avatars", one.caption))
    return by_lot[HELD_OUT:], by_lot[:HELD_OUT]


def _people(part: str, choices: Sequence[Attributes], count: int) -> Iterator[Person]:
    """People of a part; every combination occurs as often as any other."""
    for place in range(count):
        random = _random(part, place)
        look = {name: str(random.choice(values.split())) for name, values in LOOKS.items()}
        yield Person(f"{place:05}", choices[place % len(choices)], look)


def _random(part: str, place: int) -> np.random.Generator:
    return np.random.default_rng(derive(0, "avatars", part, place))


def _samples(people: Iterable[Person]) -> Iterator[Sample]:
    for person, svg in drawn(people, _options):
        columns = {"text": person.attributes.caption, **vars(person.attributes)}
        yield Sample(f"{person.id}.png", draw(svg)[..., :3], columns)


def _pairs(people: Iterable[Person], seen: Sequence[Attributes]) -> Files:
    """Pictures before and after one attribute changes to another seen combination."""
    before = list(people)
    after = [_changed(person, seen) for person in before]
    for side, group in (("before", before), ("after", after)):
        for person, svg in drawn(group, _options):
            yield f"{side}/{person.id}.png", png(draw(svg)[..., :3])
    yield "metadata-of-pairs.jsonl", lines(map(_change, before, after))


def _changed(person: Person, seen: Sequence[Attributes]) -> Person:
    random = _random("change", int(person.id))
    near = [one for one in seen if len(_differing(person.attributes, one)) == 1]
    # First the attribute, then its value, or hair would change six times as often as glasses.
    names = sorted({_differing(person.attributes, one)[0] for one in near})
    name = names[random.integers(len(names))]
    fitting = [one for one in near if _differing(person.attributes, one) == [name]]
    return replace(person, attributes=fitting[random.integers(len(fitting))])


def _change(before: Person, after: Person) -> dict[str, str | bool]:
    (name,) = _differing(before.attributes, after.attributes)
    old, new = vars(before.attributes), vars(after.attributes)
    return {"id": before.id, "attribute": name, "from": old[name], "to": new[name]}


def _differing(first: Attributes, second: Attributes) -> list[str]:
    values = vars(second)
    return [name for name, value in vars(first).items() if value != values[name]]


def _parts(people: Iterable[Person]) -> Files:
    """Pictures, and for each pixel the number of the part that it shows."""
    everyone = list(people)
    for person, svg in drawn(everyone, _options):
        yield f"picture/{person.id}.png", png(draw(svg)[..., :3])
    for person, svg in drawn(everyone, _painted):
        # Without its own wish the drawing takes ours, edges that are not smoothed.
        sharp = svg.replace('shape-rendering="auto"', "")
        yield f"map/{person.id}.png", png(_map(draw(sharp, "crisp_edges")[..., :3]))


def _map(painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Numbers of parts, (64, 64, 1), by the nearest paint."""
    paints = np.array([list(bytes.fromhex(paint)) for paint in (*PAINT, *NEUTRAL)])
    distances = np.square(painted[..., None, :].astype(int) - paints).sum(-1)  # (64, 64, paints)
    nearest: NDArray[np.uint8] = distances.argmin(-1).astype(np.uint8)[..., None]
    return nearest.clip(max=len(PAINT))


def _options(person: Person) -> Options:
    """What DiceBear is asked to draw; every choice has one value."""
    known, look = person.attributes, person.look
    hair = HAIR[known.hair]
    single = {
        **{name: look[name] for name in LOOKS if name not in ("smiling", "serious")},
        "mouth": look["smiling" if known.smile else "serious"],
        "hairColor": hair,
        "facialHairColor": hair,
        "skinColor": SKIN[known.skin],
        "accessoriesColor": "262e33",
        "backgroundColor": BACKGROUND,
    }
    closer = {"scale": 140, "translateY": 7}  # percent: the head fills the picture
    return {
        **{name: [value] for name, value in single.items()},
        **closer,
        "topProbability": 100,
        "accessoriesProbability": 100 * known.glasses,
        "facialHairProbability": 100 * known.beard,
    }


def _painted(person: Person) -> Options:
    """The same drawing with one colour for each part."""
    background, skin, hair, clothes = ([paint] for paint in PAINT)
    return {
        **_options(person),
        "backgroundColor": background,
        "skinColor": skin,
        "hairColor": hair,
        "facialHairColor": hair,
        "clothesColor": clothes,
    }


def drawn(
    people: Iterable[Person], options: Callable[[Person], Options], style: str = "avataaars"
) -> Iterator[tuple[Person, str]]:
    """Each person with its SVG, drawn in a style of DiceBear."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in ("@dicebear/core", f"@dicebear/{style}"):
            # Node.js finds one package from within the other only in this folder.
            shutil.copytree(fetch.npm(name), place / "node_modules" / name)
        (place / "draw.mjs").write_text(PROGRAM.replace("STYLE", style))
        rest = iter(people)
        while chunk := list(islice(rest, CHUNK)):
            asked = json.dumps([options(person) for person in chunk]).encode()
            svgs = fetch.run(["node", "draw.mjs"], place, asked).decode().splitlines()
            yield from zip(chunk, map(json.loads, svgs), strict=True)
