"""The public set `app-icons`: icons of programs in many colours, from Papirus.

Drawn by the Papirus team for desktops (GPL-3.0). Many show brands, which are
trademarks of their owners. Names that are links to another icon are left out, and
so is a picture that a former one equals.
"""

import re
from pathlib import Path

from mintmark.core.records import Rights
from mintmark.data.public import fetch
from mintmark.data.public.drawing import draw
from mintmark.data.public.parts import Sample, build_part, drawn_by_lot, labelled

PACKAGE = "papirus-icon-theme"
APPS = "usr/share/icons/Papirus/64x64/apps/"
SHARE = 10  # % of the families that are held out
WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
ADDRESS = {"com", "org", "net", "io", "de", "fr", "ru"}  # names may be reversed addresses


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` and `held-out/`, whole families of names on each side.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most icons of each part; None draws all.

    Returns:
        The same folder.

    Raises:
        ConfigError: apt-get, dpkg-deb or the extra `public` is missing, or the
            download fails.
        DataError: The download is damaged.
    """
    package = fetch.debian(PACKAGE, APPS)
    rights = Rights(
        "GPL-3.0-only",
        ("Papirus Development Team", "Numix Project", "Sam Hewitt", "elementaryPlus contributors"),
        f"Debian {PACKAGE} {fetch.version(package)}, 64x64/apps",
    )
    paths = _distinct(package)
    for part, inside in (("train", False), ("held-out", True)):
        chosen = [path for path in paths if _held_out(path) == inside]
        build_part(folder / part, rights, labelled(map(_sample, chosen[:limit])))
    return folder


def _distinct(package: Path) -> list[Path]:
    """The first icon of each that are equal to the byte."""
    icons: dict[bytes, Path] = {}
    for path in sorted(package.glob("*.svg")):
        icons.setdefault(path.read_bytes(), path)
    return list(icons.values())


def _held_out(path: Path) -> bool:
    return drawn_by_lot("app-icons", words(path.stem)[0], SHARE)


def _sample(path: Path) -> Sample:
    said = words(path.stem)
    columns = {"text": " ".join(said), "group": said[0]}
    return Sample(f"{path.stem}.png", draw(path.read_text()), columns)


def words(name: str) -> list[str]:
    """The words of a file name: "org.gnome.Maps" says gnome maps, "AdobeXD" adobe xd."""
    parts = [word.casefold() for word in WORD.findall(name)]
    said = parts[1:] if parts and parts[0] in ADDRESS and len(parts) > 1 else parts
    return said or [name]
