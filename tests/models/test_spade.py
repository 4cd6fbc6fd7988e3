"""The painter of maps: any size, every part has its say, and palettes are checked."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.models import spade

PALETTE = [[0, 0, 0], [255, 0, 0], [0, 0, 255]]
ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "palette": PALETTE,
    "features": 8,
}


def built(**changes: object) -> dict[str, nn.Module]:
    """Networks with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    networks = spade.build({**ARGS, **changes})
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return networks


def painter() -> spade.Painter:
    network = built()["G"]
    assert isinstance(network, spade.Painter)
    return network


def maps(height: int, width: int) -> Tensor:
    """A map of the three parts in bands, (1, 3, height, width)."""
    colours = torch.tensor(PALETTE) / 127.5 - 1
    bands = colours[torch.arange(width) * 3 // max(width, 3)]  # (width, 3)
    return bands.T[None, :, None].expand(1, 3, height, width).contiguous()


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 1)])
def test_any_size_is_painted(size: tuple[int, int]) -> None:
    assert painter()(maps(*size)).shape == (1, 3, *size)


def test_colours_are_parts() -> None:
    found = painter().parts(maps(8, 9))
    assert found.shape == (1, 3, 8, 9)
    assert found[0].argmax(0)[0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_colour_that_is_nearly_one_is_that_part() -> None:
    near = maps(8, 9) + 0.1
    assert torch.equal(painter().parts(near), painter().parts(maps(8, 9)))


def test_every_part_changes_what_it_covers() -> None:
    network, x = painter(), maps(32, 32)
    other = x.clone()
    other[:, :, :4, :4] = x[:, :, :1, -1:]
    changed = (network(x) - network(other)).abs().amax((0, 1))
    assert changed[:4, :4].max() > 5 * changed[-4:, -4:].max()


@pytest.mark.parametrize("segments", [False, True])
def test_every_weight_learns(segments: bool) -> None:
    networks, given = built(segments=segments), maps(16, 24)
    made = networks["G"](given)
    torch.autograd.backward(networks["D"](torch.cat([given, made], 1)).square().sum())
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), f"{name}.{key}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"palette": [[0, 0, 0]]}, "2 to 256 different colours"),
        ({"palette": [[0, 0, 0], [0, 0, 0]]}, "2 to 256 different colours"),
        ({"palette": [[0, 0, 0], [0, 0, 300]]}, "0 to 255"),
        ({"palette": [[0, 0], [1, 1]]}, "palette"),
        ({"palette": "red"}, "palette"),
        ({"palette": 3}, "palette"),
        ({"channels": 1}, "channels"),
        ({"height": 20}, "height"),
        ({"features": 10**9}, "features"),
        ({"scales": 9}, "scales"),
        ({"segments": 1}, "true or false as segments"),
        ({"noise": 1}, "noise"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        spade.build({**ARGS, **changes})


def test_the_palette_is_kept_in_the_weights() -> None:
    assert "palette" in built()["G"].state_dict()
