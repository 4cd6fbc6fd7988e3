"""The verb `compare`: several models side by side, by one protocol."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from mintmark.actions import evaluation
from mintmark.actions.evaluate import evaluate
from mintmark.actions.evaluation import REPORT, Evaluation, place
from mintmark.actions.page import render_comparison
from mintmark.actions.report import cell
from mintmark.actions.requests import CompareRequest, EvaluateRequest
from mintmark.actions.world import World
from mintmark.core.errors import ConfigError
from mintmark.core.files import write_text
from mintmark.core.records import Progress, Score


@dataclass(frozen=True)
class Comparison:
    """Several evaluations.

    Attributes:
        models: Each with the name that it was given by.
    """

    models: tuple[tuple[str, Evaluation], ...]

    def text(self) -> str:
        """A Markdown table, a column a model; what the others differ from the first by."""
        names = [name for name, _ in self.models]
        first = self.models[0][1]
        lines = [
            f"| metric | {' | '.join(cell(name) for name in names)} |",
            f"| --- | {' | '.join('---:' for _ in names)} |",
        ]
        for score in first.scores:
            cells = [_cell(score, found.like(score)) for _, found in self.models]
            lines.append(f"| {cell(score.name)} in {cell(place(score))} | {' | '.join(cells)} |")
        lines += ["", "`~`: no more than chance apart from the first. `?`: not to be compared."]
        return "\n".join(lines) + "\n"


def compare(request: CompareRequest, world: World) -> Generator[Progress, None, Comparison]:
    """Evaluates several packages against the same data, or reads reports already made.

    Args:
        request: The models and what to measure them against.
        world: The machine.

    Yields:
        The progress of each evaluation.

    Returns:
        The comparison; also written to `request.out` where that is given.

    Raises:
        InputError: A package, a report or the data cannot be used.
    """
    reports = {name: Path(name) for name in request.models if (Path(name) / REPORT).is_file()}
    if request.data is None and not all(name in reports for name in request.models):
        raise ConfigError(
            "Packages are measured against real pictures: give them with --data, or give folders "
            "that evaluate wrote."
        )
    models = []
    for name in request.models:
        if name in reports:
            found = evaluation.load(reports[name])
        else:
            found = yield from evaluate(_question(request, name), world)
        models.append((_short(name, request.models), found))
    result = Comparison(tuple(models))
    if request.out:
        request.out.mkdir(parents=True, exist_ok=True)
        write_text(request.out / "comparison.md", result.text())
        write_text(request.out / "comparison.html", render_comparison(result.models))
    return result


def _question(request: CompareRequest, name: str) -> EvaluateRequest:
    shared = request.model_dump(exclude={"models", "out"})
    return EvaluateRequest(package=name, quick=True, **shared)


def _short(name: str, names: tuple[str, ...]) -> str:
    """The end of a path that tells it from the others."""
    parts = Path(name).parts
    for length in range(1, len(parts)):
        end = parts[-length:]
        if end[0] != "package" and sum(Path(n).parts[-length:] == end for n in names) == 1:
            return "/".join(end)
    return name


def _cell(first: Score, score: Score | None) -> str:
    """A value; marked where it differs from the first one's by chance, or by protocol."""
    if score is None:
        return "-"
    text = f"{score.value:.4f}" + ("" if score.error is None else f" ± {score.error:.4f}")
    if score is first:
        return text
    try:
        difference = score.difference(first)
    except ConfigError:
        return f"{text} ?"
    if score.error is None or first.error is None:
        return text
    chance = abs(difference) <= 2 * math.hypot(score.error, first.error)
    return f"{text} ~" if chance else text
