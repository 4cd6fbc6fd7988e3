"""The paired game: an input and its target, from picture to picture.

The run has two stages (Wang et al., "ESRGAN", 2018; Blau and Michaeli, "The
Perception-Distortion Tradeoff", CVPR 2018). In the first the generator is taught
fidelity alone; its averaged weights rest there under the name `F`. In the second it goes
on against a discriminator and in the maps of a feature network, as `G`. Weights between
the two trade one for the other in use (Wang et al., "Deep Network Interpolation", CVPR
2019), so one run serves every balance.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mintmark.engines import likeness
from mintmark.engines.adversarial import squared_gradient
from mintmark.engines.colours import palette_loss
from mintmark.engines.contests import PATCHES, Contest
from mintmark.engines.examples import Examples
from mintmark.engines.perception import perceptual_loss
from mintmark.engines.steady import Steady
from mintmark.engines.tiles import Change
from mintmark.models.layers.toning import Toned
from mintmark.models.lut import Enhancer
from mintmark.training.trainer import Average, Batch, Cosine, Moment, Phase

GAMMA = Cosine(1.0, 0.1)


@dataclass(frozen=True)
class Paired(Steady):
    """A generator `G` from picture to picture, and a discriminator `D` of what it makes.

    Attributes:
        examples: Makes inputs and targets of the data's pictures.
        pixel: Weight of the mean absolute difference; this and the next are those of `likeness`.
        error: Of the logarithm of each picture's mean square difference.
        detail: Of the same after the levels that suit each channel best, so of what is local.
        gradient: Of the difference of what changes from pixel to pixel.
        structure: Of 1 - SSIM.
        perceptual: Weight of the distance in the maps of a feature network, in the second
            stage.
        palette: Of how far the colours lie from the true ones, wherever in the picture, in the
            second stage.
        matching: Of the difference of what the discriminator finds in both, in the second stage
            (Salimans et al., "Improved Techniques for Training GANs", 2016).
        adversarial: Weight of the game, in the second stage; 0 leaves that stage out.
        conditional: Whether `D` sees the input beside the picture.
        turn: Share of the run where the second stage begins.
        game: What `D` says of pictures, and the pair of losses.
        gamma: Weight of the penalties R1 and R2.
        penalty_every: Steps between penalties; they are scaled to make up for it.
    """

    examples: Examples
    pixel: float = 1.0
    error: float = 0.0
    detail: float = 0.0
    gradient: float = 0.0
    structure: float = 0.0
    perceptual: float = 0.5
    palette: float = 0.0
    matching: float = 0.0
    adversarial: float = 0.02
    conditional: bool = False
    turn: float = 0.6
    game: Contest = PATCHES
    gamma: Cosine = GAMMA
    penalty_every: int = 4

    @property
    def phases(self) -> tuple[Phase, ...]:
        """D first, then G against the new D; at first G alone."""
        generator = Phase("generator", "G")
        if not self.adversarial:
            return (generator,)
        return (Phase("discriminator", "D", begin=self.turn), generator)

    @property
    def averaged(self) -> Mapping[str, Average]:
        """What is used: the whole run's weights, and those of its first stage."""
        if not self.adversarial:
            return {"G": Average("G")}
        return {"G": Average("G"), "F": Average("G", until=self.turn)}

    def describe(self) -> dict[str, Any]:
        """What decides the losses, as plain JSON, to tell one recipe from another."""
        return {**asdict(self), "game": self.game.name}

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        """The losses and figures of one phase; see `trainer.Engine`."""
        given, target = self.examples(batch.real, moment.draws)  # the same in both phases
        if phase == "discriminator":
            return self._discriminator(networks, given, target, moment)
        return self._generator(networks, given, target, moment)

    def _generator(
        self, networks: Mapping[str, nn.Module], given: Tensor, target: Tensor, moment: Moment
    ) -> dict[str, Tensor]:
        made = networks["G"](given).float()
        weights = {name: getattr(self, name) for name in likeness.LOSSES}
        losses = {
            name: weight * likeness.LOSSES[name](made, target)
            for name, weight in weights.items()
            if weight
        }
        if isinstance(networks["G"], Enhancer):
            losses["regularity"] = networks["G"].regularity()
        if not self.adversarial or moment.fraction < self.turn:
            return losses
        losses["perceptual"] = self.perceptual * perceptual_loss(made, target)
        if self.palette:
            losses["palette"] = self.palette * palette_loss(made, target).mean()
        real, fake = self._seen(given, target), self._seen(given, made)
        played = self.game.generator(networks["D"], real, fake)
        weights = {name: getattr(self, name) for name in played}
        return losses | {name: weight * played[name] for name, weight in weights.items() if weight}

    def _discriminator(
        self, networks: Mapping[str, nn.Module], given: Tensor, target: Tensor, moment: Moment
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            made = networks["G"](given).float()
        due = moment.step % self.penalty_every == 0
        pairs = [self._seen(given, target), self._seen(given, made)]
        pixels = torch.cat(pairs).requires_grad_(due)  # (2N, C, H, W)
        figures, scores = self.game.discriminator(networks["D"], pixels)
        if due:
            squares = squared_gradient(scores, pixels).mean()  # R1 and R2 of the halves
            weight = self.gamma.at(moment.fraction) * moment.controls["gamma_scale"]
            figures["penalty"] = weight * self.penalty_every * squares
        return figures

    def _seen(self, given: Tensor, picture: Tensor) -> Tensor:
        """What the discriminator judges."""
        return torch.cat([given, picture], 1) if self.conditional else picture

    def run(self, networks: Mapping[str, nn.Module], inputs: Tensor) -> Tensor:
        """Restores pictures with the generator.

        Args:
            networks: `G`, in evaluation mode; see `balanced`.
            inputs: Pictures in [-1, 1], (N, C, H, W).

        Returns:
            Pictures clipped to [-1, 1], (N, C, H, W) times the scale, float32, on the CPU.
        """
        weights = next(networks["G"].parameters())
        with torch.no_grad():
            made: Tensor = networks["G"](inputs.to(weights)).float().cpu()
        return made.clamp(-1, 1)

    def on(self, networks: Mapping[str, nn.Module], glance: Callable[[], Tensor]) -> Change:
        """What changes the tiles of one picture, of which it may see the whole at first, small.

        Args:
            networks: `G`, in evaluation mode; see `balanced`.
            glance: Gives the picture in [-1, 1], (C, h, w), of 256 pixels a side at most; it is
                asked for only where the network looks.
        """
        network = networks["G"]
        if isinstance(network, Enhancer | Toned):  # every tile by the tones of the whole picture
            network = network.looked(glance())
        return partial(self.run, {"G": network})


@torch.no_grad()
def balanced(networks: Mapping[str, nn.Module], fidelity: float) -> nn.Module:
    """The generator between `G` (0, looks best) and `F` (1, nearest to the truth)."""
    between = copy.deepcopy(networks["G"])
    for mine, faithful in zip(between.parameters(), networks["F"].parameters(), strict=True):
        mine.lerp_(faithful, fidelity)
    return between
