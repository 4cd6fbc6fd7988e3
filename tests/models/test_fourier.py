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
    lean = fourier.leaning(x[:, :3], x[:, 3:]).sigmoid()
    begun = torch.lerp(soft, stiff, lean) + fourier.GRAIN * fine
    torch.testing.assert_close(made[missing], begun[missing])
    assert (stiff - soft).abs()[missing].mean() > 0.02
    assert fine.abs()[missing].mean() > 0.1 and not fine[~missing].any()
    assert max(float(part.abs().max()) for part in (stiff, soft)) <= 1


def test_a_stiff_plate_suits_smooth_pictures_and_a_soft_one_rough_ones() -> None:
    draw = torch.Generator().manual_seed(2)
    smooth = F.interpolate(torch.rand(1, 3, 4, 4, generator=draw), size=(40, 40), mode="bicubic")
    rough = torch.rand(1, 3, 40, 40, generator=draw)
    even = torch.full((1, 3, 40, 40), 0.3)
    missing = torch.zeros(3, 1, 40, 40)
    missing[..., 10:20, 5:30] = 1
    pictures = torch.cat([smooth, rough, even]) * (1 - missing)
    lean = fourier.leaning(pictures, missing).flatten()
    assert lean[0] > 3 and lean[1] < -2 and torch.isfinite(lean[2])
    other = pictures + 5 * missing  # what is missing says nothing
    torch.testing.assert_close(fourier.leaning(other, missing).flatten(), lean)
    assert torch.isfinite(fourier.leaning(pictures[:, :, :2, :1], missing[:, :, :2, :1])).all()


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
