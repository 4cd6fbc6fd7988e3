"""The public set `outlines`: drawings of OpenMoji as ink alone and in full colour.

The same drawing exists as black lines and coloured, so the pairs are exact (CC
BY-SA 4.0). Flags are left out, and so is a drawing whose lines equal those of a
former one (skin tones, coloured squares): its colours could not be told from them.
`input/ID.png` and `target/ID.png` are on white.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mintmark.core.records import Rights
from mintmark.data.public import fetch
from mintmark.data.public.drawing import draw_on_white
from mintmark.data.public.names import base, plain
from mintmark.data.public.parts import Files, build_part, drawn_by_lot, png

SHARE = 10  # % of the base code points that are held out
RIGHTS = Rights(
    "CC-BY-SA-4.0", ("OpenMoji by the OpenMoji project",), "npm openmoji 17.0.0, black and color"
)


@dataclass(frozen=True)
class Drawing:
    """One drawing of OpenMoji.

    Attributes:
        code: Its code points in hexadecimal, as OpenMoji writes them.
        ink: The picture of its lines, a PNG.
        colour: Where its coloured version lies, an SVG.
    """

    code: str
    ink: bytes
    colour: Path


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes `train/` and `held-out/`, whole base code points on each side.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most pairs that are drawn; None draws all.

    Returns:
        The same folder.

    Raises:
        ConfigError: npm or the extra `public` is missing, or the download fails.
        DataError: The download is not what was pinned.
    """
    drawings = list(islice(_drawings(fetch.npm("openmoji")), limit))
    for part, inside in (("train", False), ("held-out", True)):
        chosen = [one for one in drawings if _held_out(one.code) == inside]
        build_part(folder / part, RIGHTS, _pairs(chosen))
    return folder


def _held_out(code: str) -> bool:
    return drawn_by_lot("outlines", base(plain(code)), SHARE)


def _drawings(package: Path) -> Iterator[Drawing]:
    seen = set()
    for entry in json.loads((package / "data" / "openmoji.json").read_bytes()):
        code = entry["hexcode"]
        ink = png(draw_on_white((package / "black" / "svg" / f"{code}.svg").read_text()))
        if not _is_flag(entry) and ink not in seen:
            seen.add(ink)
            yield Drawing(code, ink, package / "color" / "svg" / f"{code}.svg")


def _is_flag(entry: dict[str, Any]) -> bool:
    return any("flag" in entry[name] for name in ("group", "subgroups", "annotation"))


def _pairs(drawings: Iterable[Drawing]) -> Files:
    for one in drawings:
        yield f"input/{one.code.lower()}.png", one.ink
        yield f"target/{one.code.lower()}.png", png(draw_on_white(one.colour.read_text()))
