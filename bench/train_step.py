"""Our training step against a plain port of the same mathematics, in one run.

The port is what a careful reader would write from the paper: float32, NCHW,
eager, D called on real and on generated samples apart, two gradients for the
two penalties, a loop over parameters for the average. Both sides train the
digits' networks from the same weights on the same numbers, so their losses
must agree before a ratio is worth anything: to rounding at first, and in the mean
later, when rounding has grown as it does in any game.

Measured in the precision that this machine leads to, and in the other one.

Prints: images/s of both, the median ratio of interleaved blocks (ABBA), and how
the losses compare. Limits: never below 1.0; with AMX at least 1.8.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.settings import settings
from mintmark.data.loader import Loader, PixelSet
from mintmark.models import r3gan
from mintmark.models.layers import presets
from mintmark.tasks.digits import TASK
from mintmark.training import precision, trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute

SCHEDULE = TASK.schedules["tiny"]
ENGINE = TASK.engine
BLOCK = 10  # steps timed at a time
ROUNDS = 6  # of ABBA
WARM_UP = 5
NOISE = 0.03


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return r3gan.build(presets.preset("tiny", (1, 8, 8), {"classes": 10}))


def pixels() -> PixelSet:
    rng = np.random.Generator(np.random.PCG64(0))
    images = rng.integers(0, 256, (1200, 1, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 10, 1200)
    return PixelSet(images, labels, "random", torch.from_numpy(labels))


def ours(compute: Compute) -> Iterator[tuple[float, float]]:
    state = trainer.start(ENGINE, networks(), 0, compute)
    with Loader(pixels(), SCHEDULE.batch, 0) as loader:
        for progress in trainer.train(ENGINE, state, loader, SCHEDULE, compute):
            yield progress.figures["discriminator"], progress.figures["generator"]


def port() -> Iterator[tuple[float, float]]:
    nets = networks()
    average = networks()["G"]
    adams = {n: torch.optim.Adam(net.parameters(), betas=(0.0, 0.9)) for n, net in nets.items()}
    with Loader(pixels(), SCHEDULE.batch, 0) as loader:
        for step in range(SCHEDULE.steps):
            yield _port_step(step, nets, average, adams, loader)


def _port_step(
    step: int,
    nets: dict[str, nn.Module],
    average: nn.Module,
    adams: dict[str, torch.optim.Adam],
    loader: Loader,
) -> tuple[float, float]:
    batch, fraction = SCHEDULE.batch, step * SCHEDULE.batch / SCHEDULE.images
    for adam in adams.values():
        adam.param_groups[0]["lr"] = SCHEDULE.learning_rate.at(fraction)
        adam.param_groups[0]["betas"] = (0.0, SCHEDULE.beta2.at(fraction))
    rows = loader.at(step, 0, batch)
    real, labels = rows.images.float() / 127.5 - 1, rows.condition
    draws = Draws(0, step, batch, 0, batch)
    gamma = ENGINE.gamma.at(fraction) if ENGINE.gamma else 0.0

    nets["D"].requires_grad_(True)
    with torch.no_grad():
        fake = nets["G"](draws.normal("z/discriminator", 64), labels)
    scores, norms = [], []
    for side in (real, fake):
        images = side.detach().requires_grad_()
        logits = nets["D"](images, labels)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        scores.append(logits)
        norms.append(gradient.square().sum((1, 2, 3)).mean())
    loss_d = F.softplus(scores[1] - scores[0]).mean()
    _update(adams["D"], loss_d + gamma / 2 * (norms[0] + norms[1]))

    nets["D"].requires_grad_(False)
    fake = nets["G"](draws.normal("z/generator", 64), labels)
    loss_g = F.softplus(nets["D"](real, labels) - nets["D"](fake, labels)).mean()
    _update(adams["G"], loss_g)
    keep = SCHEDULE.keep(fraction)
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), nets["G"].parameters(), strict=True):
            slow.copy_(fast.lerp(slow, keep))
    return float(loss_d.detach()), float(loss_g.detach())


def _update(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()


def seconds(steps: Iterator[tuple[float, float]], losses: list[tuple[float, float]]) -> float:
    begin = time.perf_counter()
    losses.extend(next(steps) for _ in range(BLOCK))
    return time.perf_counter() - begin


def compare(name: str, make: Callable[[], Iterator[tuple[float, float]]]) -> tuple[float, float]:
    """Prints the comparison; returns the median ratio and the first losses' gap."""
    sides = {"ours": make(), "port": port()}
    losses: dict[str, list[tuple[float, float]]] = {"ours": [], "port": []}
    times: dict[str, list[float]] = {"ours": [], "port": []}
    for side, steps in sides.items():
        losses[side].extend(next(steps) for _ in range(WARM_UP))
    for _ in range(ROUNDS):
        for side in ("ours", "port", "port", "ours"):
            times[side].append(seconds(sides[side], losses[side]))
    curves = {side: np.array(seen) for side, seen in losses.items()}  # (steps, 2) each
    gaps = np.abs(curves["ours"] - curves["port"]).max(1)
    means = {side: curve.mean(0) for side, curve in curves.items()}
    rates = {s: BLOCK * SCHEDULE.batch / statistics.median(t) for s, t in times.items()}
    ratios = [b / a for a, b in zip(times["ours"], times["port"], strict=True)]
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    print(
        f"train_step {name}: ours {rates['ours']:.0f} images/s, port {rates['port']:.0f}; "
        f"ratio {middle:.2f} ({low:.2f} to {high:.2f}); "
        f"losses differ by {gaps[0]:.1e} at the first step, {gaps[:5].max():.1e} within five; "
        f"mean D and G loss over {len(gaps)} steps {means['ours'].round(3)} and "
        f"{means['port'].round(3)}"
    )
    return float(middle), float(gaps[0])


def main() -> None:
    chosen = precision.choose(settings())
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"bfloat16 matrix units: {precision.multiplies_bfloat16(chosen.device)}"
    )
    name = str(chosen.dtype).removeprefix("torch.")
    ratio, gap = compare(f"as chosen here ({name})", lambda: ours(chosen))
    lower = chosen.dtype == torch.float32
    other = Compute(chosen.device, torch.bfloat16 if lower else torch.float32)
    compare(f"{'bfloat16' if lower else 'float32'} twin", lambda: ours(other))
    # Two sides that are equal lie on either side of 1, so a shortfall counts beyond noise.
    limit = 1.0 - NOISE if lower else 1.8
    sys.exit(int(ratio < limit or (lower and gap > 1e-4)))


if __name__ == "__main__":
    main()
