"""The restorer: any size, the plain baseline at the start, and nothing beyond its reach."""

from typing import Any

import pytest
import torch
from arrays import inputs, stirred
from torch import nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models import rrdb

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "features": 8,
    "growth": 4,
    "blocks": 1,
}


def built(**changes: object) -> dict[str, nn.Module]:
    return stirred(rrdb.build, {**ARGS, **changes})


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 1)])
def test_any_size_grows_by_the_scale(scale: int, channels: int, size: tuple[int, int]) -> None:
    networks = built(scale=scale, channels=channels)
    made = networks["G"](inputs(2, channels, *size))
    assert made.shape == (2, channels, scale * size[0], scale * size[1])


@pytest.mark.parametrize("scale", [1, 2])
def test_it_begins_as_the_plain_baseline(scale: int) -> None:
    x = inputs(1, 3, 12, 12)
    made = rrdb.build({**ARGS, "scale": scale})["G"](x)
    plain = x if scale == 1 else F.interpolate(x, scale_factor=2, mode="bicubic")
    assert torch.equal(made, plain)


@pytest.mark.parametrize("scale", [1, 2])
def test_nothing_beyond_its_reach_matters(scale: int) -> None:
    network = built(scale=scale)["G"]
    reach = network.reach
    assert isinstance(reach, int)
    size = 2 * reach + 16
    x = inputs(1, 3, size, size)
    other = x.clone()
    other[:, :, :4] = 0.5  # the upper rows
    changed = (network(x) - network(other)).abs().amax((0, 1, 3))  # by row
    assert changed[: 4 * scale].max() > 0
    assert changed[scale * (4 + reach) :].max() < 1e-6


def test_every_weight_learns() -> None:
    for scale in (1, 2):
        networks = built(scale=scale)
        logits = networks["D"](networks["G"](inputs(2, 3, 16, 16)))
        logits.square().sum().backward()
        for name, network in networks.items():
            for key, parameter in network.named_parameters():
                assert parameter.grad is not None and parameter.grad.any(), f"{name}.{key}"


def test_the_discriminator_scores_patches() -> None:
    discriminator = built()["D"]
    assert discriminator(inputs(2, 3, 64, 32)).shape == (2, 8 * 4)
    before = discriminator(inputs(1, 3, 256, 256))[0].view(32, 32)
    x = inputs(1, 3, 256, 256)
    x[..., :8] = 0
    after = discriminator(x)[0].view(32, 32)
    assert (before != after)[:, 0].any() and torch.equal(before[:, 16:], after[:, 16:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 3}, "3 as scale"),
        ({"channels": 4}, "4 as channels"),
        ({"height": 40}, "40 as height"),
        ({"blocks": True}, "True as blocks"),
        ({"colour": 1}, "does not know the argument 'colour'"),
    ],
)
def test_senseless_arguments_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rrdb.build({**ARGS, **change})
    with pytest.raises(ConfigError, match="no preset 'huge'"):
        rrdb.preset("huge", (3, 32, 32), {})
