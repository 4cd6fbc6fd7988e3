"""How much faster the loader is than decoding a folder of PNG each epoch.

    python bench/loader.py

Two ways through the same 2,000 pictures (64 x 64 RGB) in batches of 64: the
`Loader` on its decoded array, and Pillow with numpy on the files. Both give
uint8 tensors; they are checked to be equal first. One process, one thread, order
ABBA, median of the ratio of each repeat.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mintmark.data.loader import Loader, PixelSet, batch_indices, prepare
from mintmark.data.readers import open_source, take_snapshot

PICTURES = 2000
SIZE = 64
BATCH = 64
REPEATS = 7
TARGET = 20


def make_pictures(folder: Path) -> list[Path]:
    """Writes smooth colour fields with grain, which compress as photographs do."""
    rng = np.random.Generator(np.random.PCG64(0))
    paths = [folder / f"{place:04}.png" for place in range(PICTURES)]
    for path in paths:
        coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
        grain = rng.integers(-4, 5, smooth.shape)
        Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(path)
    return paths


def read_folder(paths: list[Path], ids: NDArray[np.int64]) -> torch.Tensor:
    """A batch decoded from its files, (n, 3, SIZE, SIZE) uint8."""
    arrays = []
    for place in ids:
        with Image.open(paths[place]) as image:
            arrays.append(np.asarray(image.convert("RGB")))
    return torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy())


def rate(batch_at: Callable[[int], torch.Tensor], steps: int) -> float:
    """Images a second over `steps` batches, each of which is looked at."""
    seen = 0
    start = time.perf_counter()
    for step in range(steps):
        images = batch_at(step)
        seen += len(images)
        int(images[0, 0, 0, 0])
    return seen / (time.perf_counter() - start)


def compare(pixels: PixelSet, paths: list[Path]) -> None:
    """Prints both rates and their ratio."""
    epoch = PICTURES // BATCH

    def files(step: int) -> torch.Tensor:
        return read_folder(paths, batch_indices(0, step, BATCH, PICTURES))

    with Loader(pixels, BATCH, seed=0) as loader:

        def ours(step: int) -> torch.Tensor:
            return loader.at(step, 0, BATCH).images

        if not all(torch.equal(ours(step), files(step)) for step in range(epoch)):
            raise SystemExit("the two ways give different pictures")
        ratios, fast, slow = [], [], []
        for _ in range(REPEATS):  # files, loader, loader, files
            first = rate(files, epoch)
            loaded = (rate(ours, 10 * epoch), rate(ours, 10 * epoch))
            decoded = (first, rate(files, epoch))
            ratios.append(sum(loaded) / sum(decoded))
            fast.append(statistics.mean(loaded))
            slow.append(statistics.mean(decoded))
    print(f"loader  {statistics.median(fast):12,.0f} images/s")
    print(f"folder  {statistics.median(slow):12,.0f} images/s")
    spread = f"{min(ratios):.1f} to {max(ratios):.1f} over {REPEATS} repeats"
    verdict = "met" if statistics.median(ratios) >= TARGET else "missed"
    print(f"ratio   {statistics.median(ratios):.1f}x ({spread}); target {TARGET}x {verdict}")
    sys.exit(int(verdict == "missed"))


def main() -> None:
    """Makes the pictures, decodes them once, and compares."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        paths = make_pictures(folder)
        source = open_source(folder)
        snapshot, _ = take_snapshot(source)
        compare(prepare(source, snapshot, (3, SIZE, SIZE), Path(scratch) / "cache"), paths)


if __name__ == "__main__":
    main()
