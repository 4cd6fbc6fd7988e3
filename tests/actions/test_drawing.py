from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions import drawing
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.media import Picture
from mintmark.models.package import Package, from_pretrained
from mintmark.provenance.mark import SHEET

TIMES, GAP = 5, 2  # of digits on a sheet: 8 pixels become 40, and a twentieth lies between


@pytest.fixture(scope="module")
def package(trained: Path) -> Package:
    return from_pretrained(trained / "package")


def tile(sheet: Picture, row: int, column: int) -> np.ndarray:
    """One picture of a sheet, in its own size."""
    step = 8 * TIMES + GAP
    top, left = row * step, column * step
    return sheet.array[top : top + 8 * TIMES : TIMES, left : left + 8 * TIMES : TIMES]


def test_classes_come_in_turn(package: Package) -> None:
    assert drawing.labels_of(package.config, range(12), None) == [*range(10), 0, 1]
    assert drawing.labels_of(package.config, range(3), "7") == [7, 7, 7]
    plain = replace(package.config, classes=())
    assert drawing.labels_of(plain, range(3), None) is None


def test_unknown_classes_are_refused(package: Package) -> None:
    with pytest.raises(ConfigError, match="'ten'; its classes are: 0, 1"):
        drawing.class_of(package.config, 0, "ten")
    with pytest.raises(ConfigError, match="none"):
        drawing.class_of(replace(package.config, classes=()), 0, "0")


def test_a_picture_is_the_same_alone_and_among_others(package: Package) -> None:
    labels = drawing.labels_of(package.config, range(20), None)
    many = drawing.draw(package, 3, range(20), labels)
    for index in (0, 7, 15, 16, 19):
        (alone,) = drawing.draw(package, 3, [index], [index % 10])
        assert np.array_equal(alone.array, many[index].array)
    (other,) = drawing.draw(package, 4, [0], [0])
    assert not np.array_equal(other.array, many[0].array)


def test_a_sheet_has_a_row_a_class(package: Package) -> None:
    count = 23
    sheet = drawing.draw_sheet(package, 3, count)
    assert (sheet.height, sheet.width) == (10 * 42 - GAP, 3 * 42 - GAP)
    pictures = drawing.draw(
        package, 3, range(count), drawing.labels_of(package.config, range(count), None)
    )
    for index, picture in enumerate(pictures):
        assert np.array_equal(tile(sheet, index % 10, index // 10), picture.array)
    assert (tile(sheet, 5, 2) == 255).all()  # 25 was not asked for
    assert (sheet.array[40:42] == 255).all() and (sheet.array[:, 40:42] == 255).all()


def test_a_sheet_of_one_class_is_a_square(package: Package) -> None:
    sheet = drawing.draw_sheet(package, 3, 5, "7")
    assert (sheet.height, sheet.width) == (2 * 42 - GAP, 3 * 42 - GAP)
    pictures = drawing.draw(package, 3, range(5), [7] * 5)
    for index, picture in enumerate(pictures):
        assert np.array_equal(tile(sheet, index // 3, index % 3), picture.array)


def test_a_recipe_makes_the_picture_again(package: Package) -> None:
    recipe = drawing.recipe_of(package, 3, 11)
    (picture,) = drawing.draw(package, 3, [11], [1])
    assert np.array_equal(drawing.again(package, recipe).array, picture.array)
    sheet = drawing.recipe_of(package, 3, SHEET, "7", count=5)
    expected = drawing.draw_sheet(package, 3, 5, "7")
    assert np.array_equal(drawing.again(package, sheet).array, expected.array)


def test_changed_recipes_are_refused(package: Package) -> None:
    sheet = drawing.recipe_of(package, 3, SHEET, count=5)
    with pytest.raises(DataError, match="another package"):
        drawing.again(package, replace(sheet, package="0" * 64))
    for inputs in ({}, {"count": 0}, {"count": 10**9}, {"count": "5"}, {"count": 2.5}):
        with pytest.raises(DataError, match="no valid count"):
            drawing.again(package, replace(sheet, inputs=inputs))
    with pytest.raises(DataError, match="no valid class"):
        drawing.again(package, replace(sheet, inputs={"count": 5, "class": 7}))
    with pytest.raises(ConfigError, match="no class 'x'"):
        drawing.again(package, replace(sheet, inputs={"count": 5, "class": "x"}))
