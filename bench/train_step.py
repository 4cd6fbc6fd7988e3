"""Our training step against a plain port of the same mathematics, in one run.

The port is what a careful reader would write from the papers: float32, NCHW, eager, D
called on real and on generated samples apart, two gradients for the two penalties, for
`stylegan` weights of each sample's own in one grouped convolution (StyleGAN2), a loop over
parameters for the average. Both sides train the same networks from the same weights on the
same numbers, so their losses must agree before a ratio is worth anything: to rounding at
first, and in the mean later, when rounding has grown as it does in any game.

Two cases: the digits' `r3gan` and a `stylegan` at 32 pixels in RGB. Measured in the
precision that this machine leads to, and in the other one.

Prints: images/s of both, the median ratio of interleaved blocks (ABBA), and how the losses
compare. Limits: never below 1.0; with AMX at least 1.8 for `r3gan` and 1.5 for `stylegan`.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.settings import settings
from mintmark.data.loader import Loader, PixelSet
from mintmark.engines.adversarial import gamma_for
from mintmark.engines.synthesis import LatentNetwork, Synthesis
from mintmark.models.families import FAMILIES
from mintmark.models.stylegan import ModulatedConv
from mintmark.tasks.digits import TASK
from mintmark.training import precision, trainer
from mintmark.training.draws import Draws
from mintmark.training.precision import Compute
from mintmark.training.trainer import Schedule

BLOCK = 10  # steps timed at a time
ROUNDS = 6  # of ABBA
WARM_UP = 5
NOISE = 0.03


@dataclass(frozen=True)
class Case:
    """One pair of networks and how they are trained.

    Attributes:
        family: Of the networks, in the preset `tiny`.
        shape: Channels, rows and columns of the pictures.
        classes: Number of classes, 0 for none.
        engine: The game.
        schedule: Batch and rates.
        limit: Least ratio where the CPU has matrix units.
    """

    family: str
    shape: tuple[int, int, int]
    classes: int
    engine: Synthesis
    schedule: Schedule
    limit: float

    def networks(self) -> dict[str, nn.Module]:
        """Fresh ones, the same at every call."""
        torch.manual_seed(0)
        family = FAMILIES[self.family]
        return family.build(family.preset("tiny", self.shape, {"classes": self.classes}))

    def pixels(self) -> PixelSet:
        """Pictures of noise."""
        rng = np.random.Generator(np.random.PCG64(0))
        images = rng.integers(0, 256, (1200, *self.shape), dtype=np.uint8)
        labels = rng.integers(0, 10, 1200)
        shown = torch.from_numpy(labels) if self.classes else None
        return PixelSet(images, labels if self.classes else None, "random", shown)


CASES = (
    Case("r3gan", (1, 8, 8), 10, TASK.engine, TASK.schedules["tiny"], 1.8),
    Case("stylegan", (3, 32, 32), 0, Synthesis(gamma=gamma_for(32)), Schedule(10**6, 32), 1.5),
)


def ours(case: Case, compute: Compute) -> Iterator[tuple[float, float]]:
    state = trainer.start(case.engine, case.networks(), 0, compute)
    with Loader(case.pixels(), case.schedule.batch, 0) as loader:
        for progress in trainer.train(case.engine, state, loader, case.schedule, compute):
            yield progress.figures["discriminator"], progress.figures["generator"]


class PlainModulation(nn.Module):
    """The same modulated convolution with weights of each sample's own (StyleGAN2, section 2)."""

    def __init__(self, given: ModulatedConv) -> None:
        super().__init__()
        self.given = given

    def forward(self, x: Tensor, scale: Tensor, noise: Tensor | None) -> Tensor:
        """As `ModulatedConv.forward`."""
        rows, width, groups = len(x), x.shape[1], self.given.conv.groups
        weights = self.given.conv.weight * scale.view(rows, 1, width, 1, 1)  # (N, C, C, 3, 3)
        weights = weights / (weights.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        y = F.conv2d(
            x.reshape(1, -1, *x.shape[2:]), weights.flatten(0, 1), padding=1, groups=rows * groups
        ).view(x.shape)
        if noise is not None:
            y = y + self.given.strength * noise
        out: Tensor = F.leaky_relu(y + self.given.bias, 0.2) * (2 / 1.04) ** 0.5
        return out


def plainly(networks: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """Networks with the plain modulation in place of ours."""
    for block in list(networks["G"].modules()):
        for name, child in block.named_children():
            if isinstance(child, ModulatedConv):
                setattr(block, name, PlainModulation(child))
    return networks


def port(case: Case) -> Iterator[tuple[float, float]]:
    nets = plainly(case.networks())
    average = plainly(case.networks())["G"]
    adams = {n: torch.optim.Adam(net.parameters(), betas=(0.0, 0.9)) for n, net in nets.items()}
    with Loader(case.pixels(), case.schedule.batch, 0) as loader:
        for step in range(case.schedule.steps):
            yield _port_step(case, step, nets, average, adams, loader)


def _port_step(
    case: Case,
    step: int,
    nets: dict[str, nn.Module],
    average: nn.Module,
    adams: dict[str, torch.optim.Adam],
    loader: Loader,
) -> tuple[float, float]:
    schedule, engine = case.schedule, case.engine
    batch, fraction = schedule.batch, step * schedule.batch / schedule.images
    for adam in adams.values():
        adam.param_groups[0]["lr"] = schedule.learning_rate.at(fraction)
        adam.param_groups[0]["betas"] = (0.0, schedule.beta2.at(fraction))
    rows = loader.at(step, 0, batch)
    real, labels = rows.images.float() / 127.5 - 1, rows.condition
    draws = Draws(0, step, batch, 0, batch)
    gamma = engine.gamma.at(fraction) if engine.gamma else 0.0

    nets["D"].requires_grad_(True)
    with torch.no_grad():
        fake = _drawn(nets["G"], draws, labels, "discriminator")
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
    fake = _drawn(nets["G"], draws, labels, "generator")
    loss_g = F.softplus(nets["D"](real, labels) - nets["D"](fake, labels)).mean()
    _update(adams["G"], loss_g)
    keep = schedule.keep(fraction)
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), nets["G"].parameters(), strict=True):
            slow.copy_(fast.lerp(slow, keep))
    return float(loss_d.detach()), float(loss_g.detach())


