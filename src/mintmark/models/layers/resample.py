"""Anti-aliased resampling by a factor of two, in plain torch.

The binomial filter [1, 2, 1] is the one that R3GAN (Huang et al., 2024) uses
for both directions. Edges are reflected by replication so that a constant
picture stays constant up to its border.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def upsample(x: Tensor) -> Tensor:
    """Doubles height and width with a bilinear filter.

    Args:
        x: Feature maps, (N, C, H, W).

    Returns:
        Feature maps, (N, C, 2H, 2W), same mean as `x`.
    """
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def downsample(x: Tensor) -> Tensor:
    """Halves height and width after a [1, 2, 1] low-pass.

    The filter pair (low-pass, keep every second) on [1, 2, 1] padded by
    replication equals a separable 4-tap kernel [1, 3, 3, 1] / 8 at the
    half-pixel grid that `upsample` uses, so the two stay aligned.

    Args:
        x: Feature maps, (N, C, H, W), H and W even.

    Returns:
        Feature maps, (N, C, H/2, W/2).
    """
    channels = x.shape[1]
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    kernel = torch.outer(taps, taps).expand(channels, 1, 4, 4)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")  # (N, C, H+2, W+2)
    return F.conv2d(padded, kernel, stride=2, groups=channels)  # (N, C, H/2, W/2)


def enlarge(x: Tensor) -> Tensor:
    """Doubles height and width by repeating each cell; `reduce` undoes it exactly."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def reduce(x: Tensor) -> Tensor:
    """Halves height and width by the means of 2x2 cells."""
    return F.avg_pool2d(x, 2)
