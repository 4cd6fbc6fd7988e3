"""Changes of a picture as its own colours, mixed differently from place to place.

Around each place the changed picture is explained by the given one, as a sum of its channels and
a constant (He, Sun and Tang, "Guided Image Filtering", IEEE TPAMI 2013). Such a change makes no
edge where there was none, bends no line, and may be found on a small picture and used on the
large one (He and Sun, "Fast Guided Filter", 2015).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

EVEN = 1e-3  # a variance of samples in [-1, 1]: what varies less is taken to be even


def mixtures(given: Tensor, changed: Tensor, radius: int) -> Tensor:
    """How the channels of a picture are mixed at each place to look like another one.

    Args:
        given: (1, C, h, w).
        changed: The same picture after a change, (1, C, h, w).
        radius: Pixels from the middle of a window to its border.

    Returns:
        For each channel of the result the weights of the C channels and a constant,
        (1, C (C + 1), h, w); see `mixed`.
    """
    channels = given.shape[1]
    mean, wanted = _means(given, radius), _means(changed, radius)  # (1, C, h, w)
    spread = _products(given, given, radius) - mean[:, :, None] * mean[:, None]  # (1, C, C, h, w)
    shared = _products(given, changed, radius) - mean[:, :, None] * wanted[:, None]
    square = spread.movedim((1, 2), (3, 4)) + EVEN * torch.eye(channels)  # (1, h, w, C, C)
    weights = torch.linalg.solve(square, shared.movedim((1, 2), (3, 4)))  # (1, h, w, C, C')
    weights = weights.movedim((4, 3), (1, 2))  # (1, C', C, h, w)
    constant = wanted - (weights * mean[:, None]).sum(2)
    return _means(torch.cat([weights, constant[:, :, None]], 2).flatten(1, 2), radius)


def mixed(part: Tensor, mixture: Tensor) -> Tensor:
    """A part of a picture, (C, h, w), by the mixtures of its places, (C (C + 1), h, w)."""
    channels = len(part)
    weights = mixture.view(channels, channels + 1, *mixture.shape[1:])
    made: Tensor = (weights[:, :-1] * part).sum(1) + weights[:, -1]
    return made.clamp(-1, 1)


def _products(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """Mean products of the channels of two pictures in windows, (1, C, C', h, w)."""
    products = first[:, :, None] * second[:, None]
    return _means(products.flatten(1, 2), radius).view_as(products)


def _means(x: Tensor, radius: int) -> Tensor:
    """Means in square windows, of what of them lies in the picture."""
    return F.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)
