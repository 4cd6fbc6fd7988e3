"""What every network family promises, at every preset, several shapes and kinds of condition."""

from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from mintmark.actions import asking
from mintmark.core.errors import ConfigError
from mintmark.engines.synthesis import LatentNetwork
from mintmark.models.conditions import Choice, Conditions, Number
from mintmark.models.families import FAMILIES
from mintmark.models.layers import presets

KINDS = {
    "none": Conditions(),
    "class": Conditions(classes=("apple", "pear", "plum")),
    "attributes": Conditions(
        attributes=(Choice("hair", ("no", "yes"), (0.3, 0.7)), Number("age", 1.0, 9.0))
    ),
    "text": Conditions(words=("a", "red", "tree"), examples=("a red tree", "a tree", "red")),
}
SHAPES = {
    "8x8": ((1, 8, 8), "class"),
    "16x16": ((4, 16, 16), "none"),
    "24x16": ((3, 16, 24), "attributes"),
    "32x32": ((3, 32, 32), "text"),
}
"""Channels, rows and columns that are tried, each with one kind of condition."""

DRAWING = [name for name, family in FAMILIES.items() if not family.restores]
CASES = [
    (family, preset, shape) for family in DRAWING for preset in presets.PRESETS for shape in SHAPES
]
every_case = pytest.mark.parametrize(("family", "preset", "shape"), CASES)
small_cases = pytest.mark.parametrize(  # the widest network at its largest takes seconds
    ("family", "preset", "shape"), [case for case in CASES if case[1:] != ("base", "32x32")]
)
every_family = pytest.mark.parametrize("family", DRAWING)


def args_of(family: str, preset: str, shape: str) -> dict[str, Any]:
    size, kind = SHAPES[shape]
    return FAMILIES[family].preset(preset, size, KINDS[kind].sizes)


