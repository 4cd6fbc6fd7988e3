"""Restoring photographs: the paired game against what needs no learning, on whole ones.

The public set `photos`: 36 photographs teach, in patches of 64 pixels; 5 others, whole, judge
(half of their published size). `restore`, which has to know usual tones, is taught by views of
the 326 photographs of `scenes`. The unit is the photograph; figures are means over the five.
Both ends of the balance are judged by PSNR and by the perceptual distance in the shipped
feature network, and so is what `apply` takes by default.

Limits for the faithful weights, in PSNR:

- super-resolution, from half the sides: 1 dB above bicubic (Pillow);
- super-resolution-4, from a quarter: 0.6 dB above the same;
- denoise, noise of 10, 20, 30, 40 and 50 levels, one a photograph: 1 dB above the best of
  scikit-image's non-local means, total variation and wavelets, which are told the strength;
- decompress, JPEG of quality 10, 20, 30, 40 and 60: above the JPEG as it is;
- restore, faded, scratched and grainy, by chance, fixed for each photograph: 1 dB above the best
  of the picture as it is, contrast by channel, a median over 3 x 3 pixels and non-local means by
  the estimated noise (scikit-image), alone and after contrast by channel.

The balance that `apply` takes by default must be nearer in the feature network than the best of
those and than the faithful weights, where there is a balance.

    python bench/restoring.py [TASK|PACKAGE] [IMAGES] [DATA] [PICTURE] [SEEDS]

Without TASK all of them are run; a package is judged as it is, without a run. PICTURE is written
with a piece of each photograph: damaged, the best other, faithful, default, true. SEEDS is how many
runs there are of each, one by default.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import runs
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from runs import (
    DEFAULT,
    Networks,
    Pixels,
    both,
    cache,
    packaged,
    perceptual,
    save_sheet,
    task_of,
    trained,
)
from skimage import restoration

from mintmark.actions import prepare
from mintmark.actions.python import finish
from mintmark.core.media import Picture
from mintmark.data.loader import PixelSet
from mintmark.data.public import photos, scenes
from mintmark.engines.degrade import Chain, Fade, Noise, Scratches
from mintmark.engines.paired import balanced
from mintmark.engines.piecewise import glance, planes, worked
from mintmark.models.families import FAMILIES
from mintmark.tasks._task import Restoration
from mintmark.training.draws import Draws

SHAPE = (3, 64, 64)
IMAGES = 32_000
NOISES = (10, 20, 30, 40, 50)  # levels of 255, one a photograph
QUALITIES = (10, 20, 30, 40, 60)
SCRATCHES = 60  # at most
PIECE = 96  # pixels a side that are shown

Way = Callable[[Pixels, int], Pixels]
"""A photograph and its number to another one."""


@dataclass(frozen=True)
class Case:
    """How a task is judged.

    Attributes:
        damage: What photographs suffer.
        others: What needs no learning, by name.
        gain: Least PSNR of the faithful weights above the best of those, in dB.
    """

    damage: Way
    others: Mapping[str, Way]
    gain: float


def levels(values: NDArray[np.float64]) -> Pixels:
    """Values in [0, 1] as samples."""
    found: Pixels = (np.clip(values, 0, 1) * 255).round().astype(np.uint8)
    return found


def resized(factor: float) -> Way:
    """Bicubic, antialiased where it reduces."""

    def way(photo: Pixels, _: int) -> Pixels:
        size = round(photo.shape[1] * factor), round(photo.shape[0] * factor)
        return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))

    return way


def noisy(photo: Pixels, place: int) -> Pixels:
    noise = np.random.default_rng(place).normal(0, NOISES[place], photo.shape)
    return levels((photo + noise) / 255)


def compressed(photo: Pixels, place: int) -> Pixels:
    file = BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=QUALITIES[place])
    return np.asarray(Image.open(file))


def non_local_means(photo: Pixels, sigma: float) -> Pixels:
    found = restoration.denoise_nl_means(
        photo / 255, 5, 6, h=0.8 * sigma, sigma=sigma, fast_mode=True, channel_axis=2
    )
    return levels(found)


def non_local(photo: Pixels, place: int) -> Pixels:
    return non_local_means(photo, NOISES[place] / 255)


def total_variation(photo: Pixels, place: int) -> Pixels:
    variation: Callable[..., NDArray[np.float64]] = restoration.denoise_tv_chambolle
    return levels(variation(photo / 255, NOISES[place] / 255, channel_axis=2))


def wavelets(photo: Pixels, place: int) -> Pixels:
    found = restoration.denoise_wavelet(
        photo / 255, NOISES[place] / 255, convert2ycbcr=True, channel_axis=2, rescale_sigma=True
    )
    return levels(found)


def as_it_is(photo: Pixels, _: int) -> Pixels:
    return photo


def aged(photo: Pixels, place: int) -> Pixels:
    """What `restore` learns to undo, with as many scratches as suit a whole photograph."""
    draws = Draws(seed=place, step=0, total=1, first=0, last=1)
    damage = Chain((Fade(0.6), Scratches(SCRATCHES), Noise(2, 15)))
    return runs.levels(damage(planes(photo, 3)[None], draws)[0])


def stretched(photo: Pixels, _: int) -> Pixels:
    """Each channel from its half-percent to its last half-percent."""
    low, high = np.percentile(photo, (0.5, 99.5), axis=(0, 1))
    return levels((photo - low) / (high - low))


def median(photo: Pixels, _: int) -> Pixels:
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.MedianFilter(3)))


def estimated(photo: Pixels, _: int) -> Pixels:
    """Non-local means by the noise that wavelets see."""
    estimate: Callable[..., float] = restoration.estimate_sigma
    return non_local_means(photo, estimate(photo / 255, channel_axis=2, average_sigmas=True))


def after(first: Way, then: Way) -> Way:
    return lambda photo, place: then(first(photo, place), place)


FILTERS = {"median": median, "non-local": estimated}
STRETCHED = {f"stretched {name}": after(stretched, way) for name, way in FILTERS.items()}
OLD = {"stretched": stretched, **FILTERS, **STRETCHED}
DENOISERS = {"non-local": non_local, "variation": total_variation, "wavelets": wavelets}
CASES = {
    "super-resolution": Case(resized(1 / 2), {"bicubic": resized(2)}, 1.0),
    "super-resolution-4": Case(resized(1 / 4), {"bicubic": resized(4)}, 0.6),
    "denoise": Case(noisy, DENOISERS, 1.0),
    "decompress": Case(compressed, {"as it is": as_it_is}, 0.0),
    "restore": Case(aged, {"as it is": as_it_is, **OLD}, 1.0),
}


def restored(task: Restoration, ends: Networks, fidelity: float) -> Way:
    """What `apply` makes of a photograph."""
    network = {"G": balanced(ends, fidelity)}
    scale, tile = int(task.args.get("scale", 1)), FAMILIES[task.family].tile

    def way(photo: Pixels, _: int) -> Pixels:
        picture = Picture(photo)
        change = task.engine.on(network, lambda: glance(picture, 3))
        return finish(worked(change, picture, 3, scale, tile)).array.astype(np.uint8)

    return way


def judged(made: Pixels, clean: Pixels) -> tuple[float, float]:
    """PSNR in dB and perceptual distance."""
    error = np.square(made.astype(np.float64) - clean).mean()
    a, b = (torch.tensor(x).permute(2, 0, 1)[None] / 127.5 - 1 for x in (made, clean))
    return float(10 * np.log10(255**2 / error)), perceptual(a, b)


def main() -> None:
    names = [sys.argv[1]] if len(sys.argv) > 1 else list(CASES)
    images = int(sys.argv[2]) if len(sys.argv) > 2 else IMAGES
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path("data/photos")
    picture = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    seeds = range(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    kept = [measured(name, folder, images, picture, seed) for name in names for seed in seeds]
    sys.exit(int(not all(kept)))


def taught(name: str, folder: Path, images: int, seed: int) -> tuple[Restoration, Networks]:
    """The task, and both ends of its balance after a run."""
    task = task_of(name)
    if task.cutting == "views":
        views = runs.views_of(scenes.whole_part("train").values(), SHAPE[1])
        pixels = PixelSet(views, None, "scenes")
    else:
        prepare.get("photos", folder)
        pixels = prepare.read(folder / "train").pixels(SHAPE, cache())
    averages, minutes = trained(task, pixels, images, seed)
    print(f"{name}, seed {seed}: {images} images in {minutes:.1f} CPU minutes", flush=True)
    return task, both(averages)


def measured(name: str, folder: Path, images: int, picture: Path | None, seed: int) -> bool:
    """Judges one task, after a run of it or by a package; whether its limits are kept."""
    known = Path(name).is_dir()
    task, ends = packaged(Path(name)) if known else taught(name, folder, images, seed)
    case = CASES[task.name]
    ways = {
        **case.others,
        "faithful": restored(task, ends, 1.0),
        "default": restored(task, ends, DEFAULT),
        "lively": restored(task, ends, 0.0),
    }
    scores: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    sheet = []
    for place, photo in enumerate(photos.whole(held_out=True).values()):
        clean = photo[: photo.shape[0] // 4 * 4, : photo.shape[1] // 4 * 4]
        damaged = case.damage(clean, place)
        made = {way: change(damaged, place) for way, change in ways.items()}
        for way, result in made.items():
            scores[way].append(judged(result, clean))
        sheet.append((damaged, made, clean))
    found = {way: np.mean(values, axis=0) for way, values in scores.items()}
    best = max(case.others, key=lambda way: float(found[way][0]))
    told = ", ".join(f"{way} {psnr:.2f} dB and {far:.3f}" for way, (psnr, far) in found.items())
    gain = float(found["faithful"][0] - found[best][0])
    print(f"{name}, {len(sheet)} whole photographs: {told}; gain over {best} {gain:+.2f} dB",
          flush=True)  # fmt: skip
    if picture is not None:
        write(picture, sheet, best)
    near = min(float(found[way][1]) for way in ("faithful", *case.others))
    lively = not task.engine.adversarial or float(found["default"][1]) < near
    return gain >= case.gain and lively


def write(path: Path, sheet: list[tuple[Pixels, dict[str, Pixels], Pixels]], best: str) -> None:
    """Pieces of all photographs, one a row."""
    rows = []
    for damaged, made, clean in sheet:
        whole = Image.fromarray(damaged).resize(clean.shape[1::-1], Image.Resampling.NEAREST)
        shown = [np.asarray(whole), made[best], made["faithful"], made["default"], clean]
        top, left = (side // 2 - PIECE for side in clean.shape[:2])
        rows.append(np.hstack([one[top : top + PIECE, left : left + PIECE] for one in shown]))
    save_sheet(path, np.vstack(rows), times=2)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
