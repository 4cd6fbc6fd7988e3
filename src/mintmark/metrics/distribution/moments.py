"""Count, mean and scatter of features, which add up over batches and processes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.checks import Features, checked

BLOCK = 1024  # rows that are centred at a time


@dataclass(frozen=True)
class Moments:
    """What a Gaussian fit needs to know of a set of features.

    Attributes:
        count: How many samples, N.
        mean: Their mean, (d,).
        scatter: Sum of the outer products of the centred samples, (d, d).
    """

    count: int
    mean: Features
    scatter: Features

    @property
    def covariance(self) -> Features:
        """The unbiased covariance (ddof = 1), (d, d), for N >= 2."""
        return self.scatter / (self.count - 1)


def moments_of(rows: NDArray[Any]) -> Moments:
    """The moments of one set of features, in float64.

    Args:
        rows: Features, (N, d); N may be 0, for a process that got no samples.

    Raises:
        ConfigError: The features are not two-dimensional or hold NaN or Inf.
    """
    (rows,) = checked(0, given=rows)
    n, d = rows.shape
    mean = rows.sum(axis=0) / max(n, 1)
    scatter = np.zeros((d, d))
    for start in range(0, n, BLOCK):
        centred = rows[start : start + BLOCK] - mean  # (block, d)
        scatter += centred.T @ centred
    return Moments(n, mean, scatter)


def require_one_space(a: Moments, b: Moments) -> None:
    """Refuses moments of different dimensions.

    Raises:
        ConfigError: They differ.
    """
    if a.mean.shape != b.mean.shape:
        raise ConfigError(
            f"Moments differ in dimensions ({len(a.mean)} and {len(b.mean)}); "
            "use one extractor for all."
        )


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of two sets taken together (Chan, Golub and LeVeque 1979).

    Raises:
        ConfigError: The sets differ in dimensions.
    """
    require_one_space(a, b)
    count = a.count + b.count
    share = b.count / max(count, 1)
    shift = b.mean - a.mean
    scatter = np.outer(shift, a.count * share * shift)  # (d, d)
    scatter += a.scatter
    scatter += b.scatter
    return Moments(count, a.mean + share * shift, scatter)


def streamed(batches: Iterable[NDArray[Any]]) -> Moments:
    """The moments of features that come in batches, of which one is held at a time.

    Args:
        batches: Features, (n, d) each, n of any size.

    Raises:
        ConfigError: There are no batches, they differ in dimensions or one is unfit.
    """
    parts = map(moments_of, batches)
    first = next(parts, None)
    if first is None:
        raise ConfigError("There are no batches of features to measure; give at least one.")
    return reduce(merged, parts, first)


def gathered(moments: Moments) -> Moments:
    """The moments of the samples of all processes, the same in each process.

    The parts are merged in the order of ranks. Without a process group, or with
    one process in it, these are the `moments` given.

    Args:
        moments: Those of this process, of one d in all processes.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return moments
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    flat = np.concatenate([[moments.count], moments.mean, moments.scatter.ravel()])
    own = torch.from_numpy(flat).to(device)  # (1 + d + d * d,), float64
    parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, own)
    return reduce(merged, (_unpacked(part.cpu().numpy(), len(moments.mean)) for part in parts))


def _unpacked(flat: Features, d: int) -> Moments:
    """Moments from count, mean and scatter in one row; a count is exact up to 2^53."""
    return Moments(int(flat[0]), flat[1 : 1 + d], flat[1 + d :].reshape(d, d))
