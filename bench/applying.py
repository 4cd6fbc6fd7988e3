"""Memory of `mintmark apply` on a photograph of 48 megapixels (8000 x 6000, JPEG).

Networks that have learned nothing restore it (`denoise`, of the size that a CPU trains) and enlarge
it twice (`super-resolution`, a smaller one), each in a process of its own, PyTorch included; what
counts is the most memory that the process ever held.

Limit: 2.5 GB.

    python bench/applying.py [WIDTH HEIGHT]
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
    "denoise": {},
    "super-resolution": {"features": 8, "growth": 4, "blocks": 1},
}
"""How the networks differ from those that a CPU trains."""


def untrained(folder: Path, task: Restoration) -> Path:
    """A package whose network has its first weights."""
    torch.manual_seed(0)
    family = FAMILIES[task.family]
    args = {**family.preset("tiny", (3, 64, 64), {}), **task.args, **SMALLER[task.name]}
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


def work(package: str, picture: str, out: str) -> None:
    """What the process of its own does; prints its peak in bytes."""
    request = ApplyRequest(package=package, pictures=(Path(picture),), out=Path(out))
    for _ in apply(request, open_world()):
        pass
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    width, height = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else SIZE
    peaks = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photograph(folder / "a.jpg", width, height)
        for name in SMALLER:
            scale = int(task_of(name).args.get("scale", 1))
            package = untrained(folder / name, task_of(name))
            given = [str(package), str(folder / "a.jpg"), str(folder / f"out-{name}")]
            room = {"MINTMARK_MAX_MEGAPIXELS": str(scale**2 * width * height / 1e6)}
            began = time.perf_counter()
            told = subprocess.run(
                [sys.executable, __file__, "work", *given],
                check=True, capture_output=True, text=True, env=os.environ | room,
            )  # fmt: skip
            minutes = (time.perf_counter() - began) / 60
            peaks.append(int(told.stdout))
            print(
                f"{name} on {width} x {height}: {peaks[-1] / 1e9:.2f} GB, "
                f"{peaks[-1] / LIMIT:.2f} of the limit; {minutes:.1f} minutes",
                flush=True,
            )
    sys.exit(int(max(peaks) > LIMIT))


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(*sys.argv[2:5])
    else:
        main()
