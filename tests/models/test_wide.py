"""The light U-Net: any size, a wide view, and it begins at the picture as it is."""

from typing import Any

import pytest
import torch
from arrays import inputs, stirred
from torch import nn

from mintmark.core.errors import ConfigError
from mintmark.models import wide

ARGS: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "features": 8, "blocks": 1}


def built(**changes: object) -> dict[str, nn.Module]:
    return stirred(wide.build, {**ARGS, **changes})


@pytest.mark.parametrize("more", [0, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 3)])
def test_any_size_and_number_of_planes(more: int, channels: int, size: tuple[int, int]) -> None:
    made = built(more=more, channels=channels)["G"](inputs(2, channels + more, *size))
    assert made.shape == (2, channels, *size)


def test_it_begins_at_the_picture_or_at_nothing() -> None:
    x = inputs(2, 4, 24, 40)
    assert torch.equal(wide.build({**ARGS, "more": 1})["G"](x), x[:, :3])
    assert not wide.build({**ARGS, "more": 1, "adds": False})["G"](x).any()


def test_it_sees_far() -> None:
    x = inputs(1, 3, 64, 64)
    other = x.clone()
    other[..., 60:] = 0.9
    network = built(blocks=2)["G"]
    change = (network(x) - network(other)).abs()
    assert change[..., 24].min() > 0  # 36 pixels away


def test_every_weight_learns() -> None:
    networks = built()
    networks["D"](networks["G"](inputs(2, 3, 16, 16))).square().sum().backward()
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), f"{name}.{key}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("height", 20), ("channels", 2), ("more", 5), ("features", 7), ("blocks", 0), ("adds", 1)],
)
def test_refuses_what_cannot_be_built(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        wide.build({**ARGS, name: value})


def test_presets_build() -> None:
    for name in wide.PRESETS:
        assert "G" in wide.build(wide.preset(name, (1, 64, 64), {}))
