"""The synthesis game: (latent, class) to sample, judged against real samples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn

from mintmark.core.seeds import derive
from mintmark.engines.adversarial import (
    RELATIVISTIC,
    Game,
    gradient_penalty,
    interpolate,
    squared_gradient,
)
from mintmark.engines.augment import Augment
from mintmark.training.trainer import Batch, Cosine, Moment, Phase

Place = Literal["real", "fake", "between"]

CHUNK = 16  # samples generated at once; fixed, because results may depend on it in the last bit


class LatentNetwork(Protocol):
    """A generator: it knows the length of its latent and draws from (z, labels)."""

    latent: int

    def __call__(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """(N, latent) and (N,) to (N, C, H, W)."""


@dataclass(frozen=True)
class Request:
    """Which samples to generate.

    Attributes:
        seed: Sample i of a seed is always the same, whatever else is asked for.
        indices: The numbers i.
        labels: A class for each, or None for a model without classes.
    """

    seed: int
    indices: Sequence[int]
    labels: Sequence[int] | None = None


@dataclass(frozen=True)
class Synthesis:
    """A generator `G` against a discriminator `D`.

    Attributes:
        game: The pair of losses.
        gamma: Weight of the penalties over the run; None chooses it by the
            pictures' size (`gamma_for`). For `between` it is lambda.
        penalties: Where the gradient is penalised: `real` is R1, `fake` is R2,
            `between` is WGAN-GP.
        penalty_every: Steps between penalties; they are scaled to make up for it.
        augment: Augmentation of what D sees.
    """

    game: Game = RELATIVISTIC
    gamma: Cosine | None = None
    penalties: tuple[Place, ...] = ("real", "fake")
    penalty_every: int = 1
    augment: Augment = field(default_factory=Augment)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """D first, then G against the new D."""
        return (Phase("discriminator", "D"), Phase("generator", "G"))

    @property
    def averaged(self) -> tuple[str, ...]:
        """The generator's averaged weights are what is used."""
        return ("G",)

    def controls(self) -> dict[str, float]:
        """What the augmentation remembers."""
        return self.augment.controls()

    def adapt(
        self, controls: Mapping[str, float], figures: Mapping[str, float], batch: int
    ) -> dict[str, float]:
        """Lets the augmentation follow the game."""
        return self.augment.adapt(controls, figures.get("pairs_won"), batch)

    def describe(self) -> dict[str, Any]:
        """What decides the losses, as plain JSON, to tell one recipe from another."""
        return {**asdict(self), "game": self.game.name, "penalties": list(self.penalties)}

    def fitted(self, size: int) -> "Synthesis":
        """This game with gamma filled in for pictures of `size` pixels a side."""
        return self if self.gamma is not None else replace(self, gamma=gamma_for(size))

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
            fake = _generate(networks, batch, moment, "z/discriminator").float()
        pixels = torch.cat([batch.real, fake])  # (2N, C, H, W)
        due = moment.step % self.penalty_every == 0 and bool(self.penalties)
        pixels.requires_grad_(due)
        views = zip(pixels.chunk(2), ("discriminator/real", "discriminator/fake"), strict=True)
        seen = torch.cat([self._augmented(half, moment, name) for half, name in views])
        labels = None if batch.labels is None else torch.cat([batch.labels, batch.labels])
        logits = networks["D"](seen, labels).float()  # (2N,): one pass instead of two
        real, generated = logits.chunk(2)
        figures = {
            "discriminator": self.game.discriminator(real, generated).mean(),
            "pairs_won": (real > generated).float().mean(),
            "spread": _spread(fake) / _spread(batch.real).clamp(min=1e-8),
        }
        if due:
            figures |= self._penalty(networks, batch, fake, pixels, logits, moment)
        return figures

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
        weight = self._weight(moment)
        total = sum(
            (weight / 2 * terms[name])
            for place, name in (("real", "r1"), ("fake", "r2"))
            if place in self.penalties
        )
        if "between" in self.penalties:
            share = moment.draws.uniform("between")
            between = interpolate(batch.real, fake, share).detach().requires_grad_()
            scores = networks["D"](between, batch.labels).float()
            terms["gp"] = gradient_penalty(scores, between).mean()
            total = total + weight * terms["gp"]
        figures = {name: value.detach() for name, value in terms.items()}
        return {"penalty": torch.as_tensor(total), **figures}

    def _weight(self, moment: Moment) -> float:
        """Gamma now, with the kernel's raise after NaN and the make-up for lazy steps."""
        if self.gamma is None:
            raise ValueError("gamma is not set: call fitted(size) first")
        gamma = self.gamma.at(moment.fraction)
        return gamma * moment.controls["gamma_scale"] * self.penalty_every

    def _generator(
        self, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        fake = _generate(networks, batch, moment, "z/generator").float()
        seen = self._augmented(fake, moment, "generator/fake")
        generated = networks["D"](seen, batch.labels).float()
        with torch.no_grad():  # the real half only sets the mark; nothing flows back into it
            seen = self._augmented(batch.real, moment, "generator/real")
            real = networks["D"](seen, batch.labels).float()
        return {"generator": self.game.generator(real, generated).mean()}

    def _augmented(self, images: Tensor, moment: Moment, name: str) -> Tensor:
        p = self.augment.probability(moment.controls, moment.fraction)
        return self.augment.apply(images, p, moment.draws, f"augment/{name}")

    def run(self, networks: Mapping[str, nn.Module], inputs: Request) -> Tensor:
        """Generates samples, each a function of (weights, seed, index, class) alone.

        Args:
            networks: `G`, in evaluation mode.
            inputs: Which samples.

        Returns:
            Pictures clipped to [-1, 1], (len(indices), C, H, W), float32, on the CPU.
        """
        length = cast(LatentNetwork, networks["G"]).latent
        z = latents(inputs.seed, inputs.indices, length)
        labels = None if inputs.labels is None else torch.tensor(inputs.labels, dtype=torch.int64)
        return self.decode(networks, z, labels)

    @torch.no_grad()
    def decode(self, networks: Mapping[str, nn.Module], z: Tensor, labels: Tensor | None) -> Tensor:
        """The samples of given latents.

        Args:
            networks: `G`, in evaluation mode.
            z: Latents, (N, latent).
            labels: A class for each, (N,), int64, or None.

        Returns:
            Pictures clipped to [-1, 1], (N, C, H, W), float32, on the CPU.
        """
        module = networks["G"]
        generator = cast(LatentNetwork, module)
        weights = next(module.parameters())
        samples = []
        for first in range(0, len(z), CHUNK):
            part = _pad(z[first : first + CHUNK]).to(weights)
            classes = None
            if labels is not None:
                classes = _pad(labels[first : first + CHUNK]).to(weights.device)
            samples.append(generator(part, classes).float().clamp(-1, 1).cpu())
        return torch.cat(samples)[: len(z)]


def gamma_for(size: int) -> Cosine:
    """Gamma for square pictures of `size` pixels, annealed to a tenth.

    Anchors: R3GAN publishes 0.05 at 32 (CIFAR-10), 0.5 at 32 (ImageNet), 2 at 64
    and 150 at 256 (FFHQ) for batches of 256 and more. From 64 upwards those follow
    size ** 3.1; below, 1 is a safe value for the small batches of this package,
    measured on the digits (docs/explanation/measured.md).
    """
    start = max(1.0, 2 * (size / 64) ** 3.1)
    return Cosine(start, start / 10)


def _generate(networks: Mapping[str, nn.Module], batch: Batch, moment: Moment, name: str) -> Tensor:
    generator = cast(LatentNetwork, networks["G"])
    return generator(moment.draws.normal(name, generator.latent), batch.labels)


def latents(seed: int, indices: Sequence[int], length: int) -> Tensor:
    """The latents of samples by number, (len(indices), length), each from its own stream."""
    return torch.stack([_latent(seed, index, length) for index in indices])


def _latent(seed: int, index: int, length: int) -> Tensor:
    draw = torch.Generator().manual_seed(derive(seed, "latent", index))
    return torch.randn(length, generator=draw)


def _pad(rows: Tensor) -> Tensor:
    """Repeats the last row until there are CHUNK, so that shapes never differ."""
    missing = CHUNK - len(rows)
    return torch.cat([rows, rows[-1:].expand(missing, *rows.shape[1:])]) if missing else rows


def _spread(samples: Tensor) -> Tensor:
    """Mean standard deviation over the batch of each value; 0 where all are alike."""
    return samples.detach().std(0, correction=0).mean()