def built(family: str, preset: str, shape: str) -> dict[str, nn.Module]:
    """Networks with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    networks = FAMILIES[family].build(args_of(family, preset, shape))
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return networks


def inputs(networks: dict[str, nn.Module], kind: str, rows: int) -> tuple[Tensor, Tensor | None]:
    latent = networks["G"].latent
    assert isinstance(latent, int)
    z = torch.randn(rows, latent, generator=torch.Generator().manual_seed(1))
    return z, asking.rows(KINDS[kind], 0, range(rows), asking.PLAIN)


def extras(networks: dict[str, nn.Module], rows: int) -> dict[str, Tensor]:
    """What training draws for a generator beside the latent."""
    draw = torch.Generator().manual_seed(2)
    wanted = cast(LatentNetwork, networks["G"]).extras.items()
    return {name: torch.randn(rows, length, generator=draw) for name, length in wanted}


@every_case
def test_shapes_and_gradients(family: str, preset: str, shape: str) -> None:
    networks = built(family, preset, shape)
    z, condition = inputs(networks, SHAPES[shape][1], 2)
    pictures = networks["G"](z, condition, **extras(networks, 2))
    logits = networks["D"](pictures, condition)
    assert pictures.shape == (2, *SHAPES[shape][0])
    assert logits.shape == (2,)
    logits.square().sum().backward()
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            assert parameter.grad is not None, f"{name}.{key}"
            assert parameter.grad.abs().sum() > 0, f"{name}.{key}"


@pytest.mark.parametrize("kind", KINDS)
@every_family
def test_every_kind_of_condition_changes_picture_and_score(family: str, kind: str) -> None:
    torch.manual_seed(0)
    args = FAMILIES[family].preset("tiny", (3, 8, 8), KINDS[kind].sizes)
    networks = FAMILIES[family].build(args)
    z, condition = inputs(networks, kind, 3)
    with torch.no_grad():
        pictures = networks["G"](z[:1].expand(3, -1), condition)
        scores = networks["D"](pictures[:1].expand(3, -1, -1, -1), condition)
    asked = kind != "none"
    assert len(torch.unique(pictures, dim=0)) == (3 if asked else 1)
    assert len({round(score, 4) for score in scores.tolist()}) == (3 if asked else 1)


@pytest.mark.parametrize(("family", "preset", "shape"), [c for c in CASES if c[1] != "base"])
def test_strict_round_trip(family: str, preset: str, shape: str) -> None:
    networks = built(family, preset, shape)
    fresh = FAMILIES[family].build(args_of(family, preset, shape))
    z, condition = inputs(networks, SHAPES[shape][1], 2)
    more = extras(networks, 2)
    for name, network in networks.items():
        fresh[name].load_state_dict(network.state_dict(), strict=True)
    assert torch.equal(fresh["G"](z, condition, **more), networks["G"](z, condition, **more))


@every_family
def test_nothing_that_decides_a_picture_is_outside_the_state(family: str) -> None:
    """Every tensor that a network holds is a parameter or a kept buffer."""
    for shape in SHAPES:
        for network in built(family, "tiny", shape).values():
            for module in network.modules():
                held = [name for name, value in vars(module).items() if isinstance(value, Tensor)]
                assert not held
                assert not module._non_persistent_buffers_set


@small_cases
def test_bfloat16_is_finite_and_near(family: str, preset: str, shape: str) -> None:
    networks = built(family, preset, shape)
    z, condition = inputs(networks, SHAPES[shape][1], 2)
    with torch.no_grad():
        exact = networks["D"](networks["G"](z, condition), condition)
        with torch.autocast("cpu", torch.bfloat16):
            rough = networks["D"](networks["G"](z, condition), condition).float()
    assert torch.isfinite(rough).all()
    assert (rough - exact).abs().max() <= 0.1 * exact.abs().max() + 0.1


def check_rows_apart(networks: dict[str, nn.Module], kind: str) -> None:
    """Changes one row of a batch, and looks at the others."""
    z, condition = inputs(networks, kind, 3)
    other = z.clone()
    other[1] *= -1
    with torch.no_grad():
        before, after = networks["G"](z, condition), networks["G"](other, condition)
        assert not torch.equal(before[1], after[1])
        assert torch.allclose(before[[0, 2]], after[[0, 2]], rtol=0, atol=1e-6)
        before, after = networks["D"](before, condition), networks["D"](after, condition)
        assert not torch.equal(before[1], after[1])
        assert torch.allclose(before[[0, 2]], after[[0, 2]], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "preset", "shape"),
    [c for c in CASES if c[2] == "16x16" or c[1:] == ("tiny", "24x16")],
)
def test_rows_of_a_batch_do_not_mix(family: str, preset: str, shape: str) -> None:
    check_rows_apart(built(family, preset, shape), SHAPES[shape][1])


def mix(module: nn.Module, given: tuple[Tensor, ...], found: Tensor) -> Tensor:
    return found - found.mean(0)


@every_family
def test_the_check_notices_rows_that_mix(family: str) -> None:
    networks = built(family, "tiny", "16x16")
    networks["G"].register_forward_hook(mix)
    with pytest.raises(AssertionError):
        check_rows_apart(networks, "none")


@every_family
def test_truncation_leads_to_one_picture_a_condition(family: str) -> None:
    networks = built(family, "tiny", "8x8")
    z, condition = inputs(networks, "class", 6)
    with torch.no_grad():
        plain, whole, none = (networks["G"](z, condition, *psi) for psi in ((), (1.0,), (0.0,)))
    assert torch.equal(whole, plain)
    assert torch.allclose(none[:3], none[3:], rtol=0, atol=1e-6)  # classes come in turn
    assert not torch.allclose(none[0], none[1], rtol=0, atol=1e-3)
    assert not torch.allclose(plain[:3], plain[3:], rtol=0, atol=1e-3)


@every_family
def test_refuses_bad_arguments(family: str) -> None:
    preset = FAMILIES[family].preset
    good = preset("tiny", (1, 8, 8), KINDS["none"].sizes)
    with pytest.raises(ConfigError, match="preset"):
        preset("enormous", (1, 8, 8), KINDS["none"].sizes)
    with pytest.raises(ConfigError, match="colour"):
        FAMILIES[family].build(good | {"colour": 1})
    with pytest.raises(ConfigError, match="missing"):
        FAMILIES[family].build({"channels": 1})
    with pytest.raises(ConfigError, match="12x8"):
        FAMILIES[family].build(good | {"width": 13})
    with pytest.raises(ConfigError, match="only one of these"):
        FAMILIES[family].build(good | {"classes": 2, "words": 9})
    for name, value in {
        "channels": 0,
        "classes": -1,
        "latent": 0,
        "attributes": 10**9,
        "words": -1,
        "grow": 1,
        "decoder": "yes",
    }.items():
        with pytest.raises(ConfigError, match=name):
            FAMILIES[family].build(good | {name: value})


@pytest.mark.parametrize(
    ("size", "near"),
    [
        ((9, 9), "8x8"),
        ((22, 22), "24x24"),
        ((30, 65), "32x64"),
        ((15, 15), "16x16"),
        ((15, 58), "16x56"),
    ],
)
@every_family
def test_odd_sizes_are_refused_with_the_nearest(
    family: str, size: tuple[int, int], near: str
) -> None:
    with pytest.raises(ConfigError, match=r"nearest size that can is \d+x\d+\.$") as caught:
        FAMILIES[family].preset("tiny", (3, size[1], size[0]), {})
    assert near in str(caught.value)
