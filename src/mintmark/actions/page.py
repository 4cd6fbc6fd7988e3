"""The pages of a report: one HTML file each, which opens offline and asks for nothing."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from struct import unpack
from typing import Any

from mintmark.actions import charts, standings, verdict
from mintmark.actions.evaluation import Chart, Evaluation, Sheet, place
from mintmark.core.records import Score

BETWEEN = ("truncation", "interpolation")  # charts of latents; the others are of training
HEAD = ("package", "data", "generated", "real")  # facts at the head; the others are at the foot
SMALL = 400  # pixels across, below which a sheet is enlarged without smoothing


@dataclass(frozen=True)
class Group:
    """Scores that were measured in the same place, with what their protocols share.

    Attributes:
        place: Name of the extractor, or `pixels`.
        scores: In the order of the report.
        shared: What all their protocols hold.
        own: For each score what only its protocol holds; those with nothing are left out.
    """

    place: str
    scores: tuple[Score, ...]
    shared: Mapping[str, Any]
    own: tuple[tuple[str, Mapping[str, Any]], ...]


def render(evaluation: Evaluation) -> str:
    """The report of one evaluation as an HTML page.

    Everything is inline: pictures, charts and style. There is no script, and a
    content policy forbids requests. Whatever the figures carry, from class
    names to licences, is escaped. Equal evaluations give equal pages.
    """
    drawn = charts.drawable(evaluation.charts)
    return ENVIRONMENT.get_template("report.html").render(
        evaluation=evaluation,
        head={name: evaluation.facts[name] for name in HEAD if name in evaluation.facts},
        foot={name: fact for name, fact in evaluation.facts.items() if name not in HEAD},
        findings=verdict.findings(evaluation),
        copied=verdict.copied(evaluation.novelty, evaluation.score("copies")),
        groups=_groups(evaluation.scores),
        sheets={sheet.name: sheet for sheet in evaluation.sheets},
        between=[chart for chart in drawn if chart.name in BETWEEN],
        training=[chart for chart in drawn if chart.name not in BETWEEN],
    )


def render_comparison(models: Sequence[tuple[str, Evaluation]]) -> str:
    """Several evaluations side by side as an HTML page; see `render`.

    Args:
        models: Each with the name that it is shown by; at least one.
    """
    names = [name for name, _ in models]
    rows = standings.rows(models)
    shared, own = _facts([evaluation.facts for _, evaluation in models])
    return ENVIRONMENT.get_template("compare.html").render(
        names=names,
        rows=rows,
        asked=[name for name in verdict.GLOSSARY if any(row.name == name for row in rows)],
        findings=standings.findings(models, rows),
        shared=shared,
        own=own,
        samples=[(name, s) for name, found in models for s in found.sheets if s.name == "samples"],
        charts=_overlaid(models),
    )


def _facts(
    found: Sequence[Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Facts that are the same for all models, and each model's value of the others."""
    names = dict.fromkeys(name for facts in found for name in facts)
    columns = {name: [facts.get(name, "-") for facts in found] for name in names}
    shared = {name: values[0] for name, values in columns.items() if len(set(values)) == 1}
    return shared, {name: values for name, values in columns.items() if name not in shared}


def _groups(scores: Iterable[Score]) -> list[Group]:
    """Scores by where they were measured."""
    places: dict[str, list[Score]] = {}
    for score in scores:
        places.setdefault(place(score), []).append(score)
    return [_group(name, tuple(found)) for name, found in places.items()]


def _group(name: str, scores: tuple[Score, ...]) -> Group:
    first = scores[0].protocol
    shared = {
        key: value
        for key, value in sorted(first.items())
        if all(key in s.protocol and s.protocol[key] == value for s in scores)
    }
    own = [(s.name, {k: v for k, v in s.protocol.items() if k not in shared}) for s in scores]
    return Group(name, scores, shared, tuple(pair for pair in own if pair[1]))


def _overlaid(models: Sequence[tuple[str, Evaluation]]) -> list[Chart]:
    """One chart for each line that at least two models have, a line a model."""
    found: dict[tuple[str, str], Chart] = {}
    for name, evaluation in models:
        for chart in evaluation.charts:
            for line in chart.lines:
                title = chart.title if len(chart.lines) == 1 else f"{chart.title}: {line.name}"
                empty = replace(chart, title=title, lines=())
                one = found.setdefault((chart.name, line.name), empty)
                lines = (*one.lines, replace(line, name=name))
                found[chart.name, line.name] = replace(one, lines=lines)
    return [chart for chart in charts.drawable(found.values()) if len(chart.lines) > 1]


def _data(sheet: Sheet) -> str:
    return "data:image/png;base64," + b64encode(sheet.content).decode()


def _sides(sheet: Sheet) -> tuple[int, int]:
    """Width and height of a PNG, from its header; 0 where it is cut short."""
    header = sheet.content[16:24]
    width, height = unpack(">II", header) if len(header) == 8 else (0, 0)
    return width, height


ENVIRONMENT = charts.ENVIRONMENT.overlay()
ENVIRONMENT.globals = {**ENVIRONMENT.globals, "glossary": verdict.GLOSSARY, "small": SMALL}
ENVIRONMENT.filters = {
    **ENVIRONMENT.filters,
    "chart": charts.svg,
    "data": _data,
    "doubtful": verdict.doubtful,
    "interval": verdict.interval,
    "number": verdict.number,
    "numbers": charts.table,
    "percent": verdict.percent,
    "sentence": verdict.sentence,
    "sides": _sides,
}
