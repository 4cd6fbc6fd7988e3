"""The discriminators of patches: at one resolution, at several, and what they find."""

import pytest
import torch
from arrays import inputs

from mintmark.models.layers.patches import PatchDiscriminator, ScalesDiscriminator, of_cells


def test_cells_have_as_many_patches() -> None:
    x = inputs(2, 3, 32, 32)
    assert of_cells(3)(x).shape == PatchDiscriminator(3)(x).shape == (2, 16)


@pytest.mark.parametrize("scales", [1, 2])
def test_every_scale_judges(scales: int) -> None:
    torch.manual_seed(0)
    judge, x = ScalesDiscriminator(3, scales), inputs(2, 3, 32, 32)
    logits, found = judge.judged(x)
    assert torch.equal(logits, judge(x))
    assert logits.shape == (2, 16 + (4 if scales == 2 else 0))
    assert len(found) == 2 * scales


def test_the_lower_scale_sees_the_halved_picture() -> None:
    torch.manual_seed(0)
    judge, x = ScalesDiscriminator(1, 2), inputs(1, 1, 32, 32)
    checks = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1  # nothing when halved
    before, after = judge(x), judge(x + 0.5 * checks)
    assert not torch.allclose(before[:, :16], after[:, :16])
    assert torch.allclose(before[:, 16:], after[:, 16:], atol=1e-5)


def test_kinds_are_scored_apart() -> None:
    torch.manual_seed(0)
    judge, x = PatchDiscriminator(3, kinds=2), inputs(2, 3, 16, 16)
    first, second = (judge(x, torch.full((2,), kind)) for kind in (0, 1))
    assert torch.equal(judge(x), first) and not torch.allclose(first, second)
