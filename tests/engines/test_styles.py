from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.engines import styles
from mintmark.engines.synthesis import Synthesis, latents, noise_of
from mintmark.models import r3gan, stylegan
from mintmark.models.stylegan import SCALES, Generator, Scale

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "classes": 2,
    "widths": [16, 16, 16, 16],
    "latent": 8,
    "style": 8,
    "block": "dense",
    "blocks": 2,
}
COUNT = 3


@dataclass(frozen=True)
class Pair:
    """Networks, and what two sets of pictures are drawn from."""

    networks: dict[str, nn.Module]
    own: Tensor
    giver: Tensor
    condition: Tensor
    noise: Tensor

    @property
    def generator(self) -> Generator:
        return styles.of(self.networks)

    def mixed(self, scale: Scale, psi: float = 1.0) -> Tensor:
        both = (self.own, self.giver)
        return styles.mixed(self.networks, both, self.condition, scale, psi, self.noise)


@pytest.fixture(scope="module")
def pair() -> Pair:
    torch.manual_seed(0)
    networks = stylegan.build(ARGS)
    with torch.no_grad():
        for parameter in networks["G"].parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        for end in networks["G"].eval().get_submodule("finish").parameters():
            end.mul_(0.01)  # so that nothing is clipped
    noise = noise_of(styles.of(networks), 1, range(COUNT))
    assert noise is not None
    return Pair(
        networks,
        latents(1, range(COUNT), 8),
        latents(2, range(COUNT), 8),
        torch.tensor([0, 1, 0]),
        noise,
    )


def test_every_layer_is_of_one_scale(pair: Pair) -> None:
    covered = torch.stack([styles.layers_of(pair.generator, scale) for scale in SCALES])
    assert torch.equal(covered.sum(0), torch.ones(pair.generator.layers, dtype=torch.int64))
    assert covered.any(1).all()


@pytest.mark.parametrize("scale", SCALES)
def test_only_the_layers_of_the_scale_change_hands(pair: Pair, scale: Scale) -> None:
    own = pair.generator.styles(pair.own, pair.condition)
    given = pair.generator.styles(pair.giver, pair.condition)
    swapped = own.clone()
    for layer in range(pair.generator.layers):
        if pair.generator.scale_of(layer) == scale:
            swapped[:, layer] = given[:, layer]
    with torch.no_grad():
        expected = pair.generator.paint(swapped, pair.noise)
    torch.testing.assert_close(pair.mixed(scale), expected, atol=1e-5, rtol=0)


def test_all_three_scales_make_the_givers_picture(pair: Pair) -> None:
    generator = pair.generator
    mix = generator.styles(pair.own, pair.condition).clone()
    given = generator.styles(pair.giver, pair.condition)
    for scale in SCALES:
        chosen = styles.layers_of(generator, scale)
        mix[:, chosen] = given[:, chosen]
    with torch.no_grad():
        found = generator.paint(mix, pair.noise)
    giver = Synthesis().decode(pair.networks, pair.giver, pair.condition, 1.0, pair.noise)
    torch.testing.assert_close(found, giver, atol=1e-5, rtol=0)


def test_a_picture_mixed_with_itself_is_itself(pair: Pair) -> None:
    plain = Synthesis().decode(pair.networks, pair.own, pair.condition, 0.7, pair.noise)
    for scale in SCALES:
        same = styles.mixed(
            pair.networks, (pair.own, pair.own), pair.condition, scale, 0.7, pair.noise
        )
        assert torch.equal(same, plain)
        assert not torch.allclose(pair.mixed(scale, 0.7), plain, atol=1e-4)


def test_what_cannot_be_mixed_is_refused(pair: Pair) -> None:
    plain = {name: value for name, value in ARGS.items() if name != "style"}
    with pytest.raises(ConfigError, match="no styles to mix"):
        styles.mixed(r3gan.build(plain), (pair.own, pair.giver), None, "fine")
    small = stylegan.build({**ARGS, "height": 8, "width": 8, "widths": [16, 16]})
    with pytest.raises(ConfigError, match="too small to have middle"):
        styles.mixed(small, (pair.own, pair.giver), pair.condition, "middle")
