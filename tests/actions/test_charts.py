import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.actions.charts import PLOT, WIDTH, drawable, svg, table, ticks
from mintmark.actions.evaluation import Chart, Line

Y = {"top": 34.0, "bottom": 34.0 + PLOT}  # of a chart of one line


def chart(*lines: tuple[list[float], list[float]], names: tuple[str, ...] = ()) -> Chart:
    named = names or tuple(f"line {n}" for n in range(len(lines)))
    drawn = tuple(Line(n, tuple(x), tuple(y)) for n, (x, y) in zip(named, lines, strict=True))
    return Chart("name", "Title", "About it.", "across", "up", drawn)


def strokes(text: str) -> list[list[tuple[float, float]]]:
    """The unbroken parts of every line drawn, as points."""
    paths = re.findall(r'<path class="stroke" d="(M[^"h]*L[^"h]*)"', text)
    parts = [part for path in paths for part in path.split("M")[1:]]
    return [[(float(x), float(y)) for x, y in map(str.split, part.split("L"))] for part in parts]


def marks(text: str) -> list[tuple[float, float]]:
    found = re.findall(r'class="mark" d="[^"]*" transform="translate\(([-\d.]+) ([-\d.]+)\)', text)
    return [(float(x), float(y)) for x, y in found]


def labels(text: str) -> list[str]:
    return re.findall(r'<text class="tick"[^>]*>([^<]*)</text>', text)


def test_it_is_well_formed_and_says_what_it_shows() -> None:
    root = ElementTree.fromstring(svg(chart(([0, 1], [0, 1]))))
    assert root.attrib["role"] == "img"
    assert [child.text for child in root][:2] == [
        "Title",
        "About it. Horizontal: across. Vertical: up.",
    ]


def test_points_lie_where_the_axes_put_them() -> None:
    drawn = strokes(svg(chart(([0, 5, 10], [0, 1, 4]))))[0]
    left, right = drawn[0][0], drawn[-1][0]
    assert drawn[1][0] == pytest.approx((left + right) / 2)
    assert [y for _, y in drawn] == [Y["bottom"], Y["bottom"] - PLOT / 4, Y["top"]]


def test_heights_compare_because_the_axis_holds_zero() -> None:
    drawn = strokes(svg(chart(([0, 1], [90, 100]))))[0]
    assert (Y["bottom"] - drawn[0][1]) / (Y["bottom"] - drawn[1][1]) == pytest.approx(0.9, abs=0.01)
    assert "0" in labels(svg(chart(([0, 1], [90, 100]))))


def test_negative_values_lie_below_zero() -> None:
    text = svg(chart(([0, 1, 2], [-1, 0, 1])))
    assert "\N{MINUS SIGN}1" in labels(text) and "-1" not in labels(text)
    heights = [y for _, y in strokes(text)[0]]
    assert heights[0] > heights[1] > heights[2]


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0, 1e-12, 1e-320, 5e-324, 1e29])
def test_a_constant_line_and_a_single_point_are_drawn(value: float) -> None:
    level = strokes(svg(chart(([0, 1], [value, value]))))[0]
    assert level[0][1] == level[1][1]
    (x, y), *_ = marks(svg(chart(([value], [value]))))
    assert 0 < x < WIDTH and Y["top"] <= y <= Y["bottom"]


def test_gaps_stay_gaps() -> None:
    holes = [1, 2, math.nan, 3, math.inf, 4, 5]
    text = svg(chart((list(range(7)), holes)))
    assert [len(part) for part in strokes(text)] == [2, 2]
    assert len(marks(text)) == 5  # the point between two gaps has no stroke, but a marker


def test_lone_points_of_a_long_line_get_a_marker() -> None:
    y = [1.0] * 100
    y[50], y[52] = math.nan, math.nan
    long = svg(chart((list(range(100)), y)))
    whole = svg(chart((list(range(100)), [1.0] * 100)))
    assert len(marks(long)) == len(marks(whole)) + 1


