"""The colours of one picture for another, in closed form: means and covariances of its channels.

Of all linear maps that give a picture the mean and the covariance of another one this is the one
that moves colours least (Pitié and Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping
for Example-Based Colour Transfer", CVMP 2007).

Departure: contrast is raised or lowered to a third at most, or a plain model would leave no folds
in cloth, and noise would become texture.
"""

import torch
from torch import Tensor

EVEN = (
    0.05  # a deviation of samples in [-1, 1] that every channel has at least, or noise would grow
)

STRETCH = 3.0  # most that contrast is raised or lowered, in any direction of the colours


@torch.no_grad()
def toning(pictures: Tensor, models: Tensor) -> Tensor:
    """The map from the colours of pictures to those of models.

    Args:
        pictures: In [-1, 1], (N, C, H, W).
        models: Pictures whose colours they shall have, (N, C, H', W').

    Returns:
        For each channel of the result the weights of the C channels and a constant,
        (N, C, C + 1), float32.
    """
    mean, spread = _moments(pictures)  # (N, C, 1) and (N, C, C)
    wanted, target = _moments(models)
    root = _power(spread, 0.5)
    inverse = _power(spread, -0.5)
    values, vectors = torch.linalg.eigh(inverse @ _power(root @ target @ root, 0.5) @ inverse)
    weights = _with(vectors, values.clamp(1 / STRETCH, STRETCH))
    return torch.cat([weights, wanted - weights @ mean], 2).float()


def toned(pictures: Tensor, tones: Tensor) -> Tensor:
    """Pictures (N, C, H, W) by the maps of their colours, (N or 1, C, C + 1), in [-1, 1]."""
    made = tones[:, :, :-1] @ pictures.flatten(2) + tones[:, :, -1:]
    return made.clamp(-1, 1).view_as(pictures)


def _moments(pictures: Tensor) -> tuple[Tensor, Tensor]:
    samples = pictures.double().flatten(2)  # (N, C, places)
    mean = samples.mean(2, keepdim=True)
    apart = samples - mean
    spread = apart @ apart.transpose(1, 2) / apart.shape[2]
    return mean, spread + EVEN**2 * torch.eye(apart.shape[1], device=apart.device)


def _power(matrices: Tensor, power: float) -> Tensor:
    """Powers of symmetric matrices with values above zero, (N, C, C)."""
    values, vectors = torch.linalg.eigh(matrices)
    return _with(vectors, values.clamp(min=1e-12).pow(power))


def _with(vectors: Tensor, values: Tensor) -> Tensor:
    """Symmetric matrices of those eigenvectors and values."""
    found: Tensor = vectors * values[:, None] @ vectors.transpose(1, 2)
    return found
