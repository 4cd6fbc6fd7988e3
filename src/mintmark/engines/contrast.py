"""Patches of a result that shall tell which patch of its source they came from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEMPERATURE = 0.07  # of the comparison
PATCHES = 128  # places of a map that are compared


def chosen(numbers: Tensor, count: int) -> Tensor:
    """Places of a map, each once.

    Args:
        numbers: Uniform, (N, places).
        count: Most places of a row.

    Returns:
        (N, k), k at most `count`.
    """
    return numbers.argsort(1)[:, :count]


def at(features: Tensor, places: Tensor) -> Tensor:
    """The features of some places of maps.

    Args:
        features: (N, C, H, W).
        places: (N, k), in [0, H * W).

    Returns:
        (N, k, C).
    """
    flat = features.flatten(2).transpose(1, 2)  # (N, H * W, C)
    return flat.gather(1, places.unsqueeze(2).expand(-1, -1, flat.shape[2]))


def patch_nce(head: nn.Module, made: Tensor, source: Tensor) -> Tensor:
    """PatchNCE: each patch against all of the same picture (Park et al., CUT, ECCV 2020).

    Args:
        head: What features are compared through.
        made: Features of the result at some places, (N, k, C).
        source: Those of its source at the same places, (N, k, C).

    Returns:
        A cross-entropy a picture, (N,), float32.
    """
    query = F.normalize(head(made).float(), dim=2)  # (N, k, out)
    key = F.normalize(head(source).float(), dim=2).detach()
    logits = query @ key.transpose(1, 2) / TEMPERATURE  # (N, k, k)
    right = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
    return F.cross_entropy(logits.transpose(1, 2), right, reduction="none").mean(1)
