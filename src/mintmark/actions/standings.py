"""How several models stand to each other, metric by metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mintmark.actions import verdict
from mintmark.actions.evaluation import PIXELS, Evaluation, place
from mintmark.actions.verdict import Finding
from mintmark.core.errors import ConfigError
from mintmark.core.records import Score

Models = Sequence[tuple[str, Evaluation]]


@dataclass(frozen=True)
class Standing:
    """How several models stand by one metric.

    Attributes:
        text: In words: which is best, or why none is named.
        best: Number of the model that is best beyond chance, or None.
        reasons: For each model, why its score is not compared, or "".
    """

    text: str
    best: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One metric of several models.

    Attributes:
        name: The metric.
        place: What it was measured in, by the first model that has it.
        scores: One a model, or None.
        standing: How they compare.
    """

    name: str
    place: str
    scores: tuple[Score | None, ...]
    standing: Standing


def rows(models: Models) -> list[Row]:
    """Every metric that some model has, in the order of the first that has it."""
    names = [name for name, _ in models]
    found: dict[tuple[str, bool], Row] = {}
    for _, evaluation in models:
        for score in evaluation.scores:
            key = (score.name, place(score) == PIXELS)
            if key not in found:
                scores = tuple(other.like(score) for _, other in models)
                found[key] = Row(score.name, place(score), scores, standing(names, scores))
    return list(found.values())


def findings(models: Models, rows: Sequence[Row]) -> tuple[Finding, ...]:
    """What a person wants to know first of a comparison.

    Args:
        models: Each with its name.
        rows: Those of `models`.
    """
    names = [name for name, _ in models]
    labels = {"precision": "Most faithful", "coverage": "Most varied"}
    distance = next((n for n in verdict.DISTANCES if any(row.name == n for row in rows)), None)
    if distance is not None:
        labels = {distance: "Nearest", **labels}
    first = {row.name: row for row in reversed(rows)}  # in features, where there are any
    shown = [_stand(label, names, first[n]) for n, label in labels.items() if n in first]
    return (*shown, _copying(models))


def standing(names: Sequence[str], scores: Sequence[Score | None]) -> Standing:
    """Which model is best by a metric, if the difference exceeds what chance explains.

    A difference counts beyond twice its own standard error, which for equal
    errors is `Score.meaningful_difference`.

    Args:
        names: Of the models.
        scores: One metric's score of each, in the same place, or None.
    """
    present = [score for score in scores if score is not None]
    common = max(present, key=lambda one: sum(not differing(one, other) for other in present))
    reasons = tuple(_reason(score, common) for score in scores)
    rivals = {i: s for i, s in enumerate(scores) if s is not None and not reasons[i]}
    if len(rivals) < 2:
        alone = len(present) < 2
        return Standing("Measured for one model" if alone else "Not comparable", None, reasons)
    if any(verdict.doubtful(score) for score in rivals.values()):
        return Standing("Not meaningful at these counts", None, reasons)
    if common.name not in verdict.GLOSSARY or any(s.error is None for s in rivals.values()):
        return Standing("No error is known, so none is called best", None, reasons)
    leaders = _leaders(rivals)
    if len(leaders) == 1:
        return Standing(f"Best: {names[leaders[0]]}", leaders[0], reasons)
    if len(leaders) == len(rivals):
        return Standing("No meaningful difference", None, reasons)
    ahead = verdict.listed([names[i] for i in leaders])
    return Standing(f"Ahead: {ahead}, no meaningful difference between them", None, reasons)


def differing(one: Score, other: Score) -> tuple[str, ...]:
    """The keys of two protocols that keep their scores from being compared; empty if none do."""
    try:
        one.difference(other)
    except ConfigError:
        keys = sorted(one.protocol.keys() | other.protocol.keys())
        found = tuple(key for key in keys if one.protocol.get(key) != other.protocol.get(key))
        return found or ("protocol",)  # 1 and 1.0 are equal here, and not in a protocol
    return ()


def _leaders(rivals: dict[int, Score]) -> list[int]:
    """Those no worse than the best by more than twice the error of the difference."""
    meaning = verdict.GLOSSARY[next(iter(rivals.values())).name]
    first = min(rivals.values(), key=lambda score: meaning.gap(score.value))
    return [
        i
        for i, score in rivals.items()
        if meaning.gap(score.value) - meaning.gap(first.value)
        <= 2 * math.hypot(score.error or 0, first.error or 0)
    ]


def _reason(score: Score | None, common: Score) -> str:
    if score is None:
        return "not measured"
    if not math.isfinite(score.value):
        return "undefined"
    keys = differing(score, common)
    return f"not comparable: differs in {verdict.listed(keys)}" if keys else ""


def _stand(label: str, names: Sequence[str], row: Row) -> Finding:
    values = [
        f"{name} {reason or verdict.number(score.value, score.error)}"
        for name, score, reason in zip(names, row.scores, row.standing.reasons, strict=True)
        if score is not None
    ]
    best = row.standing.best
    figure = row.standing.text if best is None else names[best]
    return Finding(label, figure, f"{row.name}: {', '.join(values)}.")


def _copying(models: Models) -> Finding:
    if all(found.novelty is None for _, found in models):
        return verdict.copied(None)
    findings = [
        (name, verdict.copied(found.novelty, found.score("copies")))
        for name, found in models
        if found.novelty is not None
    ]
    near = [name for name, finding in findings if finding.doubt]
    shares = ", ".join(f"{name} {finding.figure}" for name, finding in findings)
    figure = f"Look at {verdict.listed(near)}" if near else "None beyond chance"
    text = f"Generated pictures close to a training picture: {shares}."
    return Finding("Copies", figure, text, bool(near))
