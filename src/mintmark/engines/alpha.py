"""Transparency as networks see it: colours laid on white, beside their alpha.

What is wholly transparent has no colour, so straight colours end in a staircase wherever a
shape does: no mean of pixels and no smooth layer goes with that, and a generator answers with
combs of single pixels (docs/explanation/measured.md). Laid on white, colours fade out as they
do to the eye. White instead of the usual black (Porter and Duff, "Compositing Digital Images",
SIGGRAPH 1984), since this is where pictures are laid to be looked at, and by the metrics.
"""

import torch
from torch import Tensor

LEAST = 0.5 / 255  # an alpha that is rounded to nothing


def on_white(pictures: Tensor) -> Tensor:
    """Lays colours on white and keeps their alpha.

    Args:
        pictures: In [-1, 1], (N, C, H, W); those without alpha, and samples of other kinds,
            are returned as they are.

    Returns:
        In [-1, 1], of the same shape.
    """
    if not _has_alpha(pictures):
        return pictures
    colours, alpha = pictures[:, :-1], pictures[:, -1:]
    return torch.cat([1 - (1 - colours) * (alpha + 1) / 2, alpha], 1)


def straight(pictures: Tensor) -> Tensor:
    """Undoes `on_white` and clips to [-1, 1]; what is wholly transparent becomes white.

    Args:
        pictures: In about [-1, 1], (N, C, H, W), as a generator draws them.

    Returns:
        In [-1, 1], of the same shape.
    """
    pictures = pictures.clamp(-1, 1)
    if not _has_alpha(pictures):
        return pictures
    laid, alpha = pictures[:, :-1], pictures[:, -1:]
    share = (alpha + 1) / 2
    colours = 1 - (1 - laid) / share.clamp(min=LEAST)
    return torch.cat([colours.where(share >= LEAST, 1.0).clamp(-1, 1), alpha], 1)


def _has_alpha(pictures: Tensor) -> bool:
    return pictures.ndim == 4 and pictures.shape[1] in (2, 4)
