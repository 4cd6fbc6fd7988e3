"""Translating without pairs in three ways, against no change.

The content is kept by patches (CUT), by the way back (CycleGAN), or by counterparts that look
alike. At 32 x 32 pixels with the networks of `tiny`; both directions come from one run.

- emoji: Noto and Twemoji, and what is held out was drawn by both artists, so the true picture is
  known, though no run is told which belong together. Unit: a code point. The colour error is the
  mean CIEDE2000 over cells of 4 x 4 pixels between what was made and the true counterpart.
- avatars: the public sets `avatars` and `pixel-avatars`. Judges of hair, skin and glasses learn
  from the people of each style, a judge of the style from both; people of combinations of
  attributes that no run has seen are translated. Unit: a person. Counted is how often the judge
  of the new style sees in the result what is known of the person, and how often the judge of
  style calls it the new style.

Limits, for the best of the three ways and the mean of both directions: a colour error at least
25 % below that of no change; at least 0.9 of the people in the new style, and 0.8 of their hair,
skin and glasses kept.

Each way learns from 24,000 images; likeness of emoji from 96,000, or it would miss the limit.

    python bench/translating.py [CASE] [IMAGES] [DATA] [PICTURES] [SEED] [WAY]

CASE is emoji or avatars; without it both are run. DATA holds the sets, each in a folder of its
name. PICTURES is a folder for sheets: given, made, and the true one where it is known. WAY is nce,
cycle or likeness; without it all are run.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from runs import Networks, Pixels, cache, save_sheet, trained

from mintmark.actions import prepare
from mintmark.actions.translating import with_references
from mintmark.core.records import Content
from mintmark.data.loader import PixelSet
from mintmark.data.manifest import Snapshot
from mintmark.data.public.avatars import HAIR, SKIN
from mintmark.engines.unpaired import Unpaired, Wanted
from mintmark.metrics import attributes as judges
from mintmark.metrics.attributes import Attribute, AttributeNet
from mintmark.metrics.colour import colour_difference
from mintmark.tasks._task import Translation, find_task

SHAPE = (3, 32, 32)
WAYS: tuple[Content, ...] = ("nce", "cycle", "likeness")
IMAGES = 24_000
LONGER: Mapping[tuple[str, Content], int] = {("emoji", "likeness"): 96_000}  # that the limit takes
CELL = 4  # pixels a side over which colours are compared
ARTISTS = ("noto", "twemoji")
STYLES = ("avatars", "pixel-avatars")
ASKED = (
    Attribute("hair", tuple(HAIR)),
    Attribute("skin", tuple(SKIN)),
    Attribute("glasses", ("no", "yes")),
)
LOOKED = 12_000  # pictures that a judge is shown
SHOWN = 16

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """What is trained: each way to keep the content, by so many images, from a seed."""

    images: Mapping[Content, int]
    seed: int


Ways = Mapping[str, Callable[[Pixels, int], Pixels]]
"""By name, what makes pictures of the kind of that number."""


def read(folder: Path) -> tuple[Pixels, Snapshot]:
    """A part of a set at this size."""
    data = prepare.read(folder)
    return np.asarray(data.pixels(SHAPE, cache()).pixels), data.snapshot


def two_kinds(first: Pixels, second: Pixels) -> PixelSet:
    """Pictures of two kinds."""
    labels = np.repeat([0, 1], [len(first), len(second)])
    return PixelSet(np.concatenate([first, second]), labels, "two kinds")


def task_of(content: Content) -> Translation:
    """The task, which keeps the content in that way."""
    task = find_task("translate")
    assert isinstance(task, Translation)
    return replace(task, engine=task.engine.keeping(content))


def ways(pixels: PixelSet, runs: Runs) -> Ways:
    """All ways to keep the content, and no change; tells what they cost."""
    found: dict[str, Callable[[Pixels, int], Pixels]] = {"no change": lambda given, _: given}
    for content, images in runs.images.items():
        learned = with_references(pixels, True, content == "likeness")
        networks, minutes = trained(task_of(content), learned, images, runs.seed)
        print(
            f"{content}, seed {runs.seed}: {images} images in {minutes:.1f} CPU minutes", flush=True
        )
        found[content] = way_of(networks)
    return found


def way_of(networks: Networks) -> Callable[[Pixels, int], Pixels]:
    """What networks make of pictures, as the kind of a number."""

    def way(given: Pixels, kind: int) -> Pixels:
        pictures = torch.from_numpy(given).float() / 127.5 - 1
        engine = Unpaired()
        made = engine.run(networks, Wanted(pictures, engine.code(networks, kind)))
        return ((made + 1) * 127.5).round().byte().numpy()

    return way


def cells(pixels: Pixels) -> NDArray[np.float64]:
    """Mean colours of cells, (N, 3, rows, columns)."""
    count, channels, height, width = pixels.shape
    parts = pixels.reshape(count, channels, height // CELL, CELL, width // CELL, CELL)
    means: NDArray[np.float64] = parts.mean((3, 5))
    return means


def by_artist(folder: Path) -> dict[str, dict[str, Pixels]]:
    """Pictures of a part of the emoji by artist and code points."""
    pixels, snapshot = read(folder)
    found: dict[str, dict[str, Pixels]] = {}
    for item, picture in zip(snapshot.items, pixels, strict=True):
        artist, code = item.name.split("/")
        found.setdefault(artist, {})[code] = picture
    return found


def emoji(folder: Path, runs: Runs, pictures: Path | None) -> bool:
    """Colour errors to the true counterparts; whether the limit is kept."""
    train, held = by_artist(folder / "emoji/train"), by_artist(folder / "emoji/held-out")
    codes = sorted(held[ARTISTS[0]].keys() & held[ARTISTS[1]].keys())
    both = [np.stack([held[artist][code] for code in codes]) for artist in ARTISTS]
    both_kinds = two_kinds(*(np.stack([*train[artist].values()]) for artist in ARTISTS))
    made = ways(both_kinds, runs)
    errors: dict[str, list[float]] = {name: [] for name in made}
    for kind, (given, truth) in enumerate(((both[1], both[0]), (both[0], both[1]))):
        results = {name: way(given, kind) for name, way in made.items()}
        for name, result in results.items():
            difference = colour_difference(cells(result), cells(truth), 255).mean
            spread = difference.std(ddof=1) / len(codes) ** 0.5
            print(f"emoji, to {ARTISTS[kind]}, n = {len(codes)} code points, {name}: colour error "
                  f"{difference.mean():.2f} +- {spread:.2f}", flush=True)  # fmt: skip
            errors[name].append(float(difference.mean()))
        write(pictures, f"emoji-{kind}", [given, *list(results.values())[1:], truth])
    means = {name: float(np.mean(values)) for name, values in errors.items()}
    best = min(means[name] for name in runs.images) / means["no change"]
    print(f"emoji: the best way leaves {best:.2f} of the error of no change (limit 0.75)")
    return best <= 0.75


def labels_of(snapshot: Snapshot, asked: Sequence[Attribute] = ASKED) -> Labels:
    """The values of what is asked, (N, attributes)."""
    rows = [
        [one.values.index(_word(item.attributes[one.name])) for one in asked]
        for item in snapshot.items
    ]
    return np.array(rows, np.int64)


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def avatars(folder: Path, runs: Runs, pictures: Path | None) -> bool:
    """What people keep, and whether they have the new style; whether the limits are kept."""
    sets = [read(folder / style / "train") for style in STYLES]
    held = [read(folder / style / "held-out") for style in STYLES]
    of_style = [judges.fit(p, labels_of(s), ASKED, 0, LOOKED) for p, s in sets]
    both = two_kinds(*(p for p, _ in sets))
    assert both.labels is not None
    style = judges.fit(
        np.asarray(both.pixels), both.labels[:, None], (Attribute("style", STYLES),), 0, LOOKED
    )
    for judge, (people, snapshot) in zip(of_style, held, strict=True):
        _tell("judge on real held-out people", judge, people, labels_of(snapshot), style)
    made = ways(both, runs)
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in made}
    for kind in (0, 1):
        people, snapshot = held[1 - kind]
        results = {name: way(people, kind) for name, way in made.items()}
        for name, result in results.items():
            found = _tell(f"to {STYLES[kind]}, {name}", of_style[kind], result,
                          labels_of(snapshot), style, kind)  # fmt: skip
            scores[name].append(found)
        write(pictures, f"avatars-{kind}", [people, *list(results.values())[1:]])
    means = {name: np.mean(values, axis=0) for name, values in scores.items()}
    return any(bool(means[name][0] >= 0.9 and means[name][1:].min() >= 0.8) for name in runs.images)


def _tell(
    name: str,
    judge: AttributeNet,
    people: Pixels,
    labels: Labels,
    style: AttributeNet,
    kind: int | None = None,
) -> tuple[float, ...]:
    """Prints and returns the share in the wanted style and of each attribute kept."""
    kept = judges.agreement(judge, people, labels).attributes
    seen = judges.predict(style, people)[:, 0]
    wanted = float((seen == kind).mean()) if kind is not None else float("nan")
    told = ", ".join(f"{key} {one.value:.3f}" for key, one in kept.items())
    print(f"avatars, {name}, n = {len(people)} people: in that style {wanted:.3f}; {told}",
          flush=True)  # fmt: skip
    return (wanted, *(one.value for one in kept.values()))


def write(folder: Path | None, name: str, rows: Sequence[Pixels]) -> None:
    """A sheet of the first pictures, one kind of result a row."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = [np.concatenate([*row[:SHOWN].transpose(0, 2, 3, 1)], axis=1) for row in rows]
    save_sheet(folder / f"{name}.png", np.concatenate(lines), times=2)


CASES = {"emoji": emoji, "avatars": avatars}
SETS = {"emoji": ("emoji",), "avatars": STYLES}


def main() -> None:
    names = [sys.argv[1]] if len(sys.argv) > 1 else list(CASES)
    wish = int(sys.argv[2]) if len(sys.argv) > 2 else None
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path("data")
    pictures = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    contents = tuple(way for way in WAYS if way in sys.argv[6:]) or WAYS
    for needed in [one for name in names for one in SETS[name]]:
        prepare.get(needed, folder / needed)
    kept = []
    for name in names:
        images = {way: wish or LONGER.get((name, way), IMAGES) for way in contents}
        kept.append(CASES[name](folder, Runs(images, seed), pictures))
    sys.exit(int(not all(kept)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
