"""The filler: any size, what is known stays, and every place sees the whole picture."""

from typing import Any

import pytest
import torch
from arrays import stirred
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.engines.holes import holed
from mintmark.models import fourier
from mintmark.models.layers import plates

ARGS: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "features": 8, "blocks": 1}


def built(**changes: object) -> dict[str, nn.Module]:
    return stirred(fourier.build, {**ARGS, **changes})


def inputs(*shape: int) -> Tensor:
    """Pictures with a hole in the middle."""
    pictures = torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    missing = torch.zeros(shape[0], 1, *shape[2:])
    missing[..., shape[2] // 4 : -shape[2] // 4, shape[3] // 4 : -shape[3] // 4] = 1
    return holed(pictures, missing)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (2, 3)])
def test_any_size_keeps_what_is_known_to_the_bit(channels: int, size: tuple[int, int]) -> None:
    x = inputs(2, channels, *size)
    made = built(channels=channels)["G"](x)
    assert made.shape == (2, channels, *size)
    known = (x[:, channels:] == 0).expand_as(made)
    assert torch.equal(made[known], x[:, :channels][known])
    assert not torch.equal(made, x[:, :channels])


def test_it_begins_between_two_smooth_fillings_with_grain() -> None:
    x = inputs(2, 3, 40, 56)
    stiff, soft, fine = fourier.begun(x[:, :3], x[:, 3:])
    missing = x[:, 3:].bool().expand(-1, 3, -1, -1)
    made = fourier.build(ARGS)["G"](x)
    begun = (soft + stiff) / 2 + fourier.GRAIN * fine
    torch.testing.assert_close(made[missing], begun[missing])
    assert (stiff - soft).abs()[missing].mean() > 0.02
    assert fine.abs()[missing].mean() > 0.1 and not fine[~missing].any()
    assert max(float(part.abs().max()) for part in (stiff, soft)) <= 1


def test_a_stiff_plate_suits_smooth_pictures_and_a_soft_one_rough_ones() -> None:
    draw = torch.Generator().manual_seed(2)
    smooth = F.interpolate(torch.rand(1, 3, 4, 4, generator=draw), size=(40, 40), mode="bicubic")
    rough = torch.rand(1, 3, 40, 40, generator=draw)
    blocks = F.interpolate(torch.rand(1, 3, 5, 5, generator=draw), size=(40, 40))
    even = torch.full((1, 3, 40, 40), 0.3)
    missing = torch.zeros(4, 1, 40, 40)
    missing[..., 11:21, 5:30] = 1  # odd: cells of two rows are known by half
    pictures = torch.cat([smooth, rough, blocks, even]) * (1 - missing)
    found = fourier.tension(pictures, missing).flatten()
    assert found[0] < 0.01 and found[1] > 1 and found[0] < found[2] < found[1]
    assert torch.isfinite(found[3])
    other = pictures + 5 * missing  # what is missing says nothing
    torch.testing.assert_close(fourier.tension(other, missing).flatten(), found)
    assert torch.isfinite(fourier.tension(pictures[:, :, :2, :1], missing[:, :, :2, :1])).all()


def test_the_finest_grain_does_not_make_a_plate_soft() -> None:
    """A fill of 32 pixels follows shapes, and every photograph has grain."""
    slope = torch.linspace(-0.8, 0.8, 48).expand(1, 3, 48, 48)
    grain = 0.02 * (-1.0) ** torch.arange(48)
    missing = torch.zeros(1, 1, 48, 48)
    missing[..., 30:] = 1
    assert fourier.tension((slope + grain) * (1 - missing), missing) == fourier.LEAST


def test_no_filling_leaves_the_range_of_what_is_known() -> None:
    """A stiff plate goes on along slopes, beyond every colour of the picture."""
    slope = torch.linspace(-0.5, 0.4, 24).repeat(24, 1)
    pictures = torch.stack([slope, -slope, slope.T])[None]
    missing = torch.zeros(1, 1, 24, 24)
    missing[..., 14:] = 1
    free = plates.plate(pictures * (1 - missing), missing, fourier.LEAST)
    known = pictures[..., :14]
    low, high = known.amin((2, 3), keepdim=True), known.amax((2, 3), keepdim=True)
    assert float(free[:, 0].max()) > float(high[:, 0]) + 0.1
    for made in fourier.begun(pictures * (1 - missing), missing)[:2]:
        assert (made >= low).all() and (made <= high).all()
    nothing = torch.ones(1, 1, 24, 24)
    assert not any(part.any() for part in fourier.begun(0 * pictures, nothing))


def test_it_can_choose_at_each_place() -> None:
    x = inputs(1, 3, 32, 32)
    network = fourier.build(ARGS)["G"]
    stiff, soft, fine = fourier.begun(x[:, :3], x[:, 3:])
    assert isinstance(network, fourier.Filler)
    assert network.last.bias is not None
    for weight, grain, chosen in ((50.0, 0.75, stiff + fine), (-50.0, -0.25, soft)):
        with torch.no_grad():
            network.last.bias[-2], network.last.bias[-1] = weight, grain
            torch.testing.assert_close(network(x), chosen)


def test_every_place_sees_the_whole_picture() -> None:
    x = inputs(1, 3, 128, 128)
    other = x.clone()
    other[:, :3, 120:, 120:] = 0.9  # a far corner
    network = built()["G"]
    change = (network(x) - network(other)).abs()[:, :, 40:60, 40:60]  # within the hole
    assert change.min() > 0


def test_every_weight_learns() -> None:
    networks = built()
    logits = networks["D"](networks["G"](inputs(2, 3, 16, 16)))
    logits.square().sum().backward()
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), f"{name}.{key}"


def test_half_precision_leaves_the_transform_whole() -> None:
    network = built()["G"]
    x = inputs(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(x)
    torch.testing.assert_close(half.float(), network(x), atol=0.1, rtol=0.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("height", 20), ("channels", 4), ("features", 7), ("blocks", 0), ("blocks", True)],
)
def test_refuses_what_cannot_be_built(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        fourier.build({**ARGS, name: value})


def test_presets_build() -> None:
    for name in fourier.PRESETS:
        assert "G" in fourier.build(fourier.preset(name, (3, 64, 64), {}))
    with pytest.raises(ConfigError, match="tiny"):
        fourier.preset("huge", (3, 64, 64), {})
