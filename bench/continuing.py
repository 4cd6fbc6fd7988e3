"""Continuing pictures beyond their borders: can a judge that looks at the seam tell?

Patches of 64 pixels of the public set `photos` lose a half or a border and get it back, by a
package and by mirroring. A two-sample test by a classifier (Lopez-Paz and Oquab, "Revisiting
Classifier Two-Sample Tests", 2017) says how well made ones can be told from real ones. What
betrays a continuation lies at the seam: an axis of symmetry, a fold, a change of sharpness.
Features that are pooled over the picture hardly hold that, so the classifier sees pixels: a
small convolutional network, first at full resolution, on windows of 32 pixels that straddle
the seam, a quarter to three quarters of each made. It is not told where the seam is.

The same for both ways, and settled before either was judged so: it learns from the 36
photographs that taught the package and judges the 9 others (`held-out`, `held-out-others`), as
many patches of each photograph; a made window and the real one in its place go together; no
weights are chosen by what is judged. Its accuracy is the mean over photographs, which are the
independent units, of the mean over seeds; 50 % is chance.

Limit: mirrored ones are told from real ones more often, by more than two standard errors of
the difference over photographs.

Beside it stands, without a limit, a logistic regression on the shipped features, pooled over
whole patches (the only judge before): it learns from half of the patches of `held-out`.

    python bench/continuing.py PACKAGE [DATA] [PICTURE]

PICTURE is written with some of them: hole, mirrored, where the network begins, made, true.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filling import filled, mirrored, missing_in, of_levels, photographs, write
from numpy.typing import NDArray
from PIL import Image
from runs import DEFAULT, Networks, levels, packaged
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.actions import prepare
from mintmark.core.seeds import derive
from mintmark.engines.holes import holed
from mintmark.engines.paired import balanced
from mintmark.metrics.extractors import extract, shipped
from mintmark.models import fourier
from mintmark.tasks._task import Restoration

SIDE = 64
WINDOW = 32  # pixels a side that the judge sees
SHARE = (0.25, 0.75)  # of a window that is made
TAUGHT, JUDGED = 20, 40  # patches of each photograph that the judge learns from, and that it judges
LOOKS = 4  # windows of each of those
SEEDS = 5
STEPS, BATCH, RATE = 600, 32, 2e-3  # of the judge; pairs a step
BEYOND = 400  # patches that the logistic regression sees
KINDS = ("half", "border")


@dataclass(frozen=True)
class Patches:
    """Patches, what they miss, and which photograph each belongs to."""

    clean: Tensor  # (N, 3, 64, 64) in [-1, 1]
    missing: Tensor  # (N, 1, 64, 64)
    photo: NDArray[np.int64]  # (N,)


def files_of(folder: Path) -> dict[str, list[Path]]:
    """The patches of each photograph, in their order."""
    found: dict[str, list[Path]] = defaultdict(list)
    for line in (folder / "metadata.jsonl").read_text().splitlines():
        row = json.loads(line)
        found[row["group"]].append(folder / row["file_name"])
    return dict(found)


def patches(photos: Mapping[str, list[Path]], each: int) -> Patches:
    """As many of each photograph, evenly chosen."""
    chosen = [
        (number, files[at])
        for number, files in enumerate(photos.values())
        for at in np.linspace(0, len(files) - 1, each).astype(int)
    ]
    pixels = [np.asarray(Image.open(file).convert("RGB")) for _, file in chosen]
    clean = of_levels(pixels)
    return Patches(clean, missing_in(clean, KINDS), np.array([number for number, _ in chosen]))


def windows(missing: Tensor, seed: int) -> NDArray[np.int64]:
    """A corner for each mask, so that its window straddles the border, (N, 2)."""
    share = F.avg_pool2d(missing, WINDOW, stride=1)[:, 0].numpy()  # (N, 33, 33)
    rng = np.random.default_rng(seed)
    corners = []
    for one in share:
        good = np.argwhere((one >= SHARE[0]) & (one <= SHARE[1]))
        if not len(good):  # a narrow border
            good = np.argwhere(np.abs(one - 0.5) == np.abs(one - 0.5).min())
        corners.append(good[rng.integers(len(good))])
    return np.array(corners)


def seen(pictures: Tensor, corners: NDArray[np.int64]) -> Tensor:
    """The windows, (N, 3, 32, 32)."""
    cut = [
        one[:, y : y + WINDOW, x : x + WINDOW]
        for one, (y, x) in zip(pictures, corners, strict=True)
    ]
    return torch.stack(cut)


def judge() -> nn.Sequential:
    """A small network from windows to one number: above 0 for made."""
    layers: list[nn.Module] = []
    for into, out, stride in ((3, 16, 1), (16, 32, 2), (32, 64, 2), (64, 64, 2)):
        layers += [nn.Conv2d(into, out, 3, stride, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))


def taught(made: Tensor, real: Patches, seed: int) -> nn.Sequential:
    """A judge that learned from pairs of made and real windows, in all eight positions."""
    torch.manual_seed(derive(seed, "judge"))
    rng = np.random.default_rng(derive(seed, "pairs"))
    network = judge()
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    labels = torch.cat([torch.ones(BATCH, 1), torch.zeros(BATCH, 1)])
    for _ in range(STEPS):
        rows = rng.choice(len(made), BATCH, replace=False)
        corners = windows(real.missing[rows], int(rng.integers(1 << 31)))
        both = torch.cat([seen(made[rows], corners), seen(real.clean[rows], corners)])
        both = torch.rot90(both, int(rng.integers(4)), (2, 3))
        both = both.flip(3) if rng.integers(2) else both
        loss = F.binary_cross_entropy_with_logits(network(both), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


@torch.no_grad()
def right(network: nn.Module, made: Tensor, real: Patches) -> NDArray[np.float64]:
    """How often the judge is right about each photograph, (photographs,)."""
    found = np.zeros(len(made))
    for look in range(LOOKS):
        corners = windows(real.missing, derive(look, "look"))
        found += (network(seen(made, corners)) > 0).flatten().numpy()
        found += (network(seen(real.clean, corners)) <= 0).flatten().numpy()
    shares = found / (2 * LOOKS)
    return np.array([shares[real.photo == one].mean() for one in np.unique(real.photo)])


def told(made: tuple[Tensor, Tensor], real: tuple[Patches, Patches]) -> NDArray[np.float64]:
    """Accuracy by seed and photograph, (SEEDS, photographs), of what is taught and what judged."""
    networks = [taught(made[0], real[0], seed) for seed in range(SEEDS)]
    return np.stack([right(network, made[1], real[1]) for network in networks])


def told_linearly(made: Tensor, clean: Tensor) -> float:
    """How often a classifier that learned from half of the pictures is right on the others."""
    pixels = levels(torch.cat([made, clean])).transpose(0, 3, 1, 2)
    features = extract(shipped("pictures"), pixels)
    labels = np.repeat([0, 1], len(clean))
    known = np.tile(np.arange(len(clean)) % 4 < 2, 2)  # a pair is never split
    scale = features[known].std(0) + 1e-6
    machine = LogisticRegression(C=0.01, max_iter=2000)
    machine.fit(features[known] / scale, labels[known])
    return float(machine.score(features[~known] / scale, labels[~known]))


def error(values: NDArray[np.float64]) -> float:
    """The standard error of a mean."""
    return float(values.std(ddof=1) / len(values) ** 0.5)


def begun(task: Restoration) -> Networks:
    """Where a run of the task begins."""
    args = {**fourier.preset("tiny", (3, SIDE, SIDE), {}), **task.args}
    return fourier.build(args)


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/photos")
    prepare.get("photos", folder)
    task, ends = packaged(Path(sys.argv[1]))
    network = {"G": balanced(ends, DEFAULT)}
    others = {**files_of(folder / "held-out"), **files_of(folder / "held-out-others")}
    real = patches(files_of(folder / "train"), TAUGHT), patches(others, JUDGED)
    ways = {
        "mirrored": mirrored,
        "begun": lambda clean, missing: filled(begun(task), holed(clean, missing)),
        task.name: lambda clean, missing: filled(network, holed(clean, missing)),
    }
    made = {
        name: tuple(way(part.clean, part.missing) for part in real) for name, way in ways.items()
    }
    found = {}
    for name, (first, second) in made.items():
        each = told((first, second), real)
        found[name] = each.mean(0)
        print(
            f"{name}: told from real ones {each.mean():.1%} +- {error(found[name]):.1%} over "
            f"{each.shape[1]} photographs; by seed {each.mean(1).min():.1%} to {each.mean(1).max():.1%}",
            flush=True,
        )
    gain = found["mirrored"] - found[task.name]
    print(f"mirrored less {task.name}: {gain.mean():.1%} +- {error(gain):.1%}")
    clean = photographs(folder / "held-out", BEYOND)
    missing = missing_in(clean, KINDS)
    linear = {name: told_linearly(way(clean, missing), clean) for name, way in ways.items()}
    print("linearly, of pooled features: " + ", ".join(f"{k} {v:.1%}" for k, v in linear.items()))
    if len(sys.argv) > 3:
        rows = np.linspace(0, len(real[1].clean) - 1, 16).astype(int)
        parts = [holed(real[1].clean, real[1].missing)[:, :3], *(two[1] for two in made.values())]
        write(
            Path(sys.argv[3]),
            torch.stack([*(part[rows] for part in parts), real[1].clean[rows]], 1),
        )
    sys.exit(int(gain.mean() <= 2 * error(gain)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
