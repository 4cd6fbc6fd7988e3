"""The U-Net: any size, the picture given at the start, and everything it is given matters."""

from typing import Any

import pytest
import torch
from arrays import inputs, stirred
from torch import nn

from mintmark.core.errors import ConfigError
from mintmark.models import unet
from mintmark.models.layers import toning
from mintmark.models.layers.nonlocal_means import means, noise

ARGS: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "features": 8, "blocks": 1}


def built(**changes: object) -> dict[str, nn.Module]:
    return stirred(unet.build, {**ARGS, **changes})


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 1)])
def test_any_size_stays(more: int, channels: int, size: tuple[int, int]) -> None:
    made = built(channels=channels, more=more)["G"](inputs(2, channels + more, *size))
    assert made.shape == (2, channels, *size)


def test_it_begins_as_what_is_given() -> None:
    x = inputs(1, 4, 12, 20)
    assert torch.equal(unet.build({**ARGS, "more": 1})["G"](x), x[:, :3])


def test_filtered_it_begins_at_a_plain_filter_and_sees_both() -> None:
    x = inputs(1, 3, 20, 20)
    fresh = unet.build({**ARGS, "filtered": True})["G"](x)
    assert torch.allclose(fresh, means(x, noise(x)))
    network = built(filtered=True)["G"]
    assert network(x).shape == x.shape
    assert network.state_dict()["first.weight"].shape[1] == (2 * 3 + 1) * 4  # both, and the noise


def test_filtered_it_changes_little_where_there_is_little_noise() -> None:
    """Measured in levels, what a short run adds did a clean photograph more harm than its noise."""
    torch.manual_seed(0)
    network = unet.build({**ARGS, "filtered": True})["G"]
    assert isinstance(network, unet.UNet)
    with torch.no_grad():
        network.last.get_parameter("bias").fill_(0.5)
    flat = torch.zeros(2, 3, 32, 32)
    given = flat + torch.tensor([0.02, 0.2])[:, None, None, None] * torch.randn(2, 3, 32, 32)
    change = (network(given) - means(given, noise(given))).abs().mean((1, 2, 3))
    assert torch.allclose(change, 0.5 * noise(given).flatten(), rtol=1e-4)


def test_toned_it_measures_what_it_adds_in_levels() -> None:
    """A scratch is far more than the grain beside it."""
    network = unet.build({**ARGS, "filtered": True, "toned": True})["G"]
    assert isinstance(network, toning.Toned) and isinstance(network.detail, unet.UNet)
    with torch.no_grad():
        network.detail.last.get_parameter("bias").fill_(0.5)
    given = 0.02 * inputs(1, 3, 32, 32)
    change = network(given) - means(given, noise(given))
    torch.testing.assert_close(change, torch.full_like(change, 0.5))


def test_a_place_sees_far() -> None:
    network = built()["G"]
    x = inputs(1, 3, 64, 64)
    other = x.clone()
    other[:, :, :8] = 0.5  # the upper rows
    changed = (network(x) - network(other)).abs().amax((0, 1, 3))  # by row
    assert changed[32] > 0


@pytest.mark.parametrize("conditional", [False, True])
def test_every_weight_learns(conditional: bool) -> None:
    networks = built(more=1, conditional=conditional)
    given = inputs(2, 4, 16, 16)
    made = networks["G"](given)
    networks["D"](torch.cat([given, made], 1) if conditional else made).square().sum().backward()
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), f"{name}.{key}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"channels": 2}, "channels"),
        ({"more": -1}, "more"),
        ({"height": 20}, "height"),
        ({"features": 10**9}, "features"),
        ({"blocks": 0}, "blocks"),
        ({"conditional": 1}, "conditional"),
        ({"filtered": "yes"}, "filtered"),
        ({"depth": 1}, "depth"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        unet.build({**ARGS, **changes})


def test_there_are_presets() -> None:
    for name in unet.PRESETS:
        args = unet.preset(name, (3, 64, 48), {})
        assert (args["height"], args["width"]) == (64, 48)
    with pytest.raises(ConfigError, match="tiny"):
        unet.preset("huge", (3, 64, 64), {})
