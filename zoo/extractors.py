"""Makes the two shipped feature networks anew: `python zoo/extractors.py digits|pictures`.

`digits` tells the digits of the public set apart. `pictures` tells, of small
pictures of photographs, emoji and icons, what was done to them (one of ten kinds
of damage), what they show (which way is up, or which texture it is) and how they
are coloured: features must then carry quality as well as content. README.md says
where its sources come from.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import resvg_py
import skimage.data
import torch
from damages import DAMAGES, SIDE, Pixels
from fontTools.ttLib import TTFont
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits, load_sample_image
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.seeds import derive
from mintmark.data.public.digits import TRAIN
from mintmark.metrics import features
from mintmark.metrics.features import BATCH, LEARNING_RATE, FeatureNet

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "src/mintmark/metrics/shipped"
SOURCES = ROOT / "runs/zoo"  # git ignores it
EMOJI = "emoji/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
SEED = 0
SAMPLES = 24_000
EPOCHS = 4
UPRIGHT = ("astronaut", "chelsea", "rocket", "camera", "coins", "flower")
TEXTURES = ("hubble_deep_field", "retina", "immunohistochemistry", "brick", "grass", "gravel")
HELD_OUT = ("coffee", "china")  # and every tenth emoji and icon
# Of icons that name one; the others are under the repository's CC0.
PERMISSIVE = ("CC0-1.0", "MIT", "Apache-2.0", "BSD-3-Clause", "Unlicense")

CONTENTS = ("upright", "emoji", "icon", *TEXTURES)
# How many answers each has, and its weight: with equal ones colour drowns the damages.
QUESTIONS = {
    "damage": (len(DAMAGES), 1.0),
    "turn": (4, 0.3),  # quarter turns; not asked of textures
    "content": (len(CONTENTS), 0.3),
    "lightness": (5, 0.1),
    "red to green": (5, 0.1),
    "yellow to blue": (5, 0.1),
}
UNASKED = -100


@dataclass(frozen=True)
class Bank:
    """What samples are cut from.

    Attributes:
        photographs: By name, RGB.
        emoji: RGBA, 128 x 128.
        icons: RGBA, 128 x 128.
    """

    photographs: dict[str, Pixels]
    emoji: list[Pixels]
    icons: list[Pixels]


# --- sources ---------------------------------------------------------------------------------


def photograph(name: str) -> Pixels:
    """A photograph of scikit-image or scikit-learn, grey ones with three equal channels."""
    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"), dtype=np.uint8)
    pixels = np.asarray(getattr(skimage.data, name)(), dtype=np.uint8)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def emoji(path: Path) -> list[Pixels]:
    """Every single-character emoji of the font, in the order of code points."""
    font = ImageFont.truetype(path, 109)  # the one size that its bitmaps have
    drawn = []
    for code in sorted(TTFont(path).getBestCmap()):
        canvas = Image.new("RGBA", (136, 128))
        ImageDraw.Draw(canvas).text((0, 0), chr(code), font=font, embedded_color=True)
        if code > 0xFF and canvas.getbbox():  # not the digits, which are parts of key caps
            drawn.append(np.asarray(canvas.resize((128, 128), Image.Resampling.LANCZOS)))
    return drawn


def icons(folder: Path) -> list[Pixels]:
    """Brand icons in their brand's colour, in the order of names, of permissive licences only."""
    entries = json.loads((folder / "data/simple-icons.json").read_text("utf-8"))
    drawn = []
    for entry in entries:
        if entry.get("license", {}).get("type", "CC0-1.0") not in PERMISSIVE:
            continue
        svg = (folder / f"icons/{entry['slug']}.svg").read_text("utf-8")
        coloured = svg.replace("<svg ", f'<svg fill="#{entry["hex"]}" ', 1)
        png = resvg_py.svg_to_bytes(svg_string=coloured, width=128, height=128)
        drawn.append(np.asarray(Image.open(BytesIO(bytes(png))).convert("RGBA")))
    return drawn


def banks(sources: Path) -> tuple[Bank, Bank]:
    """What is trained on, and what is held out: other photographs, every tenth drawing."""
    faces, logos = emoji(sources / EMOJI), icons(sources / "package")
    kept = [[d for i, d in enumerate(drawn) if i % 10 != 9] for drawn in (faces, logos)]
    held = [drawn[9::10] for drawn in (faces, logos)]
    return (
        Bank({name: photograph(name) for name in UPRIGHT + TEXTURES}, *kept),
        Bank({name: photograph(name) for name in HELD_OUT}, *held),
    )


# --- samples ---------------------------------------------------------------------------------


def sample(bank: Bank, rng: Generator) -> tuple[Pixels, str]:
    """A picture, (64, 64, 3), and the name of what it shows: half photographs, half drawings."""
    kind = rng.random()
    if kind < 0.5:
        name = str(rng.choice(list(bank.photographs)))
        return crop(bank.photographs[name], rng), name
    drawn, name = (bank.emoji, "emoji") if kind < 0.75 else (bank.icons, "icon")
    return pasted(drawn[rng.integers(len(drawn))], background(bank, rng), rng), name