def test_thousands_of_points_are_thinned_and_no_peak_is_lost() -> None:
    y = np.zeros(20_000)
    y[12_345], y[777] = 5, -2
    text = svg(chart((list(range(20_000)), y.tolist())))
    drawn = strokes(text)[0]
    heights = [h for _, h in drawn]
    assert len(drawn) <= 240 and len(text) < 10_000
    assert len({min(heights), max(heights), heights[0]}) == 3
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)


def test_lines_differ_by_more_than_colour() -> None:
    lines = [([0.0, 1.0], [0.0, n]) for n in range(6)]
    text = svg(chart(*lines))
    shapes = re.findall(r'class="mark" d="([^"]*)"', text)
    assert len(set(shapes)) == 6
    assert {f'class="line-{n}"' for n in range(1, 7)} <= set(re.findall(r'class="line-\d"', text))


def test_a_legend_names_several_lines_and_spares_one() -> None:
    assert "line 0" not in svg(chart(([0, 1], [0, 1])))
    text = svg(chart(([0, 1], [0, 1]), ([0, 1], [1, 0])))
    assert "line 0" in text and "line 1" in text
    long = svg(chart(([0, 1], [0, 1]), ([0, 1], [1, 0]), names=("a" * 200, "b")))
    assert "a" * 47 + "…" in long and "a" * 48 not in long


def test_hostile_names_are_escaped() -> None:
    bad = '</title><script>alert(1)</script>"'
    hostile = Chart(bad, bad, bad, bad, bad, (Line(bad, (0, 1), (0, 1)), Line("b", (0,), (1,))))
    text = svg(hostile)
    assert "<script" not in text
    ElementTree.fromstring(text)


def test_many_charts_share_a_page() -> None:
    text = svg(chart(([0, 1], [0, 1])))
    assert " id=" not in text and "url(" not in text and "href" not in text
    assert text == svg(chart(([0, 1], [0, 1])))


def test_large_numbers_are_short() -> None:
    assert "400k" in labels(svg(chart(([0, 400_000], [0, 1]))))
    assert "2M" in labels(svg(chart(([0, 2_000_000], [0, 1]))))
    assert "800" in labels(svg(chart(([0, 800], [0, 1]))))


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert drawable([chart(([0, 1], [math.nan, math.nan])), chart()]) == []
    (kept,) = drawable([chart(([0, 1], [math.nan, math.nan]), ([0, 1], [1, 2]))])
    assert [line.name for line in kept.lines] == ["line 1"]
    assert svg(chart())  # empty axes


def test_the_table_tells_what_the_lines_show() -> None:
    few = chart(([0, 1, 2], [5, math.nan, 7]), ([1, 2], [1, 0.5]))
    assert table(few) == [("0", ["5", "-"]), ("1", ["-", "1"]), ("2", ["7", "0.5"])]
    many = table(chart((list(range(1001)), [2 * x for x in range(1001)])))
    assert len(many) == 12 and many[0] == ("0", ["0"]) and many[-1] == ("1000", ["2000"])
    assert table(chart(([0, 10], [0, 1]), ([5], [0])))[1] == ("5", ["0.5", "0"])


@given(st.floats(-1e29, 1e29), st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_round_and_enclose_the_range(low: float, share: float, most: int) -> None:
    high = low + share * max(abs(low), 1e-20)
    found = ticks(low, high, most)
    step = (found[-1] - found[0]) / (len(found) - 1)
    first = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(first - n) for n in (1, 2, 5, 10)) < 1e-3
    slack = 1e-6 * step + 1e-12 * abs(low)
    assert found[0] <= low + slack and found[-1] >= high - slack
    assert len(found) <= most + 2


@given(
    st.lists(
        st.tuples(st.floats(), st.floats()) | st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
        max_size=30,
    )
)
def test_any_numbers_can_be_drawn(points: list[tuple[float, float]]) -> None:
    any_chart = chart(([x for x, _ in points], [y for _, y in points]))
    text = svg(any_chart)
    ElementTree.fromstring(text)
    assert "nan" not in text and "inf" not in text
    for x, y in [*marks(text), *(point for part in strokes(text) for point in part)]:
        assert 0 <= x <= WIDTH and 0 <= y <= Y["bottom"]
    assert len(table(any_chart)) <= 12
