"""What the figures of an evaluation say, in plain words and with the digits they deserve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mintmark.actions.evaluation import ClassFigures, Evaluation
from mintmark.core.records import Score
from mintmark.metrics.memorisation import Novelty

INF = math.inf
MOST_DECIMALS = 6
DISTANCES = ("FID", "FD", "KID", "MIND")  # the first that was measured speaks for all
MEANINGLESS = "not meaningful"  # how notes of numbers begin that say nothing


@dataclass(frozen=True)
class Meaning:
    """How to read a metric.

    Attributes:
        question: The question that it answers.
        best: Its best value.
        low: Its least value.
        high: Its greatest value.
    """

    question: str
    best: float
    low: float
    high: float

    def text(self) -> str:
        """The question, what is better, and the range, in one line."""
        return f"{self.question} {self._better()}; {self._range()}."

    def gap(self, value: float) -> float:
        """How far a value is from the best one; smaller is better."""
        return -value if self.best == INF else abs(value - self.best)

    def clip(self, value: float) -> float:
        """The value, or the end of the range that it lies beyond."""
        return min(max(value, self.low), self.high)

    def _better(self) -> str:
        if self.best == self.high:
            return "Higher is better"
        return "Lower is better" if self.best == self.low else f"Best near {self.best:g}"

    def _range(self) -> str:
        if math.isinf(self.low):
            return "may fall below 0"
        return (
            f"from {self.low:g} up" if math.isinf(self.high) else f"{self.low:g} to {self.high:.3g}"
        )


GLOSSARY = {
    "FD": Meaning(
        "How far apart are generated and real pictures, by mean and spread of their features?",
        best=0,
        low=0,
        high=INF,
    ),
    "FID": Meaning(
        "How far apart are generated and real pictures, by mean and spread of Inception features?",
        best=0,
        low=0,
        high=INF,
    ),
    "KID": Meaning(
        "How far apart are they by a kernel, free of the bias of small samples?",
        best=0,
        low=-INF,
        high=INF,
    ),
    "IS": Meaning(
        "Does a classifier see something clear in each picture, and variety in all?",
        best=INF,
        low=1,
        high=INF,
    ),
    "MIND": Meaning(
        "How far apart are they, seen from many directions one by one?",
        best=0,
        low=0,
        high=INF,
    ),
    "MiFID": Meaning(
        "How far apart are they, with a penalty for lying close to training pictures?",
        best=0,
        low=0,
        high=INF,
    ),
    "precision": Meaning(
        "What share of generated pictures lies where real ones do?", best=1, low=0, high=1
    ),
    "recall": Meaning(
        "What share of real pictures lies where generated ones do?", best=1, low=0, high=1
    ),
    "density": Meaning(
        "How densely do generated pictures lie among real ones?", best=1, low=0, high=INF
    ),
    "coverage": Meaning(
        "What share of real pictures has a generated one within reach?", best=1, low=0, high=1
    ),
    "NDB": Meaning(
        "In what share of regions do generated and real pictures differ in number, beyond chance?",
        best=0,
        low=0,
        high=1,
    ),
    "JS": Meaning(
        "How far apart are the shares of the regions, in nats?", best=0, low=0, high=math.log(2)
    ),
    "PPL": Meaning(
        "How abruptly do pictures change on the way from one to another?", best=0, low=0, high=INF
    ),
    "separability": Meaning(
        "How well do straight boundaries between latents part what pictures show?",
        best=1,
        low=1,
        high=INF,
    ),
    "copies": Meaning(
        "What share of generated pictures repeats a training picture, also moved or mirrored?",
        0,
        0,
        1,
    ),
    "closer-to-training share": Meaning(
        "What share of generated pictures lies nearer to training than to held-out pictures?",
        best=0.5,
        low=0,
        high=1,
    ),
}
"""Every metric of a report by the name of its score: what it asks, what is better, its range."""


@dataclass(frozen=True)
class Finding:
    """One thing that an evaluation found.

    Attributes:
        label: What it is about, a word or two.
        figure: The number that matters most.
        text: What it means, in sentences.
        doubt: Whether it warns of something.
    """

    label: str
    figure: str
    text: str
    doubt: bool = False


def findings(evaluation: Evaluation) -> tuple[Finding, ...]:
    """What a person wants to know first: how near, faithful, varied, copied, and as asked."""
    distance = next(filter(None, map(evaluation.score, DISTANCES)), None)
    found = [
        None if distance is None else _near(distance),
        _share(
            "Faithful", evaluation.score("precision"), "generated pictures lie where real ones do"
        ),
        _share(
            "Varied", evaluation.score("coverage"), "real pictures have a generated one near them"
        ),
        copied(evaluation.novelty, evaluation.score("copies")),
        _asked(evaluation.classes),
    ]
    return tuple(one for one in found if one is not None)


def number(value: float, error: float | None = None) -> str:
    """A value with the digits that its error leaves, or with three; NaN and Inf are `undefined`."""
    if not math.isfinite(value):
        return "undefined"
    size, digits = abs(value), 3
    if error is not None and math.isfinite(error) and error > 0:
        size, digits = error, 2
    decimals = digits - 1 - math.floor(math.log10(size)) if size else 0
    if abs(value) >= 1e12 or (value and decimals > MOST_DECIMALS and abs(value) < 1e-3):
        text = f"{value:.{digits}g}"
    else:
        text = f"{value:,.{min(max(decimals, 0), MOST_DECIMALS)}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def percent(value: float) -> str:
    """A share as a percentage."""
    return f"{value:.1%}" if math.isfinite(value) else "undefined"


def interval(score: Score) -> tuple[float, float] | None:
    """Two standard errors to both sides, about 95 %, within the range of the metric."""
    if score.error is None or not math.isfinite(score.error) or not math.isfinite(score.value):
        return None
    low, high = score.value - 2 * score.error, score.value + 2 * score.error
    meaning = GLOSSARY.get(score.name)
    return (meaning.clip(low), meaning.clip(high)) if meaning else (low, high)


def copied(found: Novelty | None, moved: Score | None = None) -> Finding:
    """Whether the generated pictures are copies.

    Args:
        found: Distances in pixels, or None where nothing was looked for.
        moved: The score `copies`, of a search over shifts and mirror images.
    """
    if found is None:
        text = "Give real pictures that training never saw with --held-out to look for copies."
        return Finding("Copies", "Not looked for", text)
    if moved is not None and moved.value > 0:
        text = (
            "of the generated pictures repeat a training picture, as it is, moved or mirrored: "
            "look at the pairs."
        )
        return Finding("Copies", percent(moved.value), text, doubt=True)
    excess = (
        "more than chance explains: look at the pairs" if found.excess else "no more than chance"
    )
    text = (
        "of the generated pictures lie nearer to a training picture than all but "
        f"{percent(found.expected)} of the held-out pictures do. "
        f"That is {excess}."
    )
    return Finding("Copies", percent(found.copies), text, found.excess)


def listed(words: Sequence[str]) -> str:
    """Words with commas, and the last with `and`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _near(score: Score) -> Finding:
    text = "Distance of the generated pictures to the real ones"
    ends = interval(score)
    if ends is not None:
        low, high = (number(end, score.error) for end in ends)
        text += f", 95% interval {low} to {high}"
    figure = f"{score.name} {number(score.value, score.error)}"
    return Finding("Near", figure, f"{text}. {_chance(score)}".strip(), doubtful(score))


