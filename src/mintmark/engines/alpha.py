"""Transparency as networks see it: colours laid on white, beside their alpha.

What is wholly transparent has no colour, so straight colours end in a staircase wherever a
shape does: no mean of pixels and no smooth layer goes with that, and a generator answers with
combs of single pixels (docs/explanation/measured.md). Laid on white, colours fade out as they
do to the eye. White instead of the usual black (Porter and Duff, "Compositing Digital Images",
SIGGRAPH 1984), since this is where most pictures are laid to be looked at.
"""

import torch
from torch import Tensor

TINY = 1e-8


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
    """Undoes `on_white` and clips to [-1, 1].

    Where a colour is stronger than its alpha allows, alpha is raised until it does: on white
    everything looks as it was drawn.

    Args:
        pictures: In about [-1, 1], (N, C, H, W), as a generator draws them.

    Returns:
        In [-1, 1], of the same shape; white where nothing shows.
    """
    pictures = pictures.clamp(-1, 1)
    if not _has_alpha(pictures):
        return pictures
    missing, alpha = 1 - pictures[:, :-1], pictures[:, -1:]  # from white, in [0, 2]
    share = torch.maximum((alpha + 1) / 2, missing.amax(1, keepdim=True) / 2)  # in [0, 1]
    colours = 1 - missing / share.clamp(min=TINY)
    return torch.cat([colours, 2 * share - 1], 1)


def _has_alpha(pictures: Tensor) -> bool:
    return pictures.ndim == 4 and pictures.shape[1] in (2, 4)
