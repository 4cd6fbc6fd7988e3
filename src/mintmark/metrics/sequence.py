"""Fréchet distances of clips (FVD) and of sound (FAD), given a network of features.

The distance is the one of every Fréchet figure; what makes it FVD or FAD is the
network, and how clips and windows were taken. With another network than the one
that a function names, call the number FD(extractor), and compare it only with
numbers of the same extractor, counts and sampling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.distribution.checks import Features, canonical, checked
from mintmark.metrics.distribution.frechet import frechet_distance

Extractor = Callable[[NDArray[Any]], NDArray[Any]]

BATCH = 16  # clips or windows that are shown to the network at a time


@dataclass(frozen=True)
class Extrapolation:
    """A distance as it would be with endless generated samples.

    Attributes:
        value: The intercept of the line; it may be a little below 0.
        slope: What 1/N adds: the bias at N samples is about slope / N.
        r_squared: How well the points lie on the line. Much below 1 the value
            means little; for a set far away, where the bias is small beside the
            spread over subsets, that is no fault.
    """

    value: float
    slope: float
    r_squared: float


def sample_clips(
    lengths: Sequence[int], frames: int, seed: int, count: int = 2048
) -> NDArray[np.int64]:
    """Where to cut clips from videos, so that a set has one rule and not a choice.

    Videos take turns, in a new random order each round, so that each gives as
    many clips as the others or one more, however long it is; the start is
    uniform over those where the clip fits. Starting at frame 0 always, as some
    code does, measures beginnings only. A short video may give a clip twice.

    Args:
        lengths: Frames of each video.
        frames: Frames of a clip; 16 is usual.
        seed: Decides turns and starts.
        count: How many clips; 2048 is usual (Skorokhodov et al. 2022, StyleGAN-V).

    Returns:
        Video and first frame of each clip, (count, 2).

    Raises:
        ConfigError: There is no video, one is shorter than a clip, or a number is below 1.
    """
    if frames < 1 or count < 1 or not lengths:
        raise ConfigError("Clips need at least 1 video, 1 frame and a count of 1; give more.")
    if min(lengths) < frames:
        raise ConfigError(
            f"A video of {min(lengths)} frames has no clip of {frames}; leave it out, or ask for "
            "fewer frames."
        )
    rng = np.random.default_rng(derive(seed, "clips"))
    rounds = -(-count // len(lengths))
    turns = np.concatenate([rng.permutation(len(lengths)) for _ in range(rounds)])
    videos = turns[:count]
    starts = rng.integers(np.asarray(lengths)[videos] - frames, endpoint=True)
    return np.stack([videos, starts], axis=1)


def fvd(real_clips: NDArray[Any], fake_clips: NDArray[Any], features: Extractor) -> float:
    """The Fréchet video distance of two sets of clips (Unterthiner et al. 2018).

    Comparable with published FVD only if `features` is the I3D network of
    Kinetics-400 with its 400 logits before the softmax (not the 1024 features
    before them) of clips that it resizes to 224 x 224 pixels itself; and only
    at 2048 clips of 16 frames a side, cut by the rule of `sample_clips`. With
    another network it is FD(extractor).

    Args:
        real_clips: Clips, (N, frames, C, H, W), in the range that `features` takes.
        fake_clips: As many clips of the same shape.
        features: Gives features, (n, d), of clips, (n, frames, C, H, W); how
            many clips come at a time must not change them.

    Returns:
        The distance, >= 0, in squared units of the features.

    Raises:
        ConfigError: The sets differ in count or shape, or the features cannot be compared.
    """
    if real_clips.ndim != 5 or real_clips.shape != fake_clips.shape:
        raise ConfigError(
            "FVD needs as many real as generated clips of one shape (N, frames, C, H, W), not "
            f"{real_clips.shape} and {fake_clips.shape}; cut both by one rule."
        )
    return frechet_distance(_extracted(real_clips, features), _extracted(fake_clips, features))


def windows(sound: NDArray[Any], size: int, hop: int) -> NDArray[Any]:
    """A sound cut into windows; what is left at its end is dropped.

    Args:
        sound: Samples, (length,), at the rate that the network takes.
        size: Samples of a window: .96 s is 15,360 at 16 kHz.
        hop: Samples from the start of one to that of the next; `size` for
            windows that do not overlap, as VGGish takes them.

    Returns:
        A view of the sound, (n, size), that cannot be written to.

    Raises:
        ConfigError: The sound is not one channel, or shorter than a window.
    """
    if sound.ndim != 1 or not 1 <= size <= len(sound) or hop < 1:
        raise ConfigError(
            f"Windows of {size} samples every {hop} do not fit a sound of {sound.shape} samples; "
            "mix it to one channel, or take a longer one."
        )
    return np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]


def fad(real: NDArray[Any], fake: NDArray[Any], features: Extractor) -> float:
    """The Fréchet audio distance of two sets of windows (Kilgour et al. 2019).

    Comparable with published FAD only if `features` is VGGish, 128 dimensions
    without PCA or quantising, of mono sound at 16 kHz. Ports and ways to
    resample move it by 2 to 5 %. With another network it is FD(extractor).

    The number grows as windows become fewer: compare at equal counts, or by
    `fad_infinity`.

    Args:
        real: Windows of sound, (N, samples), in the range that `features` takes.
        fake: Windows, (M, samples); M need not be N.
        features: Gives features, (n, d), of windows, (n, samples); how many
            come at a time must not change them.

    Returns:
        The distance, >= 0, in squared units of the features.

    Raises:
        ConfigError: The windows differ in length, or the features cannot be compared.
    """
    _require_windows(real, fake)
    return frechet_distance(_extracted(real, features), _extracted(fake, features))


def fad_infinity(
    real: NDArray[Any],
    fake: NDArray[Any],
    features: Extractor,
    seed: int,
    smallest: int = 500,
    steps: int = 25,
) -> Extrapolation:
    """FAD without the bias of too few generated windows (Gui et al. 2024).

    The distances of `steps` random subsets of the generated windows, whose sizes
    go evenly from `smallest` to all, are fitted by a line in 1/N (Chong and
    Forsyth 2020); its value at 1/N = 0 is the answer. The bias of the real
    windows stays, so take many of them, and the same for all that is compared.

    Args:
        real: Windows of sound, (N, samples).
        fake: Windows, (M, samples), M >= 2 `smallest`.
        features: As for `fad`, which names the network that makes it FAD.
        seed: Decides the subsets, whatever the order of the windows.
        smallest: Windows of the smallest subset; more than the dimensions of
            the features by far, or the bias is not yet a line in 1/N.
        steps: How many subsets, >= 3.

    Raises:
        ConfigError: There are too few windows or steps, or they cannot be compared.
    """
    _require_windows(real, fake)
    if smallest < 2 or steps < 3 or len(fake) < 2 * smallest:
        raise ConfigError(
            f"FAD-infinity needs at least 3 steps and {2 * smallest} generated windows, and got "
            f"{steps} and {len(fake)}; give more, or a smaller smallest subset (of at least 2)."
        )
    first, second = checked(
        2, real=_extracted(real, features), generated=_extracted(fake, features)
    )
    second = canonical(second)
    sizes = np.linspace(smallest, len(second), steps).astype(int)
    distances = [
        frechet_distance(first, _subset(second, size, derive(seed, "fad", i)))
        for i, size in enumerate(sizes)
    ]
    line = linregress(1 / sizes, distances)
    return Extrapolation(float(line.intercept), float(line.slope), float(line.rvalue**2))


def _subset(rows: Features, size: int, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    return rows[rng.choice(len(rows), size, replace=False)]


def _require_windows(real: NDArray[Any], fake: NDArray[Any]) -> None:
    if real.ndim != 2 or real.shape[1:] != fake.shape[1:]:
        raise ConfigError(
            "FAD needs two sets of windows (N, samples) of one length and rate, not "
            f"{real.shape} and {fake.shape}; resample and cut both alike."
        )


def _extracted(samples: NDArray[Any], features: Extractor) -> Features:
    """Features of all samples, (N, d), which the network sees in batches."""
    if len(samples) < 2:
        raise ConfigError(f"A Fréchet distance needs at least 2 samples, not {len(samples)}.")
    parts = [features(samples[start : start + BATCH]) for start in range(0, len(samples), BATCH)]
    rows = np.concatenate(parts).astype(np.float64)
    if len(rows) != len(samples):
        raise ConfigError(
            f"The network gave {len(rows)} features for {len(samples)} samples; it must give one "
            "row each."
        )
    return rows
