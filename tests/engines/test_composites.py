"""Composites: objects stand where the maps say, and parts get other colours where the mask is."""

import pytest
import torch
from torch import Tensor

from mintmark.engines import masks
from mintmark.engines.composites import Pasted, Recoloured, begun
from mintmark.engines.degrade import Exposure
from mintmark.training.draws import Draws

ROWS = 48


def draws(step: int = 0, first: int = 0, last: int = ROWS) -> Draws:
    return Draws(0, step, ROWS, first, last)


def backgrounds(channels: int = 3) -> Tensor:
    return torch.full((ROWS, channels, 32, 32), -0.5)


def objects(channels: int = 3) -> Tensor:
    """Light on the left, dark on the right; round, and something hidden beside."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
    solid = (y.hypot(x) < 0.9).float()
    colour = torch.where(solid > 0, torch.where(x < 0, 0.9, 0.1), 1.0)  # white, where it is clear
    one = torch.cat([colour.expand(channels, -1, -1), 2 * solid[None] - 1])
    return one.expand(ROWS, -1, -1, -1)


def real(channels: int = 3) -> Tensor:
    return torch.cat([backgrounds(channels), objects(channels)], 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_map_says_where_the_object_is(channels: int) -> None:
    seen, maps = Pasted()(real(channels), draws())
    assert seen.shape == maps.shape == (ROWS, channels, 32, 32)
    assert torch.equal(maps, maps[:, :1].expand_as(maps))
    assert (seen[maps == -1] == -0.5).all()  # the background as it was
    inside = seen[maps > 0.999]
    assert inside.min() > 0.05 and inside.max() < 0.95
    edges = seen[(maps > -1) & (maps < 1)]
    assert edges.max() < 0.95  # the white that is transparent does not shine through


def test_sizes_and_places_are_those_asked_for() -> None:
    _, maps = Pasted(0.3, 0.6)(real(), draws())
    cover = (maps[:, 0] + 1) / 2
    across = 2 * (cover.sum((1, 2)) / torch.pi).sqrt() / 32 / 0.9  # sides of the picture
    assert 0.28 < across.min() < 0.35 and 0.55 < across.max() < 0.62
    place = torch.linspace(-1, 1, 32)
    centre = torch.stack([(cover.sum(axis) * place).sum(1) / cover.sum((1, 2)) for axis in (1, 2)])
    assert centre.min() < -0.5 and centre.max() > 0.5  # from border to border
    edge = torch.cat([cover[:, 0], cover[:, -1], cover[:, :, 0], cover[:, :, -1]])
    assert edge.mean() < 0.01  # hardly anything is cut off


def test_objects_are_mirrored_in_half_of_the_rows() -> None:
    seen, maps = Pasted(0.5, 0.6)(real(), draws())
    place = torch.linspace(-1, 1, 32)
    solid = (maps[:, 0] > 0.99).float()
    light = solid * (seen[:, 0] > 0.5)
    middles = [(one * place).sum((1, 2)) / one.sum((1, 2)) for one in (light, solid)]
    side = middles[0] - middles[1]
    assert 0.3 < (side > 0).float().mean() < 0.7


def test_a_part_gets_other_colours_and_the_rest_stays() -> None:
    clean = backgrounds()
    found = Recoloured(Exposure(1.0))(clean, draws())
    seen, part = found[:, 3:6], found[:, 6:]
    assert found.shape == (ROWS, 7, 32, 32)
    assert ((part == 0) | (part == 1)).all()
    assert (seen == clean)[(part == 0).expand_as(seen)].all()
    changed = ((seen - clean).abs() * part).amax((1, 2, 3))
    assert (changed > 0.01).float().mean() > 0.9


def test_a_network_begins_with_the_means_and_deviations_of_the_rest() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = 0.2 * torch.randn(4, 3, 32, 32, generator=generator)
    part = torch.zeros(4, 1, 32, 32)
    part[..., 8:20, 8:20] = 1
    dark = seen.lerp(0.7 * seen - 0.4, part)
    found = begun(dark, part)
    assert torch.equal(found[:, 3:6], dark) and torch.equal(found[:, 6:], part)
    assert torch.equal((found[:, :3] * (1 - part)), dark * (1 - part))
    inside = found[:, :3, 8:20, 8:20]
    outside = torch.stack([one[:, part[0, 0] == 0] for one in seen])
    torch.testing.assert_close(inside.mean((2, 3)), outside.mean(2), atol=0.01, rtol=0)
    torch.testing.assert_close(inside.std((2, 3)), outside.std(2), atol=0.01, rtol=0)
    assert begun(dark, 0 * part).isfinite().all() and begun(dark, 0 * part + 1).isfinite().all()


def test_blobs_take_the_share_that_they_should_and_hang_together() -> None:
    found = masks.blob((48, 40), draws(), "x")
    share = found.mean((1, 2, 3))
    assert masks.LEAST - 0.01 < share.min() < 0.2 and 0.4 < share.max() < masks.MOST + 0.01
    inside = -torch.nn.functional.max_pool2d(-found, 3, stride=1, padding=1)
    assert float(inside.sum() / found.sum()) > 0.6  # of specks most would be edge


@pytest.mark.parametrize("make", [Pasted(), lambda x, d: Recoloured(Exposure(1))(x[:, :3], d)])
def test_parts_of_a_batch_are_made_as_in_the_whole(make: Pasted) -> None:
    whole, part = make(real(), draws()), make(real()[5:9], draws(first=5, last=9))
    other = make(real(), draws(step=1))
    for one, two, three in zip(*(x if isinstance(x, tuple) else (x,) for x in (whole, part, other)),
                               strict=True):  # fmt: skip
        torch.testing.assert_close(two, one[5:9])
        assert not torch.equal(three, one)
