from typing import Any

import pytest
import torch

from mintmark.core.errors import ConfigError
from mintmark.models import r3gan
from mintmark.models.layers import presets
from mintmark.models.layers.resample import downsample, upsample

ARGS: dict[str, Any] = {
    "height": 16,
    "width": 16,
    "channels": 3,
    "classes": 4,
    "widths": [32, 32, 16],
    "latent": 8,
}


def millions(network: torch.nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


@pytest.mark.parametrize(("size", "classes", "published"), [(32, 10, 20.7), (256, 0, 23.1)])
def test_the_base_preset_has_the_published_size(size: int, classes: int, published: float) -> None:
    """R3GAN on CIFAR-10 and FFHQ-256."""
    with torch.device("meta"):
        built = r3gan.build(presets.preset("base", (3, size, size), {"classes": classes}))
    for network in built.values():
        assert millions(network) == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize("block", ["grouped", "dense"])
def test_a_fresh_network_is_its_skip_path(block: str) -> None:
    """Fix-up: the last convolution of each block is zero, so blocks start as identity."""
    x = torch.randn(2, 32, 4, 4)
    stage = r3gan.build({**ARGS, "block": block})["G"].get_submodule("stages.0")
    assert torch.equal(stage(x), x)


@pytest.mark.parametrize("block", ["grouped", "dense"])
def test_variance_survives_depth(block: str) -> None:
    torch.manual_seed(0)
    built = r3gan.build({**ARGS, "block": block, "blocks": 4})
    z, labels = torch.randn(64, 8), torch.arange(64) % 4
    pictures = built["G"](z, labels)
    assert 0.2 < float(pictures.detach().std()) < 5
    assert 0.05 < float(built["D"](pictures, labels).detach().std()) < 20


def test_classes_change_the_picture_and_the_score() -> None:
    torch.manual_seed(0)
    built = r3gan.build(ARGS)
    z = torch.randn(1, 8).expand(4, 8)
    pictures = built["G"](z, torch.arange(4))
    assert float((pictures[0] - pictures[1]).detach().abs().max()) > 1e-3
    scores = built["D"](pictures[:1].expand(4, -1, -1, -1), torch.arange(4))
    assert len({round(s, 4) for s in scores.tolist()}) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 22, "width": 22}, "nearest size that can is 24x24"),
        ({"height": 4, "width": 4}, "8 to 1024 pixels a side"),
        ({"widths": [32, 32]}, "3 stages"),
        ({"widths": [32, 24, 16]}, "multiples of 16"),
        ({"widths": [32, 32, 10**9]}, "take 1 to 8192"),
        ({"channels": 5}, "take 1 to 4"),
        ({"blocks": 10**9}, "take 1 to 16"),
        ({"latent": 0}, "take 1 to 4096"),
        ({"classes": -1}, "take 0 to"),
        ({"block": "os.system"}, "grouped or dense"),
        ({"depth": 3}, "does not know the argument 'depth'"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        r3gan.build({**ARGS, **change})


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="tiny, small, base"):
        presets.preset("huge", (3, 32, 32), {"classes": 0})


def test_resampling_keeps_constants_and_means() -> None:
    flat = torch.full((1, 2, 4, 4), 0.7)
    torch.testing.assert_close(upsample(flat), torch.full((1, 2, 8, 8), 0.7))
    torch.testing.assert_close(downsample(flat), torch.full((1, 2, 2, 2), 0.7))
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(upsample(x).mean(), x.mean(), atol=0.05, rtol=0)


def test_up_and_down_stay_aligned() -> None:
    """A ramp keeps its place: no half-pixel drift (edges aside)."""
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    back = downsample(upsample(ramp))
    torch.testing.assert_close(back[..., 2:-2, 2:-2], ramp[..., 2:-2, 2:-2], atol=1e-4, rtol=0)
