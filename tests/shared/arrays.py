"""Samples and weights by chance, and pictures on the disk, for the tests of every room."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.data.pictures import decode


def normal(seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def noise(seed: int, *shape: int, kind: type = np.uint8) -> NDArray[Any]:
    """Every level of a kind of sample."""
    most = np.iinfo(kind).max
    return np.random.default_rng(seed).integers(0, most, shape, dtype=kind, endpoint=True)


def inputs(*shape: int) -> Tensor:
    """What a network is given, in [-1, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def stirred(
    build: Callable[[Mapping[str, Any]], dict[str, nn.Module]],
    args: Mapping[str, Any],
    by: float = 0.05,
) -> dict[str, nn.Module]:
    """Networks with every weight moved, since some begin at zero on purpose."""
    torch.manual_seed(0)
    networks = build(args)
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=by)
    return networks


def write(path: Path, array: NDArray[Any]) -> Path:
    """A PNG, (H, W, C)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(Picture(array), "png"))
    return path


def array_of(path: Path) -> NDArray[Any]:
    """The samples of a picture, (H, W, C)."""
    return decode(path.read_bytes(), path.name).array
