"""Whether generated samples are copies of the training set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import betabinom

from mintmark.metrics.distribution.checks import checked

BLOCK = 512  # queries whose distances are held at a time
QUANTILE = 0.01
SHOWN = 16
THREE_SIGMA = 0.00135  # one-sided tail of a Gaussian


@dataclass(frozen=True)
class Neighbour:
    """A generated sample and the training sample next to it.

    Attributes:
        fake: Index of the generated sample.
        train: Index of its nearest training sample.
        distance: Their Euclidean distance.
    """

    fake: int
    train: int
    distance: float


@dataclass(frozen=True)
class Novelty:
    """How near generated samples lie to the training set, next to held-out ones.

    Attributes:
        median_fake: Median distance of a generated sample to the training set.
        median_held_out: The same for held-out samples.
        threshold: The 1 % quantile of the held-out distances.
        copies: Share of generated samples nearer than the threshold.
        expected: That share for samples of the held-out law, about 0.01.
        excess: Whether `copies` exceeds `expected` by more than three sigma.
        nearest: The 16 nearest pairs, nearest first.
    """

    median_fake: float
    median_held_out: float
    threshold: float
    copies: float
    expected: float
    excess: bool
    nearest: tuple[Neighbour, ...]


def novelty(train: NDArray[Any], held_out: NDArray[Any], fake: NDArray[Any]) -> Novelty:
    """Compares generated with held-out samples by their distance to the training set.

    What it can and cannot say. Held-out samples are the yardstick of new work,
    so they must not hold near copies of training samples: those would hide
    copying. Held-out samples by other writers or photographers lie farther
    away than new work of the training ones, and a generator that is only good,
    or only typical, also lies nearer than they do. So no excess is strong
    evidence against copying, and an excess is a reason to look at `nearest`,
    not a proof. Flat pixels do not find a shifted or mirrored copy; features of
    a network find what that network ignores the difference of.

    Args:
        train: Features or flat pixels, (T, d).
        held_out: The same of samples that were not trained on, (H, d).
        fake: The same of generated samples, (M, d).

    Raises:
        ConfigError: A set is empty, holds NaN or Inf, or differs in d.
    """
    train, held_out, fake = checked(1, train=train, held_out=held_out, generated=fake)
    held_out_distances, _ = _nearest(held_out, train)
    distances, indices = _nearest(fake, train)
    rank, threshold = _threshold(held_out_distances)
    copies = int((distances < threshold).sum())
    # If fakes and held-out samples had one law, the part of it below the r-th
    # smallest of H distances would be Beta(r, H + 1 - r), and the number of M
    # fakes in that part beta-binomial: the sampling of the fakes and that of
    # the quantile in one exact tail, also for small sets.
    null = betabinom(len(fake), rank, len(held_out) + 1 - rank)
    order = np.argsort(distances, kind="stable")[:SHOWN]
    return Novelty(
        median_fake=float(np.median(distances)),
        median_held_out=float(np.median(held_out_distances)),
        threshold=threshold,
        copies=copies / len(fake),
        expected=rank / (len(held_out) + 1),
        excess=bool(null.sf(copies - 1) < THREE_SIGMA),
        nearest=tuple(Neighbour(int(i), int(indices[i]), float(distances[i])) for i in order),
    )


def _threshold(distances: NDArray[np.float64]) -> tuple[int, float]:
    """The rank, from 1, of the 1 % quantile among held-out distances, and its value."""
    # Held-out samples that repeat a training sample would put the threshold at
    # zero, where no fake could be nearer; the rank moves past them.
    repeats = int((distances == 0).sum())
    rank = max(round(QUANTILE * (len(distances) + 1)), repeats + 1)
    rank = min(rank, len(distances))
    return rank, float(np.sort(distances)[rank - 1])


def _nearest(
    queries: NDArray[np.float64], references: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance to and index of the nearest reference of each query, (N,) each."""
    distances = np.full(len(queries), np.inf)
    indices = np.zeros(len(queries), dtype=np.int64)
    for start in range(0, len(queries), BLOCK):
        block = cdist(queries[start : start + BLOCK], references)  # (block, T)
        indices[start : start + BLOCK] = block.argmin(axis=1)
        distances[start : start + BLOCK] = block.min(axis=1)
    return distances, indices
