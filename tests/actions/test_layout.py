import numpy as np
import pytest

from mintmark.actions.layout import LEAST_CAPTIONED, LINE, beside, captioned, enlarged, sheet
from mintmark.core.media import Picture


def plain(level: int, channels: int = 3, side: int = 8) -> Picture:
    return Picture(np.full((side, side, channels), level, np.uint8))


def test_small_pictures_are_enlarged_whole_times() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = enlarged(array, 5)
    assert large.shape == (6, 6, 3)
    assert np.array_equal(large[::3, ::3], array)
    assert enlarged(array, 2) is not None and enlarged(array, 2).shape == (2, 2, 3)


def test_a_sheet_keeps_order_and_borders() -> None:
    levels = [10, 20, 30]
    laid = sheet([plain(level) for level in levels], 2)
    assert (laid.height, laid.width) == (82, 82)
    assert [int(laid.array[y, x, 0]) for y, x in ((0, 0), (0, 42), (42, 0), (42, 42))] == [
        10,
        20,
        30,
        255,
    ]
    assert (laid.array[40:42] == 255).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_captions_are_cut_to_their_picture(channels: int) -> None:
    long = "a caption that is far too long for a picture of this size to hold it in one line"
    laid = captioned([plain(200, channels)] * 2, ["short", long], 2)
    assert laid.height == LEAST_CAPTIONED + LINE
    lines = laid.array[LEAST_CAPTIONED:, :, 0] < 128
    assert lines[:, :LEAST_CAPTIONED].any()
    assert not lines[:, LEAST_CAPTIONED : LEAST_CAPTIONED + 8].any()  # nothing in the border
    if channels in (2, 4):
        assert (laid.array[LEAST_CAPTIONED:, :, -1] == 255).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pairs_have_the_height_of_the_left(channels: int) -> None:
    pair = beside(plain(10, channels, 8), plain(90, channels, 4))
    assert (pair.height, pair.width, pair.channels) == (8, 16, channels)
    assert (pair.array[:, :8, 0] == 10).all() and (pair.array[:, 8:, 0] == 90).all()
