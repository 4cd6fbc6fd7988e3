"""Values as they are typed: sizes, ranges of seeds, attributes."""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from mintmark.core.errors import ConfigError
from mintmark.core.records import MOST_MARGIN, Side

MOST_SEEDS = 100_000

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")]


def sides(text: str | None) -> int | tuple[int, int] | None:
    """A size as it is typed: `64`, or `96x64` for width and height."""
    parts = [] if text is None else text.lower().split("x")
    if not parts:
        return None
    if not all(part.isdecimal() for part in parts) or len(parts) > 2:
        raise ConfigError(f"The size {text!r} is neither a number nor WIDTHxHEIGHT, as 96x64.")
    numbers = [int(part) for part in parts]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def numbers(text: str | None) -> tuple[int, ...]:
    """Seeds as they are typed: `1-4,9`."""
    found: list[int] = []
    for part in text.split(",") if text else []:
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise ConfigError(f"--seeds takes numbers and ranges, as in 1-4,9, not {text!r}.")
        if int(last or first) - int(first) >= MOST_SEEDS:
            raise ConfigError(f"--seeds {part} is a very long range; take --count instead.")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def margins(texts: list[str]) -> dict[Side, int]:
    """Pixels at sides as they are typed: `left=256`, or several with commas."""
    found: dict[Side, int] = {}
    for part in ",".join(texts).split(",") if texts else []:
        side, _, pixels = part.strip().partition("=")
        if side not in get_args(Side) or not pixels.isdecimal() or int(pixels) > MOST_MARGIN:
            raise ConfigError(
                "--outpaint takes left, right, top or bottom with pixels up to "
                f"{MOST_MARGIN}, as in --outpaint left=256, not {part!r}."
            )
        found[cast(Side, side)] = int(pixels)
    return found


def pairs(texts: list[str]) -> dict[str, str]:
    """Attributes as they are typed: `hair=red`."""
    for text in texts:
        if "=" not in text:
            raise ConfigError(f"--set takes NAME=VALUE, as in --set hair=red, not {text!r}.")
    return dict(text.split("=", 1) for text in texts)
