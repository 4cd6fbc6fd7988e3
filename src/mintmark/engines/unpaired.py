"""The unpaired game: from one kind or style of pictures to another, without pairs.

One generator learns every direction in one run, and one discriminator judges every kind. What a
picture shall become is told by its new kind, and in part of the rows by a reference too: another
picture, whose texture it shall have (Choi et al., "StarGAN v2", CVPR 2020). With one kind alone
there are references only, and pictures change style (Park et al., "Swapping Autoencoder",
NeurIPS 2020). That a result still shows what its source showed is asked for by weights: patches of
the result must be told from others of the source (Park et al., CUT, ECCV 2020), the way back must
lead to the source (Zhu et al., CycleGAN, ICCV 2017), or what a network sees in both must agree.
Where the data says which pictures of two kinds are counterparts, as far as likeness tells, results
shall be like these. A picture that is asked to become what it is shall stay.

Departures: that it stays is asked for by pixels in every way, since comparing patches once more
costs a third of a step. Nothing of it forbids that bright becomes dark, so a correlation of
brightness below zero costs. There is no pool of former results, as in CUT: penalties on real and
made pictures keep the judge steady, and a pool would have to be kept in every checkpoint.
Textures are compared by the moments of a feature network, beside the judge, where the two papers
trust a judge or a second encoder.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.records import Content
from mintmark.engines.adversarial import NON_SATURATING, Game, squared_gradient
from mintmark.engines.contrast import PATCHES, at, chosen, patch_nce
from mintmark.engines.examples import mirrored, moved
from mintmark.engines.likeness import scales
from mintmark.engines.perception import constancy_loss, texture_loss
from mintmark.engines.steady import Steady
from mintmark.engines.tones import toned, toning
from mintmark.models.layers.patches import PatchDiscriminator
from mintmark.models.translator import Translator
from mintmark.training.draws import Draws
from mintmark.training.trainer import Average, Batch, Cosine, Moment, Phase

GAMMA = Cosine(1.0, 0.1)
NCE, CYCLE, LIKENESS = 0.5, 10.0, 300.0  # usual weights
FREED = (0.1, 0.4)  # of a run: a share of change begins to matter, and is all that counts
CELLS = 8  # a side of the small pictures whose brightness is compared
BLUR = 5  # pixels a side over which edges are blurred
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


@dataclass(frozen=True)
class Wanted:
    """What is asked of the trained generator.

    Attributes:
        pictures: In [-1, 1], (N, C, H, W).
        code: What they shall become, (1, code); see `Unpaired.code`.
        tones: The map of their colours that comes first, (1, C, C + 1), or None; see `toning`.
        strength: 0 leaves them as they are, 1 changes them wholly.
    """

    pictures: Tensor
    code: Tensor
    tones: Tensor | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class Aim:
    """What the rows of a batch shall become.

    Attributes:
        kind: Numbers of kinds, (N,).
        reference: Other pictures, (N, C, H, W).
        shown: 1 where the style of the reference is wanted, 0 where any of the kind, (N,).
        meant: 1 where the reference is the counterpart, which a result shall be like, (N,).
    """

    kind: Tensor
    reference: Tensor
    shown: Tensor
    meant: Tensor

    def code(self, translator: Translator, kind: Tensor, pictures: Tensor) -> Tensor:
        """Codes of kinds, with the styles of pictures in rows that shall have one, (N, code)."""
        style: Tensor = self.shown[:, None] * translator.styles(pictures)
        return translator.code(kind) + style


@dataclass(frozen=True)
class Unpaired(Steady):
    """A generator `G` from any kind of pictures to any other, and a judge `D` of all kinds.

    Attributes:
        nce: Weight of the comparison of patches.
        cycle: Weight of the mean absolute difference after the way back.
        likeness: Weight of the difference from the counterpart, where there is one, at four scales.
        constancy: Weight of what a feature network sees in both, for kinds that are far apart.
        texture: Weight of the texture of the reference, where there is one.
        tone: Whether a picture first gets the colours of its reference in closed form, so that
            textures alone are left to learn.
        identity: Weight of the mean absolute difference where a picture shall become what it is.
        guard: Weight against results whose brightness is the inverse of the source's.
        edges: Weight of the game against pictures whose edges are blurred (Chen et al.,
            "CartoonGAN", CVPR 2018).
        area: Weight of the mean share of a picture that changes, where the generator says it.
        adversarial: Weight of the game.
        game: The pair of losses, of patches; one that judges each row by itself, because what is
            real and what is made in a row are of different kinds.
        gamma: Weight of the penalties R1 and R2.
        penalty_every: Steps between penalties; they are scaled to make up for it.
        border: Pixels repeated beyond the border of pictures in use, and cut off what is made. For
            games that learn from crops: the zeros beyond a crop are no border of a picture. Who
            learns from whole pictures has found out by them where in a picture things are (Islam
            et al., "How Much Position Information Do CNNs Encode?", 2020), and needs them in use.
    """

    nce: float = NCE
    cycle: float = 0.0
    likeness: float = 0.0
    constancy: float = 0.0
    texture: float = 0.5
    tone: bool = False
    identity: float = 1.0
    guard: float = 1.0
    edges: float = 0.0
    area: float = 0.0
    adversarial: float = 1.0
    game: Game = NON_SATURATING
    gamma: Cosine = GAMMA
    penalty_every: int = 4
    border: int = 0

    def keeping(self, content: Content) -> "Unpaired":
        """The game with what keeps the content alone, at its usual weight."""
        return replace(
            self,
            nce=self.nce or NCE if content in ("nce", "both") else 0.0,
            cycle=self.cycle or CYCLE if content in ("cycle", "both") else 0.0,
            likeness=LIKENESS if content == "likeness" else 0.0,
        )

    @property
    def phases(self) -> tuple[Phase, ...]:
        """D first, then G against the new D."""
        return (Phase("discriminator", "D"), Phase("generator", "G"))

    @property
    def averaged(self) -> Mapping[str, Average]:
        """What is used."""
        return {"G": Average("G")}

    def prepare(self, networks: Mapping[str, nn.Module], fraction: float) -> None:
        """Lets a generator that says where it changes pictures change all of them at first."""
        translator = networks["G"]
        assert isinstance(translator, Translator)
        free = (fraction - FREED[0]) / (FREED[1] - FREED[0])
        translator.decoder.open = 1 - min(max(free, 0.0), 1.0)

    def describe(self) -> dict[str, Any]:
        """What decides the losses, as plain JSON, to tell one recipe from another."""
        return {**asdict(self), "game": self.game.name}

    def losses(
        self, phase: str, networks: Mapping[str, nn.Module], batch: Batch, moment: Moment
    ) -> dict[str, Tensor]:
        """The losses and figures of one phase; see `trainer.Engine`.

        A row holds a picture and a reference, (2 C, H, W), the kind of the first in its condition
        and in `batch.other` that of the other and whether it is a counterpart, or none where all
        are of one kind.
        """
        translator = networks["G"]
        assert isinstance(translator, Translator)
        rows = batch.real
        if self.likeness:  # counterparts are few
            rows = moved(mirrored(rows, moment.draws), moment.draws)
        real, reference = rows.chunk(2, 1)  # (N, C, H, W) each
        own = _known(batch.condition, real)
        kinds = translator.kinds.num_embeddings
        aim = aimed(own, batch.other, reference, kinds, moment.draws)  # the same in both phases
        if phase == "discriminator":
            return self._discriminator(networks, real, own, aim, moment)
        return self._generator(networks, real, own, aim, moment)

    def _generator(
        self,
        networks: Mapping[str, nn.Module],
        real: Tensor,
        own: Tensor,
        aim: Aim,
        moment: Moment,
    ) -> dict[str, Tensor]:
        translator = networks["G"]
        assert isinstance(translator, Translator)
        given = self._given(real, aim)
        maps = translator.encode(given)
        made, share = translator.decode(given, maps, aim.code(translator, aim.kind, aim.reference))
        back = aim.code(translator, own, real)
        source = translator.encode(real) if self.tone else maps
        same = translator.decode(real, source, back)[0].float()
        fake = networks["D"](self._seen(networks, made, aim.reference), aim.kind).float()
        made = made.float()
        bright = correlation(brightness(made), brightness(real))
        losses = {
            "adversarial": self.adversarial * self.game.generator(fake, fake).mean(),
            "identity": self.identity * F.l1_loss(same, real),
            "inverted": self.guard * F.relu(-bright).mean(),
            "brightness": bright.mean().detach(),
        }
        if self.nce:
            losses["nce"] = self.nce * compared(translator, made, maps, moment.draws)
        if self.cycle:
            losses["cycle"] = self.cycle * F.l1_loss(translator(made, back).float(), real)
        if self.likeness:
            losses["likeness"] = self.likeness * (aim.meant * scales(made, aim.reference)).mean()
        if self.constancy:
            losses["constancy"] = self.constancy * constancy_loss(made, real).mean()
        if self.texture:
            losses["texture"] = (
                self.texture * (aim.shown * texture_loss(made, aim.reference)).mean()
            )
        if share is not None:
            losses["area"] = self.area * share.float().mean()
        return losses

    def _discriminator(
        self,
        networks: Mapping[str, nn.Module],
        real: Tensor,
        own: Tensor,
        aim: Aim,
        moment: Moment,
    ) -> dict[str, Tensor]:
        translator = networks["G"]
        assert isinstance(translator, Translator)
        with torch.no_grad():
            code = aim.code(translator, aim.kind, aim.reference)
            made = translator(self._given(real, aim), code).float()
        due = moment.step % self.penalty_every == 0
        seen = [self._seen(networks, real, real), self._seen(networks, made, aim.reference)]
        pixels = torch.cat(seen).requires_grad_(due)  # (2N, C, H, W)
        logits = networks["D"](pixels, torch.cat([own, aim.kind])).float()  # (2N, patches)
        right, wrong = logits.chunk(2)
        figures = {
            "discriminator": self.game.discriminator(right, wrong).mean(),
            "logit_real": right.mean().detach(),
            "logit_fake": wrong.mean().detach(),
        }
        if self.edges:
            blurred = networks["D"](self._seen(networks, smooth(real), real), own).float()
            figures["edges"] = self.edges * self.game.discriminator(right, blurred).mean()
        if due:
            squares = squared_gradient(logits.mean(1), pixels).mean()  # R1 and R2 of the halves
            weight = self.gamma.at(moment.fraction) * moment.controls["gamma_scale"]
            figures["penalty"] = weight * self.penalty_every * squares
        return figures

    def _given(self, real: Tensor, aim: Aim) -> Tensor:
        """What the generator begins with."""
        if not self.tone:
            return real
        same = toned(real, toning(real, aim.reference))
        return torch.where(aim.shown.bool()[:, None, None, None], same, real)

    def _seen(self, networks: Mapping[str, nn.Module], pictures: Tensor, model: Tensor) -> Tensor:
        """What the judge sees: pictures alone, or beside each another part of its model."""
        judge = networks["D"]
        assert isinstance(judge, PatchDiscriminator)
        if judge.channels == pictures.shape[1]:
            return pictures
        # Moved by half, nothing of a model lies where it lies in a picture of its own.
        moved = model.roll((model.shape[2] // 2, model.shape[3] // 2), (2, 3))
        return torch.cat([pictures, moved.to(pictures)], 1)

    def code(
        self, networks: Mapping[str, nn.Module], kind: int, reference: Tensor | None = None
    ) -> Tensor:
        """What tells the generator of `run` what pictures shall become.

        Args:
            networks: `G`, in evaluation mode.
            kind: Number of the kind.
            reference: A picture whose style they shall have, (1, C, h, w) in [-1, 1], or None.

        Returns:
            (1, code).
        """
        translator = networks["G"]
        assert isinstance(translator, Translator)
        weights = next(translator.parameters())
        number = torch.full((1,), kind, device=weights.device)
        with torch.no_grad():
            return translator.code(number, None if reference is None else reference.to(weights))

    def run(self, networks: Mapping[str, nn.Module], inputs: Wanted) -> Tensor:
        """Translates pictures with the generator.

        Args:
            networks: `G`, in evaluation mode.
            inputs: Which pictures, and what they shall become.

        Returns:
            Pictures clipped to [-1, 1], (N, C, H, W), float32, on the CPU.
        """
        given = inputs.pictures if inputs.tones is None else toned(inputs.pictures, inputs.tones)
        code = inputs.code.expand(len(given), -1)
        padded = F.pad(given.to(code), [self.border] * 4, "replicate")
        with torch.no_grad():
            made: Tensor = networks["G"](padded, code)
        height, width = given.shape[2:]
        made = made[:, :, self.border :, self.border :][:, :, :height, :width]
        return torch.lerp(inputs.pictures.cpu(), made.float().cpu().clamp(-1, 1), inputs.strength)


def aimed(own: Tensor, told: Tensor | None, reference: Tensor, kinds: int, draws: Draws) -> Aim:
    """What rows shall become: like their reference where that is of another kind.

    A counterpart is what the result shall be, so its style is not told. The others become any
    other kind without a reference, since to learn what a picture is already would waste a row. Of
    one kind alone all are references.

    Args:
        own: Kinds of the pictures, (N,).
        told: Kinds of the references, and 1 where they are counterparts, (N, 2); or None.
        reference: The references, (N, C, H, W).
        kinds: How many there are.
        draws: Randomness for these rows.
    """
    theirs, meant = (own, torch.zeros_like(own)) if told is None else told.unbind(1)
    other = theirs != own
    kind = torch.where(other, theirs, others(own, kinds, draws))
    shown = (other | (kinds == 1)) & (meant == 0)
    return Aim(kind, reference, shown.to(reference.dtype), meant.to(reference.dtype))


def _known(kinds: Tensor | None, pictures: Tensor) -> Tensor:
    """Kinds of pictures, (N,); all are one where nothing is said."""
    if kinds is None:
        return torch.zeros(len(pictures), dtype=torch.int64, device=pictures.device)
    return kinds


def others(own: Tensor, kinds: int, draws: Draws) -> Tensor:
    """For each row another kind than its own, if there is one, every one as likely, (N,)."""
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


def smooth(pictures: Tensor) -> Tensor:
    """Pictures (N, C, H, W) whose edges are blurred, of the same size."""
    padded = F.pad(pictures, [BLUR // 2] * 4, "replicate")
    return F.avg_pool2d(padded, BLUR, 1)


def brightness(pictures: Tensor) -> Tensor:
    """Brightness of the cells of pictures (N, C, H, W), (N, cells)."""
    small = F.adaptive_avg_pool2d(pictures, CELLS)
    luma = torch.tensor(LUMA, device=small.device) if small.shape[1] == 3 else small.new_ones(1)
    return (small * luma[:, None, None]).sum(1).flatten(1)


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's correlation of the rows of (N, M), in [-1, 1], (N,); 0 where one is even."""
    a, b = (part - part.mean(1, keepdim=True) for part in (first, second))
    return (F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(1)
