"""Non-local means: a plain filter that a network against noise can begin at."""

import torch
from torch import Tensor
from torch.nn import functional as F

REACH = 4  # pixels around a place where alike ones are looked for
PATCH = 5  # pixels a side of what is compared
STRENGTH = 0.8  # of the filter, in deviations of the noise
LEAST = 1 / 255  # deviation below which there is nothing to take out, on the scale of [-1, 1]
DEVIATION = 0.6745  # median of the absolute value of a normal number
LAPLACIAN = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))  # noise times 6


def noise(x: Tensor) -> Tensor:
    """How strong the noise of pictures looks.

    Source: Immerkaer, "Fast Noise Variance Estimation", 1996: what is left of a picture by the
    difference of two Laplacians; its median, since edges and grain are few.

    Args:
        x: Pictures in [-1, 1], (N, C, H, W).

    Returns:
        Standard deviations on that scale, (N, 1, 1, 1).
    """
    channels = x.shape[1]
    kernel = torch.tensor(LAPLACIAN, dtype=x.dtype, device=x.device).expand(channels, 1, 3, 3)
    padded = F.pad(x, (1, 1, 1, 1), "replicate")
    left = F.conv2d(padded, kernel, groups=channels).abs().flatten(1)  # (N, C * H * W)
    return (left.median(1).values / (6 * DEVIATION)).clamp(min=LEAST).view(-1, 1, 1, 1)


def means(x: Tensor, sigma: Tensor) -> Tensor:
    """Each pixel becomes the mean of those around it whose surroundings look alike.

    Source: Buades, Coll, Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005; what
    noise alone adds to a difference is taken off, as in their implementation of 2011.

    Args:
        x: Pictures, (N, C, H, W).
        sigma: The standard deviation of their noise, (N, 1, 1, 1).

    Returns:
        (N, C, H, W).
    """
    height, width = x.shape[2:]
    around = F.pad(x, [REACH] * 4, "replicate")
    total, weights = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            other = around[:, :, down : down + height, right : right + width]
            far = (x - other).square().mean(1, keepdim=True)  # (N, 1, H, W)
            far = F.avg_pool2d(F.pad(far, [PATCH // 2] * 4, "replicate"), PATCH, stride=1)
            alike = (-(far - 2 * sigma**2).clamp(min=0) / (STRENGTH * sigma) ** 2).exp()
            total, weights = total + alike * other, weights + alike
    return total / weights
