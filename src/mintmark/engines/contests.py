"""Games on pairs: what a discriminator says of pictures, and what each side minimises for it."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.engines.adversarial import RELATIVISTIC, Game
from mintmark.models.layers.parts import PartsDiscriminator
from mintmark.models.layers.patches import PatchDiscriminator, ScalesDiscriminator


class Contest(Protocol):
    """A game of one kind of discriminator; each loss is a mean over rows, before its weight."""

    @property
    def name(self) -> str:
        """How a recipe calls it."""

    def discriminator(self, judge: nn.Module, pairs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """What the discriminator minimises.

        Args:
            judge: The discriminator.
            pairs: What it sees, real ones and then as many with made pictures, (2N, C, H, W).

        Returns:
            The loss `discriminator` and figures; and how real each picture seems to it, (2N,).
        """

    def generator(self, judge: nn.Module, real: Tensor, made: Tensor) -> dict[str, Tensor]:
        """What the generator minimises: `adversarial`, and `matching` where features are matched.

        Args:
            judge: The discriminator.
            real: What it sees of real pictures, (N, C, H, W).
            made: The same of made ones.
        """


@dataclass(frozen=True)
class Patches:
    """The discriminator scores patches, and a game of logits compares them."""

    game: Game

    @property
    def name(self) -> str:
        """That of the game of logits."""
        return self.game.name

    def discriminator(self, judge: nn.Module, pairs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """See `Contest`."""
        logits = judge(pairs).float()  # (2N, patches)
        real, fake = logits.chunk(2)
        figures = {
            "discriminator": self.game.discriminator(real, fake).mean(),
            "pairs_won": (real > fake).float().mean(),
        }
        return figures, logits.mean(1)

    def generator(self, judge: nn.Module, real: Tensor, made: Tensor) -> dict[str, Tensor]:
        """See `Contest`."""
        assert isinstance(judge, PatchDiscriminator | ScalesDiscriminator)
        with torch.no_grad():  # the real half only sets the mark
            right, there = judge.judged(real)
        wrong, here = judge.judged(made)  # (N, patches) and maps
        far = [F.l1_loss(a.float(), b.float()) for a, b in zip(here, there, strict=True)]
        return {
            "matching": torch.stack(far).mean(),
            "adversarial": self.game.generator(right.float(), wrong.float()).mean(),
        }


PATCHES = Patches(RELATIVISTIC)


@dataclass(frozen=True)
class Segments:
    """The discriminator names the part of each real pixel, and tells made ones from all parts.

    Source: Sushko et al., "You Only Need Adversarial Supervision for Semantic Image Synthesis"
    (OASIS), ICLR 2021, equations 1 and 2. Departures: parts are balanced within each picture,
    so that a batch may be cut anywhere; no LabelMix; features are not matched.
    """

    name: str = "segments"

    def discriminator(self, judge: nn.Module, pairs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """See `Contest`; real seem pixels by the log-odds that they were not made."""
        assert isinstance(judge, PartsDiscriminator)
        logits = judge(pairs).float()  # (2N, parts + 1, H, W)
        real, fake = logits.log_softmax(1).chunk(2)
        asked = judge.asked(pairs).chunk(2)[0]  # (N, parts, H, W)
        figures = {
            "discriminator": unlikely(real[:, :-1], asked) - fake[:, -1].mean(),
            "parts_found": (real.argmax(1) == asked.argmax(1)).float().mean(),
            "made_found": (fake.argmax(1) == asked.shape[1]).float().mean(),
        }
        odds = logits[:, :-1].logsumexp(1) - logits[:, -1]  # (2N, H, W)
        return figures, odds.mean((1, 2))

    def generator(self, judge: nn.Module, real: Tensor, made: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """See `Contest`."""
        assert isinstance(judge, PartsDiscriminator)
        says = judge(made).float().log_softmax(1)  # (N, parts + 1, H, W)
        return {"adversarial": unlikely(says[:, :-1], judge.asked(made))}


def unlikely(says: Tensor, asked: Tensor) -> Tensor:
    """Negative log-likelihood of the parts asked for: of each part the mean over its pixels.

    Args:
        says: Log-probabilities of the parts, (N, parts, H, W).
        asked: 1 where a part is asked for, else 0, of that shape.

    Returns:
        The sum over parts, a mean over pictures, (), 0 or more.
    """
    area = asked.sum((2, 3)).clamp_min(1)  # (N, parts), pixels
    return -((says * asked).sum((2, 3)) / area).sum(1).mean()
