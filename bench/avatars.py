"""Avatars: do pictures show the attributes asked for, and what does each scale of style change?

The zoo's package `avatars` is judged by a classifier of its own training: real avatars
of all combinations, also of the 48 that the generator never saw, at the package's size.

1. 2,000 pictures of combinations that were seen, asked in full: every attribute right.
2. 2,000 of combinations that were never seen.
3. Mixing: pictures that take the coarse, middle or fine styles of another one of the same
   attributes; how often the judge names other values than before, and how much the
   composition changes (pictures reduced to 4 x 4).
4. Truncation: precision and recall at five psi in the shipped features.

Limits: the judge right on at least 97 % of held-out reals for every attribute; 90 % of
the first on average over the attributes, 80 % of the second; of identity (smile, skin,
glasses, beard) fine styles change at most 5 % of the values, and coarse ones the
composition most; recall rises with psi and
precision falls.

    python bench/avatars.py [PACKAGE] [DATA] [PICTURE]

PICTURE is written with what mixing does to some.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mintmark.actions import asking, drawing, layout, prepare
from mintmark.actions.asking import PLAIN, Mix, Wish
from mintmark.actions.generate import load
from mintmark.actions.world import open_world
from mintmark.core.seeds import derive
from mintmark.metrics import attributes as judges
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.extractors import extract, shipped
from mintmark.models.package import Package
from mintmark.models.stylegan import SCALES
from mintmark.provenance.mark import SHEET, write_marked

COUNT = 2000
PAIRS = 500
PSI = (0.4, 0.55, 0.7, 0.85, 1.0)
IDENTITY = ("beard", "glasses", "skin", "smile")

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


def read(package: Package, folder: Path) -> tuple[Pixels, Labels, torch.Tensor]:
    """Real pictures at the package's size, their values, and their rows."""
    data = prepare.read(folder)
    pixels = data.pixels(package.config.shape, open_world().settings.cache / "pixels").pixels
    rows = asking.learned(package.config.conditions, data.snapshot)
    assert rows is not None
    return np.asarray(pixels), package.config.conditions.values_of(rows), rows


def judge(package: Package, data: Path) -> tuple[judges.AttributeNet, dict[str, float]]:
    """A judge that learned from all combinations, and its accuracy on reals it never saw."""
    seen, seen_labels, _ = read(package, data / "train")
    rare, rare_labels, _ = read(package, data / "held-out")
    half = np.arange(len(rare)) % 2 == 0
    named = [
        judges.Attribute(one.name, getattr(one, "values", ()))
        for one in package.config.conditions.attributes
    ]
    net = judges.fit(
        np.concatenate([seen, rare[half]]),
        np.concatenate([seen_labels, rare_labels[half]]),
        named,
        0,
    )
    fresh, fresh_labels, _ = read(package, data / "held-out-seen")
    pixels = np.concatenate([fresh, rare[~half]])
    found = judges.agreement(net, pixels, np.concatenate([fresh_labels, rare_labels[~half]]))
    return net, {name: one.value for name, one in found.attributes.items()}


def asked(package: Package, net: judges.AttributeNet, folder: Path) -> judges.Agreement:
    """Pictures asked by the rows of a folder, and what the judge sees."""
    _, labels, rows = read(package, folder)
    draw = np.random.default_rng(derive(0, "asked", folder.name))
    chosen = draw.choice(len(rows), COUNT)
    drawn = drawing.pixels(package, 1, range(COUNT), rows[torch.from_numpy(chosen)])
    return judges.agreement(net, drawn, labels[chosen])


def changed(
    package: Package, net: judges.AttributeNet, rows: torch.Tensor
) -> dict[str, dict[str, float]]:
    """What another picture's styles change, by scale, where both are asked for the same.

    Returns:
        The share of pictures whose value changes, by attribute, and `cells`: the mean
        difference of the pictures reduced to 4 x 4, in levels of 255.
    """
    draw = np.random.default_rng(derive(0, "mixed"))
    rows = rows[torch.from_numpy(draw.choice(len(rows), PAIRS))]
    first = drawing.pixels(package, 2, range(PAIRS), rows)
    before = judges.predict(net, first)
    found: dict[str, dict[str, float]] = {}
    for scale in SCALES:
        parts = [
            drawing.samples(package, 2, [i], rows[i : i + 1], Wish(mix=Mix(3, i, scale)))
            for i in range(PAIRS)
        ]
        second = drawing.to_pixels(torch.cat(parts))
        names = [one.name for one in net.attributes]
        after = judges.predict(net, second)
        found[scale] = dict(zip(names, (before != after).mean(axis=0).tolist(), strict=True))
        found[scale]["cells"] = float(np.abs(_cells(first) - _cells(second)).mean())
    return found


