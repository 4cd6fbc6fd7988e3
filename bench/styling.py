"""The style of paintings for photographs, against plain colour transfer.

Whole photographs and paintings of the public sets `photos` and `paintings` that taught nobody, the
middle 512 x 512 pixels of each, every photograph in the style of every painting. Unit: a pair.

- edges: the correlation of the strength of edges (slope of the luma) between what was given and
  what was made, over pixels; 1 for the picture itself.
- style: how far the Gram matrices of filters lie from those of the painting, as a share of how far
  the photograph's lie; the filters are random ones of three scales that nobody trained, since the
  network that taught the style would flatter itself.
- texture: the same of filters that are blind to even colours.

Limits: the style must be nearer than what colour transfer reaches (Reinhard et al., "Color Transfer
between Images", 2001: means and deviations in CIELAB), and at least 0.8 of the edges' correlation
be kept; in photo mode 0.9, and on a picture of straight lines none may bend by half a pixel.

    python bench/styling.py [PACKAGE|IMAGES] [DATA] [PICTURE]

Without a PACKAGE one is trained by IMAGES at one thread, on the patches of the training parts.
PICTURE is written with photographs, paintings, colour transfer, style and photo mode.
"""

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copyfile

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from runs import levels
from skimage import color
from torch import Tensor
from torch.nn import functional as F

from mintmark.actions import prepare
from mintmark.actions.python import finish
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.media import Picture
from mintmark.data.public import paintings, photos
from mintmark.engines import whole
from mintmark.engines.piecewise import worked
from mintmark.engines.tiles import Change
from mintmark.engines.tones import toned, toning
from mintmark.engines.unpaired import Unpaired, Wanted
from mintmark.models.package import Package, from_pretrained

SIDE = 512
FILTERS = 32  # of each scale
SCALES = 3
STEP = 32  # pixels between the straight lines
SHOWN = 4
SEEN = 256  # pixels of the shorter side at which photo mode finds the style
KEPT, KEPT_AS_PHOTO, BEND = 0.8, 0.9, 0.5

Pixels = NDArray[np.uint8]
Way = Callable[[Pixels, Pixels], Pixels]
"""A photograph and a painting, (H, W, 3) each, to a photograph."""


