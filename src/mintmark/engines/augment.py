"""Augmentation of what the discriminator sees, differentiable twice.

Two sets: `ada` (Karras et al., 2020, StyleGAN2-ADA) and `diff` (Zhao et al.,
2020, DiffAugment). Each transform acts on a sample with a probability p that is
off, fixed, ramped along the run (R3GAN) or adapted to overfitting (ADA). The
same law is applied to real and generated samples, so it does not leak into the
generator as long as p stays below 0.8.

Departures: one geometric resampling without ADA's wavelet filter, which softens
pictures: a generator whose pictures were all softened drew combs of single pixels that
nobody saw (docs/explanation/measured.md). So shifts are by whole pixels, which softens
nothing, and all that resamples acts on a share p of the pictures together. Overfitting
is read from pairs (share of real samples above the generated one beside them),
because relativistic logits have no zero of their own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.training.draws import Draws

MOST = 0.8  # p above this leaks into the generator (ADA, section 3)
MEMORY = 0.95  # smoothing of the overfitting sign, a step
TURN = 2 * math.pi
LUMA = (1 / math.sqrt(3),) * 3  # the grey axis of RGB


FRESH = 25  # passes over the data; in fewer a discriminator cannot learn it by heart
WORN = 100  # passes, from which on it will unless everything is augmented
RESAMPLING = 4  # geometric transforms of ADA that resample
FEW = 1_500  # pictures; so few are better served by the gentler set

Kind = Literal["off", "ada", "diff"]


@dataclass(frozen=True)
class Augment:
    """How samples are augmented.

    Attributes:
        kind: The set of transforms, or `off`; `auto` has to be chosen by the size of
            the data first (`chosen`).
        mode: How the probability p behaves.
        strength: p itself when fixed; its end when ramped (half cosine from 0).
        target: Overfitting sign that `adaptive` aims at, in [-1, 1].
        images: Images over which `adaptive` can move p by 1.
        colours: Whether colours change too; not where a condition asks for them.
    """

    kind: Kind | Literal["auto"] = "off"
    mode: Literal["fixed", "ramp", "adaptive"] = "ramp"
    strength: float = 0.3
    target: float = 0.6
    images: int = 500_000
    colours: bool = True

    def controls(self) -> dict[str, float]:
        """What has to be remembered from step to step."""
        return {"augment": 0.0, "overfit": 0.0} if self.mode == "adaptive" else {}

    def probability(self, controls: Mapping[str, float], fraction: float) -> float:
        """The probability p at this moment."""
        if self.kind == "off":
            return 0.0
        if self.mode == "adaptive":
            return controls["augment"]
        if self.mode == "ramp":
            return self.strength * (1 - math.cos(math.pi * min(fraction, 1.0))) / 2
        return self.strength

    def adapt(
        self, controls: Mapping[str, float], pairs_won: float | None, batch: int
    ) -> dict[str, float]:
        """Moves p up while the discriminator overfits, else down.

        Args:
            controls: The present values.
            pairs_won: Share of pairs ranked right; None in a step without.
            batch: Images of the step.
        """
        if self.mode != "adaptive" or self.kind == "off" or pairs_won is None:
            return dict(controls)
        sign = MEMORY * controls["overfit"] + (1 - MEMORY) * (2 * pairs_won - 1)
        change = math.copysign(batch / self.images, sign - self.target)
        p = min(max(controls["augment"] + change, 0.0), MOST)
        return {**controls, "overfit": sign, "augment": p}

    def apply(self, images: Tensor, p: float, draws: Draws, name: str) -> Tensor:
        """Augments a batch.

        Args:
            images: (N, C, H, W) in about [-1, 1]; alpha (C of 2 or 4) follows the
                geometry and the cutout but keeps its values in a change of colours.
            p: Probability of each transform for each sample.
            draws: Randomness for these N rows.
            name: Keeps these draws apart from others of the step.

        Returns:
            (N, C, H, W).
        """
        if self.kind == "off" or p <= 0:
            return images
        # In bfloat16 the coordinates of a 64-pixel picture would be off by an eighth of a pixel.
        with torch.autocast(images.device.type, enabled=False):
            transform = _diff if self.kind == "diff" else _ada
            return transform(images.float(), p, draws, name, self.colours)


def chosen(augment: Augment, pictures: int, images: int) -> Augment:
    """The augmentation for a run, by how often it passes over the data.

    With relativistic pairs the overfitting sign of ADA is also high while the generator
    is merely young, so an adaptive p would rise in every short run; the number of passes
    says beforehand what it would have to find out.

    Args:
        augment: Whose `kind` may be `auto`, to choose that too, and whose `colours` are kept.
        pictures: How many real ones there are.
        images: How many the run will show.
    """
    passes = images / pictures
    if augment.kind == "off" or (augment.kind == "auto" and passes < FRESH):
        return replace(augment, kind="off")
    kind: Kind = augment.kind if augment.kind != "auto" else "diff" if pictures < FEW else "ada"
    if passes < WORN:
        return replace(augment, kind=kind, mode="ramp", strength=0.3)
    return replace(augment, kind=kind, mode="fixed", strength=0.6)


def _ada(images: Tensor, p: float, draws: Draws, name: str, colours: bool) -> Tensor:
    images = _warp(images, _ada_geometry(p, draws, f"{name}/geometry", images.shape[2:]))
    if colours:
        images = _recolour(images, _ada_colours(p, draws, f"{name}/colour"))
    return _cut_out(images, p, draws, f"{name}/cutout", side=0.5)


def _diff(images: Tensor, p: float, draws: Draws, name: str, colours: bool) -> Tensor:
    on, amount = _chances(p, draws, f"{name}/diff", 5)
    images = _warp(images, _shift(amount[:, :2] - 0.5, on[:, :1], images.shape[2:]))
    if colours:
        images = _recolour(images, _diff_colours(on, amount))
    return _cut_out(images, p, draws, f"{name}/cutout", side=0.5)


def _diff_colours(on: Tensor, amount: Tensor) -> Tensor:
    """Brightness, saturation and contrast as (N, 4, 4) matrices on (R, G, B, 1)."""
    brightness = (amount[:, 2] - 0.5) * 2 * 0.5 * on[:, 2]
    saturation = torch.where(on[:, 3] > 0, amount[:, 3] * 2, 1.0)
    contrast = torch.where(on[:, 4] > 0, amount[:, 4] + 0.5, 1.0)
    return _saturate(saturation) @ _scale3(contrast) @ _brighten(brightness)


def _chances(p: float, draws: Draws, name: str, count: int) -> tuple[Tensor, Tensor]:
    """Which of `count` transforms act on each row (1 or 0), and a uniform amount for each."""
    numbers = draws.uniform(name, 2, count)  # (N, 2, count)
    return (numbers[:, 0] < p).float(), numbers[:, 1]


def _ada_geometry(p: float, draws: Draws, name: str, sides: Sequence[int]) -> Tensor:
    """Output-to-input maps of the pixel-blitting and geometric transforms, (N, 3, 3)."""
    on, amount = _chances(p, draws, name, 3)
    normal = draws.normal(f"{name}/normal", 4)
    some = 1 - (1 - p) ** (1 / RESAMPLING)  # of each, so that p of all have any
    also, turns = _chances(some, draws, f"{name}/resampling", RESAMPLING)
    flip = torch.where((on[:, 0] > 0) & (amount[:, 0] < 0.5), -1.0, 1.0)
    quarter = (amount[:, 1] * 4).floor() * on[:, 1] * (TURN / 4)
    scale = torch.exp2(0.2 * normal[:, 0] * also[:, 0])
    turn = (turns[:, 1] - 0.5) * TURN * also[:, 1]
    stretch = torch.exp2(0.2 * normal[:, 1] * also[:, 2])
    part = 0.25 * normal[:, 2:4] * also[:, 3:]  # standard deviation 1/8 of the side
    matrix = _stretch(flip, torch.ones_like(flip)) @ _rotate(quarter)
    matrix = matrix @ _shift(turns[:, ::3] - 0.5, on[:, 2:], sides)
    matrix = matrix @ _stretch(scale, scale) @ _rotate(turn) @ _stretch(stretch, 1 / stretch)
    return matrix @ _translate(part[:, 0], part[:, 1])


def _shift(amount: Tensor, on: Tensor, sides: Sequence[int]) -> Tensor:
    """Maps of shifts by whole pixels, up to 1/8 of the side either way, (N, 3, 3).

    Args:
        amount: In [-0.5, 0.5], (N, 2).
        on: 1 where there is a shift, else 0, (N, 1).
        sides: Rows and columns.
    """
    pixels = amount.new_tensor([sides[1], sides[0]])
    shift = (amount / 4 * pixels).round() * on / pixels * 2  # of half a side, (N, 2)
    return _translate(shift[:, 0], shift[:, 1])


def _ada_colours(p: float, draws: Draws, name: str) -> Tensor:
    """Colour transforms as (N, 4, 4) matrices on (R, G, B, 1)."""
    on, amount = _chances(p, draws, name, 5)
    normal = draws.normal(f"{name}/normal", 3)
    axis = torch.tensor([*LUMA, 0.0], device=on.device)
    mirror = torch.eye(4, device=on.device) - 2 * torch.outer(axis, axis) * (
        (on[:, 2] > 0) & (amount[:, 2] < 0.5)
    ).float().view(-1, 1, 1)
    matrix = _brighten(0.2 * normal[:, 0] * on[:, 0])
    matrix = _scale3(torch.exp2(0.5 * normal[:, 1] * on[:, 1])) @ matrix
    matrix = mirror @ matrix
    matrix = _turn_hue((amount[:, 3] - 0.5) * TURN * on[:, 3]) @ matrix
    return _saturate(torch.exp2(normal[:, 2] * on[:, 4])) @ matrix


def _cut_out(images: Tensor, p: float, draws: Draws, name: str, side: float) -> Tensor:
    """Sets a square of `side` of the picture to mid grey."""
    rows, _, height, width = images.shape
    on, centre = _chances(p, draws, name, 2)
    y = torch.arange(height, device=images.device).add(0.5).div(height)
    x = torch.arange(width, device=images.device).add(0.5).div(width)
    inside_y = (y - centre[:, :1]).abs() < side / 2  # (N, H)
    inside_x = (x - centre[:, 1:]).abs() < side / 2  # (N, W)
    hole = inside_y[:, None, :, None] & inside_x[:, None, None, :]  # (N, 1, H, W)
    return images * (~(hole & (on[:, 0] > 0).view(rows, 1, 1, 1))).float()


def _recolour(images: Tensor, matrix: Tensor) -> Tensor:
    """Applies (N, 4, 4) colour matrices; grey takes the mean of the three rows."""
    channels = images.shape[1]
    colours = 3 if channels >= 3 else 1
    colour, alpha = images[:, :colours], images[:, colours:]
    linear, offset = matrix[:, :3, :3], matrix[:, :3, 3]
    if colours == 1:
        linear = linear.sum(2, keepdim=True).mean(1, keepdim=True)  # (N, 1, 1)
        offset = offset.mean(1, keepdim=True)  # (N, 1)
    mixed = torch.einsum("nij,njhw->nihw", linear, colour) + offset[:, :, None, None]
    return torch.cat([mixed, alpha], dim=1)


def _matrices(rows: list[list[Tensor | float]], like: Tensor) -> Tensor:
    """(N, k, k) matrices from entries that are (N,) or constants."""
    entries = [
        torch.stack([torch.zeros_like(like) + entry for entry in row], dim=-1) for row in rows
    ]
    return torch.stack(entries, dim=-2)


def _translate(x: Tensor, y: Tensor) -> Tensor:
    return _matrices([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]], x)


def _stretch(x: Tensor, y: Tensor) -> Tensor:
    return _matrices([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, 1.0]], x)


def _rotate(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return _matrices([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], angle)


def _brighten(b: Tensor) -> Tensor:
    identity = [[float(i == j) for j in range(4)] for i in range(4)]
    rows: list[list[Tensor | float]] = [[*row[:3], b] for row in identity[:3]]
    return _matrices([*rows, [0.0, 0.0, 0.0, 1.0]], b)


def _scale3(s: Tensor) -> Tensor:
    return _matrices(
        [[s, 0.0, 0.0, 0.0], [0.0, s, 0.0, 0.0], [0.0, 0.0, s, 0.0], [0.0, 0.0, 0.0, 1.0]], s
    )


def _saturate(s: Tensor) -> Tensor:
    """Scales the distance from the grey axis."""
    axis = torch.tensor([*LUMA, 0.0], device=s.device)
    keep = torch.outer(axis, axis)
    keep[3, 3] = 1.0
    return keep + (torch.eye(4, device=s.device) - keep) * s.view(-1, 1, 1)


def _turn_hue(angle: Tensor) -> Tensor:
    """Rotates around the grey axis (Rodrigues' formula)."""
    a = LUMA[0]
    cross = torch.tensor(
        [[0, -a, a, 0], [a, 0, -a, 0], [-a, a, 0, 0], [0, 0, 0, 0]],
        dtype=torch.float32,
        device=angle.device,
    )
    sin, cos = angle.sin().view(-1, 1, 1), angle.cos().view(-1, 1, 1)
    return torch.eye(4, device=angle.device) + sin * cross + (1 - cos) * (cross @ cross)


def _warp(images: Tensor, matrix: Tensor) -> Tensor:
    """Resamples bilinearly through (N, 3, 3) output-to-input maps, mirrored at the border."""
    grid = F.affine_grid(matrix[:, :2], list(images.shape), align_corners=False)
    sampled: Tensor = _Sample.apply(images, grid)  # type: ignore[no-untyped-call]
    return sampled


MODES = {"mode": "bilinear", "padding_mode": "reflection", "align_corners": False}
MODE_NUMBERS = (0, 2, False)  # the same three, as the operator numbers them


class _Sample(torch.autograd.Function):
    """`grid_sample` that can be differentiated twice by its input.

    The operator is linear in the picture, so its backward is the adjoint and
    the adjoint's backward is the operator; torch lacks the second.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return F.grid_sample(images, grid.to(images.dtype), **MODES)  # type: ignore[arg-type]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Adjoint.apply(gradient, grid, ctx.shape), None  # type: ignore[no-untyped-call]


class _Adjoint(torch.autograd.Function):
    """The adjoint of `_Sample` at the same grid."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        images = gradient.new_empty(shape)
        result: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            gradient, images, grid.to(gradient.dtype), *MODE_NUMBERS, [True, False]
        )[0]
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradient, grid), None, None  # type: ignore[no-untyped-call]
