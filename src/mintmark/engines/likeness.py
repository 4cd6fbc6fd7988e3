"""How far what was made is from what it should be, as losses: each is 0 for equal pictures."""

import torch
from torch import Tensor
from torch.nn import functional as F

FLOOR = 1e-6  # mean square below which nothing is gained, -66 dB
WINDOW, SIGMA = 11, 1.5  # pixels, of SSIM's window
SMALLER = (2, 4, 8)  # times, of the pictures that are compared too
STEADY = ((0.01 * 2) ** 2, (0.03 * 2) ** 2)  # SSIM's constants for samples in [-1, 1]


def pixel(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of pictures, (N, C, H, W)."""
    return F.l1_loss(made, target)


def error(made: Tensor, target: Tensor) -> Tensor:
    """Mean logarithm of each picture's mean square difference: PSNR, turned into a loss.

    A picture with little damage counts as much as one with a lot, where a mean over
    pixels hears the latter alone (Chen et al., "Simple Baselines for Image Restoration", 2022).
    """
    squares = (made - target).square().mean((1, 2, 3))  # (N,)
    return ((squares + FLOOR) / FLOOR).log().mean()


def detail(made: Tensor, target: Tensor) -> Tensor:
    """As `error`, after each channel of a picture got the gain and the offset that suit it best.

    So what is local is heard beside tones that may be wrong by more.
    """
    x, y = (one - one.mean((2, 3), keepdim=True) for one in (made, target))
    gain = (x * y).mean((2, 3), keepdim=True) / x.square().mean((2, 3), keepdim=True).clamp(
        min=FLOOR
    )
    return error(gain * x, y)


def gradient(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of what changes from pixel to pixel (Mathieu et al., 2016)."""
    far = made - target
    return far.diff(dim=2).abs().mean() + far.diff(dim=3).abs().mean()


def structure(made: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM (Wang et al., 2004), Gaussian window of 11 pixels, inside the border only."""
    c1, c2 = STEADY
    mean1, mean2 = _windowed(made), _windowed(target)
    var1 = _windowed(made.square()) - mean1.square()
    var2 = _windowed(target.square()) - mean2.square()
    both = _windowed(made * target) - mean1 * mean2
    light = (2 * mean1 * mean2 + c1) / (mean1.square() + mean2.square() + c1)
    contrast = (2 * both + c2) / (var1 + var2 + c2)
    return 1 - (light * contrast).mean()


def _windowed(x: Tensor) -> Tensor:
    """Weighted means around each place, (N, C, H - 10, W - 10)."""
    offset = torch.arange(WINDOW, device=x.device, dtype=x.dtype) - WINDOW // 2
    taps = (-offset.square() / (2 * SIGMA**2)).exp()
    taps = (taps / taps.sum()).expand(x.shape[1], 1, 1, -1)  # (C, 1, 1, 11)
    rows = F.conv2d(x, taps, groups=x.shape[1])
    return F.conv2d(rows, taps.transpose(2, 3), groups=x.shape[1])


def scales(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of each picture at the whole and at smaller sizes, (N,).

    Small pictures agree where the same lies a few pixels away.
    """
    levels = [1, *(size for size in SMALLER if size <= min(made.shape[2:]))]
    far = [(F.avg_pool2d(made, k) - F.avg_pool2d(target, k)).abs().mean((1, 2, 3)) for k in levels]
    return torch.stack(far).sum(0)


LOSSES = {
    "pixel": pixel,
    "error": error,
    "detail": detail,
    "gradient": gradient,
    "structure": structure,
}
"""By the name of their weight in `Paired`."""
