"""Charts of a report as SVG that stands in the page: text stays text, colours are the page's."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mintmark.actions.evaluation import Chart, Line

WIDTH, PLOT = 360, 190  # units of the drawing, which a phone shows as pixels
LEFT, RIGHT, TOP, BELOW = 48, 14, 34, 40  # around the plot; TOP holds the name of the y axis
LEGEND = 18  # height of an entry
STYLES = 6  # colours and markers in the style sheet; more lines take them again
COLUMNS = 120  # of a long line, each drawn from its lowest to its highest point
STEPS = 5  # between ticks, at most
FEW = 24  # points of a line up to which each gets its marker
MARKS = 5  # markers of a longer line among several
ROWS = 12  # of the table of numbers
LONGEST = 48  # letters of a legend entry
SHORT = 20  # letters of entries that fit two in a row
TINY, BEYOND = 1e-30, 1e30  # no chart of ours goes there, where floats run out

Point = tuple[float, float]
Item = TypeVar("Item")

ENVIRONMENT = Environment(
    loader=PackageLoader("mintmark.actions"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MARKERS = (
    "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",  # circle
    "M-3 -3h6v6h-6z",  # square
    "M0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",  # diamond
    "M0 -4l4 7h-8z",  # triangle
    "M0 4l4 -7h-8z",  # the same on its head
    "M-1.2 -4h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8v-2.4h2.8z",  # cross
)


@dataclass(frozen=True)
class Axis:
    """One axis: its range in units of the data and in units of the drawing, and its ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value lies on the drawing, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Drawn:
    """One line as the template draws it.

    Attributes:
        name: For the legend.
        style: Number of its colour, from 1.
        marker: Path of its marker around the origin.
        path: Its strokes.
        marks: Where its markers lie.
    """

    name: str
    style: int
    marker: str
    path: str
    marks: tuple[Point, ...]


def svg(chart: Chart) -> Markup:
    """A chart as one `<svg>` element for a page with the report's style sheet.

    Values that are NaN or infinite are gaps. A line of many points is thinned
    to the lowest and highest of each column, so that no peak is lost.

    Args:
        chart: Lines of any length; one with nothing to draw shows empty axes.

    Returns:
        Markup that is escaped and has no ids, so that many fit on one page.
    """
    strokes = [list(_strokes(line)) for line in chart.lines]
    points = [point for line in strokes for stroke in line for point in stroke]
    across = 2 if all(len(line.name) <= SHORT for line in chart.lines) else 1
    entries = len(chart.lines) if len(chart.lines) > 1 else 0
    top = TOP + LEGEND * -(-entries // across)
    x = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT, tight=True)
    y = _axis([y for _, y in points], top + PLOT, top, tight=False)
    pairs = zip(chart.lines, strokes, strict=True)
    text = ENVIRONMENT.get_template("chart.svg").render(
        chart=chart,
        width=WIDTH,
        height=top + PLOT + BELOW,
        legend=LEGEND,
        across=across,
        lines=[_drawn(i, line, parts, x, y) for i, (line, parts) in enumerate(pairs)],
        x=x,
        y=y,
        x_ticks=_labelled(x),
        y_ticks=_labelled(y),
    )
    return Markup(text)


def drawable(charts: Iterable[Chart]) -> list[Chart]:
    """The charts that have something to draw, without their lines that have nothing."""
    kept = [
        replace(chart, lines=tuple(line for line in chart.lines if any(_strokes(line))))
        for chart in charts
    ]
    return [chart for chart in kept if chart.lines]


