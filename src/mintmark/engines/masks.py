"""Shapes by chance: masks of what is missing in a picture, and scratches over it.

Masks are for filling in (inpainting) and out (outpainting). Their kinds follow the field:
boxes and free-form strokes (Yu et al., "Free-Form Image Inpainting with Gated
Convolution", ICCV 2019), wide ones too (Suvorov et al., LaMa, WACV 2022). Departure: the
missing share is drawn first, and a box, a border or the width of a brush is made to fit
it, so that no mask is empty or nearly everything.
"""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.training.draws import Draws

LEAST, MOST = 0.1, 0.5  # share of the picture that is missing
STROKES = 4  # of one mask at most
SEGMENTS = 4  # of one stroke
STEP = (0.1, 0.35)  # length of a segment, in sides of the picture
BEND = math.pi / 2  # most that a stroke turns between two segments, either way
LEAN = 0.1  # columns a row that a scratch may cross, either way
COARSE = 4  # numbers a side that a blob's field is drawn from
SPECKS = 6  # of dust at most

Kind = Literal["box", "strokes", "half", "border"]


@torch.no_grad()
def mask(kind: Kind, size: tuple[int, int], draws: Draws, name: str) -> Tensor:
    """Masks of one kind, one for each row of `draws`.

    Args:
        kind: `box`: a rectangle anywhere; `strokes`: free-form brush strokes; `half`: the
            upper, lower, left or right half; `border`: a margin on one to four sides. All
            but `half` take a share of the picture that is uniform in [LEAST, MOST].
        size: Rows and columns.
        draws: Randomness for the rows.
        name: Keeps these draws apart from others of the step.

    Returns:
        (N, 1, H, W), float32: 1 where something is missing, else 0.
    """
    share = LEAST + (MOST - LEAST) * draws.uniform(f"{name}/share")  # (N,)
    if kind == "box":
        return _outside(size, *_box(share, draws, name)).logical_not().float()
    if kind == "strokes":
        return _strokes(size, share, draws, name)
    margins = _half(draws, name) if kind == "half" else _border(share, draws, name)
    return _outside(size, margins[:, ::2], margins[:, 1::2]).float()


@torch.no_grad()
def blob(size: tuple[int, int], draws: Draws, name: str) -> Tensor:
    """Round shapes of any form: where a smooth random field is highest.

    Args:
        size: Rows and columns.
        draws: Randomness for the rows.
        name: Keeps these draws apart from others of the step.

    Returns:
        (N, 1, H, W), float32: 1 on a share of the picture uniform in [LEAST, MOST], else 0.
    """
    share = LEAST + (MOST - LEAST) * draws.uniform(f"{name}/share")  # (N,)
    field = draws.normal(f"{name}/field", 1, COARSE, COARSE)
    field = F.interpolate(field, size=size, mode="bicubic", align_corners=True)
    ordered = field.flatten(1).sort(1, descending=True).values  # (N, H * W)
    rank = (share * ordered.shape[1]).long()
    return (field > ordered.gather(1, rank[:, None]).view(-1, 1, 1, 1)).float()


def distance(size: tuple[int, int], start: Tensor, end: Tensor) -> Tensor:
    """How far each pixel's centre is from a segment.

    Args:
        size: Rows and columns.
        start: One end of each row's segment, (y, x) in pixels from the upper left, (N, 2).
        end: The other end, (N, 2); it may be the same.

    Returns:
        Pixels, (N, 1, H, W).
    """
    y = torch.arange(size[0], device=start.device).add(0.5).view(1, 1, -1, 1)
    x = torch.arange(size[1], device=start.device).add(0.5).view(1, 1, 1, -1)
    start_y, start_x, along_y, along_x = (
        value.view(-1, 1, 1, 1) for value in torch.cat([start, end - start], 1).unbind(1)
    )
    y, x = y - start_y, x - start_x  # (N, 1, H, 1), (N, 1, 1, W)
    length = (along_y.square() + along_x.square()).clamp(min=1e-12)  # a point has none
    nearest = ((y * along_y + x * along_x) / length).clamp(0, 1)  # (N, 1, H, W)
    return ((y - nearest * along_y).square() + (x - nearest * along_x).square()).sqrt()


def _outside(size: tuple[int, int], before: Tensor, after: Tensor) -> Tensor:
    """What is not in a rectangle, (N, 1, H, W).

    Args:
        size: Rows and columns.
        before: Share of the height above it and of the width left of it, (N, 2).
        after: Share below it and right of it, (N, 2).
    """
    outside = []
    for axis, side in enumerate(size):
        centre = torch.arange(side, device=before.device).add(0.5).div(side)  # (side,)
        outside.append((centre < before[:, axis, None]) | (centre > 1 - after[:, axis, None]))
    return outside[0][:, None, :, None] | outside[1][:, None, None, :]


def _box(share: Tensor, draws: Draws, name: str) -> tuple[Tensor, Tensor]:
    """What lies before and after a rectangle of that share and any aspect from 1:2 to 2:1."""
    numbers = draws.uniform(f"{name}/box", 3)  # (N, 3)
    aspect = torch.exp2(2 * numbers[:, 0] - 1)
    sides = torch.stack([share * aspect, share / aspect], dim=1).sqrt()  # (N, 2)
    before = (1 - sides) * numbers[:, 1:]
    return before, 1 - sides - before


def _half(draws: Draws, name: str) -> Tensor:
    """Missing margins above, below, left and right, in sides of the picture, (N, 4)."""
    side = draws.uniform(f"{name}/side", 1).mul(4).floor()  # (N, 1)
    return (torch.arange(4, device=side.device) == side).float() / 2


