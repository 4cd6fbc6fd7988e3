"""The public set `photos`: patches of photographs that desktops show as wallpapers.

45 photographs of six Debian packages, halved in size or more, which removes the noise
of JPEG, and cut into patches of 64 x 64 that do not overlap; those that are almost
plain are left out. The split is by whole photographs: a count of patches flatters,
the independent unit is the photograph.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mintmark.data.public import fetch
from mintmark.data.public.parts import Sample, build_part, labelled, rights_of
from mintmark.data.public.patches import LONGEST, patches, reduced

MATE, PLASMA = "mate-backgrounds", "plasma-workspace-wallpapers"
LOMIRI, LATER, LXQT = "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "lxqt-themes"
PALAPELI = "palapeli-data"
FOLDERS = {  # of each package, what is unpacked
    MATE: "usr/share/backgrounds/mate/nature/",
    PLASMA: "usr/share/wallpapers/",
    LOMIRI: "usr/share/backgrounds/",
    LATER: "usr/share/backgrounds/",
    LXQT: "usr/share/lxqt/wallpapers/",
    PALAPELI: "usr/share/palapeli/collection/",
}
GPL, LGPL = "GPL-2.0-or-later", "LGPL-3.0-only"
BY, SHARED, SHARED_3 = "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-SA-3.0"
ZERO, FREE = "CC0-1.0", "LicenseRef-public-domain"


class Photo(NamedTuple):
    """What a package's own files say of a photograph."""

    package: str
    licence: str
    author: str
    file: str = ""  # below the folder of the package; of the first two it follows from the name


