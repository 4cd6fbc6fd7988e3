"""The public set `photos`: patches of photographs that desktops show as wallpapers.

23 photographs of two Debian packages, halved in size, which removes the noise of
JPEG, and cut into patches of 64 x 64 that do not overlap; those that are almost
plain are left out. The split is by whole photographs: a count of patches flatters,
the independent unit is the photograph.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.data.public import fetch
from mintmark.data.public.parts import Sample, build_part, labelled, rights_of
from mintmark.data.public.patches import patches, reduced

MATE = "usr/share/backgrounds/mate/nature/"
PLASMA = "usr/share/wallpapers/"
GPL, LGPL = "GPL-2.0-or-later", "LGPL-3.0-only"
PHOTOS = {  # what the packages' own files say of each
    "Aqua": (GPL, "Charles Barbin"),
    "Blinds": (GPL, "Lennart Poettering and Andrea Cimitan"),
    "BytheWater": (LGPL, "Maciej Wiklo"),
    "ColdRipple": (LGPL, "Risto Saukonpää"),
    "ColorfulCups": (LGPL, "Dmitri Popov"),
    "DarkestHour": (LGPL, "Risto Saukonpää"),
    "Dune": (GPL, "Marco Cogoni and Hylke Bons"),
    "EveningGlow": (LGPL, "Ian Hex"),
    "FallenLeaf": (LGPL, "Martin Klapetek"),
    "FreshFlower": (GPL, "Jens Ansorg"),
    "Garden": (GPL, "Charles Barbin"),
    "GreenMeadow": (GPL, "Timothy Schellhase and Lapo Calamandrei"),
    "Grey": (LGPL, "Sigi Sagi"),
    "Kite": (LGPL, "Risto Saukonpää"),
    "LadyBird": (GPL, "Charles Barbin"),
    "OneStandsOut": (LGPL, "Risto Saukonpää"),
    "Path": (LGPL, "Risto Saukonpää"),
    "RainDrops": (GPL, "blackcombwhistler07"),
    "Storm": (GPL, "Sergey Nazarov"),
    "TwoWings": (GPL, "Charles Barbin and Hylke Bons"),
    "Wood": (GPL, "Jean-François Fortin Tam"),
    "YellowFlower": (GPL, "Charles Barbin"),
    "summer_1am": (LGPL, "Risto Saukonpää"),
}
HELD_OUT = ("ColorfulCups", "FallenLeaf", "Kite", "LadyBird", "Wood")


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` (18 photographs) and `held-out/` (5).

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
    mate = fetch.debian("mate-backgrounds", MATE)
    plasma = fetch.debian("plasma-workspace-wallpapers", PLASMA)
    source = (
        f"Debian {mate.name.replace('_', ' ')} and {plasma.name.replace('_', ' ')} (Debian's own "
        "file says GPL-2.0-or-later for the latter, too)"
    )
    for part, inside in (("train", False), ("held-out", True)):
        if (folder / part).exists():
            continue
        chosen = [name for name in PHOTOS if (name in HELD_OUT) == inside]
        samples = [one for name in chosen[:limit] for one in _patches(name, mate, plasma)]
        build_part(folder / part, rights_of(samples, source), labelled(samples))
    return folder


def whole(held_out: bool) -> dict[str, NDArray[np.uint8]]:
    """The photographs of a part by name, halved and uncut, (height, width, 3)."""
    mate = fetch.debian("mate-backgrounds", MATE)
    plasma = fetch.debian("plasma-workspace-wallpapers", PLASMA)
    names = [name for name in PHOTOS if (name in HELD_OUT) == held_out]
    return {name: _photograph(name, mate, plasma) for name in names}


def _photograph(name: str, mate: Path, plasma: Path) -> NDArray[np.uint8]:
    licence, _ = PHOTOS[name]
    if licence == GPL:
        return reduced(mate / f"{name}.jpg")
    return reduced(plasma / name / "contents" / "images" / "2560x1600.jpg")


def _patches(name: str, mate: Path, plasma: Path) -> Iterator[Sample]:
    licence, author = PHOTOS[name]
    columns = {"group": name, "licence": licence, "attribution": f"{name} by {author}"}
    return patches(_photograph(name, mate, plasma), columns)
