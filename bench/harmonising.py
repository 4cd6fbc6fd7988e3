"""Blending in what was pasted: the task `harmonise` on photographs never seen.

The public set `photos`: 36 photographs teach, in views of 64 pixels; 5 others judge, whole,
reduced to 480 pixels of the longer side. In each of them 20 times a part of random form got
another exposure, white balance, contrast and saturation, as far as the task learns to undo.

Set against `apply` (the network, then the Gauss-Poisson step): no change; the means and
deviations of the surroundings in CIELAB given to the part (Reinhard et al., "Color Transfer
between Images", 2001); where the network begins (the same in RGB, close around the part) with the
Gauss-Poisson step; and the network's answer enlarged alone, without the closed form and so without
detail, or its change enlarged and added.

Judged: mean CIEDE2000 in the part, means over all; by photograph too, since these are the
independent units.

Limits, for the mean of the seeds: below no change and below Reinhard.

    python bench/harmonising.py [SEEDS] [IMAGES] [PICTURE]

PICTURE is written with some of them: mask, composite, Reinhard, ours, true.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from numpy.typing import NDArray
from runs import Networks, Pixels, in_lab, levels, reduced, save_sheet, trained, views
from skimage.color import lab2rgb
from torch.nn import functional as F

from mintmark.core.media import Picture
from mintmark.data.loader import PixelSet
from mintmark.engines import whole
from mintmark.engines.composites import Recoloured, begun
from mintmark.engines.examples import Undo
from mintmark.engines.tiles import Change
from mintmark.metrics.colour import ciede2000
from mintmark.tasks.harmonise import TASK
from mintmark.training.draws import Draws

SIZE = 64
LONG = 480  # pixels of the longer side of what is judged
TIMES = 20  # composites of each photograph
SHOWN = 2  # of each on the sheet

Mask = NDArray[np.bool_]
Way = Callable[[Pixels, Mask], Pixels]


def composites(photo: Pixels) -> list[tuple[Pixels, Mask]]:
    """The photograph with other colours in a part, and the part, each time anew."""
    assert isinstance(TASK.engine.examples, Undo)
    damage = TASK.engine.examples.damage
    assert isinstance(damage, Recoloured)
    clean = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    made = (damage(clean, Draws(1, step, 1, 0, 1))[0] for step in range(TIMES))
    return [(levels(one[3:6]), one[6].bool().numpy()) for one in made]


def as_it_is(photo: Pixels, _: Mask) -> Pixels:
    return photo


def reinhard(photo: Pixels, part: Mask) -> Pixels:
    colours = in_lab(photo)
    inside, outside = colours[part], colours[~part]
    scale = outside.std(0) / np.maximum(inside.std(0), 1e-3)
    made = colours.copy()
    made[part] = (inside - inside.mean(0)) * scale + outside.mean(0)
    seen = (255 * rgb(made)).round().clip(0, 255).astype(np.uint8)
    return np.where(part[..., None], seen, photo)


def rgb(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    with catch_warnings():
        simplefilter("ignore")  # colours that no screen shows
        found: NDArray[np.float64] = lab2rgb(colours)
    return found


def ours(networks: Networks) -> Way:
    """What `apply` makes of a composite."""
    return applied(partial(TASK.engine.run, networks))


def applied(run: Change) -> Way:
    def way(photo: Pixels, part: Mask) -> Pixels:
        return whole.harmonised(run, Picture(photo), part, 3, SIZE).array.astype(np.uint8)

    return way


def without(networks: Networks, change: bool) -> Way:
    """The answer of the network enlarged as it is, or its change added to the composite."""
    run = partial(TASK.engine.run, networks)

    def way(photo: Pixels, part: Mask) -> Pixels:
        window = whole._window(part)
        samples = torch.from_numpy(photo[window].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        mask = torch.from_numpy(part[window])[None, None].float()
        size = [max(1, round(n * SIZE / max(mask.shape[2:]))) for n in mask.shape[2:]]
        small, where = (F.interpolate(one, size, mode="bicubic", antialias=True).clamp(-1, 1)
                        for one in (samples, mask))  # fmt: skip
        answer = run(begun(small, where.clamp(min=0)))
        large = F.interpolate(answer - small if change else answer, mask.shape[2:], mode="bicubic")
        found = photo.copy()
        found[window] = levels((samples + large if change else large)[0])
        return np.where(part[..., None], found, photo)

    return way


def judged(way: Way, cases: list[tuple[Pixels, Mask]], true: Pixels) -> float:
    """Mean CIEDE2000 within the parts."""
    wanted = in_lab(true)
    return float(np.mean([ciede2000(in_lab(way(photo, part))[part], wanted[part]).mean()
                          for photo, part in cases]))  # fmt: skip


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    images = int(sys.argv[2]) if len(sys.argv) > 2 else TASK.schedules["tiny"].images
    true = reduced(LONG)
    cases = {name: composites(photo) for name, photo in true.items()}
    found: dict[str, list[float]] = {}
    pixels = PixelSet(views(SIZE), None, "bench")
    for seed in range(seeds):
        networks, minutes = trained(TASK, pixels, images, seed)
        ways = {
            "no change": as_it_is,
            "Reinhard": reinhard,
            "beginning": applied(lambda x: x[:, :3]),
            "ours": ours(networks),
            "answer alone": without(networks, change=False),
            "change added": without(networks, change=True),
        }
        print(f"seed {seed}, {images} images, {minutes:.1f} CPU minutes", flush=True)
        for name, way in ways.items():
            by_photo = [judged(way, cases[photo], true[photo]) for photo in true]
            found.setdefault(name, []).append(float(np.mean(by_photo)))
            told = ", ".join(f"{one:.2f}" for one in by_photo)
            print(f"  {name}: CIEDE2000 {np.mean(by_photo):.2f} ({told})", flush=True)
        if seed == 0 and len(sys.argv) > 3:
            write(Path(sys.argv[3]), ours(networks), cases, true)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    print(f"{len(true)} photographs, {TIMES} parts each: {means}")
    sys.exit(int(means["ours"] >= min(means["no change"], means["Reinhard"])))


def write(
    path: Path, way: Way, cases: dict[str, list[tuple[Pixels, Mask]]], true: dict[str, Pixels]
) -> None:
    """Some composites of each photograph, one a row."""
    rows = []
    for name, photo in true.items():
        for seen, part in cases[name][:SHOWN]:
            mask = np.repeat(part[..., None], 3, 2).astype(np.uint8) * 255
            row = [mask, seen, reinhard(seen, part), way(seen, part), photo]
            rows.append(np.hstack([one[:300] for one in row]))
    save_sheet(path, np.vstack(rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
