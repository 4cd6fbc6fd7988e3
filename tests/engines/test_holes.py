"""Holes: what is missing is gone, what is known is as it was, every kind comes up."""

import torch

from mintmark.engines.holes import Holes, holed
from mintmark.engines.masks import Kind, mask
from mintmark.training.draws import Draws

ROWS = 40


def clean() -> torch.Tensor:
    return torch.rand(ROWS, 3, 32, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1


def draws(first: int = 0, last: int = ROWS) -> Draws:
    return Draws(0, 0, ROWS, first, last)


def test_nothing_of_what_is_missing_is_left() -> None:
    damaged = Holes(("box", "half"))(clean(), draws())
    colours, missing = damaged[:, :3], damaged[:, 3:]
    assert bool(((missing == 0) | (missing == 1)).all())
    assert torch.equal(colours, clean() * (1 - missing))
    assert torch.equal(damaged, holed(clean(), missing))


def test_every_kind_comes_up() -> None:
    kinds: tuple[Kind, ...] = ("box", "strokes", "half", "border")
    damaged = Holes(kinds)(clean(), draws())
    by_kind = [mask(kind, (32, 48), draws(), kind) for kind in kinds]
    matches = torch.stack([(damaged[:, 3:] == one).flatten(1).all(1) for one in by_kind])
    assert bool(matches.any(0).all()) and bool(matches.any(1).all())


def test_a_part_of_a_batch_is_damaged_as_in_the_whole() -> None:
    holes = Holes(("box", "strokes"))
    whole = holes(clean(), draws())
    assert torch.equal(whole[10:15], holes(clean()[10:15], draws(10, 15)))
