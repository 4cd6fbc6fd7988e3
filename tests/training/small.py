"""A small real run that the tests of this room share."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from mintmark.core.seeds import derive
from mintmark.data.loader import Loader, PixelSet, batch_indices
from mintmark.engines.augment import Augment
from mintmark.engines.synthesis import Synthesis
from mintmark.models import r3gan
from mintmark.training import trainer
from mintmark.training.precision import Compute
from mintmark.training.trainer import Cosine, RunState, Schedule

COUNT, CLASSES = 52, 3
ENGINE = Synthesis(
    gamma=Cosine(1.0, 0.1),
    penalty_every=2,
    augment=Augment(kind="ada", mode="adaptive", images=400),
)
ARGS = {
    "height": 8,
    "width": 8,
    "channels": 1,
    "classes": CLASSES,
    "widths": [16, 16],
    "latent": 8,
    "block": "grouped",
}
SCHEDULE = Schedule(images=480, batch=8, micro=4)


def pixels() -> PixelSet:
    rng = np.random.Generator(np.random.PCG64(derive(0, "small")))
    images = rng.integers(0, 256, (COUNT, 1, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, COUNT)
    return PixelSet(images, labels, "small", torch.from_numpy(labels))


def state(compute: Compute | None = None, seed: int = 0) -> RunState:
    torch.manual_seed(derive(seed, "weights"))
    return trainer.start(ENGINE, r3gan.build(ARGS), seed, compute or Compute())


def tensors(run: RunState) -> dict[str, torch.Tensor]:
    """Every tensor of a state by name, collected apart from the checkpoint code."""
    found = {
        f"{group}/{name}/{key}": value
        for group, modules in (("n", run.networks), ("a", run.averages))
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for name, optimizer in run.optimizers.items():
        for index, parameter in enumerate(run.networks[name].parameters()):
            for key, value in optimizer.state.get(parameter, {}).items():
                found[f"o/{name}/{index}/{key}"] = value
    return found


def fingerprint(run: RunState) -> str:
    """One digest of all tensors, counters, controls and monitors."""
    total = sha256()
    for name, value in sorted(tensors(run).items()):
        total.update(name.encode() + value.contiguous().numpy().tobytes())
    rest = (run.step, run.images_seen, run.seed, run.controls, run.monitors)
    total.update(repr([sorted(r.items()) if isinstance(r, dict) else r for r in rest]).encode())
    return total.hexdigest()


@dataclass(frozen=True)
class Future:
    """What a run would do next: batch ids of 50 steps, losses of 20."""

    ids: list[list[int]]
    losses: list[dict[str, float]]


def future(run: RunState) -> Future:
    """Looks ahead; spoils `run`."""
    batch = SCHEDULE.batch
    ids = [batch_indices(run.seed, run.step + i, batch, COUNT).tolist() for i in range(50)]
    longer = Schedule(images=SCHEDULE.images * 2, batch=batch, micro=SCHEDULE.micro)
    with Loader(pixels(), batch, run.seed) as loader:
        steps = trainer.train(ENGINE, run, loader, longer, Compute())
        losses = [dict(next(steps).figures) for _ in range(20)]
    return Future(ids, losses)


def outcome(run: RunState) -> dict[str, Any]:
    """What must be equal between a straight and a cut run, as JSON."""
    print_of_state = fingerprint(run)
    ahead = future(run)
    return {"state": print_of_state, "ids": ahead.ids, "losses": ahead.losses}