def crop(photo: Pixels, rng: Generator) -> Pixels:
    """A square of 80 pixels a side to the whole height, reduced to 64."""
    height, width = photo.shape[:2]
    side = round(np.exp(rng.uniform(np.log(80), np.log(min(height, width)))))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    square = photo[top : top + side, left : left + side]
    if rng.random() < 0.5:
        square = square[:, ::-1]
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def background(bank: Bank, rng: Generator) -> Pixels:
    """White, plain, a gradient, or a piece of a photograph."""
    kind = rng.random()
    if kind < 0.25:
        return np.full((SIDE, SIDE, 3), 255, np.uint8)
    if kind < 0.75:
        ends = rng.integers(0, 256, (2, 3)) if kind > 0.5 else rng.integers(0, 256, (1, 3))
        ramp = np.linspace(ends[0], ends[-1], SIDE)[:, None].repeat(SIDE, axis=1)
        return np.rot90(ramp, int(rng.integers(4))).astype(np.uint8)
    return crop(bank.photographs[str(rng.choice(list(bank.photographs)))], rng)


def pasted(drawing: Pixels, ground: Pixels, rng: Generator) -> Pixels:
    """A drawing, 28 to 64 pixels a side, somewhere on a background."""
    side = int(rng.integers(28, SIDE + 1))
    left, top = (int(n) for n in rng.integers(0, SIDE - side + 1, 2))
    small = Image.fromarray(drawing).resize((side, side), Image.Resampling.LANCZOS)
    canvas = Image.fromarray(ground)
    canvas.paste(small, (left, top), small)
    return np.asarray(canvas)


# --- training --------------------------------------------------------------------------------


def labelled(bank: Bank, count: int) -> tuple[Pixels, NDArray[np.int64]]:
    """Damaged and turned samples, (N, 3, 64, 64), and their labels, (N, 6); see QUESTIONS."""
    pixels = np.empty((count, 3, SIDE, SIDE), np.uint8)
    labels = np.empty((count, len(QUESTIONS)), np.int64)
    for i in range(count):
        rng = np.random.default_rng(derive(SEED, "sample", i))
        picture, name = sample(bank, rng)
        damage, turn = int(rng.integers(len(DAMAGES))), int(rng.integers(4))
        damaged = DAMAGES[damage](np.rot90(picture, turn), rng.random(), rng)
        pixels[i] = damaged.transpose(2, 0, 1)
        textured = name in TEXTURES
        content = CONTENTS.index(name if name in CONTENTS else "upright")
        labels[i, :3] = damage, UNASKED if textured else turn, content
        _progress("samples", i + 1, count)
    labels[:, 3:] = _fifths(pixels)
    return pixels, labels


def _fifths(pixels: Pixels) -> NDArray[np.int64]:
    """The fifth, 0 to 4, that each picture's mean colour is in, on three opponent axes, (N, 3)."""
    red, green, blue = pixels.mean(axis=(2, 3)).T
    axes = np.stack([red + green + blue, red - green, 2 * blue - red - green], axis=1)
    edges = np.quantile(axes, [0.2, 0.4, 0.6, 0.8], axis=0)  # (4, 3)
    fifths: NDArray[np.int64] = (axes[:, None] > edges).sum(axis=1)
    return fifths


def trained(pixels: Pixels, labels: NDArray[np.int64]) -> FeatureNet:
    """A network whose features answer every question; its own head names the damage.

    `features.fit` takes one label a picture; several teach more from each.
    """
    (first, *others), weights = zip(*QUESTIONS.values(), strict=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(SEED, "weights"))
        net, rest = FeatureNet(3, SIDE, first), nn.Linear(features.DIMENSIONS, sum(others))
    steps = EPOCHS * (len(pixels) // BATCH)
    optimiser = torch.optim.Adam([*net.parameters(), *rest.parameters()], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step, (x, y) in enumerate(_batches(pixels, labels)):
        found = net.features(x)  # (64, 64)
        answers = [net.head(found), *rest(found).split(others, dim=1)]
        losses = [
            weight * F.cross_entropy(answer, right, ignore_index=UNASKED)
            for weight, answer, right in zip(weights, answers, y.T, strict=True)
        ]
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(losses).sum())
        optimiser.step()
        schedule.step()
        _progress("training", step + 1, steps)
    return net.eval()


def _batches(pixels: Pixels, labels: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
    for epoch in range(EPOCHS):
        order = np.random.default_rng(derive(SEED, "order", epoch)).permutation(len(pixels))
        for chosen in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH):
            x = torch.from_numpy(pixels[chosen].astype(np.float32) / 127.5 - 1)
            yield x, torch.from_numpy(labels[chosen])


def _progress(what: str, done: int, of: int) -> None:
    if done % 100 == 0 or done == of:
        sys.stderr.write(f"\r{what} {done} of {of}" + "\n" * (done == of))


# --- commands --------------------------------------------------------------------------------


def make_digits() -> FeatureNet:
    """Trains on the 1,200 training digits and says how many of the others it names."""
    digits = load_digits()
    pixels = np.rint(digits.images * 255 / 16).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    net = features.fit(pixels[:TRAIN], labels[:TRAIN], SEED)
    named = features.accuracy(net, pixels[TRAIN:], labels[TRAIN:])
    sys.stderr.write(f"names {named:.1%} of the held-out digits\n")
    return net


def make_pictures(sources: Path) -> FeatureNet:
    """Trains on the sources that are not held out."""
    bank, _ = banks(sources)
    return trained(*labelled(bank, SAMPLES))


def main() -> None:
    """Makes one network and says how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("digits", "pictures"))
    parser.add_argument("--sources", type=Path, default=SOURCES, help="see zoo/README.md")
    given = parser.parse_args()
    start, busy = time.perf_counter(), time.process_time()
    net = make_digits() if given.what == "digits" else make_pictures(given.sources)
    features.save(net, SHIPPED / f"{given.what}.safetensors")
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    sys.stderr.write(f"{features.digest(net)}\n{wall:.0f} s, {busy:.0f} s of one core\n")


if __name__ == "__main__":
    main()
