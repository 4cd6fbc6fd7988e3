"""The public set `emoji`: the same things drawn by three artists, with their names.

Noto (OFL-1.1), Twemoji (CC BY 4.0) and OpenMoji (CC BY-SA 4.0), named in words by
emojibase. A caption is "<artist> <name>", as in "twemoji red heart". Flags and
skin tones are left out. Both sides of the split hold whole base code points, alike
for all artists, and held out is only what is said in words that training has seen.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mintmark.core.errors import DataError
from mintmark.data.public import fetch, names
from mintmark.data.public.drawing import cleared, draw
from mintmark.data.public.names import Emoji, plain, words
from mintmark.data.public.parts import SIZE, Sample, build_part, drawn_by_lot, labelled, rights_of

SHARE = 30  # % of the base code points that may be held out, if their words are known
FONT = 109  # the one size at which Noto's bitmaps are drawn
GLYPH = (136, 128)  # pixels of such a bitmap
LICENCES = {
    "noto": ("OFL-1.1", "Noto Color Emoji by Google"),
    "twemoji": ("CC-BY-4.0", "Twemoji by Twitter and contributors"),
    "openmoji": ("CC-BY-SA-4.0", "OpenMoji by the OpenMoji project"),
}


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` and `held-out/`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most emoji of each part; None draws all.

    Returns:
        The same folder.

    Raises:
        ConfigError: npm, apt-get, dpkg-deb or the extra `public` is missing, or a
            download fails.
        DataError: A download is not what was pinned.
    """
    font = fetch.debian("fonts-noto-color-emoji", "usr/share/fonts/")
    source = (
        "npm @twemoji/svg 15.0.0, openmoji 17.0.0 and emojibase-data 17.0.0 (MIT); Debian "
        f"fonts-noto-color-emoji {fetch.version(font)}"
    )
    for part, chosen in zip(("train", "held-out"), split(list(names.emoji())), strict=True):
        if (folder / part).exists():
            continue
        samples = list(_samples(chosen[:limit], font))
        build_part(folder / part, rights_of(samples, source), labelled(samples))
    return folder


def split(every: Sequence[Emoji]) -> tuple[list[Emoji], list[Emoji]]:
    """Emoji for training, and those held out: by lot, if training has seen every word of them."""
    said: dict[str, set[str]] = {}
    for one in every:
        said.setdefault(one.group, set()).update(words(one.label))
    by_lot = {group for group in said if drawn_by_lot("emoji", group, SHARE)}
    seen = set().union(*(said[group] for group in said if group not in by_lot))
    held = {group for group in by_lot if said[group] <= seen}
    train = [one for one in every if one.group not in held]
    return train, [one for one in every if one.group in held]


def _samples(every: list[Emoji], font: Path) -> Iterator[Sample]:
    """The pictures of all artists; what an artist has not drawn is left out."""
    twemoji = {plain(path.stem): path for path in fetch.npm("@twemoji/svg").glob("*.svg")}
    colour = fetch.npm("openmoji") / "color" / "svg"
    openmoji = {plain(path.stem): path for path in colour.glob("*.svg")}
    noto = _font(font)
    for one in every:
        if (glyph := _glyph(noto, one.text)) is not None:
            yield _sample("noto", one, glyph)
        for style, paths in (("twemoji", twemoji), ("openmoji", openmoji)):
            if one.code in paths:
                yield _sample(style, one, draw(paths[one.code].read_text()))


def _sample(style: str, one: Emoji, array: NDArray[np.uint8]) -> Sample:
    licence, attribution = LICENCES[style]
    columns = {
        "text": f"{style} {one.label}",
        "style": style,
        "tags": ", ".join(one.tags),
        "group": one.group,
        "licence": licence,
        "attribution": attribution,
    }
    return Sample(f"{style}/{one.code.lower()}.png", array, columns)


def _font(package: Path) -> ImageFont.FreeTypeFont:
    files = list(package.rglob("NotoColorEmoji.ttf"))
    if not files:
        raise DataError(f"{package.name} holds no NotoColorEmoji.ttf; install another version.")
    return ImageFont.truetype(files[0], FONT)


def _glyph(font: ImageFont.FreeTypeFont, text: str) -> NDArray[np.uint8] | None:
    """The bitmap of one emoji, (64, 64, 4); None where the font has no single one for it."""
    left, top, right, bottom = map(round, font.getbbox(text))
    if right - left != GLYPH[0]:
        return None
    canvas = Image.new("RGBA", (GLYPH[0], GLYPH[0]))
    place = ((GLYPH[0] - left - right) // 2, (GLYPH[0] - top - bottom) // 2)
    ImageDraw.Draw(canvas).text(place, text, font=font, embedded_color=True)
    if canvas.getbbox() is None:
        return None
    return cleared(np.array(canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS)))
