"""Non-local means: a plain filter that a network against noise can begin at."""

import torch
from torch import Tensor
from torch.nn import functional as F

REACH = 4  # pixels around a place where alike ones are looked for
PATCH = 5  # pixels a side of what is compared
STRENGTH = 0.8  # of the filter, in deviations of the noise
MARGIN = REACH + PATCH // 2  # pixels beyond the border that are looked at
HALF = tuple(  # of the shifts within reach, one of each two that are opposite
    (down, right)
    for down in range(REACH + 1)
    for right in range(-REACH, REACH + 1)
    if (down, right) > (0, 0)
)
LEAST = 1 / 255  # deviation below which there is nothing to take out, on the scale of [-1, 1]
DEVIATION = 0.6745  # median of the absolute value of a normal number
LOUDER = 6  # times the noise: what is left by second differences along both axes


def noise(x: Tensor) -> Tensor:
    """How strong the noise of pictures looks.

    Source: Immerkaer, "Fast Noise Variance Estimation", 1996: what is left of a picture by the
    difference of two Laplacians; its median, since edges and grain are few.

    Args:
        x: Pictures in [-1, 1], (N, C, H, W).

    Returns:
        Standard deviations on that scale, (N, 1, 1, 1).
    """
    padded = F.pad(x, (1, 1, 1, 1), "replicate")
    left = padded.diff(n=2, dim=2).diff(n=2, dim=3).abs().flatten(1)  # (N, C * H * W)
    return (left.median(1).values / (LOUDER * DEVIATION)).clamp(min=LEAST).view(-1, 1, 1, 1)


@torch.no_grad()
def means(x: Tensor, sigma: Tensor) -> Tensor:
    """Each pixel becomes the mean of those around it whose surroundings look alike.

    Source: Buades, Coll, Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005; what
    noise alone adds to a difference is taken off, as in their implementation of 2011.

    Args:
        x: Pictures, (N, C, H, W).
        sigma: The standard deviation of their noise, (N, 1, 1, 1).

    Returns:
        (N, C, H, W), without gradients.
    """
    height, width = x.shape[2:]
    wide = F.pad(x, [MARGIN] * 4, "replicate")
    total, weights = x.clone(), torch.ones_like(x[:, :1])  # a pixel is wholly like itself
    for shift in HALF:
        alike, ahead, behind = _alike(wide, shift, sigma)
        # Two places are as alike from either end, so half of the shifts serve both ways.
        for found, (down, right) in ((ahead, shift), (behind, (-shift[0], -shift[1]))):
            weight = alike[:, :, found[0] : found[0] + height, found[1] : found[1] + width]
            top, left = MARGIN + down, MARGIN + right
            total.addcmul_(weight, wide[:, :, top : top + height, left : left + width])
            weights.add_(weight)
    return total.div_(weights)


def _alike(
    wide: Tensor, shift: tuple[int, int], sigma: Tensor
) -> tuple[Tensor, tuple[int, int], tuple[int, int]]:
    """How alike places are to those a shift away, from 0 to 1.

    Args:
        wide: Pictures with their margin, (N, C, H + 2 MARGIN, W + 2 MARGIN).
        shift: Rows down, at least 0, and columns to the right.
        sigma: The standard deviation of their noise, (N, 1, 1, 1).

    Returns:
        (N, 1, H + rows, W + columns), and where in it the places of the pictures begin that look
        ahead by the shift, and those that the shift ends at.
    """
    down, right = shift
    top, left = MARGIN - down - PATCH // 2, MARGIN - max(right, 0) - PATCH // 2
    rows = wide.shape[2] - 2 * MARGIN + down + PATCH - 1
    columns = wide.shape[3] - 2 * MARGIN + abs(right) + PATCH - 1
    here = wide[:, :, top : top + rows, left : left + columns]
    there = wide[:, :, top + down : top + down + rows, left + right : left + right + columns]
    far = _sums(_sums((here - there).square_().sum(1, keepdim=True), 2), 3)
    samples, unit = wide.shape[1] * PATCH**2, (STRENGTH * sigma) ** 2
    alike = far.mul_(-1 / (samples * unit)).add_(2 * sigma**2 / unit).clamp_(max=0).exp_()
    return alike, (down, max(right, 0)), (0, max(-right, 0))


def _sums(x: Tensor, axis: int) -> Tensor:
    """Each place and the next ones, PATCH in all; several times as fast as pooling."""
    length = x.shape[axis] - PATCH + 1
    total = x.narrow(axis, 0, length) + x.narrow(axis, 1, length)
    for place in range(2, PATCH):
        total.add_(x.narrow(axis, place, length))
    return total
