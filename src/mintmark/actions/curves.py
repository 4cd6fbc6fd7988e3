"""The charts of a report that need no drawing: what the run's log tells."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mintmark.actions.evaluation import Chart, Line

LARGEST = 1e300
MOST_POINTS = 400  # of a line; more cannot be told apart on a page

TRAINING = (
    (
        "losses",
        "Losses",
        "The two sides of the game. Neither falls to a goal; a sudden jump is what to look for.",
        "loss",
        {"discriminator": "discriminator", "generator": "generator"},
    ),
    (
        "penalties",
        "Slopes of the discriminator",
        "Squared gradient at real and generated pictures; gamma keeps both small.",
        "squared norm",
        {"r1": "at real pictures", "r2": "at generated pictures"},
    ),
    (
        "spread",
        "Balance of the game",
        "Pairs won: how often the discriminator ranks a real picture above the generated one "
        "beside it; near 1 it has won. Spread: variety of the generated pixels over that of "
        "real ones; near 0 the generator has collapsed.",
        "share",
        {"pairs_won": "pairs won", "spread": "spread"},
    ),
    (
        "distance",
        "Distance during training",
        "FD of a few hundred pictures of the averaged generator; compare it along the run only.",
        "FD",
        {"fd": "FD"},
    ),
    (
        "coverage",
        "Coverage during training",
        "Share of a few hundred real pictures with a generated one near them.",
        "share",
        {"coverage": "coverage"},
    ),
)
"""Charts of a run: name, title, what it says, vertical axis, figures by their name in the log."""


def training(log: Path) -> tuple[Chart, ...]:
    """The training curves of a run, from its `log.jsonl`; empty where there is none."""
    if not log.is_file():
        return ()
    lines = list(_figures(log))
    charts = []
    for name, title, about, axis, wanted in TRAINING:
        drawn = tuple(
            line for key, label in wanted.items() if (line := _line(lines, key, label)) is not None
        )
        if drawn:
            charts.append(Chart(name, title, about, "images seen", axis, drawn))
    return tuple(charts)


def _figures(log: Path) -> Iterator[Mapping[str, float]]:
    """Lines of numbers; words and what a crash cut short are passed over."""
    with log.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and _is_number(line.get("images")):
                yield {name: value for name, value in line.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    """Whether a value can be drawn: integers may be too long for a float, floats NaN."""
    return isinstance(value, int | float) and abs(value) < LARGEST


def _line(lines: list[Mapping[str, float]], key: str, label: str) -> Line | None:
    """One figure over the images seen, thinned by means of neighbours."""
    points = [(line["images"], line[key]) for line in lines if key in line]
    if len(points) < 2:
        return None
    size = -(-len(points) // MOST_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return Line(
        label,
        tuple(sum(x for x, _ in group) / len(group) for group in groups),
        tuple(sum(y for _, y in group) / len(group) for group in groups),
    )
