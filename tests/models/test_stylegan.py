from typing import Any

import pytest
import torch
from arrays import stirred
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.engines.synthesis import in_chunks
from mintmark.models import stylegan
from mintmark.models.layers.discriminator import Discriminator
from mintmark.models.layers.resample import enlarge, reduce, upsample
from mintmark.models.stylegan import Generator, ModulatedConv, StyleBlock, StyleGANArgs

ARGS: dict[str, Any] = {
    "height": 32,
    "width": 32,
    "channels": 3,
    "classes": 3,
    "widths": [32, 32, 16, 16],
    "latent": 8,
    "style": 12,
    "block": "dense",
}
ROWS = 4


def built(**changes: object) -> tuple[Generator, Discriminator]:
    networks = stirred(stylegan.build, {**ARGS, **changes}, by=0.1)
    generator, discriminator = networks["G"], networks["D"]
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    return generator.eval(), discriminator


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


Z, CLASSES = drawn(ROWS, 8), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize("block", ["dense", "grouped"])
@pytest.mark.parametrize(
    ("height", "width", "channels", "widths"),
    [
        (8, 8, 1, [16, 16]),
        (16, 16, 4, [16, 16, 16]),
        (24, 16, 3, [16, 16, 16]),
        (48, 32, 2, [16, 16, 16, 16]),
        (20, 100, 3, [16, 16, 16]),
    ],
)
def test_shapes(block: str, height: int, width: int, channels: int, widths: list[int]) -> None:
    shape = {"height": height, "width": width, "channels": channels, "widths": widths}
    generator, discriminator = built(block=block, **shape)
    pictures = generator(Z, CLASSES, noise=drawn(ROWS, generator.noise))
    assert pictures.shape == (ROWS, channels, height, width)
    assert discriminator(pictures, CLASSES).shape == (ROWS,)
    assert generator.layers == len(widths) + 1