def _chance(score: Score) -> str:
    """What of a distance would be there if both sets of pictures had one law."""
    if score.note:
        return sentence(score.note)
    bias = score.bias or 0.0
    part = f"Of this, {number(bias, score.error)} comes from these counts alone. " if bias else ""
    if score.error is not None and score.value - bias <= 2 * score.error:
        return f"{part}{'The rest' if bias else 'That'} is no more than chance."
    return part


def _share(label: str, score: Score | None, what: str) -> Finding | None:
    if score is None:
        return None
    ends = interval(score)
    about = score.name
    if ends is not None:
        about += f", 95% interval {percent(ends[0])} to {percent(ends[1])}"
    note = f" {sentence(score.note)}" if score.note else ""
    text = f"of the {what} ({about}).{note}"
    return Finding(label, percent(score.value), text, doubtful(score))


def _asked(classes: Sequence[ClassFigures]) -> Finding | None:
    judged = [(one.agreement, one) for one in classes if one.agreement is not None]
    total = sum(one.generated for _, one in judged)
    if not total:
        return None
    mean = sum(share * one.generated for share, one in judged) / total
    share, worst = min(judged, key=lambda pair: pair[0])
    text = "of the pictures show the class that was asked for, by a classifier of the real ones"
    if share < mean:
        text += f"; least often {worst.name} ({percent(share)})"
    return Finding("As asked", percent(mean), f"{text}.")


def doubtful(score: Score) -> bool:
    """Whether a score's note says that it means nothing."""
    return score.note.startswith(MEANINGLESS)


def sentence(note: str) -> str:
    """A note with a capital and a full stop."""
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."
