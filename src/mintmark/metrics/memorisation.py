"""Whether generated samples are copies of the training set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked
from mintmark.metrics.distribution.distances import nearest

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
    held_out_distances, _ = nearest(held_out, train)
    distances, indices = nearest(fake, train)
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


@dataclass(frozen=True)
class CloserShare:
    """How many generated samples lie nearer to the training set than to a held-out one.

    Attributes:
        share: That share, ties by half, in [0, 1]; 0.5 where nothing is memorised.
        error: Its standard deviation where nothing is memorised.
        size: Samples of each set that were compared with.
    """

    share: float
    error: float
    size: int


def closer_share(
    train: NDArray[Any], held_out: NDArray[Any], fake: NDArray[Any], seed: int = 0
) -> CloserShare:
    """The share of generated samples that are nearer to training than to held-out samples.

    The two sets are brought to one size, or the larger would be nearer by its size
    alone (the overfitting figure of SDMetrics' distances to the closest record;
    Meehan et al. 2020, "A non-parametric test to detect data-copying" for the
    comparison with a held-out set). It reacts to a slight pull of all samples
    towards the training set, which `novelty` does not see, and hardly to few copies.

    If nothing is memorised, a training sample could as well have been held out.
    The error is exact for that case: the standard deviation over all ways to
    deal the same 2n samples into two sets. It grows where few samples are
    nearest to many fakes, as with a collapsed generator, and needs held-out
    samples of the training law: others are farther away for that reason alone.

    Args:
        train: Features or flat pixels, (T, d).
        held_out: The same of samples that were not trained on, (H, d).
        fake: The same of generated samples, (M, d).
        seed: Decides which samples of the larger set are left out, whatever
            their order.

    Raises:
        ConfigError: A set is empty, holds NaN or Inf, or differs in d.
    """
    train, held_out, fake = checked(1, train=train, held_out=held_out, generated=fake)
    size = min(len(train), len(held_out))
    to_train, train_indices = nearest(fake, _some(train, size, seed))
    to_held_out, held_out_indices = nearest(fake, _some(held_out, size, seed))
    nearer = np.where(to_train == to_held_out, 0.5, to_train < to_held_out)  # (M,)
    # The share of the fakes that have a sample as their nearest is its weight, and
    # the figure adds the weights of n samples of 2n: the variance of such a sum.
    weights = np.concatenate(
        [
            np.bincount(train_indices, nearer, minlength=size),
            np.bincount(held_out_indices, 1 - nearer, minlength=size),
        ]
    ) / len(fake)
    variance = weights.var() * size * size / (2 * size - 1)
    return CloserShare(float(nearer.mean()), float(np.sqrt(variance)), size)


def _some(rows: Features, size: int, seed: int) -> Features:
    """A random part of a set that does not depend on the order of its rows, (size, d)."""
    if len(rows) == size:
        return rows
    rng = np.random.Generator(np.random.PCG64(derive(seed, "closer")))
    chosen: Features = canonical(rows)[rng.choice(len(rows), size, replace=False)]
    return chosen


@dataclass(frozen=True)
class Mifid:
    """A Fréchet distance that copies make worse.

    Attributes:
        value: The Fréchet distance, divided by `distance` where that is below
            the threshold.
        distance: Mean of the least cosine distances to the training set, [0, 1].
    """

    value: float
    distance: float


def mifid(fd: float, fake: NDArray[Any], train: NDArray[Any], tau: float = 0.1) -> Mifid:
    """The memorisation-informed Fréchet distance (MiFID).

    The mean over generated samples of `min 1 - |cos|` to the training samples;
    where it is below `tau`, the Fréchet distance is divided by it plus 1e-14
    (Bai et al. 2021, "On Training Sample Memorization", and the competition
    that it tells of, with 0.1 in Inception features). torchmetrics takes the
    mean over the real samples of the distance to their nearest generated one
    instead, and gives 0 where FD is at most 1e-8; both differ from this. A
    feature of another extractor needs another `tau`: take it below the distance
    of held-out samples. Rows of zeros have no direction and are left out.

    Args:
        fd: The Fréchet distance of both sets.
        fake: Features, (M, d).
        train: Features, (T, d).
        tau: Distance from which on nothing is divided, in [0, 1].

    Raises:
        ConfigError: The sets cannot be compared, hold only zeros, or `tau` is
            out of range.
    """
    if not 0 <= tau <= 1:
        raise ConfigError(f"The threshold of MiFID must lie in [0, 1], not at {tau}.")
    fake, train = checked(1, generated=fake, train=train)
    fake, train = _directions(fake), _directions(train)
    if not len(fake) or not len(train):
        raise ConfigError("The features of a set are all zero; check what made them.")
    # |x - y|^2 = 2 - 2 cos of unit vectors, and -y for the absolute value.
    gaps = np.minimum(nearest(fake, train)[0], nearest(fake, -train)[0])
    distance = float(np.mean(gaps**2) / 2)
    return Mifid(fd / (distance + 1e-14) if distance < tau else fd, distance)


def _directions(rows: Features) -> Features:
    """Rows that are not zero, at unit length."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows[largest[:, 0] > 0] / largest[largest > 0, None]  # no square may overflow
    unit: Features = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
