"""The unpaired game: from one kind of pictures to another, of which no two belong together.

One generator learns every direction in one run, and one discriminator judges every kind
(Choi et al., "StarGAN v2", CVPR 2020). That a result still shows what its source showed is
asked for in one of two ways, or both: patches of the result must be told from others of the
source (Park et al., CUT, ECCV 2020), or the way back must lead to the source (Zhu et al.,
CycleGAN, ICCV 2017). A picture that is asked to become what it is shall stay.

Departures: that it stays is asked for by pixels in both ways, since comparing patches once more
costs a third of a step. Neither way forbids that bright becomes dark, so a correlation of
brightness below zero costs. There is no pool of former results, as in CUT: penalties on real and
made pictures keep the judge steady, and a pool would have to be kept in every checkpoint.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.engines.adversarial import NON_SATURATING, Game, squared_gradient
from mintmark.engines.contrast import PATCHES, at, chosen, patch_nce
from mintmark.engines.steady import Steady
from mintmark.models.translator import Translator
from mintmark.training.draws import Draws
from mintmark.training.trainer import Average, Batch, Cosine, Moment, Phase

GAMMA = Cosine(1.0, 0.1)
CELLS = 8  # a side of the small pictures whose brightness is compared
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


@dataclass(frozen=True)
class Wanted:
    """What is asked of the trained generator.

    Attributes:
        pictures: In [-1, 1], (N, C, H, W).
        kind: Number of the kind that they shall become.
        strength: 0 leaves them as they are, 1 changes them wholly.
    """

    pictures: Tensor
    kind: int
    strength: float = 1.0


@dataclass(frozen=True)
class Unpaired(Steady):
    """A generator `G` from any kind of pictures to any other, and a judge `D` of all kinds.

    Attributes:
        content: What keeps the content: patches (`nce`), the way back (`cycle`), or both.
        nce: Weight of the comparison of patches.
        cycle: Weight of the mean absolute difference after the way back.
        identity: Weight of the mean absolute difference where a picture shall become what it is.
        guard: Weight against results whose brightness is the inverse of the source's.
        adversarial: Weight of the game.
        game: The pair of losses, of patches; one that judges each row by itself, because what is
            real and what is made in a row are of different kinds.
        gamma: Weight of the penalties R1 and R2.
        penalty_every: Steps between penalties; they are scaled to make up for it.
    """

    content: Literal["nce", "cycle", "both"] = "nce"
    nce: float = 0.5
    cycle: float = 10.0
    identity: float = 1.0
    guard: float = 1.0
    adversarial: float = 1.0
    game: Game = NON_SATURATING
    gamma: Cosine = GAMMA
    penalty_every: int = 4

    @property
    def phases(self) -> tuple[Phase, ...]:
        """D first, then G against the new D."""
        return (Phase("discriminator", "D"), Phase("generator", "G"))

    @property
    def averaged(self) -> Mapping[str, Average]:
        """What is used."""
        return {"G": Average("G")}

    def describe(self) -> dict[str, Any]:
        """What decides the losses, as plain JSON, to tell one recipe from another."""
        return {**asdict(self), "game": self.game.name}

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        """The losses and figures of one phase; see `trainer.Engine`."""
        translator, judge, own = networks["G"], networks["D"], batch.condition
        assert isinstance(translator, Translator) and own is not None
        kinds = translator.code.num_embeddings
        wanted = others(own, kinds, moment.draws)  # the same in both phases
        if phase == "discriminator":
            return self._discriminator(translator, judge, batch.real, own, wanted, moment)
        maps = translator.encode(batch.real)
        made = translator.decode(batch.real, maps, wanted).float()
        same = translator.decode(batch.real, maps, own).float()
        fake = judge(made, wanted).float()  # (N, patches)
        bright = correlation(brightness(made), brightness(batch.real))
        losses = {
            "adversarial": self.adversarial * self.game.generator(fake, fake).mean(),
            "identity": self.identity * F.l1_loss(same, batch.real),
            "inverted": self.guard * F.relu(-bright).mean(),
            "brightness": bright.mean().detach(),
        }
        if self.content != "cycle":
            losses["nce"] = self.nce * compared(translator, made, maps, moment.draws)
        if self.content != "nce":
            losses["cycle"] = self.cycle * F.l1_loss(translator(made, own).float(), batch.real)
        return losses

    def _discriminator(
        self,
        translator: nn.Module,
        judge: nn.Module,
        real: Tensor,
        own: Tensor,
        wanted: Tensor,
        moment: Moment,
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            made = translator(real, wanted).float()
        due = moment.step % self.penalty_every == 0
        pixels = torch.cat([real, made]).requires_grad_(due)  # (2N, C, H, W)
        logits = judge(pixels, torch.cat([own, wanted])).float()  # (2N, patches)
        right, wrong = logits.chunk(2)
        figures = {
            "discriminator": self.game.discriminator(right, wrong).mean(),
            "logit_real": right.mean().detach(),
            "logit_fake": wrong.mean().detach(),
        }
        if due:
            squares = squared_gradient(logits.mean(1), pixels).mean()  # R1 and R2 of the halves
            weight = self.gamma.at(moment.fraction) * moment.controls["gamma_scale"]
            figures["penalty"] = weight * self.penalty_every * squares
        return figures

    def run(self, networks: Mapping[str, nn.Module], inputs: Wanted) -> Tensor:
        """Translates pictures with the generator.

        Args:
            networks: `G`, in evaluation mode.
            inputs: Which pictures, and what they shall become.

        Returns:
            Pictures clipped to [-1, 1], (N, C, H, W), float32, on the CPU.
        """
        weights = next(networks["G"].parameters())
        kind = torch.full((len(inputs.pictures),), inputs.kind, device=weights.device)
        with torch.no_grad():
            made: Tensor = networks["G"](inputs.pictures.to(weights), kind).float().cpu()
        return torch.lerp(inputs.pictures.float().cpu(), made.clamp(-1, 1), inputs.strength)


def others(own: Tensor, kinds: int, draws: Draws) -> Tensor:
    """For each row another kind than its own, every one as likely, (N,)."""
    steps = 1 + (draws.uniform("kind") * (kinds - 1)).long()  # 1 to kinds - 1
    return (own + steps) % kinds


def compared(translator: Translator, made: Tensor, source: list[Tensor], draws: Draws) -> Tensor:
    """The mean of PatchNCE over the maps of the encoder.

    Args:
        translator: Whose encoder and heads they are.
        made: Results, (N, C, H, W).
        source: The features of their sources.
        draws: Randomness for these rows.
    """
    parts = []
    pairs = zip(translator.heads, translator.encode(made), source, strict=True)
    for place, (head, ours, theirs) in enumerate(pairs):
        numbers = draws.uniform(f"patches {place}", ours.shape[2] * ours.shape[3])
        places = chosen(numbers, PATCHES)
        parts.append(patch_nce(head, at(ours, places), at(theirs, places)).mean())
    return torch.stack(parts).mean()


def brightness(pictures: Tensor) -> Tensor:
    """Brightness of the cells of pictures (N, C, H, W), (N, cells)."""
    small = F.adaptive_avg_pool2d(pictures, CELLS)
    luma = torch.tensor(LUMA, device=small.device) if small.shape[1] == 3 else small.new_ones(1)
    return (small * luma[:, None, None]).sum(1).flatten(1)


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's correlation of the rows of (N, M), in [-1, 1], (N,); 0 where one is even."""
    a, b = (part - part.mean(1, keepdim=True) for part in (first, second))
    return (F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(1)
