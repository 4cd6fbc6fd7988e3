"""Objects with transparency: brought to a shape whole, and laid beside backgrounds."""

import numpy as np
import pytest

from mintmark.core.media import Picture
from mintmark.data.crops import contained
from mintmark.data.loader import Loader, PixelSet


def thing(height: int, width: int, channels: int = 4) -> Picture:
    """A solid rectangle of 8 rows less and 12 columns less than the picture."""
    array = np.zeros((height, width, channels), np.uint8)
    array[4:-4, 6:-6] = 200
    array[4:-4, 6:-6, -1] = 255
    return Picture(array)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((40, 140), (6, 10), (0, 16)), ((72, 28), (0, 16), (6, 10)), ((16, 20), (0, 16), (0, 16))],
)
def test_all_of_an_object_is_kept_in_proportion(
    size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    (found,) = contained(thing(*size), 4, 16, 16)
    expected = np.zeros((16, 16), np.uint8)
    expected[slice(*rows), slice(*columns)] = 255
    assert found.shape == (4, 16, 16) and np.array_equal(found[3], expected)
    assert (found[:3, expected > 0] == 200).all()


def test_nothing_to_see_is_no_object_but_no_error() -> None:
    (found,) = contained(Picture(np.zeros((5, 7, 4), np.uint8)), 4, 16, 16)
    assert not found[3].any()


def test_a_very_long_object_takes_no_more_memory_than_its_picture() -> None:
    (found,) = contained(thing(9, 60_000), 4, 16, 16)
    assert found[3].any(1).sum() == 1 and found[3].any(0).all()


def beside(count: int, others: int) -> PixelSet:
    """Pictures and objects that are numbers."""
    pixels = np.arange(count, dtype=np.uint8).repeat(3 * 4).reshape(count, 3, 2, 2)
    objects = np.arange(100, 100 + others, dtype=np.uint8).repeat(4 * 4).reshape(others, 4, 2, 2)
    return PixelSet(pixels, None, "0" * 64, beside=objects)


def test_every_background_meets_other_objects() -> None:
    with Loader(beside(6, 6), 6, 0) as loader:
        batches = [loader.at(step, 0, 6).images for step in range(20)]
    assert all(batch.shape == (6, 7, 2, 2) for batch in batches)
    pairs = {(int(row[0, 0, 0]), int(row[3, 0, 0])) for batch in batches for row in batch}
    assert {pair[0] for pair in pairs} == set(range(6))
    assert {pair[1] for pair in pairs} == set(range(100, 106))
    assert len(pairs) > 25  # of 36


def test_what_lies_beside_follows_from_seed_and_step() -> None:
    with Loader(beside(6, 5), 4, 0, background=True) as loader, Loader(beside(6, 5), 4, 0) as other:
        for step in (0, 1, 7):
            whole = loader.at(step, 0, 4).images
            assert whole[1:3].equal(other.at(step, 1, 3).images)