def middle(picture: Pixels) -> Pixels:
    top, left = ((length - SIDE) // 2 for length in picture.shape[:2])
    return picture[top : top + SIDE, left : left + SIDE]


def unit(picture: Pixels) -> Tensor:
    """(1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def transferred(photo: Pixels, painting: Pixels) -> Pixels:
    """Colour transfer after Reinhard."""
    given, model = color.rgb2lab(photo), color.rgb2lab(painting)
    axes = (0, 1)
    normal = (given - given.mean(axes)) / given.std(axes)
    with warnings.catch_warnings(action="ignore"):  # of colours that no screen has
        made = color.lab2rgb(normal * model.std(axes) + model.mean(axes))
    pixels: Pixels = (made.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels


def begun(photo: Pixels, painting: Pixels) -> Pixels:
    """The closed form that the style begins with."""
    given, model = unit(photo), unit(painting)
    return levels(toned(given, toning(given, model))[0])


def change_of(package: Package, photo: Pixels, painting: Pixels) -> Change:
    engine, model = Unpaired(), unit(painting)
    code, tones = engine.code(package.networks, 0, model), toning(unit(photo), model)
    return lambda x: engine.run(package.networks, Wanted(x, code, tones))


def styled(package: Package) -> Way:
    def way(photo: Pixels, painting: Pixels) -> Pixels:
        made = finish(worked(change_of(package, photo, painting), Picture(photo), 3, 1, 256))
        pixels: Pixels = np.asarray(made.array, np.uint8)
        return pixels

    return way


def as_photo(package: Package) -> Way:
    def way(photo: Pixels, painting: Pixels) -> Pixels:
        made = whole.followed(change_of(package, photo, painting), Picture(photo), 3, SEEN)
        pixels: Pixels = np.asarray(made.array, np.uint8)
        return pixels

    return way


def edges(picture: Pixels) -> NDArray[np.float64]:
    down, right = np.gradient(color.rgb2gray(picture))
    strength: NDArray[np.float64] = np.hypot(down, right).ravel()
    return strength


def grams(picture: Pixels, blind: bool) -> list[Tensor]:
    """Gram matrices of random filters, (FILTERS, FILTERS) each, perhaps blind to even colours."""
    draw = torch.Generator().manual_seed(0)
    x, found = unit(picture), []
    for _ in range(SCALES):
        kernels = torch.randn(FILTERS, 3, 5, 5, generator=draw) / 75**0.5
        if blind:
            kernels -= kernels.mean((2, 3), keepdim=True)
        maps = F.relu(F.conv2d(x, kernels)).flatten(2)[0]  # (FILTERS, places)
        found.append(maps @ maps.T / maps.shape[1])
        x = F.avg_pool2d(x, 2)
    return found


def far(made: Pixels, painting: Pixels, blind: bool = False) -> float:
    parts = zip(grams(made, blind), grams(painting, blind), strict=True)
    return float(np.mean([float((a - b).norm() / b.norm()) for a, b in parts]))


def bend(way: Way, painting: Pixels) -> float:
    """How far the steepest place of a straight line moves along it, in pixels, at most."""
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    places = range(STEP, SIDE - STEP // 2, STEP)
    for place in places:
        picture[:, place : place + 2] = 220
    made = way(picture, painting).astype(float)
    level = made.mean(2)
    moves = []
    for place in places:
        around = level[:, place - 6 : place + 8]
        weight = np.abs(around - np.median(around, axis=1, keepdims=True))
        centre = (weight * np.arange(14)).sum(1) / weight.sum(1).clip(1e-6)
        moves.append(np.abs(centre - np.median(centre)).max())
    return float(np.max(moves))


def learned(images: int, data: Path) -> Package:
    """A package of a run on the patches of both sets."""
    both = data / "styles"
    both.mkdir(parents=True, exist_ok=True)
    for name in ("photos", "paintings"):
        prepare.get(name, data / name)
        for patch in (data / name / "train").glob("*.png"):
            copyfile(patch, both / patch.name)
    began, out = time.process_time(), data / f"style-{images}"
    request = TrainRequest(task="style", data=both, out=out, preset="tiny", images=images)
    finish(train(request, open_world()))
    print(f"{images} images in {(time.process_time() - began) / 60:.1f} CPU minutes", flush=True)
    return from_pretrained(out / "package")


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else "12000"
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data")
    picture = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    package = learned(int(given), data) if given.isdecimal() else from_pretrained(Path(given))
    ways: Mapping[str, Way] = {
        "colour transfer": transferred,
        "where it begins": begun,
        "style": styled(package),
        "photo mode": as_photo(package),
    }
    real = [middle(one) for one in photos.whole(held_out=True).values()]
    models = [middle(one) for one in paintings.whole(held_out=True).values()]
    pairs = [(photo, model) for photo in real for model in models]
    scores: dict[str, NDArray[np.float64]] = {}
    sheet = [[photo, model] for photo, model in pairs[:: len(models) + 1][:SHOWN]]
    for name, way in ways.items():
        rows = []
        for photo, model in pairs:
            made = way(photo, model)
            shares = [far(made, model, blind) / far(photo, model, blind) for blind in (False, True)]
            rows.append((np.corrcoef(edges(photo), edges(made))[0, 1], *shares))
        scores[name] = np.array(rows)
        for row, (photo, model) in zip(sheet, pairs[:: len(models) + 1], strict=False):
            row.append(way(photo, model))
        mean, error = scores[name].mean(0), scores[name].std(0, ddof=1) / len(pairs) ** 0.5
        print(f"style, {name}, n = {len(pairs)} pairs of {len(real)} photographs and {len(models)} "
              f"paintings: edges {mean[0]:.3f} +- {error[0]:.3f}, style {mean[1]:.3f} +- "
              f"{error[1]:.3f}, texture {mean[2]:.3f} +- {error[2]:.3f}", flush=True)  # fmt: skip
    bends = {name: max(bend(way, model) for model in models) for name, way in ways.items()}
    print(f"a straight line bends by at most, in pixels: {bends}")
    if picture is not None:
        Image.fromarray(np.concatenate([np.concatenate(row, 1) for row in sheet])).save(picture)
    means = {name: found.mean(0) for name, found in scores.items()}
    reached = means["style"][1] < means["colour transfer"][1] and means["style"][0] >= KEPT
    kept = means["photo mode"][0] >= KEPT_AS_PHOTO and bends["photo mode"] < BEND
    sys.exit(int(not (reached and kept)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
