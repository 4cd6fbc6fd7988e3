"""The public set `icons`: marks of brands in their own colours, from simple-icons.

The collection is CC0, but single icons carry other terms; those that forbid
commercial use or changes, and those with terms of their own, are left out. All of
them are trademarks: a generated mark must not come near a real one.
"""

import colorsys
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mintmark.data.public import fetch
from mintmark.data.public.drawing import draw
from mintmark.data.public.parts import Sample, build_part, drawn_by_lot, labelled, rights_of

SHARE = 10  # % of the families that are held out
RESTRICTED = re.compile("custom|-(NC|ND)(-|$)")
FREE = ("CC0-1.0", "Unlicense")  # terms that ask for no name
HUES = (  # degrees where each begins
    (0, "red"),
    (16, "orange"),
    (45, "yellow"),
    (70, "green"),
    (165, "cyan"),
    (200, "blue"),
    (255, "purple"),
    (290, "pink"),
    (345, "red"),
)
CAR_MAKERS = """
Acura, Aston Martin, Audi, Bentley, BMW, Bugatti, Cadillac, Chevrolet, Chrysler, Citroën, Dacia,
DAF, DS Automobiles, Ferrari, Fiat, Ford, General Motors, Honda, Hyundai, INFINITI, IVECO, Jeep,
Kia, Koenigsegg, LADA, Lamborghini, Mahindra, MAN, Maserati, Mazda, McLaren, MG, Mitsubishi,
Nissan, Opel, Peugeot, Polestar, Porsche, Ram, Renault, Rimac Automobili, Rolls-Royce, Scania,
SEAT, ŠKODA, smart, Subaru, Suzuki, Tesla, Toyota, Vauxhall, Volkswagen, Volvo
"""


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/` and `held-out/`, whole families of brands on each side.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most icons of each part; None draws all.

    Returns:
        The same folder.

    Raises:
        ConfigError: npm or the extra `public` is missing, or the download fails.
        DataError: The download is not what was pinned.
    """
    package = fetch.npm("simple-icons")
    for part, inside in (("train", False), ("held-out", True)):
        if (folder / part).exists():
            continue
        chosen = [entry for entry in usable(package) if _held_out(entry) == inside]
        samples = [_sample(package, entry) for entry in chosen[:limit]]
        build_part(folder / part, rights_of(samples, "npm simple-icons 16.37.0"), labelled(samples))
    return folder


def usable(package: Path) -> list[dict[str, Any]]:
    """What the collection says of each icon whose terms do not forbid this use."""
    entries = json.loads((package / "data" / "simple-icons.json").read_bytes())
    return [entry for entry in entries if not RESTRICTED.search(licence(entry))]


def licence(entry: Mapping[str, Any]) -> str:
    """The terms of an icon: its own, or those of the collection."""
    return str(entry.get("license", {}).get("type", "CC0-1.0"))


def family(entry: Mapping[str, Any]) -> str:
    """The first word of a brand's name: Google Drive and Google Maps are one family."""
    return str(entry["title"].split()[0].casefold())


def _held_out(entry: Mapping[str, Any]) -> bool:
    return drawn_by_lot("icons", family(entry), SHARE)


def _sample(package: Path, entry: Mapping[str, Any]) -> Sample:
    svg = (package / "icons" / f"{entry['slug']}.svg").read_text()
    tinted = svg.replace("<svg ", f'<svg fill="#{entry["hex"]}" ', 1)
    title, terms = entry["title"], licence(entry)
    columns = {
        "text": title,
        "colour": colour(entry["hex"]),
        "car_maker": title in [name.strip() for name in CAR_MAKERS.split(",")],
        "group": family(entry),
        "licence": terms,
        "attribution": "simple-icons contributors" if terms in FREE else f"{title} ({terms})",
    }
    return Sample(f"{entry['slug']}.png", draw(tinted), columns)


def colour(code: str) -> str:
    """The word for a colour in six hexadecimal digits."""
    red, green, blue = (value / 255 for value in bytes.fromhex(code))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.2:
        return "black"
    if saturation < 0.12:
        return "white" if value > 0.9 else "grey"
    degrees = hue * 360
    if 10 <= degrees < 50 and value < 0.65:
        return "brown"
    return next(word for start, word in reversed(HUES) if degrees >= start)
