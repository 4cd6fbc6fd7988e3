"""Maps of parts: pictures whose colours are names."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.pairs import Part
from mintmark.data.pictures import decode, eight_bits, on_white, to_pillow
from mintmark.data.readers import Source

MOST = 64  # parts; a picture with more colours is no map
Colour = tuple[int, int, int]


def palette_of(source: Source, parts: Iterable[Part]) -> tuple[Colour, ...]:
    """All colours of some maps, sorted.

    Args:
        source: Where they lie.
        parts: The maps.

    Raises:
        DataError: One of them is no map, having more than 64 colours, or all are of one colour.
    """
    found: set[Colour] = set()
    for part in parts:
        found |= set(_colours(part.of(decode(source.read(part.item.name), part.item.name))))
        if len(found) > MOST:
            raise DataError(
                f"The maps up to {part.item.name} have more than {MOST} colours, so these are no "
                "names of parts; save maps as PNG without smoothing, a colour for each part."
            )
    if len(found) < 2:
        raise DataError("All maps are of one colour and say nothing; give the parts colours.")
    return tuple(sorted(found))


def require_known(picture: Picture, palette: Sequence[Sequence[int]], name: str) -> None:
    """Refuses a map with a colour that names no part.

    Args:
        picture: The map.
        palette: The colours that do.
        name: How errors call it.

    Raises:
        DataError: It names the colour and the nearest known one.
    """
    known = np.array(palette)  # (parts, 3)
    for colour in _colours(picture):
        far = np.abs(known - colour).sum(1)  # (parts,)
        if far.min():
            near = known[far.argmin()].tolist()
            raise DataError(
                f"{name} has the colour {_written(colour)}, which names no part; the nearest that "
                f"does is {_written(near)}. Save maps as PNG without smoothing."
            )


def _colours(picture: Picture) -> list[Colour]:
    """The colours of a picture, sorted; at most the first few beyond what a map may have."""
    image = to_pillow(on_white(eight_bits(picture.array))).convert("RGB")
    pixels: NDArray[np.uint8] = np.asarray(image).reshape(-1, 3)
    levels = np.unique(pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32))
    few = levels[: MOST + 1].tolist()
    return [(level >> 16, level >> 8 & 255, level & 255) for level in few]


def _written(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
