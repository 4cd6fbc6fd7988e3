"""The translator: any size, one picture for each kind, and a judge that scores as each kind."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.models import translator

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "classes": 3,
    "features": 8,
    "blocks": 2,
    "heads": 8,
}


def built(**changes: object) -> dict[str, nn.Module]:
    """Networks with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    networks = translator.build({**ARGS, **changes})
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return networks


def pictures(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def becoming(network: nn.Module, x: Tensor, *kinds: int) -> Tensor:
    """Pictures as those kinds."""
    assert isinstance(network, translator.Translator)
    made: Tensor = network(x, network.code(torch.tensor(kinds)))
    return made


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (17, 23), (2, 3)])
def test_any_size_stays(channels: int, size: tuple[int, int]) -> None:
    x = pictures(2, channels, *size)
    made = becoming(built(channels=channels)["G"], x, 0, 1)
    assert made.shape == x.shape and not torch.equal(made, x)


def test_it_begins_with_the_picture_as_it_is() -> None:
    x = pictures(2, 3, 20, 24)
    assert torch.equal(becoming(translator.build(ARGS)["G"], x, 1, 2), x)


def test_every_kind_is_another_picture_and_rows_do_not_mix() -> None:
    network, x = built()["G"], pictures(1, 3, 16, 16).expand(3, -1, -1, -1)
    together = becoming(network, x, 0, 1, 2)
    assert not torch.equal(together[0], together[1]) and not torch.equal(together[1], together[2])
    for kind in range(3):
        alone = becoming(network, x[:1], kind)[0]
        torch.testing.assert_close(alone, together[kind], atol=1e-5, rtol=0)


def test_what_is_far_away_does_not_matter() -> None:
    """So a place becomes the same in a small and in a large picture, unlike after a norm."""
    network, x = built()["G"], pictures(1, 3, 16, 256)
    other = x.clone()
    other[..., 128:] *= -1
    before, after = becoming(network, x, 1), becoming(network, other, 1)
    assert torch.equal(before[..., :16], after[..., :16])
    assert not torch.equal(before[..., 120:128], after[..., 120:128])


def test_finer_maps_reach_the_result_by_themselves() -> None:
    network, x = built()["G"], pictures(2, 3, 16, 16)
    assert isinstance(network, translator.Translator)
    maps = [one.detach().requires_grad_() for one in network.encode(x)]
    made, share = network.decode(x, maps, network.code(torch.tensor([1, 0])))
    assert share is None
    torch.autograd.backward(made.square().sum())
    assert [one.grad is not None and bool(one.grad.any()) for one in maps] == [
        True,
        True,
        False,
        True,
    ]


def test_a_reference_gives_its_style_wherever_things_are() -> None:
    network, x = built(features=16)["G"], pictures(2, 3, 16, 16)
    assert isinstance(network, translator.Translator)
    kind, model = torch.tensor([1, 1]), pictures(2, 3, 40, 56)
    plain, styled = network.code(kind), network.code(kind, model)
    assert styled.shape == plain.shape and not torch.equal(styled, plain)
    assert not torch.equal(styled[0], styled[1])
    assert not torch.equal(network(x, styled), network(x, plain))
    moved = network.code(kind, torch.cat([model[..., 28:], model[..., :28]], 3))
    assert (moved - styled).norm() < 0.5 * (network.code(kind, -model) - styled).norm()
    assert network.code(kind, pictures(2, 3, 5, 9)).shape == plain.shape


def test_a_local_one_says_where_it_changed() -> None:
    network, x = built(local=True)["G"], pictures(2, 3, 16, 16)
    assert isinstance(network, translator.Translator)
    code = network.code(torch.tensor([0, 1]))
    made, share = network.decode(x, network.encode(x), code)
    assert share is not None and share.shape == (2, 1, 16, 16)
    assert share.min() > 0 and share.max() < 1 and torch.equal(network(x, code), made)


def test_a_judge_of_cooccurrence_sees_two_pictures() -> None:
    judge = built(cooccurrence=True)["D"]
    assert judge(pictures(2, 6, 32, 32), torch.tensor([0, 2])).shape == (2, 4)


def test_the_judge_scores_as_each_kind() -> None:
    judge, x = built()["D"], pictures(2, 3, 32, 32)
    every = [judge(x, torch.tensor([kind, kind])) for kind in range(3)]
    assert every[0].shape == (2, 4)
    assert torch.equal(judge(x), every[0]) and not torch.equal(every[0], every[1])
    mixed = judge(x, torch.tensor([2, 0]))
    assert torch.equal(mixed[0], every[2][0]) and torch.equal(mixed[1], every[0][1])


def test_the_maps_are_those_that_are_compared() -> None:
    network = built()["G"]
    assert isinstance(network, translator.Translator)
    maps = network.encode(pictures(2, 3, 32, 32))
    assert [one.shape[1:] for one in maps] == [(8, 32, 32), (16, 16, 16), (16, 8, 8), (16, 8, 8)]
    for head, one in zip(network.heads, maps, strict=True):
        assert head(one.flatten(2).transpose(1, 2)).shape == (2, one[0, 0].numel(), 8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("height", 30),
        ("width", 8),
        ("channels", 4),
        ("classes", -1),
        ("local", 1),
        ("blocks", 3),
        ("heads", 4),
    ],
)
def test_odd_arguments_are_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=name):
        translator.build({**ARGS, name: value})
