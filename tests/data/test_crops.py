"""Pictures seen in views: whole and in parts, in an array of a known length."""

from pathlib import Path

import numpy as np
import pytest

from mintmark.core.media import Picture
from mintmark.data.crops import VIEWS, viewed
from mintmark.data.encode import encode
from mintmark.data.loader import prepare
from mintmark.data.readers import open_source, take_snapshot

COUNT = sum(count**2 for count in VIEWS)


def gradient(height: int, width: int) -> Picture:
    """Red rises with the row, green with the column."""
    red, green = np.mgrid[0:height, 0:width] / (max(height, width))
    return Picture((255 * np.stack([red, green, 0 * red], 2)).astype(np.uint8))


def test_parts_cover_the_picture_and_are_reduced() -> None:
    views = np.stack(viewed(gradient(96, 96), 3, 16, 16)).astype(float)
    assert views.shape == (COUNT, 3, 16, 16)
    whole, quarters = views[0], views[1:5]
    assert np.abs(quarters.mean((2, 3)).mean(0) - whole.mean((1, 2))).max() < 1
    assert np.ptp(whole[0]) > 220 and 95 < np.ptp(quarters[0][0]) < 125
    middles = quarters[:, :2].mean((2, 3)) / 255
    assert np.abs(middles - [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]).max() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 50), (97, 31)])
def test_any_size_gives_as_many(size: tuple[int, int]) -> None:
    assert len(viewed(gradient(*size), 1, 8, 8)) == COUNT


def test_the_array_holds_the_views_of_all(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    sizes = [(40, 30), (20, 60)]
    for place, size in enumerate(sizes):
        (folder / f"{place}.png").write_bytes(encode(gradient(*size), "png"))
    source = open_source(folder)
    snapshot, _ = take_snapshot(source)
    made = prepare(source, snapshot, (3, 8, 8), tmp_path / "cache", "views")
    expected = [view for size in sizes for view in viewed(gradient(*size), 3, 8, 8)]
    assert np.array_equal(made.pixels, np.stack(expected)) and made.labels is None
    whole = prepare(source, snapshot, (3, 8, 8), tmp_path / "cache")
    assert whole.pixels.shape == (2, 3, 8, 8)  # another array of the same pictures
