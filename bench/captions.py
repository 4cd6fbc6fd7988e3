"""Text to picture: are held-out captions drawn so that a judge recognises them?

A package of `text-to-image` is asked for the captions of the held-out part of the public set:
drawings that it never saw, whose every word it did. A matcher of its own training, which
saw no held-out picture either, ranks the asked caption among 99 other held-out ones.

Limit: among the first 5 of 100 at least half as often as with the real held-out pictures.

    python bench/captions.py [PACKAGE] [DATA] [PICTURE]

Without PACKAGE the shipped `emoji` is judged. PICTURE is written with 40 prompts, good and
bad, and they are listed.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.actions import drawing, layout, prepare
from mintmark.actions.asking import PLAIN
from mintmark.actions.generate import load
from mintmark.actions.world import open_world
from mintmark.metrics import matching
from mintmark.models.package import Package
from mintmark.provenance.mark import SHEET, write_marked

EACH = 4  # pictures a caption
HELD_OUT, LEARNED = 24, 8  # captions of each on the sheet, evenly from all
OTHERS = (  # the artist changed, a spelling never seen, colours and things never together, nonsense
    "openmoji red heart",
    "noto blue heart",
    "twemoji catt face with smille",
    "noto purple dog face",
    "openmoji green car",
    "twemoji clock of fire",
    "noto flag with a cat",
    "openmoji happy",
)
WITHIN = 5


def read(package: Package, folder: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Real pictures at the package's size, and their captions."""
    data = prepare.read(folder)
    pixels = data.pixels(package.config.shape, open_world().settings.cache / "pixels").pixels
    return np.asarray(pixels), [item.text or "" for item in data.snapshot.items]


def show(package: Package, unseen: list[str], known: list[str], path: Path) -> None:
    """Writes one picture of each of 40 prompts."""
    prompts = [
        *unseen[:: max(1, len(unseen) // HELD_OUT)][:HELD_OUT],
        *known[:: max(1, len(known) // LEARNED)][:LEARNED],
        *OTHERS,
    ]
    rows = package.config.conditions.of_texts(prompts)
    tiles = drawing.pictures(drawing.samples(package, 5, range(len(prompts)), rows, PLAIN))
    sheet = layout.captioned(tiles, [f"{n} {text}" for n, text in enumerate(prompts, 1)], 8)
    recipe = drawing.recipe_of(package, 5, SHEET, PLAIN, {"report": "prompts"})
    write_marked(path, sheet, package, recipe)
    print("; ".join(f"{n} {text}" for n, text in enumerate(prompts, 1)))


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else "emoji"
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/emoji")
    prepare.get("emoji", data)
    package = load(source, open_world())
    seen, known = read(package, data / "train")
    unseen, asked = read(package, data / "held-out")
    matcher = matching.fit(seen, known, 0)
    real = matching.r_precision(matching.ranks(matcher, unseen, asked, 0), WITHIN)
    conditions = package.config.conditions
    shares = {}
    for name, pool in (("held out", asked), ("learned", known)):
        texts = [pool[i % len(pool)] for i in range(EACH * len(asked))]
        drawn = drawing.pixels(package, 1, range(len(texts)), conditions.of_texts(texts))
        shares[name] = matching.r_precision(matching.ranks(matcher, drawn, texts, 0), WITHIN)
    if len(sys.argv) > 3:
        show(package, sorted(set(asked)), sorted(set(known)), Path(sys.argv[3]))
    ratio = shares["held out"].value / real.value
    print(
        f"captions: asked caption among the first {WITHIN} of 100: held out "
        f"{shares['held out'].value:.1%} +/- {shares['held out'].error:.1%}, learned "
        f"{shares['learned'].value:.1%}, real held-out pictures {real.value:.1%}, chance 5 %; "
        f"held out {ratio:.2f} of real"
    )
    sys.exit(int(ratio < 0.5))


if __name__ == "__main__":
    main()
