"""The public set `paintings`: patches of the painted and drawn wallpapers of Plasma.

19 pictures of one Debian package, most of them geometric, brought to 1,280 pixels of
width at most and cut as `photos` is. The split is by whole pictures.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.data.public import fetch
from mintmark.data.public.parts import Sample, build_part, labelled, rights_of
from mintmark.data.public.patches import patches, reduced

FOLDER = "usr/share/wallpapers/"
LGPL, SHARED = "LGPL-3.0-only", "CC-BY-SA-4.0"
PAINTINGS = {  # file below `contents/images`, and what the metadata beside it says
    "Altai": ("5120x2880.png", SHARED, "Alesya Khoteeva"),
    "Autumn": ("2560x1600.jpg", LGPL, "RJ Quiralta"),
    "Canopee": ("3840x2160.png", LGPL, "Ken Vermette"),
    "Cascade": ("3840x2160.png", LGPL, "Ken Vermette"),
    "Cluster": ("3840x2160.png", LGPL, "Ken Vermette"),
    "Elarun": ("2560x1600.png", LGPL, "Nuno Pinheiro"),
    "Flow": ("5120x2880.jpg", SHARED, "Sandra Smukaste"),
    "FlyingKonqui": ("2560x1600.png", LGPL, "Timothée Giet"),
    "Honeywave": ("5120x2880.jpg", SHARED, "Ken Vermette"),
    "IceCold": ("5120x2880.png", SHARED, "Santiago Cézar"),
    "Kay": ("5120x2880.png", SHARED, "ruvkr"),
    "Kokkini": ("3840x2160.png", LGPL, "Ken Vermette"),
    "MilkyWay": ("5120x2880.png", SHARED, "ruvkr"),
    "Opal": ("3840x2160.png", LGPL, "Ken Vermette"),
    "PastelHills": ("3200x2000.jpg", LGPL, "Lionel"),
    "Patak": ("5120x2880.png", SHARED, "Áron Kovács"),
    "SafeLanding": ("5120x2880.jpg", SHARED, "Louis Durrant"),
    "Shell": ("5120x2880.jpg", SHARED, "Lucas Andrade"),
    "Volna": ("5120x2880.jpg", SHARED, "Nikita Babin"),
}
HELD_OUT = ("Canopee", "Patak", "PastelHills", "Volna")


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` (15 pictures) and `held-out/` (4).

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most pictures of each part; None takes all.

    Returns:
        The same folder.

    Raises:
        ConfigError: apt-get or dpkg-deb is missing, or a download fails.
        DataError: The download is damaged, or lacks a picture.
    """
    package = fetch.debian("plasma-workspace-wallpapers", FOLDER)
    source = (
        f"Debian {package.name.replace('_', ' ')} (Debian's own file says GPL-2.0-or-later for all)"
    )
    for part, inside in (("train", False), ("held-out", True)):
        if (folder / part).exists():
            continue
        chosen = [name for name in PAINTINGS if (name in HELD_OUT) == inside]
        samples = [one for name in chosen[:limit] for one in _samples(name, package)]
        build_part(folder / part, rights_of(samples, source), labelled(samples))
    return folder


def whole(held_out: bool) -> dict[str, NDArray[np.uint8]]:
    """The pictures of a part by name, reduced and uncut, (height, width, 3)."""
    package = fetch.debian("plasma-workspace-wallpapers", FOLDER)
    names = [name for name in PAINTINGS if (name in HELD_OUT) == held_out]
    return {name: _painting(name, package) for name in names}


def _painting(name: str, package: Path) -> NDArray[np.uint8]:
    return reduced(package / name / "contents" / "images" / PAINTINGS[name][0])


def _samples(name: str, package: Path) -> Iterator[Sample]:
    _, licence, author = PAINTINGS[name]
    columns = {"group": name, "licence": licence, "attribution": f"{name} by {author}"}
    return patches(_painting(name, package), columns)
