"""What every network family promises, at every preset and several sizes."""

import pytest
import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.models import r3gan
from mintmark.models.package import FAMILIES

PRESETS = {"r3gan": tuple(r3gan.PRESETS)}
"""Names of each family's presets; a new family adds its line."""

SHAPES = {8: (1, 3), 16: (4, 0), 32: (3, 2)}
"""Channels and classes that each size is tried with."""

CASES = [
    (family, preset, size) for family in FAMILIES for preset in PRESETS[family] for size in SHAPES
]
every_case = pytest.mark.parametrize(("family", "preset", "size"), CASES)
small_cases = pytest.mark.parametrize(  # the widest network at its largest takes seconds
    ("family", "preset", "size"), [case for case in CASES if case[1:] != ("base", 32)]
)
every_family = pytest.mark.parametrize("family", FAMILIES)


def built(family: str, preset: str, size: int) -> dict[str, nn.Module]:
    """Networks with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    networks = FAMILIES[family].build(FAMILIES[family].preset(preset, size, *SHAPES[size]))
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return networks


def inputs(networks: dict[str, nn.Module], size: int, rows: int) -> tuple[Tensor, Tensor | None]:
    classes = SHAPES[size][1]
    latent = networks["G"].latent
    assert isinstance(latent, int)
    z = torch.randn(rows, latent, generator=torch.Generator().manual_seed(1))
    return z, torch.arange(rows) % classes if classes else None


@every_case
def test_shapes_and_gradients(family: str, preset: str, size: int) -> None:
    networks = built(family, preset, size)
    z, labels = inputs(networks, size, 2)
    pictures = networks["G"](z, labels)
    logits = networks["D"](pictures, labels)
    assert pictures.shape == (2, SHAPES[size][0], size, size)
    assert logits.shape == (2,)
    logits.square().sum().backward()
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None, f"{name}.{key}"
            assert parameter.grad.abs().sum() > 0, f"{name}.{key}"


@pytest.mark.parametrize(("family", "preset", "size"), [c for c in CASES if c[1] != "base"])
def test_strict_round_trip(family: str, preset: str, size: int) -> None:
    networks = built(family, preset, size)
    fresh = FAMILIES[family].build(FAMILIES[family].preset(preset, size, *SHAPES[size]))
    z, labels = inputs(networks, size, 2)
    for name, network in networks.items():
        fresh[name].load_state_dict(network.state_dict(), strict=True)
    assert torch.equal(fresh["G"](z, labels), networks["G"](z, labels))


@small_cases
def test_bfloat16_is_finite_and_near(family: str, preset: str, size: int) -> None:
    networks = built(family, preset, size)
    z, labels = inputs(networks, size, 2)
    with torch.no_grad():
        exact = networks["D"](networks["G"](z, labels), labels)
        with torch.autocast("cpu", torch.bfloat16):
            rough = networks["D"](networks["G"](z, labels), labels).float()
    assert torch.isfinite(rough).all()
    assert (rough - exact).abs().max() <= 0.1 * exact.abs().max() + 0.1


def check_rows_apart(networks: dict[str, nn.Module], size: int) -> None:
    """Changes one row of a batch, and looks at the others."""
    z, labels = inputs(networks, size, 3)
    other = z.clone()
    other[1] += 1
    with torch.no_grad():
        before, after = networks["G"](z, labels), networks["G"](other, labels)
        assert not torch.equal(before[1], after[1])
        assert torch.allclose(before[[0, 2]], after[[0, 2]], rtol=0, atol=1e-6)
        before, after = networks["D"](before, labels), networks["D"](after, labels)
        assert not torch.equal(before[1], after[1])
        assert torch.allclose(before[[0, 2]], after[[0, 2]], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("family", "preset", "size"), [c for c in CASES if c[2] == 16])
def test_rows_of_a_batch_do_not_mix(family: str, preset: str, size: int) -> None:
    check_rows_apart(built(family, preset, size), size)


def mix(module: nn.Module, given: tuple[Tensor, ...], found: Tensor) -> Tensor:
    return found - found.mean(0)


def test_the_check_notices_rows_that_mix() -> None:
    networks = built("r3gan", "tiny", 16)
    networks["G"].register_forward_hook(mix)
    with pytest.raises(AssertionError):
        check_rows_apart(networks, 16)


@every_family
def test_refuses_bad_arguments(family: str) -> None:
    good = FAMILIES[family].preset(PRESETS[family][0], 8, 1, 0)
    with pytest.raises(ConfigError, match="preset"):
        FAMILIES[family].preset("enormous", 8, 1, 0)
    with pytest.raises(ConfigError, match="colour"):
        FAMILIES[family].build(good | {"colour": 1})
    with pytest.raises(ConfigError, match="missing"):
        FAMILIES[family].build({"channels": 1})
    with pytest.raises(ConfigError, match="12"):
        FAMILIES[family].build(good | {"resolution": 12})
    for name, value in {"channels": 0, "classes": -1, "latent": 0}.items():
        with pytest.raises(ConfigError, match=name):
            FAMILIES[family].build(good | {name: value})