def _drawn(network: nn.Module, draws: Draws, labels: Tensor | None, phase: str) -> Tensor:
    generator = cast(LatentNetwork, network)
    extras = {n: draws.normal(f"{n}/{phase}", size) for n, size in generator.extras.items()}
    return generator(draws.normal(f"z/{phase}", generator.latent), labels, 1.0, **extras)


def _update(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()


def seconds(steps: Iterator[tuple[float, float]], losses: list[tuple[float, float]]) -> float:
    begin = time.perf_counter()
    losses.extend(next(steps) for _ in range(BLOCK))
    return time.perf_counter() - begin


def compare(case: Case, name: str, compute: Compute) -> tuple[float, float]:
    """Prints the comparison; returns the median ratio and the first losses' gap."""
    sides = {"ours": ours(case, compute), "port": port(case)}
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
    rates = {s: BLOCK * case.schedule.batch / statistics.median(t) for s, t in times.items()}
    ratios = [b / a for a, b in zip(times["ours"], times["port"], strict=True)]
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    print(
        f"train_step {case.family} {name}: ours {rates['ours']:.0f} images/s, "
        f"port {rates['port']:.0f}; "
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
    lower = chosen.dtype == torch.float32
    other = Compute(chosen.device, torch.bfloat16 if lower else torch.float32)
    failed = False
    for case in CASES:
        ratio, gap = compare(case, f"as chosen here ({name})", chosen)
        compare(case, f"{'bfloat16' if lower else 'float32'} twin", other)
        # Two sides that are equal lie on either side of 1, so a shortfall counts beyond noise.
        failed |= ratio < (1.0 - NOISE if lower else case.limit) or (lower and gap > 1e-4)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
