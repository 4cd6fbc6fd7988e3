"""The synthesis game: (latent, condition) to sample, judged against real samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.seeds import derive
from mintmark.engines import alpha, growth, matching
from mintmark.engines.adversarial import (
    RELATIVISTIC,
    Game,
    gamma_for,
    gradient_penalty,
    interpolate,
    squared_gradient,
)
from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.matching import Judge
from mintmark.training.draws import Draws
from mintmark.training.trainer import Average, Batch, Cosine, Moment, Phase

Place = Literal["real", "fake", "between"]

CHUNK = 16  # samples generated at once; fixed, because results may depend on it in the last bit


class LatentNetwork(Protocol):
    """A generator: it knows what it draws from, and draws."""

    latent: int

    @property
    def extras(self) -> Mapping[str, int]:
        """Lengths of the other normal numbers that it takes in training, by name."""

    def __call__(
        self, z: Tensor, condition: Tensor | None, psi: float = 1.0, **extras: Tensor
    ) -> Tensor:
        """(N, latent) and the rows of a condition to (N, C, H, W)."""


class Redrawing(Protocol):
    """A discriminator that draws again what it saw."""

    def reconstruct(self, x: Tensor) -> Tensor:
        """What a decoder makes of the features of pictures."""


@dataclass(frozen=True)
class Request:
    """Which samples to generate.

    Attributes:
        seed: Sample i of a seed is always the same, whatever else is asked for.
        indices: The numbers i.
        condition: What each shall show, (len(indices), ...), or None.
        psi: Truncation: 1 is the whole law, below 1 is nearer to the typical sample.
        noise: Whether there is stochastic variation, where the network has any.
    """

    seed: int
    indices: Sequence[int]
    condition: Tensor | None = None
    psi: float = 1.0
    noise: bool = True


@dataclass(frozen=True)
class Synthesis:
    """A generator `G` against a discriminator `D`.

    Attributes:
        game: The pair of losses.
        gamma: Weight of the penalties over the run; None chooses it by the
            pictures' size (`gamma_for`). For `between` it is lambda.
        penalties: Where the gradient is penalised: `real` is R1 (each picture beside
            its own condition), `fake` is R2, `between` is WGAN-GP.
        penalty_every: Steps between penalties; they are scaled to make up for it.
        augment: Augmentation of what D sees.
        mismatched: Weight of the losses by which D learns to tell a real picture's own
            condition from others that it does not have (Reed et al., 2016), and G to draw so
            that it can; D needs a matcher.
        reconstruct: Weight of the loss by which D draws again what it saw (Liu et al.,
            2021, FastGAN); D needs a decoder.
        frozen: Stages of D, from the picture's side, that do not learn (Mo et al.,
            2020, Freeze-D).
        grow: Training from a low resolution on; the networks must be able to.
    """

    game: Game = RELATIVISTIC
    gamma: Cosine | None = None
    penalties: tuple[Place, ...] = ("real", "fake")
    penalty_every: int = 1
    augment: Augment = field(default_factory=Augment)
    mismatched: float = 0.0
    reconstruct: float = 0.0
    frozen: int = 0
    grow: Grow | None = None

    @property
    def phases(self) -> tuple[Phase, ...]:
        """D first, then G against the new D."""
        return (Phase("discriminator", "D"), Phase("generator", "G"))

    @property
    def averaged(self) -> Mapping[str, Average]:
        """The generator's averaged weights are what is used."""
        return {"G": Average("G")}

    def controls(self) -> dict[str, float]:
        """What the augmentation remembers."""
        return self.augment.controls()

    def prepare(self, networks: Mapping[str, nn.Module], fraction: float) -> None:
        """Tells growing networks at which stage they work now."""
        if self.grow is not None:
            growth.set_level(networks, self.grow, fraction)

    def resting(self, name: str, network: nn.Module) -> tuple[str, ...]:
        """The first stages of a fine-tuned D, and the stem of a G that grows frozen."""
        if name == "D":
            parts = ("starts", "stages", "widen")
            return tuple(f"{part}.{place}." for place in range(self.frozen) for part in parts)
        grow = self.grow
        return growth.stem(network, grow) if grow is not None and grow.freeze else ()

    def adapt(
        self, controls: Mapping[str, float], figures: Mapping[str, float], batch: int
    ) -> dict[str, float]:
        """Lets the augmentation follow the game."""
        return self.augment.adapt(controls, figures.get("pairs_won"), batch)

    def describe(self) -> dict[str, Any]:
        """What decides the losses, as plain JSON, to tell one recipe from another."""
        return {**asdict(self), "game": self.game.name, "penalties": list(self.penalties)}

    def fitted(self, size: int, batch: int) -> "Synthesis":
        """This game with gamma filled in for pictures of `size` pixels a side in batches."""
        return self if self.gamma is not None else replace(self, gamma=gamma_for(size, batch))

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        """The losses and figures of one phase; see `trainer.Engine`."""
        if phase == "discriminator":
            return self._discriminator(networks, batch, moment)
        return self._generator(networks, batch, moment)

    def _discriminator(
        self, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = _generate(networks, batch, moment, "discriminator").float()
        shown = self._shown(batch.real, networks)
        pixels = torch.cat([shown, fake])  # (2N, C, H, W)
        due = moment.step % self.penalty_every == 0 and bool(self.penalties)
        pixels.requires_grad_(due)
        views = zip(pixels.chunk(2), ("discriminator/real", "discriminator/fake"), strict=True)
        seen = torch.cat([self._augmented(half, moment, name) for half, name in views])
        logits, told = self._judged(networks["D"], seen, batch, moment)
        real, generated = logits.chunk(2)
        figures = {
            "discriminator": self.game.discriminator(real, generated).mean(),
            "pairs_won": (real > generated).float().mean(),
            "spread": _spread(fake) / _spread(shown).clamp(min=1e-8),
        }
        figures |= told
        figures |= self._reconstructed(networks["D"], seen[: len(shown)])
        if due:
            shares = replace(batch, real=shown)
            figures |= self._penalty(networks, shares, fake, pixels, logits, moment)
        return figures

    def _shown(self, real: Tensor, networks: Mapping[str, nn.Module]) -> Tensor:
        """Real pictures as the networks see them now."""
        return growth.shown(alpha.on_white(real), networks, self.grow)

    def _judged(
        self, network: nn.Module, seen: Tensor, batch: Batch, moment: Moment
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of real and generated pictures, (2N,), and the loss of mistaken conditions."""
        condition = None if batch.condition is None else torch.cat([batch.condition] * 2)
        if not self._matches(batch):
            return network(seen, condition).float(), {}  # one pass instead of two
        judge, count = cast(Judge, network), len(batch.real)
        features = judge.look(seen)
        scored = matching.scored(self.game, judge, features[:count], batch)
        real = seen[:count].detach()  # no penalty asks for these gradients
        matched = matching.matched(self.game, judge, real, batch, moment.draws, "real")
        logits = judge.score(features, condition).float()
        return logits, {"mismatched": self.mismatched * (scored + matched)}

    def _matches(self, batch: Batch) -> bool:
        return bool(self.mismatched) and batch.condition is not None and batch.other is not None

    def _reconstructed(self, network: nn.Module, seen: Tensor) -> dict[str, Tensor]:
        """The loss of D's own pictures of what it saw."""
        if not self.reconstruct:
            return {}
        seen = seen.detach()
        drawn = cast(Redrawing, network).reconstruct(seen).float()
        size = (min(drawn.shape[2], seen.shape[2]), min(drawn.shape[3], seen.shape[3]))
        aim, drawn = (F.adaptive_avg_pool2d(pictures, size) for pictures in (seen, drawn))
        return {"reconstruct": self.reconstruct * F.mse_loss(drawn, aim)}

    def _penalty(
        self,
        networks: Mapping[str, nn.Module],
        batch: Batch,
        fake: Tensor,
        pixels: Tensor,
        logits: Tensor,
        moment: Moment,
    ) -> dict[str, Tensor]:
        """The weighted penalty, and the raw norms as figures."""
        terms: dict[str, Tensor] = {}
        if {"real", "fake"} & set(self.penalties):
            squares = squared_gradient(logits, pixels)  # (2N,)
            terms["r1"], terms["r2"] = (half.mean() for half in squares.chunk(2))
        weight = self._weight(moment, networks, fake)
        total = sum(
            (weight / 2 * terms[name])
            for place, name in (("real", "r1"), ("fake", "r2"))
            if place in self.penalties
        )
        if "between" in self.penalties:
            share = moment.draws.uniform("between")
            between = interpolate(batch.real, fake, share).detach().requires_grad_()
            scores = networks["D"](between, batch.condition).float()
            terms["gp"] = gradient_penalty(scores, between).mean()
            total = total + weight * terms["gp"]
        figures = {name: value.detach() for name, value in terms.items()}
        return {"penalty": torch.as_tensor(total), **figures}

    def _weight(self, moment: Moment, networks: Mapping[str, nn.Module], fake: Tensor) -> float:
        """Gamma now, with the kernel's raise after NaN and the make-up for lazy steps.

        While networks grow, it is lower: of a function of reduced pictures, the squared
        gradient by the whole ones is a quarter at each doubling of the sides.
        """
        if self.gamma is None:
            raise ValueError("gamma is not set: call fitted first")
        gamma = self.gamma.at(moment.fraction)
        if self.grow is not None:
            whole = min(cast(growth.GrowingNetwork, networks["G"]).sides[-1])
            gamma *= (min(fake.shape[2:]) / whole) ** 2
        return gamma * moment.controls["gamma_scale"] * self.penalty_every

    def _generator(
        self, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        fake = _generate(networks, batch, moment, "generator").float()
        seen = self._augmented(fake, moment, "generator/fake")
        figures = {}
        if self._matches(batch):
            judge = cast(Judge, networks["D"])
            fits = matching.matched(self.game, judge, seen, batch, moment.draws, "fake")
            figures["fitting"] = matching.FITTING * self.mismatched * fits
        generated = networks["D"](seen, batch.condition).float()
        with torch.no_grad():  # the real half only sets the mark; nothing flows back into it
            shown = self._shown(batch.real, networks)
            seen = self._augmented(shown, moment, "generator/real")
            real = networks["D"](seen, batch.condition).float()
        return {"generator": self.game.generator(real, generated).mean(), **figures}

    def _augmented(self, images: Tensor, moment: Moment, name: str) -> Tensor:
        p = self.augment.probability(moment.controls, moment.fraction)
        return self.augment.apply(images, p, moment.draws, f"augment/{name}")

    def run(self, networks: Mapping[str, nn.Module], inputs: Request) -> Tensor:
        """Generates samples, each a function of (weights, seed, index, condition) alone.

        Args:
            networks: `G`, in evaluation mode.
            inputs: Which samples.

        Returns:
            Pictures clipped to [-1, 1], (len(indices), C, H, W), float32, on the CPU.
        """
        generator = cast(LatentNetwork, networks["G"])
        z = latents(inputs.seed, inputs.indices, generator.latent)
        noise = noise_of(generator, inputs.seed, inputs.indices) if inputs.noise else None
        return self.decode(networks, z, inputs.condition, inputs.psi, noise)

    def decode(
        self,
        networks: Mapping[str, nn.Module],
        z: Tensor,
        condition: Tensor | None,
        psi: float = 1.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        """The samples of given latents.

        Args:
            networks: `G`, in evaluation mode.
            z: Latents, (N, latent).
            condition: What each shall show, (N, ...), or None.
            psi: Truncation.
            noise: What `noise_of` gives, (N, noise), or None for no stochastic variation.

        Returns:
            Pictures clipped to [-1, 1], (N, C, H, W), float32, on the CPU.
        """
        generator = cast(LatentNetwork, networks["G"])

        def draw(z: Tensor, condition: Tensor | None, noise: Tensor | None) -> Tensor:
            extras = {} if noise is None else {"noise": noise}
            return generator(z, condition, psi, **extras)

        return alpha.straight(in_chunks(draw, networks["G"], z, condition, noise))


@torch.no_grad()
def in_chunks(draw: Callable[..., Tensor], network: nn.Module, *inputs: Tensor | None) -> Tensor:
    """What a network makes of rows, always the same number at once.

    Args:
        draw: Takes as many tensors as `inputs` holds (None stays None), CHUNK rows each.
        network: Whose device and precision the rows are brought to.
        inputs: (N, ...) each, the first one there.

    Returns:
        What `draw` makes, (N, ...), float32, on the CPU.
    """
    weights = next(network.parameters())
    count = next(len(rows) for rows in inputs if rows is not None)
    samples = []
    for first in range(0, count, CHUNK):
        parts = [
            None if rows is None else _moved(_pad(rows[first : first + CHUNK]), weights)
            for rows in inputs
        ]
        samples.append(draw(*parts).float().cpu())
    return torch.cat(samples)[:count]


def _generate(
    networks: Mapping[str, nn.Module], batch: Batch, moment: Moment, phase: str
) -> Tensor:
    generator = cast(LatentNetwork, networks["G"])
    z = moment.draws.normal(f"z/{phase}", generator.latent)
    return generator(z, batch.condition, 1.0, **_extras(generator, moment.draws, phase))


def _extras(generator: LatentNetwork, draws: Draws, phase: str) -> dict[str, Tensor]:
    """The other random numbers that a generator takes in training."""
    wanted = generator.extras.items()
    return {name: draws.normal(f"{name}/{phase}", length) for name, length in wanted}


def latents(seed: int, indices: Sequence[int], length: int) -> Tensor:
    """The latents of samples by number, (len(indices), length), each from its own stream."""
    return torch.stack([_normal(seed, "latent", index, length) for index in indices])


def noise_of(generator: LatentNetwork, seed: int, indices: Sequence[int]) -> Tensor | None:
    """The stochastic variation of samples by number, (len(indices), noise); None without any."""
    length = generator.extras.get("noise", 0)
    if not length:
        return None
    return torch.stack([_normal(seed, "noise", index, length) for index in indices])


def _normal(seed: int, name: str, index: int, length: int) -> Tensor:
    draw = torch.Generator().manual_seed(derive(seed, name, index))
    return torch.randn(length, generator=draw)


def _moved(rows: Tensor, weights: Tensor) -> Tensor:
    """Rows where the weights are, and in their precision unless they are whole numbers."""
    return rows.to(weights) if rows.is_floating_point() else rows.to(weights.device)


def _pad(rows: Tensor) -> Tensor:
    """Repeats the last row until there are CHUNK, so that shapes never differ."""
    missing = CHUNK - len(rows)
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows


def _spread(samples: Tensor) -> Tensor:
    """Mean standard deviation over the batch of each value; 0 where all are alike."""
    return samples.detach().std(0, correction=0).mean()