def _cells(pixels: Pixels) -> NDArray[np.float64]:
    rows, channels, height, width = pixels.shape
    cells = pixels.reshape(rows, channels, 4, height // 4, 4, width // 4)
    return np.asarray(cells.mean(axis=(3, 5)))


def truncation(package: Package, data: Path) -> list[tuple[float, float, float]]:
    """Precision and recall by psi."""
    extractor = shipped("pictures")
    pixels, _, rows = read(package, data / "train")
    chosen = torch.from_numpy(np.random.default_rng(0).permutation(len(rows))[:COUNT])
    real = extract(extractor, pixels[chosen.numpy()])
    found = []
    for psi in PSI:
        drawn = drawing.samples(package, 4, range(COUNT), rows[chosen], Wish(psi=psi))
        both = precision_recall_density_coverage(
            real, extract(extractor, drawing.to_pixels(drawn)), 5
        )
        found.append((psi, both.precision, both.recall))
    return found


def show(package: Package, path: Path, rows: int = 6) -> None:
    """Writes pictures, the givers of styles, and what each scale takes from them."""
    tiles, names = [], []
    for index in range(rows):
        asked = asking.rows(package.config.conditions, 2, [index], PLAIN)
        wishes = [Wish(mix=Mix(3, index, scale)) for scale in SCALES]
        samples = [drawing.samples(package, 2, [index], asked, wish) for wish in [PLAIN, *wishes]]
        giver = drawing.samples(package, 3, [index], asked, PLAIN)
        samples.insert(1, giver)
        tiles += drawing.pictures(torch.cat(samples))
        names += [f"picture {index}", "the other", *(f"{scale} of the other" for scale in SCALES)]
    sheet = layout.captioned(tiles, names, 2 + len(SCALES))
    write_marked(
        path, sheet, package, drawing.recipe_of(package, 2, SHEET, PLAIN, {"report": "mixing"})
    )


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else "avatars"
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/avatars")
    prepare.get("avatars", data)
    package = load(source, open_world())
    net, accuracy = judge(package, data)
    print("judge on held-out reals: " + _shares(accuracy))
    seen = asked(package, net, data / "train")
    unseen = asked(package, net, data / "held-out")
    means = []
    for name, found in (("seen", seen), ("never seen", unseen)):
        values = {key: share.value for key, share in found.attributes.items()}
        means.append(float(np.mean(list(values.values()))))
        print(
            f"asked, {name}: {_shares(values)}; mean {means[-1]:.1%}, all five at once "
            f"{found.every.value:.1%} of {COUNT:,}"
        )
    scales = changed(package, net, read(package, data / "train")[2])
    cells = [values.pop("cells") for values in scales.values()]
    for (scale, values), moved in zip(scales.items(), cells, strict=True):
        print(f"{scale} styles change the values {_shares(values)}, 4 x 4 cells by {moved:.1f}")
    if len(sys.argv) > 3:
        show(package, Path(sys.argv[3]))
    curve = truncation(package, data)
    for psi, precision, recall in curve:
        print(f"psi {psi:.2f}: precision {precision:.3f}, recall {recall:.3f}")
    recalls, precisions = [row[2] for row in curve], [row[1] for row in curve]
    kept = np.mean([scales["fine"][name] for name in IDENTITY])
    held = (
        min(accuracy.values()) >= 0.97
        and means[0] >= 0.9
        and means[1] >= 0.8
        and kept <= 0.05
        and cells[0] > max(cells[1:])
        and recalls == sorted(recalls)
        and precisions == sorted(precisions, reverse=True)
    )
    print(f"limits {'kept' if held else 'NOT kept'}")
    sys.exit(int(not held))


def _shares(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1%}" for name, value in values.items())


if __name__ == "__main__":
    main()
