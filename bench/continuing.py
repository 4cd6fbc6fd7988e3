"""Continuing pictures beyond their borders: can a judge that looks at the seam tell?

Patches of 64 pixels of the public set `photos` lose 16 to 32 pixels at one side and get them
back, by a package and by mirroring. A two-sample test by a classifier (Lopez-Paz and Oquab,
"Revisiting Classifier Two-Sample Tests", 2017) says how well made ones are told from real ones.

What betrays a continuation lies at the seam: an axis of symmetry, a fold, a change of
sharpness. Features that are pooled over a picture hardly hold that. So the classifier is a
small convolutional network that sees the 16 pixels on either side of the seam, folded there:
what lies equally far from it, known and made, lies in one place, and nothing is left out.

The same for both ways: it learns from the 36 photographs that taught the package and judges the
9 others (`held-out`, `held-out-others`), as many patches of each photograph; made and real ones
of one place go together; no weights are chosen by what is judged. Its accuracy is the mean over
photographs, which are the independent units, of the mean over seeds; 50 % is chance.

Limit: mirrored ones are told from real ones more often, by more than two standard errors of
the difference over photographs.

Beside it stands, without a limit, a logistic regression on the shipped features, pooled over
whole patches without a half or a border (the only judge before): it learns from half of the
patches of `held-out`.

    python bench/continuing.py [PACKAGE] [DATA] [PICTURE]

Without PACKAGE the shipped `inpaint` is judged. PICTURE is written with some of them: hole,
mirrored, where the network begins, made, true.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filling import filled, missing_in, of_levels, photographs, write
from numpy.typing import NDArray
from PIL import Image
from runs import DEFAULT, Networks, levels, packaged
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.actions import prepare
from mintmark.actions.zoo import find
from mintmark.core.seeds import derive
from mintmark.engines import masks
from mintmark.engines.holes import holed
from mintmark.engines.paired import balanced
from mintmark.metrics.extractors import extract, shipped
from mintmark.models import fourier
from mintmark.tasks._task import Restoration

SIDE = 64
DEPTH = (16, 32)  # pixels that are missing at one side
NEAR = 16  # pixels on either side of the seam that the judge sees
TAUGHT, JUDGED = 20, 40  # patches of each photograph that the judge learns from, and that it judges
SEEDS = 3
STEPS, BATCH, RATE = 300, 32, 3e-3  # of the judge; pairs a step
BEYOND = 400  # patches that the logistic regression sees
KINDS: tuple[masks.Kind, ...] = ("half", "border")  # of those

Way = Callable[[Tensor, Tensor], Tensor]
"""From pictures and what they miss to pictures."""


@dataclass(frozen=True)
class Patches:
    """Patches without one side each, and which photograph each belongs to."""

    clean: Tensor  # (N, 3, 64, 64) in [-1, 1]
    side: NDArray[np.int64]  # (N,) quarter turns that bring what is missing to the right
    depth: NDArray[np.int64]  # (N,) pixels
    photo: NDArray[np.int64]  # (N,)

    @property
    def missing(self) -> Tensor:
        """(N, 1, 64, 64)."""
        found = torch.zeros(len(self.clean), 1, SIDE, SIDE)
        for one, side, depth in zip(found, self.side, self.depth, strict=True):
            one[..., SIDE - depth :] = 1
            one.copy_(torch.rot90(one, -int(side), (1, 2)))
        return found

    def folded(self, pictures: Tensor) -> Tensor:
        """Both sides of the seams, known and made, (N, 6, 64, NEAR)."""
        found = []
        for one, side, depth in zip(pictures, self.side, self.depth, strict=True):
            turned, seam = torch.rot90(one, int(side), (1, 2)), SIDE - int(depth)
            known, made = turned[..., seam - NEAR : seam].flip(2), turned[..., seam : seam + NEAR]
            found.append(torch.cat([known, made]))
        return torch.stack(found)


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
    clean = of_levels([np.asarray(Image.open(file).convert("RGB")) for _, file in chosen])
    rng = np.random.default_rng(derive(0, "continuing"))
    side, depth = rng.integers(4, size=len(clean)), rng.integers(*DEPTH, len(clean), endpoint=True)
    return Patches(clean, side, depth, np.array([number for number, _ in chosen]))


class Judge(nn.Module):
    """A small network from folded seams to one number: above 0 for made."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out, stride in ((6, 16, 1), (16, 32, 2), (32, 48, 2)):
            layers += [nn.Conv2d(into, out, 3, stride, 1), nn.BatchNorm2d(out), nn.ReLU()]
        self.local = nn.Sequential(*layers)
        self.last = nn.Linear(48 * NEAR // 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 6, 64, NEAR) to (N,); means along the seam, each distance from it apart."""
        found: Tensor = self.last(self.local(x).mean(2).flatten(1))
        return found[:, 0]


def taught(made: Tensor, real: Tensor, seed: int) -> Judge:
    """A judge that learned from pairs of made and real seams, (N, 6, 64, NEAR) each."""
    torch.manual_seed(derive(seed, "judge"))
    rng = np.random.default_rng(derive(seed, "pairs"))
    network = Judge()
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    labels = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
    for _ in range(STEPS):
        rows = rng.choice(len(made), BATCH, replace=False)
        both = torch.cat([made[rows], real[rows]])
        both = both.flip(2) if rng.integers(2) else both
        loss = F.binary_cross_entropy_with_logits(network(both), labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def right(judge: Judge, made: Tensor, real: Tensor) -> NDArray[np.float64]:
    """How often the judge is right about each place, (N,)."""
    both = torch.stack([judge(made) > 0, judge(real) <= 0]).double()
    return np.asarray(both.mean(0))


def told(made: tuple[Tensor, Tensor], real: tuple[Patches, Patches]) -> NDArray[np.float64]:
    """Accuracy by seed and photograph, (SEEDS, photographs), of what is taught and what judged."""
    ours = [part.folded(pictures) for part, pictures in zip(real, made, strict=True)]
    true = [part.folded(part.clean) for part in real]
    judges = [taught(ours[0], true[0], seed) for seed in range(SEEDS)]
    shares = np.stack([right(judge, ours[1], true[1]) for judge in judges])  # (SEEDS, N)
    photos = np.unique(real[1].photo)
    return np.stack([shares[:, real[1].photo == one].mean(1) for one in photos], 1)


def mirrored(clean: Tensor, missing: Tensor) -> Tensor:
    """What is known, reflected at its borders; for what is known in one rectangle."""
    made = []
    for one, hole in zip(levels(clean), missing[:, 0].bool().numpy(), strict=True):
        rows, columns = (np.flatnonzero(~hole.all(axis)) for axis in (1, 0))
        known = one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        edges = [(side[0], SIDE - 1 - side[-1]) for side in (rows, columns)]
        made.append(np.pad(known, (*edges, (0, 0)), mode="symmetric"))
    return of_levels(made)


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


def report(found: Mapping[str, NDArray[np.float64]], task: str) -> bool:
    """Prints accuracies by seed and photograph; whether the limit is missed."""
    for name, each in found.items():
        seeds, photos = each.mean(1), each.mean(0)
        print(
            f"{name}: told from real ones {each.mean():.1%} +- {error(photos):.1%} over "
            f"{len(photos)} photographs; by seed {seeds.min():.1%} to {seeds.max():.1%}"
        )
    gain = found["mirrored"].mean(0) - found[task].mean(0)
    print(f"mirrored less {task}: {gain.mean():.1%} +- {error(gain):.1%}")
    return bool(gain.mean() <= 2 * error(gain))


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/photos")
    prepare.get("photos", folder)
    task, ends = packaged(Path(find(sys.argv[1] if len(sys.argv) > 1 else "inpaint")))
    network = {"G": balanced(ends, DEFAULT)}
    ways: dict[str, Way] = {
        "mirrored": mirrored,
        "begun": lambda clean, missing: filled(begun(task), holed(clean, missing)),
        task.name: lambda clean, missing: filled(network, holed(clean, missing)),
    }
    others = {**files_of(folder / "held-out"), **files_of(folder / "held-out-others")}
    real = patches(files_of(folder / "train"), TAUGHT), patches(others, JUDGED)
    made = {
        name: (way(real[0].clean, real[0].missing), way(real[1].clean, real[1].missing))
        for name, way in ways.items()
    }
    missed = report({name: told(both, real) for name, both in made.items()}, task.name)
    clean = photographs(folder / "held-out", BEYOND)
    missing = missing_in(clean, KINDS)
    linear = {name: told_linearly(way(clean, missing), clean) for name, way in ways.items()}
    print("of pooled features: " + ", ".join(f"{name} {x:.1%}" for name, x in linear.items()))
    if len(sys.argv) > 3:
        rows = np.linspace(0, len(real[1].clean) - 1, 16).astype(int)
        hole = holed(real[1].clean, real[1].missing)[:, :3]
        columns = [hole, *(both[1] for both in made.values()), real[1].clean]
        write(Path(sys.argv[3]), torch.stack([one[rows] for one in columns], 1))
    sys.exit(int(missed))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