@pytest.mark.parametrize("groups", [1, 2])
def test_modulation_equals_weights_of_each_samples_own(groups: int) -> None:
    """Equations 1 and 3 of StyleGAN2, as a convolution grouped by sample."""
    torch.manual_seed(0)
    layer = ModulatedConv(32, groups).double()
    with torch.no_grad():
        layer.bias.normal_()
        layer.strength.fill_(0.3)
    x, noise = torch.randn(ROWS, 32, 5, 6).double(), torch.randn(ROWS, 1, 5, 6).double()
    scale = torch.randn(ROWS, 32, 1, 1).double()
    each = scale.view(ROWS, groups, 1, 32 // groups, 1, 1)
    weights = layer.conv.weight.view(1, groups, 32 // groups, 32 // groups, 3, 3) * each
    norm = weights.square().sum((3, 4, 5), keepdim=True).add(stylegan.TINY).sqrt()
    weights = (weights / norm).reshape(ROWS * 32, 32 // groups, 3, 3)
    y = F.conv2d(x.reshape(1, ROWS * 32, 5, 6), weights, padding=1, groups=ROWS * groups)
    y = y.view(ROWS, 32, 5, 6) + 0.3 * noise + layer.bias
    expected = F.leaky_relu(y, 0.2) * (2 / 1.04) ** 0.5
    found = layer(x, scale, noise)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("block", ["dense", "grouped"])
def test_a_fresh_block_is_its_skip_path(block: str) -> None:
    args = StyleGANArgs(**{**ARGS, "block": block})
    x = drawn(ROWS, 32, 4, 4)
    fresh = StyleBlock(args, 32)
    assert torch.equal(fresh(x, drawn(ROWS, 12), None), x)


@pytest.mark.parametrize("block", ["dense", "grouped"])
def test_variance_survives_depth(block: str) -> None:
    torch.manual_seed(0)
    networks = stylegan.build({**ARGS, "block": block, "blocks": 3})
    z, classes = torch.randn(64, 8), torch.arange(64) % 3
    pictures = networks["G"](z, classes).detach()
    assert 0.2 < float(pictures.std()) < 5
    assert 0.05 < float(networks["D"](pictures, classes).detach().std()) < 20


def test_the_mapping_network_does_not_see_the_length_of_a_latent() -> None:
    generator, _ = built()
    torch.testing.assert_close(generator.mapping(3 * Z, CLASSES), generator.mapping(Z, CLASSES))


def test_truncation_moves_styles_towards_the_mean_of_the_condition() -> None:
    generator, _ = built()
    styles = generator.styles(Z, CLASSES)[:, 0]
    mean = generator.mean_style(CLASSES, ROWS)
    assert torch.equal(mean[0], mean[3]) and not torch.equal(mean[0], mean[1])
    half = generator.styles(Z, CLASSES, 0.5)[:, 0]
    torch.testing.assert_close(half, (styles + mean) / 2)
    none = generator(Z, CLASSES, 0.0)
    torch.testing.assert_close(none[0], none[3])
    assert not torch.allclose(none[0], none[1], atol=1e-3)
    assert torch.equal(generator(Z, CLASSES, 1.0), generator(Z, CLASSES))
    many = generator.mapping(drawn(20_000, 8, seed=9), torch.zeros(20_000, dtype=torch.int64))
    error = many.std(0) / stylegan.MEAN_OF**0.5
    assert ((many.mean(0) - mean[0]).abs() < 5 * error).all()


def test_truncation_leaves_the_global_generator_alone() -> None:
    generator, _ = built()
    before = torch.get_rng_state()
    first, again = generator(Z, CLASSES, 0.3), generator(Z, CLASSES, 0.3)
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())


def crossed(generator: Generator, cross: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Which layers of each row have the second style, (N, layers)."""
    seen: list[Tensor] = []
    paint = generator.paint

    def watched(styles: Tensor, noise: Tensor | None = None) -> Tensor:
        seen.append(styles)
        return paint(styles[:1], noise)

    monkeypatch.setattr(generator, "paint", watched)
    rows = len(cross)
    first, second = drawn(rows, 8, seed=1), drawn(rows, 8, seed=2)
    classes = torch.zeros(rows, dtype=torch.int64)
    generator(first, classes, other=second, cross=cross)
    mine, theirs = generator.styles(first, classes), generator.styles(second, classes)
    (styles,) = seen
    takes = (styles == theirs).all(2)
    assert torch.equal(styles, torch.where(takes[:, :, None], theirs, mine))
    return takes


def test_training_mixes_half_of_the_pictures_from_a_layer_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator, _ = built()
    takes = crossed(generator, drawn(4000, 2), monkeypatch)
    mixed = takes.any(1)
    assert float(mixed.float().mean()) == pytest.approx(0.5, abs=3 * (0.25 / 4000) ** 0.5)
    assert not takes[:, 0].any()  # a picture keeps its own coarsest style
    assert takes[mixed, -1].all()
    assert torch.equal(takes, takes.cummax(1).values)  # and from its layer on it is the other's
    starts = takes[mixed].int().argmax(1)
    shares = torch.bincount(starts, minlength=generator.layers)[1:] / mixed.sum()
    even = 1 / (generator.layers - 1)
    assert (shares - even).abs().max() < 4 * (even / 2000) ** 0.5


def test_noise_begins_without_effect() -> None:
    torch.manual_seed(0)
    generator = stylegan.build(ARGS)["G"]
    assert isinstance(generator, Generator)
    assert generator.extras["noise"] == 4 * 4 + 8 * 8 + 16 * 16 + 32 * 32
    grains = drawn(ROWS, generator.noise)
    plain = generator(Z, CLASSES)
    assert torch.equal(generator(Z, CLASSES, noise=grains), plain)
    for block in generator.blocks:
        assert isinstance(block, StyleBlock)
        nn.init.constant_(block.mix.strength, 0.5)
        nn.init.normal_(block.contract.weight, 0, 0.1)
    assert not torch.allclose(generator(Z, CLASSES, noise=grains), generator(Z, CLASSES), atol=1e-3)


def test_noise_reaches_its_own_stage_alone() -> None:
    """Values of the lowest stage move the whole picture, those of the highest their own place."""
    generator, _ = built()
    silent = torch.zeros(1, generator.noise)
    plain = generator(Z[:1], CLASSES[:1], noise=silent)
    fine = silent.clone()
    fine[0, -1] = 5.0  # the last cell of the top stage, whose blocks see two cells around
    difference = (generator(Z[:1], CLASSES[:1], noise=fine) - plain).abs().amax((0, 1))
    assert difference[-1, -1] > 1e-4
    assert difference[:-3].max() < 1e-6 and difference[:, :-3].max() < 1e-6
    coarse = silent.clone()
    coarse[0, 0] = 5.0
    moved = (generator(Z[:1], CLASSES[:1], noise=coarse) - plain).abs().amax((0, 1)) > 1e-5
    assert moved.sum() > 64


@pytest.mark.parametrize("psi", [1.0, 0.5])
def test_pictures_do_not_depend_on_their_neighbours(psi: float) -> None:
    generator, _ = built()
    z, classes = drawn(19, 8), torch.arange(19) % 3
    noise = drawn(19, generator.noise)

    def draw(z: Tensor, condition: Tensor, noise: Tensor) -> Tensor:
        pictures: Tensor = generator(z, condition, psi, noise=noise)
        return pictures

    whole = in_chunks(draw, generator, z, classes, noise)
    some = torch.tensor([18, 3, 7])
    part = in_chunks(draw, generator, z[some], classes[some], noise[some])
    assert torch.equal(part, whole[some])


def test_scales_are_by_the_cells_of_a_stage() -> None:
    generator, _ = built(blocks=2, height=64, width=64, widths=[16] * 5)
    scales = [generator.scale_of(layer) for layer in range(generator.layers)]
    assert scales == ["coarse"] * 4 + ["middle"] * 2 + ["fine"] * 5
    small, _ = built(height=8, width=8, widths=[16, 16])
    assert [small.scale_of(layer) for layer in range(small.layers)] == ["coarse", "coarse", "fine"]


def at(generator: Generator, level: float) -> Tensor:
    generator.level.fill_(level)
    pictures: Tensor = generator(Z, CLASSES, noise=drawn(ROWS, generator.noise))
    return pictures


def test_a_growing_generator_draws_the_size_of_its_level() -> None:
    generator = built(grow=True)[0].train()
    sizes = {1.0: 8, 2.0: 16, 3.0: 32}
    for level, size in sizes.items():
        assert at(generator, level).shape == (ROWS, 3, size, size)
    generator.eval()
    assert {at(generator, level).shape for level in sizes} == {(ROWS, 3, 32, 32)}


def test_only_lower_stages_matter_at_a_level() -> None:
    generator, discriminator = built(grow=True)
    generator.train()
    discriminator.level.fill_(2.0)
    before, x = at(generator, 2.0), drawn(ROWS, 3, 16, 16)
    scores = discriminator(x, CLASSES)
    with torch.no_grad():
        for parts in (generator.blocks[3], generator.finish[3], generator.tints[3]):
            for parameter in parts.parameters():
                parameter.normal_()
        for parts in (discriminator.stages[0], discriminator.starts[0]):  # its top comes first
            for parameter in parts.parameters():
                parameter.normal_()
    assert torch.equal(at(generator, 2.0), before)
    assert torch.equal(discriminator(x, CLASSES), scores)
    assert not torch.equal(at(generator, 3.0), upsample(before))


def test_a_new_stage_changes_nothing_before_it_learns() -> None:
    networks = stylegan.build({**ARGS, "grow": True})
    generator, discriminator = networks["G"], networks["D"]
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    generator.train()
    lower, upper = at(generator, 2.0), at(generator, 3.0)
    assert torch.equal(upper, enlarge(lower))
    x = drawn(ROWS, 3, 32, 32)
    discriminator.level.fill_(2.0)
    small = discriminator(reduce(x), CLASSES)
    discriminator.level.fill_(3.0)
    torch.testing.assert_close(discriminator(x, CLASSES), small)
    assert torch.equal(reduce(enlarge(x)), x)


def test_growth_begins_at_a_stage_that_draws_and_sees_pictures() -> None:
    """Lower stages without a picture of their own: enlarged cells would be all it drew for long."""
    networks = stylegan.build({**ARGS, "grow": True, "first": 2})
    generator, discriminator = networks["G"], networks["D"]
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    ends, starts = generator.finish, discriminator.starts[::-1]  # its stages run from the top down
    for skips in (ends, starts):
        assert [bool(next(skip.parameters()).any()) for skip in skips] == [True, False]
    generator.train()
    lower = at(generator, 2.0)
    assert lower.shape[2:] == (16, 16) and not torch.equal(lower, enlarge(reduce(lower)))
    assert torch.equal(at(generator, 3.0), enlarge(lower))
    assert at(generator, 1.0).shape == lower.shape  # there is no lower one


@pytest.mark.parametrize("first", [-1, 4, 1.5])
def test_a_first_stage_that_is_not_there_is_refused(first: float) -> None:
    with pytest.raises(ConfigError, match="0 to 3 as first"):
        stylegan.build({**ARGS, "grow": True, "first": first})


@pytest.mark.parametrize("level", [-1e9, 0.0, 1e30, float("inf"), float("nan")])
def test_a_hostile_level_is_harmless(level: float) -> None:
    """A package may say anything of its level; it draws and judges at a stage that exists."""
    generator, discriminator = built(grow=True)
    assert at(generator, level).shape == (ROWS, 3, 32, 32)
    discriminator.level.fill_(level)
    low = not level >= 1  # NaN too
    assert discriminator(drawn(ROWS, 3, 8 if low else 32, 8 if low else 32), CLASSES).shape == (
        ROWS,
    )


def test_a_decoder_draws_what_was_seen_in_small() -> None:
    _, discriminator = built(decoder=True)
    assert discriminator.reconstruct(drawn(ROWS, 3, 32, 32)).shape == (ROWS, 3, 32, 32)
    _, wide = built(decoder=True, height=16, width=24, widths=[16, 16, 16])
    assert wide.reconstruct(drawn(ROWS, 3, 16, 24)).shape == (ROWS, 3, 32, 48)
    with pytest.raises(ValueError, match="without a decoder"):
        built()[1].reconstruct(drawn(ROWS, 3, 32, 32))


@pytest.mark.parametrize("preset", ["tiny", "small", "base"])
def test_presets_widen_the_style(preset: str) -> None:
    lengths = {"tiny": 64, "small": 128, "base": 512}
    args = stylegan.preset(preset, (3, 16, 16), {"classes": 0})
    assert args["style"] == lengths[preset]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"style": 0}, "1 to 4096 as style"), ({"depth": 10**6}, "1 to 16 as depth")],
)
def test_bad_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stylegan.build({**ARGS, **change})
