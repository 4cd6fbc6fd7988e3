"""Filling holes: the paired game against what needs no learning, on pictures never seen.

The public set `photos`: 36 photographs teach, in patches of 64 pixels; patches of 5 others
judge, and patches of three textures that come with scikit-image (brick, grass, gravel). Each
patch loses 10 to 50 % in one of four ways: a box, brush strokes, a half, a border. Set
against it are scikit-image's biharmonic equation and OpenCV's fast marching (Telea, 2004).

Judged: the mean absolute difference in the hole (levels of 255) and the perceptual distance
in the shipped feature network, means over patches. How well pictures are continued beyond
their borders is judged by `continuing.py`.

Limits, for the weights that `apply` takes by default: less than both baselines in both
figures, on photographs and on textures.

    python bench/filling.py [IMAGES|PACKAGE] [DATA] [PICTURE]

A package of `inpaint` is judged as it is, without a run. PICTURE is written with some of them:
hole, biharmonic, fast marching, where the network begins, filled, true.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from runs import DEFAULT, Networks, Pixels, cache, levels, packaged, perceptual, save_sheet, trained
from skimage import data
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from mintmark.actions import prepare
from mintmark.engines import masks
from mintmark.engines.holes import holed
from mintmark.engines.paired import balanced
from mintmark.models import fourier
from mintmark.tasks.inpaint import TASK
from mintmark.training.draws import Draws

SHAPE = (3, 64, 64)
IMAGES = 32_000
TEXTURES = ("brick", "grass", "gravel")  # of 512 x 512 grey pixels
COUNT = 120  # patches of each sort
RADIUS = 3  # pixels around a place that fast marching looks at
KINDS: tuple[masks.Kind, ...] = ("box", "strokes", "half", "border")


def learned(source: str, folder: Path) -> Networks:
    """Both ends of the balance, of a package or of a run of so many images."""
    if Path(source).is_dir():
        return packaged(Path(source))[1]
    began = time.process_time()
    pixels = prepare.read(folder / "train").pixels(SHAPE, cache())
    ends, _ = trained(TASK, pixels, int(source))
    print(f"{source} images, {(time.process_time() - began) / 60:.1f} CPU minutes")
    return ends


def textures() -> Tensor:
    """Patches of three textures, (COUNT, 3, 64, 64) in [-1, 1]."""
    sources = [torch.from_numpy(getattr(data, name)()) for name in TEXTURES]
    cut = [one.unfold(0, 64, 64).unfold(1, 64, 64).reshape(-1, 64, 64) for one in sources]
    chosen = torch.cat([part[: COUNT // 3] for part in cut])
    return (chosen[:, None].float() / 127.5 - 1).expand(-1, 3, -1, -1)


def photographs(folder: Path, count: int = COUNT) -> Tensor:
    """Some patches of each photograph, (count, 3, 64, 64) in [-1, 1]."""
    pixels = np.asarray(prepare.read(folder).pixels(SHAPE, cache()).pixels)
    chosen = np.linspace(0, len(pixels) - 1, count).astype(int)
    return torch.from_numpy(pixels[chosen]).float() / 127.5 - 1


def missing_in(clean: Tensor, kinds: tuple[masks.Kind, ...] = KINDS) -> Tensor:
    """One mask each, the kinds in turn, (N, 1, 64, 64)."""
    draws = Draws(1, 0, len(clean), 0, len(clean))
    found = torch.stack([masks.mask(kind, SHAPE[1:], draws, kind) for kind in kinds])
    rows = torch.arange(len(clean))
    return found[rows % len(kinds), rows]


def of_levels(pictures: list[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def biharmonic(clean: Tensor, missing: Tensor) -> Tensor:
    pairs = zip(levels(clean) / 255.0, missing[:, 0].bool().numpy(), strict=True)
    made = [inpaint_biharmonic(one, hole, channel_axis=2) for one, hole in pairs]
    return of_levels([(one.clip(0, 1) * 255).round().astype(np.uint8) for one in made])


def marching(clean: Tensor, missing: Tensor) -> Tensor:
    pairs = zip(levels(clean), missing[:, 0].byte().numpy(), strict=True)
    return of_levels([cv2.inpaint(one, hole, RADIUS, cv2.INPAINT_TELEA) for one, hole in pairs])


def filled(network: Networks, seen: Tensor) -> Tensor:
    """In whole levels as the others, which is what `apply` writes."""
    made = torch.cat([TASK.engine.run(network, part) for part in torch.split(seen, 32)])
    return of_levels(list(levels(made)))


def judged(made: Tensor, clean: Tensor, missing: Tensor) -> tuple[float, float]:
    """Difference in the hole in levels, and perceptual distance."""
    far = ((made - clean).abs() * missing).sum((1, 2, 3)) / missing.sum((1, 2, 3)) / 3
    return float(far.mean() * 127.5), perceptual(made, clean)


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else str(IMAGES)
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/photos")
    prepare.get("photos", folder)
    network = {"G": balanced(learned(source, folder), DEFAULT)}
    worse, shown = 0, []
    sorts = {"photographs": photographs(folder / "held-out"), "textures": textures()}
    for sort, clean in sorts.items():
        missing = missing_in(clean)
        seen = holed(clean, missing)
        made = {
            "biharmonic": biharmonic(clean, missing),
            "marching": marching(clean, missing),
            "begun": filled(fourier.build(fourier.preset("tiny", SHAPE, {})), seen),
            "filled": filled(network, seen),
        }
        found = {name: judged(pictures, clean, missing) for name, pictures in made.items()}
        told = ", ".join(f"{name} {l1:.2f} and {far:.3f}" for name, (l1, far) in found.items())
        print(f"{len(clean)} patches of {sort}, levels in the hole and perceptual: {told}")
        worse += any(found["filled"][side] >= found[name][side]
                     for name in ("biharmonic", "marching") for side in (0, 1))  # fmt: skip
        shown.append(torch.stack([seen[:8, :3], *(one[:8] for one in made.values()), clean[:8]], 1))
    if len(sys.argv) > 3:
        write(Path(sys.argv[3]), torch.cat(shown))
    sys.exit(int(worse > 0))


def write(path: Path, rows: Tensor) -> None:
    """A sheet of rows of pictures, (rows, columns, 3, 64, 64)."""
    sheet = levels(rows).transpose(0, 2, 1, 3, 4).reshape(64 * len(rows), -1, 3)
    save_sheet(path, sheet)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