def _border(share: Tensor, draws: Draws, name: str) -> Tensor:
    """Missing margins above, below, left and right, in sides of the picture, (N, 4)."""
    sides = draws.uniform(f"{name}/sides", 1).mul(15).floor().add(1)  # every set but the empty one
    bits = torch.tensor([1, 2, 4, 8], device=share.device)
    on = (sides.div(bits, rounding_mode="floor") % 2).view(-1, 2, 2)  # (N, axis, before or after)
    weight = on * (0.5 + draws.uniform(f"{name}/weight", 2, 2))  # at least 0.5 where there is any
    axes = on.amax(2)  # (N, 2): whether anything is missing along the axis
    kept = (1 - share[:, None]) ** (axes / axes.sum(1, keepdim=True))  # (N, 2), product 1 - share
    lost = weight / weight.sum(2, keepdim=True).clamp(min=0.5) * (1 - kept)[:, :, None]
    return lost.flatten(1)


def _strokes(size: tuple[int, int], share: Tensor, draws: Draws, name: str) -> Tensor:
    """Random walks by a round brush that is just as wide as the share asks for."""
    corners = _walks(size, draws, name)  # (N, STROKES, SEGMENTS + 1, 2)
    count = (share / MOST * STROKES).ceil()  # the more is missing, the more strokes
    nearest = torch.full((len(share), 1, *size), math.inf, device=share.device)
    for stroke in range(STROKES):
        drawn = (stroke < count).view(-1, 1, 1, 1)
        for segment in range(SEGMENTS):
            start, end = corners[:, stroke, segment], corners[:, stroke, segment + 1]
            found = torch.where(drawn, distance(size, start, end), math.inf)
            nearest = torch.minimum(nearest, found)
    ordered = nearest.flatten(1).sort(1).values  # (N, H * W)
    rank = (share * ordered.shape[1]).long()
    return (nearest < ordered.gather(1, rank[:, None]).view(-1, 1, 1, 1)).float()


def _walks(size: tuple[int, int], draws: Draws, name: str) -> Tensor:
    """Corners (y, x) of random walks in pixels, (N, STROKES, SEGMENTS + 1, 2)."""
    first = draws.uniform(f"{name}/first", STROKES, 1, 2)
    turn, length = draws.uniform(f"{name}/walk", 2, STROKES, SEGMENTS).unbind(1)
    begin = 2 * math.pi * draws.uniform(f"{name}/begin", STROKES, 1)
    angle = begin + (BEND * (2 * turn - 1)).cumsum(2)
    steps = (STEP[0] + (STEP[1] - STEP[0]) * length)[..., None] * torch.stack(
        [angle.sin(), angle.cos()], dim=-1
    )
    corners = torch.cat([first, first + steps.cumsum(2)], dim=2)
    corners = 1 - (1 - corners % 2).abs()  # thrown back at the borders, into [0, 1]
    return corners * torch.tensor(size, device=corners.device)


@torch.no_grad()
def scratched(images: Tensor, most: int, draws: Draws, name: str) -> Tensor:
    """Thin bright or dark lines, nearly upright as on film, and specks of dust.

    Args:
        images: (N, C, H, W) in [-1, 1].
        most: Lines at most; each row has a uniform number from 0 of them, and of specks.
        draws: Randomness for the rows.
        name: Keeps these draws apart from others of the step.

    Returns:
        (N, C, H, W).
    """
    size = images.shape[2], images.shape[3]
    images = _painted(images, _lines(size, most, draws, name), draws, f"{name}/lines")
    return _painted(images, _specks(size, draws, name), draws, f"{name}/specks")


def _lines(size: tuple[int, int], most: int, draws: Draws, name: str) -> Tensor:
    """Ends (y, x, y, x) and radius in pixels of upright lines, (N, most, 5)."""
    height, width = size
    x, lean, top, length, radius = draws.uniform(f"{name}/upright", 5, most).unbind(1)
    top = (top - 0.25) * height  # some come in from above
    length = (0.3 + 0.9 * length) * height
    first, last = x * width, x * width + LEAN * (2 * lean - 1) * length
    return torch.stack([top, first, top + length, last, 0.3 + 0.5 * radius], dim=2)


def _specks(size: tuple[int, int], draws: Draws, name: str) -> Tensor:
    """Likewise of dots, most of them drawn out by a pixel or two, (N, SPECKS, 5)."""
    y, x, down, right, radius = draws.uniform(f"{name}/dust", 5, SPECKS).unbind(1)
    y, x = y * size[0], x * size[1]
    return torch.stack([y, x, y + 4 * (down - 0.5), x + 4 * (right - 0.5), 0.5 + radius], dim=2)


def _painted(images: Tensor, marks: Tensor, draws: Draws, name: str) -> Tensor:
    """The first few of the marks, (N, most, 5), on each row, each bright or dark."""
    size, most = (images.shape[2], images.shape[3]), marks.shape[1]
    count = draws.uniform(f"{name}/count", 1).mul(most + 1).floor()  # (N, 1)
    opacity, tone = draws.uniform(f"{name}/look", 2, most).unbind(1)
    opacity = (0.4 + 0.6 * opacity) * (torch.arange(most, device=marks.device) < count)
    tone = torch.where(tone < 0.5, -1.0, 1.0)
    looks = torch.stack([marks[:, :, 4] + 0.5, opacity, tone], dim=2)  # (N, most, 3)
    for number in range(most):
        reach, opaque, colour = looks[:, number].view(-1, 3, 1, 1, 1).unbind(1)
        start, end = marks[:, number, :2], marks[:, number, 2:4]
        cover = (reach - distance(size, start, end)).clamp(0, 1) * opaque  # falls over one pixel
        images = images + cover * (colour - images)
    return images
