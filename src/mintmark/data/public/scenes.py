"""The public set `scenes`: whole photographs, small, for what learns from tones and colours.

The photographs of `photos` uncut, landscapes of the game Endless Sky, and places of the
backgrounds of Scratch, halved in size or more. The split is by whole photographs: those
that `photos` holds out stay held out, of the others a tenth is, by lot.
"""

from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mintmark.data.public import fetch, photos
from mintmark.data.public.parts import Sample, build_part, drawn_by_lot, labelled, rights_of
from mintmark.data.public.patches import reduced

LONGEST = 480  # pixels a side, of the large ones; tones need no more
ENDLESS, SCRATCH = "endless-sky-data", "scratch"
FOLDERS = {  # of each package, what is unpacked
    ENDLESS: "usr/share/games/endless-sky/images/land/",
    SCRATCH: "usr/share/scratch/Media/Backgrounds/",
}
SHARED, SHARED_3, FREE = photos.SHARED, photos.SHARED_3, photos.FREE
# Of Endless Sky, by name; the first that fits. The package's own patterns overlap, by accident
# (mountain1* is said to be of no author, and fits mountain10-sfiera): whom a name tells goes first.
CREDITS = {
    "bwerner*": (SHARED_3, "Berthold Werner"),
    "myrabella*": (SHARED_3, "Myrabella"),
    "dmottl*": (SHARED_3, "Dmitry A. Mottl"),
    "mfield*": (SHARED_3, "Matthew Field"),
    "*-sfiera": (SHARED, "Chris Pickel"),
    "*-striker": (SHARED, "Michael Wilso"),
    "*-harro": (SHARED, "harro.eu"),
    "*-iridium": (SHARED, "Iridium Ore"),
    "*-spfld": (SHARED, "Eric Denni"),
    "lava0": (FREE, "USGS"),
    "lava5": (SHARED, "Michael Zahniser"),
    "space2": (FREE, "somebody on unsplash.com"),
    "desert0": (FREE, "NASA"),
    "earthrise": (FREE, "NASA"),
    "nasa*": (FREE, "NASA"),
    "space*": (FREE, "NASA"),
    "station[1-4]": (FREE, "NASA"),
    "*": (FREE, "somebody on morguefile.com or unsplash.com"),
}
BACKGROUNDS = (SHARED_3, "Massachusetts Institute of Technology, in Scratch")
NO_PHOTOGRAPHS = (  # of Scratch: drawn, or coloured by hand
    "brick-wall1", "chalkboard", "forest", "graffiti", "hay_field", "kitchen", "moon",
    "party-room", "room1", "room2", "room3", "school2", "spotlight-stage", "woods-and-bench",
)  # fmt: skip
SHARE = 10  # %, of what is not in `photos`, held out
PARTS = ("train", "held-out")


class Scene(NamedTuple):
    """A photograph: its terms, and how to get it, (height, width, 3)."""

    licence: str
    attribution: str
    read: Callable[[], NDArray[np.uint8]]


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` (326 photographs) and `held-out/` (35).

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most photographs of each part; None takes all.

    Returns:
        The same folder.

    Raises:
        ConfigError: apt-get or dpkg-deb is missing, or a download fails.
        DataError: A download is damaged, or lacks a photograph.
    """
    for part in PARTS:
        if (folder / part).exists():
            continue
        samples = [_sample(name, one) for name, one in list(scenes(part).items())[:limit]]
        build_part(folder / part, rights_of(samples, _source()), labelled(samples))
    return folder


def scenes(part: str) -> dict[str, Scene]:
    """The photographs of a part by name, in alphabetical order."""
    held_out = part == "held-out"
    found = {name: _of_photos(name) for name in photos.names_of(part)}
    others = _landscapes() | _backgrounds()
    chosen = (name for name in others if drawn_by_lot("scenes", name, SHARE) == held_out)
    found |= {name: others[name] for name in chosen}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def whole_part(part: str) -> dict[str, NDArray[np.uint8]]:
    """The photographs of a part by name, (height, width, 3)."""
    return {name: scene.read() for name, scene in scenes(part).items()}


def _of_photos(name: str) -> Scene:
    photo = photos.PHOTOS[name]
    attribution = f"{name} by {photo.author}"
    return Scene(photo.licence, attribution, partial(photos.whole_one, name, LONGEST))


def _landscapes() -> dict[str, Scene]:
    files = sorted(fetch.debian(ENDLESS, FOLDERS[ENDLESS]).glob("*.jpg"))
    return {file.stem: Scene(*credit(file.stem), partial(reduced, file, LONGEST)) for file in files}


def credit(name: str) -> tuple[str, str]:
    """Licence and attribution of a landscape of Endless Sky, from what its package says."""
    licence, author = next(said for pattern, said in CREDITS.items() if fnmatch(name, pattern))
    return licence, f"{author}, in Endless Sky"


def _backgrounds() -> dict[str, Scene]:
    files = sorted(fetch.debian(SCRATCH, FOLDERS[SCRATCH]).glob("*/*.jpg"))
    return {
        file.stem: Scene(*BACKGROUNDS, partial(reduced, file, LONGEST))
        for file in files
        if file.stem not in NO_PHOTOGRAPHS
    }


def _source() -> str:
    used = [fetch.debian(name, under) for name, under in FOLDERS.items()]
    named = ", ".join(path.name.replace("_", " ") for path in used)
    return f"Debian {named}, and {photos.source()}"


def _sample(name: str, scene: Scene) -> Sample:
    columns = {"group": name, "licence": scene.licence, "attribution": scene.attribution}
    return Sample(f"{name.lower()}.png", scene.read(), columns)
