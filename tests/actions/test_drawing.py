from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions import again, drawing
from mintmark.actions.asking import Wish
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.media import Picture
from mintmark.models.conditions import Conditions
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


def test_unknown_classes_are_refused(package: Package) -> None:
    with pytest.raises(ConfigError, match="'ten'; its classes are: 0, 1"):
        drawing.draw(package, 3, [0], Wish("ten"))
    plain = replace(package, config=replace(package.config, conditions=Conditions()))
    with pytest.raises(ConfigError, match="without conditions; leave it out"):
        drawing.draw(plain, 3, [0], Wish("0"))


def test_a_picture_is_the_same_alone_and_among_others(package: Package) -> None:
    many = drawing.draw(package, 3, range(20))
    for index in (0, 7, 15, 16, 19):
        (alone,) = drawing.draw(package, 3, [index], Wish(str(index % 10)))
        assert np.array_equal(alone.array, many[index].array)
    (other,) = drawing.draw(package, 4, [0])
    assert not np.array_equal(other.array, many[0].array)


def test_a_sheet_has_a_row_a_class(package: Package) -> None:
    count = 23
    sheet = drawing.draw_sheet(package, 3, count)
    assert (sheet.height, sheet.width) == (10 * 42 - GAP, 3 * 42 - GAP)
    pictures = drawing.draw(package, 3, range(count))
    for index, picture in enumerate(pictures):
        assert np.array_equal(tile(sheet, index % 10, index // 10), picture.array)
    assert (tile(sheet, 5, 2) == 255).all()  # 25 was not asked for
    assert (sheet.array[40:42] == 255).all() and (sheet.array[:, 40:42] == 255).all()


def test_a_sheet_of_one_class_is_a_square(package: Package) -> None:
    sheet = drawing.draw_sheet(package, 3, 5, Wish("7"))
    assert (sheet.height, sheet.width) == (2 * 42 - GAP, 3 * 42 - GAP)
    pictures = drawing.draw(package, 3, range(5), Wish("7"))
    for index, picture in enumerate(pictures):
        assert np.array_equal(tile(sheet, index // 3, index % 3), picture.array)


def test_a_recipe_makes_the_picture_again(package: Package) -> None:
    recipe = drawing.recipe_of(package, 3, 11)
    (picture,) = drawing.draw(package, 3, [11])
    assert np.array_equal(again.picture(package, recipe).array, picture.array)
    sheet = drawing.recipe_of(package, 3, SHEET, Wish("7"), {"count": 5})
    expected = drawing.draw_sheet(package, 3, 5, Wish("7"))
    assert np.array_equal(again.picture(package, sheet).array, expected.array)


def test_changed_recipes_are_refused(package: Package) -> None:
    sheet = drawing.recipe_of(package, 3, SHEET, more={"count": 5})
    with pytest.raises(DataError, match="another package"):
        again.picture(package, replace(sheet, package="0" * 64))
    for inputs in ({}, {"count": 0}, {"count": 10**9}, {"count": "5"}, {"count": 2.5}):
        with pytest.raises(DataError, match="makes no sense"):
            again.picture(package, replace(sheet, inputs=inputs))
    with pytest.raises(DataError, match="makes no sense"):
        again.picture(package, replace(sheet, inputs={"count": 5, "class": 7}))
    with pytest.raises(ConfigError, match="no class 'x'"):
        again.picture(package, replace(sheet, inputs={"count": 5, "class": "x"}))
