from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mintmark.engines import augment
from mintmark.engines.augment import FEW, FRESH, WORN, Augment, chosen
from mintmark.training.draws import Draws

ROWS = 64


def draws(step: int = 0, rows: int = ROWS) -> Draws:
    return Draws(0, step, rows, 0, rows)


def pictures(channels: int = 3, rows: int = ROWS) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(rows, channels, 8, 8, generator=generator) * 2 - 1


@pytest.mark.parametrize("kind", ["ada", "diff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_augmented_pictures_are_finite_and_mostly_changed(kind: str, channels: int) -> None:
    images = pictures(channels)
    changed = Augment(kind=kind).apply(images, 1.0, draws(), "x")  # type: ignore[arg-type]
    assert changed.shape == images.shape
    assert bool(changed.isfinite().all())
    assert float((changed != images).flatten(1).any(1).float().mean()) > 0.95


@pytest.mark.parametrize("kind", ["off", "ada", "diff"])
def test_probability_zero_changes_nothing(kind: str) -> None:
    images = pictures()
    same = Augment(kind=kind).apply(images, 0.0, draws(), "x")  # type: ignore[arg-type]
    assert same is images


@pytest.mark.parametrize("kind", ["ada", "diff"])
def test_lower_precision_around_it_does_not_blur_the_geometry(kind: str) -> None:
    images = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    augment_ = Augment(kind=kind)  # type: ignore[arg-type]
    plain = augment_.apply(images, 0.8, draws(rows=8), "x")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(augment_.apply(images, 0.8, draws(rows=8), "x"), plain)


def test_the_identity_warp_is_exact() -> None:
    images = pictures()
    identity = torch.eye(3).expand(ROWS, 3, 3)
    torch.testing.assert_close(augment._warp(images, identity), images, atol=1e-5, rtol=0)


def test_turns_and_flips_move_pixels_as_they_should() -> None:
    images = pictures(rows=2)
    quarter = augment._rotate(torch.full((2,), torch.pi / 2))
    torch.testing.assert_close(
        augment._warp(images, quarter), images.rot90(1, (2, 3)), atol=1e-4, rtol=0
    )
    mirror = augment._stretch(torch.full((2,), -1.0), torch.ones(2))
    torch.testing.assert_close(augment._warp(images, mirror), images.flip(3), atol=1e-4, rtol=0)


def test_colour_transforms_leave_grey_where_it_belongs() -> None:
    grey = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 3, 2, 2)
    for matrix in (augment._saturate(torch.rand(5) * 3), augment._turn_hue(torch.rand(5) * 6)):
        torch.testing.assert_close(augment._recolour(grey, matrix), grey, atol=1e-5, rtol=0)
    turned = augment._turn_hue(torch.full((1,), 2 * torch.pi / 3))
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    found = augment._recolour(red, turned).flatten()
    assert sorted(found.tolist()) == pytest.approx([0, 0, 1], abs=1e-5)


def test_alpha_follows_the_geometry_but_not_the_colours() -> None:
    images = pictures(4)
    matrix = augment._brighten(torch.full((ROWS,), 0.5))
    assert torch.equal(augment._recolour(images, matrix)[:, 3], images[:, 3])


def test_the_penalty_sees_through_the_warp() -> None:
    """Gradients of gradients by the picture, against finite differences."""
    torch.manual_seed(0)
    images = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    matrix = augment._rotate(torch.tensor([0.3, 1.1])) @ augment._translate(
        torch.tensor([0.2, -0.1]), torch.tensor([0.05, 0.3])
    )
    grid = torch.nn.functional.affine_grid(
        matrix[:, :2].double(), [2, 1, 4, 4], align_corners=False
    )

    def warp(x: Tensor) -> Tensor:
        result: Tensor = augment._Sample.apply(x, grid)  # type: ignore[no-untyped-call]
        return result

    torch.autograd.gradcheck(warp, (images,))
    torch.autograd.gradgradcheck(lambda x: warp(x).pow(3), (images,))


def test_each_row_has_its_own_draw_and_ranks_agree() -> None:
    kind = Augment(kind="ada")
    images = pictures()
    whole = kind.apply(images, 0.7, draws(), "x")
    part = kind.apply(images[10:20], 0.7, draws().rows(10, 20), "x")
    torch.testing.assert_close(whole[10:20], part)
    assert not torch.equal(whole, kind.apply(images, 0.7, draws(), "y"))
    assert not torch.equal(whole, kind.apply(images, 0.7, draws(step=1), "x"))


def test_the_share_of_augmented_rows_follows_p() -> None:
    images = pictures(rows=4000)
    for p in (0.1, 0.5):
        cut = augment._cut_out(images, p, draws(rows=4000), "x", side=0.5)
        share = float((cut != images).flatten(1).any(1).float().mean())
        assert share == pytest.approx(p, abs=4 * (p * (1 - p) / 4000) ** 0.5)


def test_modes_of_p() -> None:
    ramp = Augment(kind="ada", mode="ramp", strength=0.4)
    assert [ramp.probability({}, f) for f in (0, 0.5, 1)] == pytest.approx([0, 0.2, 0.4])
    assert replace(ramp, mode="fixed").probability({}, 0.1) == 0.4
    assert replace(ramp, kind="off").probability({}, 1.0) == 0.0


def test_adaptive_rises_while_overfitting_and_falls_after() -> None:
    kind = Augment(kind="ada", mode="adaptive", images=1000)
    controls = kind.controls()
    for _ in range(200):
        controls = kind.adapt(controls, 1.0, 10)
    assert controls["augment"] == augment.MOST
    for _ in range(400):
        controls = kind.adapt(controls, 0.6, 10)
    assert controls["augment"] == 0.0
    assert kind.adapt(controls, None, 10) == controls


AUTO = Augment("auto", colours=False)


@pytest.mark.parametrize(
    ("pictures", "passes", "kind", "mode"),
    [
        (300, FRESH - 1, "off", None),
        (300, FRESH, "diff", "ramp"),
        (300, WORN, "diff", "fixed"),
        (FEW, WORN - 1, "ada", "ramp"),
        (FEW, WORN, "ada", "fixed"),
        (100_000, 1, "off", None),
    ],
)
def test_augmentation_follows_from_the_data_and_the_length(
    pictures: int, passes: int, kind: str, mode: str | None
) -> None:
    found = chosen(AUTO, pictures, pictures * passes)
    assert found.kind == kind
    assert mode is None or found.mode == mode
    assert not found.colours


def test_a_kind_that_was_asked_for_is_kept() -> None:
    for pictures in (300, 100_000):
        for images in (pictures, 1000 * pictures):
            assert chosen(Augment("off"), pictures, images).kind == "off"
            assert chosen(Augment("ada"), pictures, images).kind == "ada"
            assert chosen(Augment("diff"), pictures, images).kind == "diff"
    gentle, strong = (chosen(Augment("ada"), 100, images) for images in (100, 100 * WORN))
    assert gentle.probability({}, 1.0) < strong.probability({}, 1.0)


def exact(images: Tensor, out: Tensor) -> Tensor:
    """Whether each picture's pixels are all pixels that it had before, (N,)."""
    nearest = (out.flatten(1)[:, :, None] - images.flatten(1)[:, None]).abs().amin(2)
    return nearest.amax(1) < 1e-5


def test_the_gentle_set_softens_nothing() -> None:
    """Shifts are by whole pixels; a cut-out is mid grey."""
    images = torch.rand(64, 1, 12, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images[:, :, 0, 0] = 0  # the grey of a cut-out
    out = Augment("diff", "fixed", colours=False).apply(images, 1.0, Draws(0, 0, 64, 0, 64), "a")
    assert not torch.equal(out, images) and exact(images, out).all()


def test_all_that_softens_acts_on_a_share_p_together() -> None:
    images = torch.rand(512, 1, 12, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images[:, :, 0, 0] = 0
    augment = Augment("ada", "fixed", colours=False)
    for p in (0.2, 0.6):
        out = augment.apply(images, p, Draws(0, 0, 512, 0, 512), "a")
        assert float((~exact(images, out)).float().mean()) == pytest.approx(p, abs=0.06)
