from typing import Any

import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.sequence import fad, fad_infinity, fvd, sample_clips, windows

Array = NDArray[Any]


def whitened(seed: int, n: int, d: int) -> Array:
    """Samples with mean exactly 0 and covariance (ddof = 1) exactly 1."""
    rows = normal(seed, n, d)
    q, _ = np.linalg.qr(rows - rows.mean(axis=0))
    return np.asarray(q * np.sqrt(n - 1))


def flat(samples: Array) -> Array:
    return samples.reshape(len(samples), -1)


def test_clips_take_each_video_in_turn_and_fit_into_it() -> None:
    lengths = [16, 40, 1000]
    clips = sample_clips(lengths, 16, seed=0, count=200)
    assert clips.shape == (200, 2)
    assert sorted(np.bincount(clips[:, 0])) == [66, 67, 67]
    assert ((clips[:, 1] >= 0) & (clips[:, 1] + 16 <= np.array(lengths)[clips[:, 0]])).all()
    for turn in range(66):
        assert sorted(clips[3 * turn : 3 * turn + 3, 0]) == [0, 1, 2]
    assert (clips[clips[:, 0] == 0, 1] == 0).all()


def test_clips_start_anywhere_with_equal_chance() -> None:
    starts = sample_clips([19], 16, seed=1, count=4000)[:, 1]
    counts = np.bincount(starts)
    assert len(counts) == 4  # 0, 1, 2 and 3, the last one included
    assert np.abs(counts - 1000).max() < 3 * np.sqrt(4000 * 0.25 * 0.75)


def test_clips_are_a_function_of_the_seed() -> None:
    first, again = (sample_clips([50] * 9, 16, seed=2) for _ in range(2))
    assert first.shape == (2048, 2)
    assert (first == again).all()
    assert (first != sample_clips([50] * 9, 16, seed=3)).any()
    orders = {tuple(first[9 * turn : 9 * turn + 9, 0]) for turn in range(20)}
    assert len(orders) > 15  # each round has an order of its own


def test_clips_that_cannot_be_cut_are_refused() -> None:
    with pytest.raises(ConfigError, match="A video of 15 frames has no clip of 16"):
        sample_clips([40, 15], 16, seed=0)
    for lengths, frames, count in (([], 16, 1), ([40], 0, 1), ([40], 16, 0)):
        with pytest.raises(ConfigError, match="at least 1"):
            sample_clips(lengths, frames, seed=0, count=count)


def test_fvd_of_a_shift_is_its_square() -> None:
    clips = normal(0, 40, 2, 1, 2, 3)
    assert fvd(clips, clips, flat) == pytest.approx(0, abs=1e-9)
    assert fvd(clips, clips[::-1] + 0.5, flat) == pytest.approx(12 * 0.25, rel=1e-9)


def test_fvd_is_the_distance_of_all_features_whatever_the_batches() -> None:
    real, fake = normal(1, 37, 4, 3, 2, 2), normal(2, 37, 4, 3, 2, 2) * 2
    seen = []

    def features(clips: Array) -> Array:
        assert clips.shape[1:] == (4, 3, 2, 2)
        seen.append(len(clips))
        return flat(clips.mean(axis=1)).astype(np.float32)

    exact = frechet_distance(features(real), features(fake))
    seen.clear()
    assert fvd(real, fake, features) == exact
    assert sum(seen) == 74
    assert max(seen) <= 16


def test_fvd_refuses_unequal_sets() -> None:
    clips = normal(3, 20, 4, 1, 2, 2)
    for other in (clips[:19], clips[:, :3], clips[:, :, :, :1], clips[0]):
        with pytest.raises(ConfigError, match="as many real as generated"):
            fvd(clips, other, flat)
    with pytest.raises(ConfigError, match="as many real as generated"):
        fvd(clips[0], clips[0], flat)
    with pytest.raises(ConfigError, match="at least 2 samples"):
        fvd(clips[:1], clips[:1], flat)
    with pytest.raises(ConfigError, match="NaN"):
        fvd(clips, clips * np.nan, flat)


def test_a_network_must_give_one_row_a_sample() -> None:
    clips = normal(4, 20, 4, 1, 2, 2)
    with pytest.raises(ConfigError, match="80 features for 20 samples"):
        fvd(clips, clips, lambda batch: batch.reshape(len(batch) * 4, -1))