def table(chart: Chart) -> list[tuple[str, list[str]]]:
    """Some of a chart's numbers for who cannot see it: a place on the x axis, and each line there.

    Between two points of a line the value is that of the straight line drawn.
    """
    places = sorted({x for line in chart.lines for x in line.x if _shown(x)})
    chosen = _spread(places, ROWS)
    columns = [_at(line, chosen) for line in chart.lines]
    return [
        (_plain(x), [_plain(column[row]) if _shown(column[row]) else "-" for column in columns])
        for row, x in enumerate(chosen)
    ]


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, that enclose a range.

    Args:
        low: Lower end.
        high: Upper end, above `low`.
        most: Steps between them at most, >= 2.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(n for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(n * step for n in range(first, last + 1))


def _axis(values: Sequence[float], start: float, end: float, tight: bool) -> Axis:
    """An axis around values; a tight one ends with them, a loose one holds 0 and ends at ticks."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if not tight:
        low, high = min(low, 0.0), max(high, 0.0)  # so that heights compare
    if high - low <= 1e-9 * max(abs(low), abs(high), TINY):  # one value, up to rounding
        room = abs(low) / 2 if abs(low) > TINY else 0.5
        low, high = low - room, high + room
    found = ticks(low, high, STEPS)
    if tight:
        return Axis(low, high, start, end, tuple(t for t in found if low <= t <= high))
    return Axis(found[0], found[-1], start, end, found)


def _strokes(line: Line) -> Iterator[list[Point]]:
    """The unbroken parts of a line, thinned."""
    pairs = list(zip(line.x, line.y, strict=False))
    size = -(-len(pairs) // COLUMNS)
    for shown, part in groupby(pairs, lambda pair: _shown(pair[0]) and _shown(pair[1])):
        if shown:
            yield list(_thinned(list(part), size))


def _thinned(points: list[Point], size: int) -> Iterator[Point]:
    """The lowest and the highest of every `size` points, in their order."""
    if size <= 2:
        yield from points
        return
    for first in range(0, len(points), size):
        group = range(first, min(first + size, len(points)))
        ends = {min(group, key=lambda i: points[i][1]), max(group, key=lambda i: points[i][1])}
        yield from (points[i] for i in sorted(ends))


def _drawn(index: int, line: Line, strokes: list[list[Point]], x: Axis, y: Axis) -> Drawn:
    placed = [[(x.place(a), y.place(b)) for a, b in stroke] for stroke in strokes]
    name = line.name if len(line.name) <= LONGEST else line.name[: LONGEST - 1] + "…"
    path = " ".join(_path(stroke) for stroke in placed if len(stroke) > 1)
    marks = tuple(_marks(placed, index / STYLES))
    return Drawn(name, index % STYLES + 1, MARKERS[index % STYLES], path, marks)


def _marks(strokes: list[list[Point]], shift: float) -> list[Point]:
    """Where markers lie: at every point of few, else here and there and where no stroke shows."""
    every = [point for stroke in strokes for point in stroke]
    if len(every) <= FEW:
        return every
    return [*_spread(every, MARKS, shift), *(stroke[0] for stroke in strokes if len(stroke) == 1)]


def _path(stroke: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in stroke)


def _spread(items: Sequence[Item], count: int, shift: float = 0.0) -> list[Item]:
    """At most `count` items, evenly spread from the first to the last, moved on by `shift`."""
    if len(items) <= count:
        return list(items)
    step = (len(items) - 1) / (count - 1 + shift)
    return [items[round((n + shift) * step)] for n in range(count)]


def _at(line: Line, places: Sequence[float]) -> list[float]:
    """A line's values at places; NaN before its start, after its end and in gaps."""
    pairs = [pair for pair in zip(line.x, line.y, strict=False) if _shown(pair[0])]
    if not pairs:
        return [math.nan] * len(places)
    x, y = zip(*pairs, strict=True)
    return [float(value) for value in np.interp(places, x, y, math.nan, math.nan)]


def _labelled(axis: Axis) -> list[tuple[float, str]]:
    """Ticks with their places and texts, in thousands, millions or more where that is shorter."""
    most = max((abs(tick) for tick in axis.ticks), default=0.0)
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if 10_000 <= most < 1e12 and most >= unit:
            return [(axis.place(t), f"{_plain(t / unit)}{letter if t else ''}") for t in axis.ticks]
    return [(axis.place(tick), _plain(tick)) for tick in axis.ticks]


def _plain(value: float) -> str:
    """A number in few letters, with a true minus."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def _shown(value: float) -> bool:
    return math.isfinite(value) and abs(value) < BEYOND
