"""Memory of `mintmark apply` on a photograph of 48 megapixels (8000 x 6000, JPEG).

Networks that have learned nothing work on it by every restoring task, each in a process of its
own, PyTorch included; what counts is the most memory that the process ever held. They are smaller
than those that a CPU trains, since what they hold is one tile beside the pictures; `denoise`
alone is whole. Where a mask is needed, it covers a tenth; `outpaint` adds 256 pixels at the left.
`super-resolution-4` is left out, whose result would have 768 megapixels.

Limit: 2.5 GB.

    python bench/applying.py [WIDTH HEIGHT] [TASK]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from runs import task_of

from mintmark.actions.apply import apply
from mintmark.actions.requests import ApplyRequest
from mintmark.actions.world import open_world
from mintmark.core.lineage import version
from mintmark.core.records import Lineage, Rights
from mintmark.models.conditions import Conditions
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config, save_pretrained
from mintmark.tasks._task import Restoration

SIZE = (8000, 6000)
LIMIT = 2.5e9  # bytes
SMALLER: dict[str, dict[str, int]] = {
    "fourier": {"features": 8, "blocks": 1},
    "lut": {},
    "rrdb": {"features": 8, "growth": 4, "blocks": 1},
    "unet": {"features": 8, "blocks": 1},
    "wide": {},
}
"""How the networks of each family differ from those that a CPU trains."""
TASKS = (
    "denoise",
    "decompress",
    "restore",
    "enhance",
    "colourise",
    "saliency",
    "harmonise",
    "inpaint",
    "outpaint",
    "super-resolution",
)
MASKED = ("harmonise", "inpaint")


def untrained(folder: Path, task: Restoration) -> Path:
    """A package whose network has its first weights."""
    torch.manual_seed(0)
    family = FAMILIES[task.family]
    smaller = {} if task.name == "denoise" else SMALLER[task.family]
    args = {**family.preset("tiny", (3, 64, 64), {}), **task.args, **smaller}
    networks = family.build(args)
    config = Config(task.name, task.family, args, Conditions(), 64, 64, 3, ("G",), version())
    save_pretrained(folder, config, networks, Lineage("none", Rights(), version(), 0), "")
    return folder


def photograph(path: Path, width: int, height: int) -> None:
    """Smooth shapes under grain, as photographs have them."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 100, width // 100, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.integers(-8, 9, (1000, 1000, 3), dtype=np.int16)
    for top in range(0, height, 1000):
        for left in range(0, width, 1000):
            box = (left, top, min(left + 1000, width), min(top + 1000, height))
            part = np.asarray(image.crop(box)).astype(np.int16)
            part += grain[: part.shape[0], : part.shape[1]]
            image.paste(Image.fromarray(part.clip(0, 255).astype(np.uint8)), box[:2])
    image.save(path, quality=92)


def holes(path: Path, width: int, height: int) -> None:
    """A mask of a hundred squares."""
    mask = np.zeros((height, width), np.uint8)
    side = width // 40
    for top in range(height // 20, height - side, height // 10):
        for left in range(width // 20, width - side, width // 10):
            mask[top : top + side, left : left + side] = 255
    Image.fromarray(mask).save(path)


def work(name: str, folder: Path) -> None:
    """What the process of its own does; prints its peak in bytes."""
    more: dict[str, object] = {"mask": folder / "mask.png"} if name in MASKED else {}
    if name == "outpaint":
        more["outpaint"] = {"left": 256}
    given = {"package": str(folder / name), "pictures": [folder / "a.jpg"]}
    request = ApplyRequest.model_validate({**given, "out": folder / f"out-{name}", **more})
    for _ in apply(request, open_world()):
        pass
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak(name: str, folder: Path, pixels: int) -> int:
    """Bytes that the process of a task held at most."""
    task = task_of(name)
    untrained(folder / name, task)
    most = int(task.args.get("scale", 1)) ** 2 * pixels * 1.5  # and what is painted beyond
    told = subprocess.run(
        [sys.executable, __file__, "work", name, str(folder)],
        check=True, capture_output=True, text=True,
        env=os.environ | {"MINTMARK_MAX_MEGAPIXELS": str(most / 1e6)},
    )  # fmt: skip
    return int(told.stdout)


def main() -> None:
    width, height = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else SIZE
    peaks = []
    with tempfile.TemporaryDirectory() as place:
        photograph(Path(place) / "a.jpg", width, height)
        holes(Path(place) / "mask.png", width, height)
        for name in sys.argv[3:] or TASKS:
            began = time.perf_counter()
            peaks.append(peak(name, Path(place), width * height))
            minutes = (time.perf_counter() - began) / 60
            print(
                f"{name} on {width} x {height}: {peaks[-1] / 1e9:.2f} GB, "
                f"{peaks[-1] / LIMIT:.2f} of the limit; {minutes:.1f} minutes",
                flush=True,
            )
    sys.exit(int(max(peaks) > LIMIT))


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
