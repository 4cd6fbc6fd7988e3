"""The public set `phantoms`: drawn slices of computed tomography, in the manner of anatomy.

Ellipses after Shepp and Logan, "The Fourier Reconstruction of a Head Section" (1974): skin
with fat, muscle, ribs, a spine, vessels, and a chest with lungs or an abdomen with liver,
kidneys, spleen and gut; uneven by a faint texture. Half of the slices have lesions, round and
a little brighter or darker than the even tissue around them; `metadata.jsonl` says where.

Samples are whole Hounsfield units of `WINDOW`, black to white, 16 bits. A pixel is 2.5 mm.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mintmark.core.records import Rights
from mintmark.core.seeds import derive
from mintmark.data.public.parts import Sample, build_part, labelled

SIDE = 128  # pixels
WINDOW = (-1000, 1000)  # Hounsfield units of black and white
COUNTS = {"train": 1200, "held-out": 200, "held-out-lesion-free": 200}
RADIUS = (4.0, 7.0)  # of lesions, pixels
CONTRAST = (50, 100)  # of lesions, either way, Hounsfield units
RING = 3  # pixels around a lesion that are of the tissue that it lies in
EVEN = 20.0  # Hounsfield units, the spread up to which tissue counts as even
TRIES = 400  # places tried for a lesion
RIGHTS = Rights("CC0-1.0", ("The Mintmark authors",), "drawn by mintmark.data.public.phantoms")
Units = NDArray[np.float64]
Place = tuple[float, float]


@dataclass(frozen=True)
class Ellipse:
    """A part of a slice.

    Attributes:
        y: Row of its centre, pixels.
        x: Column of its centre.
        a: Half of its width before it is turned, pixels.
        b: Half of its height.
        value: Hounsfield units inside.
        turn: Radians.
    """

    y: float
    x: float
    a: float
    b: float
    value: float
    turn: float = 0.0


@dataclass(frozen=True)
class Lesion:
    """A round spot.

    Attributes:
        y: Row of its centre, pixels.
        x: Column of its centre.
        radius: Pixels.
        contrast: Hounsfield units above what surrounds it.
    """

    y: float
    x: float
    radius: float
    contrast: float


def build(folder: Path, limit: int | None = None) -> Path:
    """Writes the set as `train/`, `held-out/` and `held-out-lesion-free/`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.
        limit: Most slices of each part; None takes all.

    Returns:
        The same folder.
    """
    for part, count in COUNTS.items():
        build_part(folder / part, RIGHTS, labelled(_samples(part, min(count, limit or count))))
    return folder


def draw(part: str, number: int) -> tuple[Units, tuple[Lesion, ...]]:
    """A slice of a part, in Hounsfield units, (SIDE, SIDE), and its lesions."""
    random = np.random.Generator(np.random.PCG64(derive(0, "phantoms", part, number)))
    slice_ = np.full((SIDE, SIDE), -1000.0)
    for ellipse in _anatomy(random):
        box, share = coverage(ellipse)
        slice_[box] += share * (ellipse.value - slice_[box])
    wanted = 0 if part.endswith("free") or number % 2 else int(random.integers(1, 4))
    lesions = _lesions(slice_, wanted, random)
    for one in lesions:
        box, share = disc(one.y, one.x, one.radius)
        slice_[box] += one.contrast * share
    slice_ += _texture(slice_, random)
    return np.clip(np.rint(slice_), *WINDOW), lesions


def coverage(ellipse: Ellipse) -> tuple[tuple[slice, slice], Units]:
    """Where an ellipse lies, rows and columns, and nearly the share of each pixel in it, [0, 1]."""
    reach = max(ellipse.a, ellipse.b) + 1
    box = _span(ellipse.y, reach), _span(ellipse.x, reach)
    y, x = np.mgrid[box]
    y, x = y - ellipse.y, x - ellipse.x
    sine, cosine = math.sin(ellipse.turn), math.cos(ellipse.turn)
    u, v = (x * cosine + y * sine) / ellipse.a, (y * cosine - x * sine) / ellipse.b
    radius = np.hypot(u, v)
    slope = np.hypot(u / ellipse.a, v / ellipse.b) / np.maximum(radius, 1e-9)  # of the radius
    return box, np.clip(0.5 + (1 - radius) / np.maximum(slope, 1e-9), 0, 1)


def _span(middle: float, reach: float) -> slice:
    first, last = math.floor(middle - reach), math.ceil(middle + reach) + 1
    return slice(min(max(first, 0), SIDE), min(max(last, 0), SIDE))


def disc(y: float, x: float, radius: float) -> tuple[tuple[slice, slice], Units]:
    """The coverage of a circle; see `coverage`."""
    return coverage(Ellipse(y, x, radius, radius, 0))


def _samples(part: str, count: int) -> Iterator[Sample]:
    low, high = WINDOW
    for number in range(count):
        units, lesions = draw(part, number)
        levels = np.rint((units - low) / (high - low) * 65535).astype(np.uint16)
        columns: Mapping[str, Any] = {"lesions": [asdict(one) for one in lesions]}
        yield Sample(f"{number:04}.png", levels[..., None], columns)


def _anatomy(random: np.random.Generator) -> Iterator[Ellipse]:
    """The parts of a body, each over those before it."""
    y, x = SIDE / 2 + random.uniform(-3, 3), SIDE / 2 + random.uniform(-3, 3)
    middle = y, x
    a, b = random.uniform(0.37, 0.46) * SIDE, random.uniform(0.27, 0.37) * SIDE
    fat = random.uniform(1.5, 7)
    yield Ellipse(*middle, a, b, random.uniform(-115, -80))
    yield Ellipse(*middle, a - fat, b - fat, random.uniform(35, 65))
    chest = random.random() < 0.5
    yield from (_lungs if chest else _organs)(middle, a - fat, b - fat, random)
    yield from _ribs(middle, a - fat - 2.5, b - fat - 2.5, random)
    yield from _spine(middle[0] + 0.4 * b, middle[1], random)
    yield from _strays(middle, 0.6 * a, 0.6 * b, random)


def _lungs(middle: Place, a: float, b: float, random: np.random.Generator) -> Iterator[Ellipse]:
    """Two lungs with vessels, and the heart between them."""
    for side in (-1, 1):
        x, y = middle[1] + side * random.uniform(0.45, 0.55) * a, middle[0]
        wide, high = random.uniform(0.28, 0.38) * a, random.uniform(0.6, 0.75) * b
        yield Ellipse(y, x, wide, high, random.uniform(-900, -750), side * 0.2)
        for _ in range(random.integers(5, 25)):
            radius, turn = random.uniform(0, 0.85), random.uniform(0, 2 * math.pi)
            place = y + high * radius * math.sin(turn), x + wide * radius * math.cos(turn)
            size = random.uniform(0.4, 2.2), random.uniform(0.4, 1.2)
            yield Ellipse(*place, *size, random.uniform(-300, 60), turn)
    heart = middle[0] - random.uniform(0, 0.3) * b, middle[1] + random.uniform(-0.1, 0.2) * a
    wide, high = random.uniform(0.25, 0.4) * a, random.uniform(0.3, 0.45) * b
    yield Ellipse(*heart, wide, high, random.uniform(30, 180), random.uniform(-0.5, 0.5))


def _organs(middle: Place, a: float, b: float, random: np.random.Generator) -> Iterator[Ellipse]:
    """Fat of the belly with liver, spleen, kidneys and gut, of which some holds gas."""
    y, x = middle
    yield Ellipse(y - 0.1 * b, x, 0.85 * a, 0.75 * b, random.uniform(-110, -60))
    for _ in range(random.integers(4, 12)):
        place = y - random.uniform(-0.1, 0.6) * b, x + random.uniform(-0.55, 0.55) * a
        size = random.uniform(3, 9), random.uniform(3, 7)
        turn, value = random.uniform(0, math.pi), random.uniform(0, 60)
        yield Ellipse(*place, *size, value, turn)
        if random.random() < 0.4:
            gas = random.uniform(0.2, 0.7)
            inside = random.choice([-900.0, 10.0, 200.0])
            yield Ellipse(*place, gas * size[0], gas * size[1], inside, turn)
    value = random.uniform(50, 130)
    wide, high = random.uniform(0.38, 0.48) * a, random.uniform(0.48, 0.62) * b
    yield Ellipse(y - 0.1 * b, x - 0.42 * a, wide, high, value, random.uniform(-0.3, 0.3))
    wide, high = random.uniform(0.16, 0.26) * a, random.uniform(0.28, 0.42) * b
    yield Ellipse(y + 0.05 * b, x + 0.65 * a, wide, high, value + 10, random.uniform(-0.3, 0.3))
    for side in (-1, 1):
        place = y + random.uniform(0.3, 0.45) * b, x + side * random.uniform(0.33, 0.42) * a
        size = random.uniform(5, 7.5), random.uniform(5.5, 9)
        yield Ellipse(*place, *size, random.uniform(30, 190), side * random.uniform(0, 0.6))


def _ribs(middle: Place, a: float, b: float, random: np.random.Generator) -> Iterator[Ellipse]:
    """Short bones along the wall, hard outside."""
    for _ in range(random.integers(4, 14)):
        turn = random.uniform(0, 2 * math.pi)
        place = middle[0] + b * math.sin(turn), middle[1] + a * math.cos(turn)
        along = math.atan2(b * math.cos(turn), -a * math.sin(turn))
        long, thick = random.uniform(2.5, 7), random.uniform(1.2, 2.2)
        yield Ellipse(*place, long, thick, random.uniform(350, 900), along)
        yield Ellipse(*place, 0.7 * long, 0.5 * thick, random.uniform(100, 350), along)


def _spine(y: float, x: float, random: np.random.Generator) -> Iterator[Ellipse]:
    """A vertebra with its canal and processes, and the great vessels before it."""
    size, hard = random.uniform(7, 12), random.uniform(450, 950)
    soft, shell = random.uniform(120, 300), random.uniform(0.8, 1.6)
    for side in (-1, 1):
        place, turn = (y + size, x + side * size), side * random.uniform(0, 0.6)
        yield Ellipse(*place, 0.8 * size, 0.25 * size, 0.8 * hard, turn)
    yield Ellipse(y + 1.5 * size, x, 0.2 * size, 0.7 * size, 0.7 * hard)
    high = random.uniform(0.75, 1.1) * size
    yield Ellipse(y, x, size, high, hard)
    yield Ellipse(y, x, size - shell, high - shell, soft)
    yield Ellipse(y + size, x, 0.55 * size, 0.45 * size, 0.9 * hard)
    yield Ellipse(y + size, x, 0.55 * size - shell, 0.45 * size - shell, random.uniform(10, 40))
    blood = random.uniform(35, 300)
    for side in (-1, 1):
        radius = random.uniform(2.5, 5.5)
        yield Ellipse(y - high - radius - 1, x + side * 5, radius, radius, blood)


def _strays(middle: Place, a: float, b: float, random: np.random.Generator) -> Iterator[Ellipse]:
    """What no plan foresees: anything anywhere."""
    for _ in range(random.integers(0, 10)):
        place = middle[0] + random.uniform(-b, b), middle[1] + random.uniform(-a, a)
        size = np.exp(random.uniform(math.log(0.6), math.log(8), 2))
        value, turn = random.normal(40, 120), random.uniform(0, math.pi)
        yield Ellipse(*place, size[0], size[1], value, turn)


def _lesions(units: Units, count: int, random: np.random.Generator) -> tuple[Lesion, ...]:
    """As many as find a place in even tissue, apart from each other."""
    found: list[Lesion] = []
    for _ in range(TRIES):
        if len(found) == count:
            break
        y, x = random.uniform(0.1 * SIDE, 0.9 * SIDE, 2)
        one = Lesion(
            y=round(float(y), 2),
            x=round(float(x), 2),
            radius=round(random.uniform(*RADIUS), 2),
            contrast=float(random.choice((-1, 1)) * random.integers(*CONTRAST)),
        )
        apart = all(
            math.hypot(y - other.y, x - other.x) > one.radius + other.radius + 2 * RING
            for other in found
        )
        if apart and _even(units, one):
            found.append(one)
    return tuple(found)


def _even(units: Units, one: Lesion) -> bool:
    """Whether a lesion and its ring lie in one soft tissue."""
    box, share = disc(one.y, one.x, one.radius + RING)
    inside = units[box][share > 0]
    return bool(np.ptp(inside) < EVEN and abs(inside.mean()) < 250)


def _texture(units: Units, random: np.random.Generator) -> Units:
    """Faint unevenness of what is not air, the lungs and bones the most."""
    grain = ndimage.gaussian_filter(random.normal(size=units.shape), random.uniform(0.7, 2))
    strength = np.where(np.abs(units) < 200, random.uniform(2, 10), random.uniform(10, 40))
    textured: Units = strength * grain / grain.std() * np.clip((units + 1000) / 100, 0, 1)
    return textured