def test_windows_are_cut_and_the_rest_is_dropped() -> None:
    sound = np.arange(11)
    assert windows(sound, 4, 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert windows(sound, 4, 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert windows(sound, 11, 5).tolist() == [list(range(11))]
    for size, hop in ((12, 1), (0, 1), (4, 0)):
        with pytest.raises(ConfigError, match="do not fit"):
            windows(sound, size, hop)
    with pytest.raises(ConfigError, match="one channel"):
        windows(np.zeros((2, 100)), 4, 4)


def test_fad_of_gaussians_and_of_unequal_counts() -> None:
    real, fake = whitened(0, 90, 5), whitened(1, 60, 5) * 2 + 1
    assert fad(real, fake, flat) == pytest.approx(5 + 5, rel=1e-9)  # means, then deviations
    assert fad(fake, real, flat) == pytest.approx(10, rel=1e-9)
    assert fad(real, real[:50], flat) == frechet_distance(real, real[:50])


def test_fad_refuses_windows_of_another_length() -> None:
    with pytest.raises(ConfigError, match="one length"):
        fad(normal(0, 20, 5), normal(1, 20, 4), flat)
    with pytest.raises(ConfigError, match="one length"):
        fad_infinity(normal(0, 20, 5), normal(1, 20, 4), flat, seed=0, smallest=4)
    with pytest.raises(ConfigError, match="two sets of windows"):
        fad(normal(0, 100), normal(1, 100), flat)


def test_fad_infinity_has_no_bias_of_the_generated_count() -> None:
    d, n, shift = 8, 1000, 0.2
    real = whitened(0, 5000, d)  # as if endless: its moments are exact
    runs = [
        (fad(real, fake, flat), fad_infinity(real, fake, flat, seed=i, smallest=200))
        for i, fake in enumerate(normal(10 + i, n, d) + shift for i in range(60))
    ]
    exact = d * shift**2
    # Equal laws but for the mean: the means add d / N, the covariances d (d + 1) / (4 N).
    slope = d + d * (d + 1) / 4
    plain = np.array([value for value, _ in runs])
    endless = np.array([line.value for _, line in runs])
    slopes = np.array([line.slope for _, line in runs])
    error = endless.std(ddof=1) / np.sqrt(len(runs))
    assert abs(endless.mean() - exact) < 3 * error
    assert abs(plain.mean() - exact - slope / n) < 3 * plain.std(ddof=1) / np.sqrt(len(runs))
    assert plain.mean() - exact > 3 * error  # so the extrapolation does something
    assert abs(slopes.mean() - slope) < 3 * slopes.std(ddof=1) / np.sqrt(len(runs)) + 0.02 * slope


def test_fad_infinity_lies_on_a_line_and_knows_it() -> None:
    real, fake = whitened(0, 4000, 16), normal(1, 4000, 16)
    line = fad_infinity(real, fake, flat, seed=0, smallest=200)
    assert 0.95 < line.r_squared <= 1
    assert line.value + line.slope / 4000 == pytest.approx(fad(real, fake, flat), abs=5e-3)


def test_fad_infinity_is_a_function_of_samples_and_seed_not_of_order() -> None:
    real, fake = normal(0, 300, 4), normal(1, 300, 4)
    first = fad_infinity(real, fake, flat, seed=0, smallest=50)
    assert fad_infinity(real, fake, flat, seed=0, smallest=50) == first
    assert fad_infinity(real, fake, flat, seed=1, smallest=50) != first
    shuffled = fad_infinity(real, fake[::-1], flat, seed=0, smallest=50)
    assert shuffled.value == pytest.approx(first.value, rel=1e-9)


def test_fad_infinity_refuses_too_few() -> None:
    real, fake = normal(0, 100, 4), normal(1, 99, 4)
    with pytest.raises(ConfigError, match="100 generated windows, and got 25 and 99"):
        fad_infinity(real, fake, flat, seed=0, smallest=50)
    assert np.isfinite(fad_infinity(real, real, flat, seed=0, smallest=50).value)
    for smallest, steps in ((1, 25), (20, 2)):
        with pytest.raises(ConfigError, match="at least 3 steps"):
            fad_infinity(real, fake, flat, seed=0, smallest=smallest, steps=steps)
