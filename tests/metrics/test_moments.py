import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch.distributed as dist
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution.frechet import frechet, frechet_distance
from mintmark.metrics.distribution.moments import (
    BLOCK,
    Moments,
    gathered,
    merged,
    moments_of,
    streamed,
)

Array = NDArray[np.float64]


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def assert_equal(ours: Moments, rows: Array, rtol: float = 1e-12) -> None:
    assert ours.count == len(rows)
    np.testing.assert_allclose(ours.mean, rows.mean(0), rtol, rtol)
    np.testing.assert_allclose(ours.covariance, np.cov(rows.T), rtol, rtol)


def shards(seed: int, rows: Array, parts: int) -> list[Array]:
    """The rows in a random order, cut at random places; a part may be empty."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(rows) + 1, parts - 1))
    return np.split(rows[rng.permutation(len(rows))], cuts)


def test_moments_are_those_of_numpy_in_more_than_a_block() -> None:
    rows = normal(0, 2 * BLOCK + 7, 5) @ normal(1, 5, 5) + 3
    assert_equal(moments_of(rows), rows)


def test_moments_are_in_float64_whatever_comes_in() -> None:
    rows = (normal(0, 50, 3) + 1e4).astype(np.float32)
    assert_equal(moments_of(rows), rows.astype(np.float64), 1e-9)
    counts = np.arange(12, dtype=np.uint8).reshape(6, 2) * 20
    assert_equal(moments_of(counts), counts.astype(np.float64))


def test_merged_moments_are_those_of_both_sets() -> None:
    a, b = normal(0, 30, 4), normal(1, 70, 4) * 3 + 5
    assert_equal(merged(moments_of(a), moments_of(b)), np.concatenate([a, b]))


def test_a_process_without_samples_adds_nothing() -> None:
    rows, none = normal(0, 30, 4), np.empty((0, 4))
    for pair in ((rows, none), (none, rows)):
        assert_equal(merged(*map(moments_of, pair)), rows)
    assert merged(moments_of(none), moments_of(none)).count == 0


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_streamed_moments_do_not_depend_on_the_batch(size: int) -> None:
    rows = normal(0, 500, 6) + 10
    assert_equal(streamed(rows[i : i + size] for i in range(0, 500, size)), rows)


def test_moments_refuse_what_does_not_fit() -> None:
    rows = normal(0, 9, 3)
    with pytest.raises(ConfigError, match="no batches"):
        streamed([])
    with pytest.raises(ConfigError, match="given features hold NaN"):
        moments_of(np.full((4, 2), np.nan))
    with pytest.raises(ConfigError, match=r"differ in dimensions \(3 and 2\)"):
        streamed([rows, rows[:, :2]])


def merge_all(parts: Sequence[Array]) -> Moments:
    """Merged in a tree and not one by one."""
    if len(parts) == 1:
        return moments_of(parts[0])
    half = len(parts) // 2
    return merged(merge_all(parts[:half]), merge_all(parts[half:]))


@pytest.mark.parametrize("seed", range(10))
def test_fd_does_not_depend_on_shards_order_or_batches(seed: int) -> None:
    d = (3, 20, 64)[seed % 3]
    rank = d // 2 if seed % 2 else d  # the odd ones have directions without variance
    real = np.abs(normal(seed, 900, rank) @ normal(seed + 100, rank, d))
    fake = normal(seed + 200, 700, rank) @ normal(seed + 100, rank, d) + 0.3
    whole = frechet_distance(real, fake)
    parts = [shards(seed, rows, 7) for rows in (real, fake)]
    for collect in (merge_all, streamed):
        assert frechet(*map(collect, parts)) == pytest.approx(whole, rel=1e-12)
    assert frechet_distance(real[::-1], fake[::-1]) == pytest.approx(whole, rel=1e-12)
    # For equal sets the distance is 0, so the scale is the variance.
    scale = 2 * np.trace(moments_of(real).covariance)
    assert frechet(streamed(parts[0]), moments_of(real)) < 1e-12 * scale


def share(rank: int, rows: Array) -> Array:
    return np.split(rows, [130])[rank]


def worker(folder: Path, rank: int) -> None:
    """One of two processes; says what it gathered."""
    dist.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2
    )
    ours = [gathered(moments_of(share(rank, normal(seed, 400, 8)))) for seed in (0, 1)]
    dist.destroy_process_group()
    for seed, moments in enumerate(ours):
        np.savez(folder / f"{rank}{seed}.npz", **vars(moments))


def test_two_processes_gather_what_one_has(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(tmp_path), rank],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
        )
        for rank in "01"
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()[-2000:]
    sides = []
    for seed in (0, 1):
        rows = normal(seed, 400, 8)
        in_order = merged(*(moments_of(share(rank, rows)) for rank in (0, 1)))
        for rank in (0, 1):
            with np.load(tmp_path / f"{rank}{seed}.npz") as file:
                side = Moments(int(file["count"]), file["mean"], file["scatter"])
            assert side.count == 400
            np.testing.assert_array_equal(side.mean, in_order.mean)
            np.testing.assert_array_equal(side.scatter, in_order.scatter)
        sides.append(side)
    whole = frechet_distance(normal(0, 400, 8), normal(1, 400, 8))
    assert frechet(*sides) == pytest.approx(whole, rel=1e-12)


def test_one_process_gathers_itself() -> None:
    moments = moments_of(normal(0, 9, 3))
    assert gathered(moments) is moments


if __name__ == "__main__":
    worker(Path(sys.argv[1]), int(sys.argv[2]))
