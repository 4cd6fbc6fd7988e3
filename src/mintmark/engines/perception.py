"""How pictures look to the shipped feature network: losses that pixels cannot tell."""

import copy
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from mintmark.metrics import extractors
from mintmark.metrics.features import FeatureNet

FEATURES = "pictures"  # the shipped network whose maps are compared
SMALL = 1e-4  # a variance, so that even maps have a gradient


def perceptual_loss(made: Tensor, clean: Tensor) -> Tensor:
    """Mean distance in the maps of the network; see `metrics.perceptual`.

    Args:
        made: Pictures in [-1, 1], (N, C, H, W).
        clean: What they should be.
    """
    unit = (
        (F.normalize(a), F.normalize(b)) for a, b in zip(_maps(made), _maps(clean), strict=True)
    )
    return torch.stack([(a - b).square().sum(1).mean() for a, b in unit]).sum()


def texture_loss(made: Tensor, model: Tensor) -> Tensor:
    """How far means and deviations of the maps of pictures lie apart, wherever things are.

    Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
    Normalization", ICCV 2017, there squared.

    Args:
        made: Pictures in [-1, 1], (N, C, H, W).
        model: Pictures whose texture they should have, (N, C, H', W').

    Returns:
        One a picture, (N,).
    """
    parts = []
    for ours, theirs in zip(_maps(made), _maps(model), strict=True):
        parts += [
            (a - b).abs().mean(1) for a, b in zip(_moments(ours), _moments(theirs), strict=True)
        ]
    return torch.stack(parts).sum(0)


def constancy_loss(made: Tensor, source: Tensor) -> Tensor:
    """How far the features of pictures lie from those of their sources: f-constancy.

    Taigman, Polyak and Wolf, "Unsupervised Cross-Domain Image Generation", ICLR 2017, there with
    the features of a network that knows what they are.

    Returns:
        1 - cosine, one a picture, (N,).
    """
    ours, theirs = (_maps(x)[-1].mean((2, 3)) for x in (made, source))
    return 1 - F.cosine_similarity(ours, theirs)


def _moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (N, C) each."""
    return maps.mean((2, 3)), (maps.var((2, 3), correction=0) + SMALL).sqrt()


def _maps(x: Tensor) -> list[Tensor]:
    return _feature_net(x.device).maps(extractors.with_channels(x, 3))


@cache
def _feature_net(device: torch.device) -> FeatureNet:
    net = copy.deepcopy(extractors.shipped(FEATURES).net)
    assert isinstance(net, FeatureNet)
    return net.to(device).requires_grad_(False)
