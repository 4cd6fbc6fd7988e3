"""Enlarging photographs twice: the paired game against bicubic on photographs never seen.

The public set `photos`: 18 photographs teach, in patches of 64 pixels; 5 others judge. The
unit is the photograph: PSNR is taken over all patches of one, and then averaged over the
five. Both stages of the game are judged: the faithful weights, the lively ones, and the
perceptual distance of each in the shipped feature network.

Limits: the faithful weights at least 1 dB above Pillow's bicubic; the lively ones nearer in
the feature network than both.

    python bench/enlarging.py [IMAGES] [DATA]
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mintmark.actions import prepare
from mintmark.actions.prepare import Data
from mintmark.actions.world import open_world
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.degrade import Downscale
from mintmark.engines.paired import Paired, perceptual_loss
from mintmark.models import rrdb
from mintmark.training import trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Cosine, RunState, Schedule

SHAPE = (3, 64, 64)
IMAGES = 6_000
BATCH = 16
ENGINE = Paired(Downscale(2))
GAIN = 1.0  # dB

Pixels = NDArray[np.uint8]


def read(folder: Path) -> tuple[Data, PixelSet]:
    """The patches of a part."""
    data = prepare.read(folder)
    return data, data.pixels(SHAPE, open_world().settings.cache / "pixels")


def train(pixels: PixelSet, images: int) -> RunState:
    """One run of both stages."""
    torch.manual_seed(0)
    networks = rrdb.build({**rrdb.preset("tiny", SHAPE, {}), "scale": 2})
    state = trainer.start(ENGINE, networks, 0, Compute())
    schedule = Schedule(images, BATCH, learning_rate=Cosine(1e-3, 5e-5))
    with Loader(pixels, BATCH, 0, background=True) as loader:
        for _ in trainer.train(ENGINE, state, loader, schedule, Compute()):
            pass
    return state


def bicubic(small: Tensor) -> Tensor:
    """Enlarged by Pillow, (N, C, H, W) in [-1, 1]."""
    levels = small.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy()
    size = (SHAPE[2], SHAPE[1])
    large = [
        np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in levels
    ]
    return torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).float() / 127.5 - 1


def judged(made: Tensor, clean: Tensor, photographs: NDArray[np.str_]) -> tuple[float, float]:
    """PSNR in dB and perceptual distance, means over photographs."""
    scores = []
    for name in np.unique(photographs):
        rows = torch.from_numpy(np.flatnonzero(photographs == name))
        error = ((made[rows] - clean[rows]) / 2).square().mean()
        with torch.no_grad():
            distance = perceptual_loss(made[rows], clean[rows])
        scores.append((float(-10 * error.log10()), float(distance)))
    psnr, distance_mean = np.mean(scores, axis=0)
    return float(psnr), float(distance_mean)


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/photos")
    prepare.get("photos", folder)
    _, taught = read(folder / "train")
    began = time.process_time()
    state = train(taught, images)
    minutes = (time.process_time() - began) / 60
    data, held_out = read(folder / "held-out")
    photographs = np.array([str(item.attributes["group"]) for item in data.snapshot.items])
    clean = torch.from_numpy(np.array(held_out.pixels)).float() / 127.5 - 1
    small = Downscale(2)(clean, Draws(0, 0, len(clean), 0, len(clean)))
    made = {"bicubic": bicubic(small)}
    for name, weights in (("faithful", "F"), ("lively", "G")):
        network = {"G": state.averages[weights]}
        parts = [ENGINE.run(network, part) for part in torch.split(small, 32)]
        made[name] = torch.cat(parts)
    found = {name: judged(pictures, clean, photographs) for name, pictures in made.items()}
    told = ", ".join(f"{name} {psnr:.2f} dB and {far:.3f}" for name, (psnr, far) in found.items())
    gain = found["faithful"][0] - found["bicubic"][0]
    print(
        f"enlarging twice, {len(np.unique(photographs))} photographs in {len(clean)} patches: "
        f"{told}; gain {gain:+.2f} dB; {images} images, {minutes:.1f} CPU minutes"
    )
    nearest = min(found, key=lambda name: found[name][1])
    sys.exit(int(gain < GAIN or nearest != "lively"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