PHOTOS = {
    "Aqua": Photo(MATE, GPL, "Charles Barbin"),
    "Blinds": Photo(MATE, GPL, "Lennart Poettering and Andrea Cimitan"),
    "BytheWater": Photo(PLASMA, LGPL, "Maciej Wiklo"),
    "ColdRipple": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "ColorfulCups": Photo(PLASMA, LGPL, "Dmitri Popov"),
    "DarkestHour": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "Dune": Photo(MATE, GPL, "Marco Cogoni and Hylke Bons"),
    "EveningGlow": Photo(PLASMA, LGPL, "Ian Hex"),
    "FallenLeaf": Photo(PLASMA, LGPL, "Martin Klapetek"),
    "FreshFlower": Photo(MATE, GPL, "Jens Ansorg"),
    "Garden": Photo(MATE, GPL, "Charles Barbin"),
    "GreenMeadow": Photo(MATE, GPL, "Timothy Schellhase and Lapo Calamandrei"),
    "Grey": Photo(PLASMA, LGPL, "Sigi Sagi"),
    "Kite": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "LadyBird": Photo(MATE, GPL, "Charles Barbin"),
    "OneStandsOut": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "Path": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "RainDrops": Photo(MATE, GPL, "blackcombwhistler07"),
    "Storm": Photo(MATE, GPL, "Sergey Nazarov"),
    "TwoWings": Photo(MATE, GPL, "Charles Barbin and Hylke Bons"),
    "Wood": Photo(MATE, GPL, "Jean-François Fortin Tam"),
    "YellowFlower": Photo(MATE, GPL, "Charles Barbin"),
    "summer_1am": Photo(PLASMA, LGPL, "Risto Saukonpää"),
    "aitzgorri": Photo(LOMIRI, BY, "Aitzol Berasategi", "aitzgorri_by_Aitzol_Berasategi.jpg"),
    "friends": Photo(LOMIRI, BY, "Aitzol Berasategi", "friends_by_Aitzol_Berasategi.jpg"),
    "life": Photo(LOMIRI, BY, "Aitzol Berasategi", "life_by_Aitzol_Berasategi.jpg"),
    "picosdeeuropa": Photo(
        LOMIRI, BY, "Aitzol Berasategi", "picosdeeuropa_by_Aitzol_Berasategi.jpg"
    ),
    "sunset": Photo(LOMIRI, BY, "Aitzol Berasategi", "sunset_by_Aitzol_Berasategi.jpg"),
    "Wine": Photo(LOMIRI, BY, "Jakub Mede", "Wine_by_Jakkub_Mede.jpg"),
    "Bridge": Photo(LOMIRI, SHARED, "Sander Klootwijk", "Bridge_by_Sander_Klootwijk.jpg"),
    "free": Photo(LOMIRI, SHARED, "Peter Nerlich", "free_by_Peter_Nerlich.jpg"),
    "greentock": Photo(LOMIRI, SHARED, "Peter Nerlich", "greentock_by_Peter_Nerlich.jpg"),
    "seeding": Photo(LOMIRI, ZERO, "Clemens Engelhardt", "seeding_by_Clements_Engelhardt.jpg"),
    "after-the-rain": Photo(LXQT, SHARED_3, "Stef Binde", "after-the-rain.jpg"),
    "appleflower": Photo(LXQT, SHARED_3, "Stef Binde", "appleflower.png"),
    "butterfly": Photo(LXQT, SHARED_3, "Stef Binde", "butterfly.png"),
    "drop": Photo(LXQT, SHARED_3, "Stef Binde", "drop.png"),
    "flowers": Photo(LXQT, SHARED_3, "Stef Binde", "flowers.png"),
    "cincinnati-bridge": Photo(PALAPELI, FREE, "Derek Jensen", "cincinnati-bridge.jpg"),
    "citrus-fruits": Photo(PALAPELI, FREE, "US Department of Agriculture", "citrus-fruits.jpg"),
    "european-honey-bee": Photo(PALAPELI, FREE, "John Severns", "european-honey-bee.jpg"),
    "Dragonfly": Photo(LOMIRI, SHARED, "Bolly", "Dragonfly_by_Bolly.jpg"),
    "Picture_0B": Photo(LOMIRI, BY, "Trevor Freespace", "Picture_0B_by_freespace.jpg"),
    "Picture_1A": Photo(LOMIRI, BY, "Trevor Freespace", "Picture_1A_by_freespace.jpg"),
    "Kleiber": Photo(LATER, SHARED_3, "Lukas Baubkus", "Kleiber_by_Lukas_Baubkus.jpg"),
}
HELD_OUT = ("ColorfulCups", "FallenLeaf", "Kite", "LadyBird", "Wood")
OTHERS = ("Dragonfly", "Picture_0B", "Picture_1A", "Kleiber")
"""Held out, too: their authors, so probably their cameras, took nothing else in the set."""
PARTS = ("train", "held-out", "held-out-others")


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` (36 photographs), `held-out/` (5) and `held-out-others/` (4).

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
    packages = _packages()
    for part in PARTS:
        if (folder / part).exists():
            continue
        chosen = names_of(part)[:limit]
        samples = [one for name in chosen for one in _patches(name, packages)]
        build_part(folder / part, rights_of(samples, source()), labelled(samples))
    return folder


def names_of(part: str) -> list[str]:
    """The photographs of a part."""
    apart = {"held-out": HELD_OUT, "held-out-others": OTHERS}
    taken = apart.get(part, [name for name in PHOTOS if name not in HELD_OUT + OTHERS])
    return list(taken)


def whole(held_out: bool) -> dict[str, NDArray[np.uint8]]:
    """The photographs of `held-out` or of `train` by name, reduced, uncut, (height, width, 3)."""
    return whole_part("held-out" if held_out else "train")


def whole_part(part: str) -> dict[str, NDArray[np.uint8]]:
    """The photographs of a part by name, reduced, uncut, (height, width, 3)."""
    packages = _packages()
    return {name: _photograph(name, packages) for name in names_of(part)}


def whole_one(name: str, longest: int = LONGEST) -> NDArray[np.uint8]:
    """One photograph, halved in size or more, uncut, (height, width, 3), no side over `longest`."""
    return _photograph(name, _packages(), longest)


def source() -> str:
    """Which packages, of which versions, the photographs are from."""
    used = ", ".join(path.name.replace("_", " ") for path in _packages().values())
    return f"Debian {used} (of Plasma's, Debian's own file says GPL-2.0-or-later, too)"


def _packages() -> dict[str, Path]:
    return {name: fetch.debian(name, under) for name, under in FOLDERS.items()}


def _photograph(
    name: str, packages: Mapping[str, Path], longest: int = LONGEST
) -> NDArray[np.uint8]:
    photo = PHOTOS[name]
    usual = {MATE: f"{name}.jpg", PLASMA: f"{name}/contents/images/2560x1600.jpg"}
    return reduced(packages[photo.package] / usual.get(photo.package, photo.file), longest)


def _patches(name: str, packages: Mapping[str, Path]) -> Iterator[Sample]:
    photo = PHOTOS[name]
    attribution = f"{name} by {photo.author}"
    columns = {"group": name, "licence": photo.licence, "attribution": attribution}
    return patches(_photograph(name, packages), columns)
