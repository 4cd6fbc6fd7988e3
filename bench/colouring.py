"""Colours for grey photographs: the task `colourise` on photographs never seen.

The public set `scenes`: 326 photographs teach, in views of 64 pixels. Two groups judge, whole,
reduced to 480 pixels of the longer side and made grey (luma of BT.709): the 5 that `photos` holds
out, and the 30 others that `scenes` holds out.

Set against `apply`: the grey picture as it is, and the best colour for each luma, which is the
mean a* and b* that training pixels of that luma have (256 bins), so what can be known without
looking at places.

Judged: mean CIEDE2000, and how much colour there is at all (mean chroma in CIELAB, which is 0
for grey; of the true pictures for comparison). The mean punishes every bold guess, so a picture
that looks better to people may score worse than grey.

    python bench/colouring.py [SEEDS] [IMAGES] [PICTURE]

PICTURE is written with the 5 and with 5 of the 30: grey, by luma, faithful, by default, true.

Limit: the faithful weights nearer than grey and than by luma in the mean of the 30, most of them
landscapes like those that teach. Of the 5, which are unlike them, it is only told.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from runs import DEFAULT, Pixels, in_lab, reduced, reduced_scenes, save_sheet, trained, views_of
from skimage.color import lab2rgb
from torch import nn

from mintmark.core.media import Picture
from mintmark.data.loader import PixelSet
from mintmark.data.public import scenes
from mintmark.engines import whole
from mintmark.engines.colour_damage import LUMA
from mintmark.engines.paired import balanced
from mintmark.metrics.colour import ciede2000
from mintmark.tasks.colourise import TASK

SIZE = 64
LONG = 480  # pixels of the longer side of what is judged
BINS = 256
SHOWN = 5  # of each group

Way = Callable[[Pixels], Pixels]


def grey(photo: Pixels) -> Pixels:
    """The luma, (H, W, 1)."""
    found: Pixels = (photo @ np.array(LUMA))[..., None].round().astype(np.uint8)
    return found


def as_it_is(picture: Pixels) -> Pixels:
    return np.repeat(picture, 3, 2)


def by_luma(pixels: PixelSet) -> Way:
    """The mean a* and b* of training pixels of the same luma."""
    seen = np.moveaxis(np.asarray(pixels.pixels), 1, 3).reshape(-1, 1, 3)
    bins, colours = grey(seen).ravel(), in_lab(seen)[:, 0, 1:]
    counts = np.maximum(np.bincount(bins, minlength=BINS), 1)
    table = np.stack([np.bincount(bins, one, BINS) / counts for one in colours.T], 1)

    def way(picture: Pixels) -> Pixels:
        lightness = in_lab(as_it_is(picture))[..., :1]
        made = np.concatenate([lightness, table[picture[..., 0]]], 2)
        levels: Pixels = (255 * lab2rgb(made)).round().clip(0, 255).astype(np.uint8)
        return levels

    return way


def ours(network: nn.Module) -> Way:
    """What `apply` makes of a grey picture."""
    run = partial(TASK.engine.run, {"G": network})

    def way(picture: Pixels) -> Pixels:
        return whole.coloured(run, Picture(picture), 3, SIZE).array.astype(np.uint8)

    return way


def chroma(photo: Pixels) -> float:
    colours = in_lab(photo)
    return float(np.hypot(colours[..., 1], colours[..., 2]).mean())


def judged(ways: dict[str, Way], true: dict[str, Pixels]) -> dict[str, float]:
    """Prints how far each way is from the true pictures; mean CIEDE2000 by way."""
    means = {}
    for name, way in ways.items():
        made = {photo: way(grey(one)) for photo, one in true.items()}
        far = [ciede2000(in_lab(made[photo]), in_lab(one)).mean() for photo, one in true.items()]
        means[name] = float(np.mean(far))
        much = np.mean([chroma(one) for one in made.values()])
        told = f" ({', '.join(f'{one:.1f}' for one in far)})" if len(far) <= SHOWN else ""
        print(f"  {name}: CIEDE2000 {means[name]:.2f}{told}, chroma {much:.1f}", flush=True)
    return means


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    images = int(sys.argv[2]) if len(sys.argv) > 2 else TASK.schedules["tiny"].images
    groups = {"photos": reduced(LONG), "scenes": reduced_scenes(LONG)}
    taught = views_of(scenes.whole_part("train").values(), SIZE)
    pixels, failed = PixelSet(taught, None, "bench"), False
    for seed in range(seeds):
        averages, minutes = trained(TASK, pixels, images, seed)
        print(f"seed {seed}, {images} images, {minutes:.1f} CPU minutes", flush=True)
        ways = {
            "grey": as_it_is,
            "by luma": by_luma(pixels),
            "faithful": ours(balanced(averages, 1.0)),
            "default": ours(balanced(averages, DEFAULT)),
            "lively": ours(balanced(averages, 0.0)),
        }
        for group, true in groups.items():
            colours = np.mean([chroma(one) for one in true.values()])
            print(f" {len(true)} of {group}, mean chroma {colours:.1f}")
            means = judged(ways, true)
            if group == "scenes":
                failed |= means["faithful"] >= min(means["grey"], means["by luma"])
        if seed == 0 and len(sys.argv) > 3:
            del ways["lively"]
            shown = [one for true in groups.values() for one in list(true.values())[:SHOWN]]
            rows = [np.hstack([*(way(grey(one)) for way in ways.values()), one])[:300]
                    for one in shown if one.shape[1] == LONG]  # fmt: skip
            save_sheet(Path(sys.argv[3]), np.vstack(rows))
    sys.exit(int(failed))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
