import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mintmark.actions.evaluation import ClassFigures, Evaluation
from mintmark.actions.standings import Models, differing, findings, rows, standing
from mintmark.actions.verdict import GLOSSARY, Finding, interval, listed, number, percent
from mintmark.actions.verdict import findings as verdict
from mintmark.core.records import Score
from mintmark.metrics.memorisation import Novelty

PROTOCOL = {"features": "net", "real": 1000, "fake": 1000}
NOVELTY = Novelty(1.0, 1.1, 0.6, 0.01, 0.01, False, ())


def score(name: str, value: float, error: float | None = 0.01, **more: Any) -> Score:
    protocol: Mapping[str, Any] = more.pop("protocol", PROTOCOL)
    return Score(name, value, protocol, error, **more)


def evaluation(*scores: Score, **more: Any) -> Evaluation:
    found = Evaluation("ab" * 32, "digits", {}, scores, None, (), (), ())
    return replace(found, **more)


def said(found: tuple[Finding, ...]) -> dict[str, Finding]:
    return {one.label: one for one in found}


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.14159, 0.1, "3.14"),
        (3.14159, 0.02, "3.142"),
        (3.14159, None, "3.14"),
        (3.14159, 0.0, "3.14"),
        (3.14159, math.nan, "3.14"),
        (1234567.8, 40.0, "1,234,568"),
        (0.0, None, "0"),
        (-0.0012, 0.0005, "\N{MINUS SIGN}0.00120"),
        (1.5e-9, None, "1.5e\N{MINUS SIGN}09"),
        (1e300, None, "1e+300"),
        (math.nan, 0.1, "undefined"),
        (math.inf, None, "undefined"),
    ],
)
def test_numbers_have_the_digits_that_their_error_leaves(
    value: float, error: float | None, text: str
) -> None:
    assert number(value, error) == text


def test_shares_and_lists_read_well() -> None:
    assert (percent(0.1234), percent(math.nan)) == ("12.3%", "undefined")
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_intervals_span_two_errors_within_the_range() -> None:
    for name, value, error, low, high in (
        ("FD", 5, 0.5, 4, 6),
        ("precision", 0.99, 0.01, 0.97, 1),
        ("FD", 0.1, 0.5, 0, 1.1),
        ("KID", 0.1, 0.5, -0.9, 1.1),
    ):
        assert interval(score(name, value, error)) == pytest.approx((low, high))
    assert interval(score("FD", 5, None)) is None
    assert interval(score("FD", math.nan, 0.1)) is None


def test_every_metric_is_explained_with_its_direction_and_range() -> None:
    assert GLOSSARY["FD"].text().endswith("Lower is better; from 0 up.")
    assert GLOSSARY["IS"].text().endswith("Higher is better; from 1 up.")
    assert GLOSSARY["coverage"].text().endswith("Higher is better; 0 to 1.")
    assert GLOSSARY["density"].text().endswith("Best near 1; from 0 up.")
    assert GLOSSARY["KID"].text().endswith("Best near 0; may fall below 0.")
    assert GLOSSARY["JS"].text().endswith("Lower is better; 0 to 0.693.")
    for meaning in GLOSSARY.values():
        assert meaning.question.endswith("?") or meaning.question.endswith("nats?")
        assert meaning.low <= meaning.best <= meaning.high


def test_the_verdict_says_how_much_of_a_distance_is_sample_size() -> None:
    far = said(verdict(evaluation(score("FD", 5, 0.1, bias=1.0))))["Near"]
    assert far.figure == "FD 5.00"
    assert "4.80 to 5.20" in far.text and "1.00 comes from these counts alone" in far.text
    assert "chance" not in far.text
    near = said(verdict(evaluation(score("FD", 1.1, 0.1, bias=1.0))))["Near"]
    assert near.text.endswith("The rest is no more than chance.")
    equal = said(verdict(evaluation(score("KID", 0.001, 0.002))))["Near"]
    assert equal.text.endswith("That is no more than chance.")


def test_the_verdict_speaks_of_inception_first() -> None:
    both = evaluation(score("KID", 1), score("FD", 5), score("FID", 7))
    assert said(verdict(both))["Near"].figure == "FID 7.000"


def test_a_score_that_means_nothing_says_so() -> None:
    note = "not meaningful: 40 samples, fewer than 500"
    found = said(verdict(evaluation(score("FD", 5, note=note), score("coverage", 0.9, note=note))))
    for label in ("Near", "Varied"):
        assert found[label].doubt and found[label].text.endswith(
            "Not meaningful: 40 samples, fewer than 500."
        )
    mild = said(verdict(evaluation(score("FD", 5, note="mostly sample size: so much"))))["Near"]
    assert not mild.doubt and mild.text.endswith("Mostly sample size: so much.")


def test_shares_are_told_as_shares() -> None:
    found = said(verdict(evaluation(score("precision", 0.9), score("coverage", 0.5))))
    assert found["Faithful"].figure == "90.0%" and "generated" in found["Faithful"].text
    assert found["Varied"].figure == "50.0%" and "48.0% to 52.0%" in found["Varied"].text


def test_copies_are_told_and_never_assumed() -> None:
    assert said(verdict(evaluation()))["Copies"].figure == "Not looked for"
    calm = said(verdict(evaluation(novelty=NOVELTY)))["Copies"]
    assert not calm.doubt and "no more than chance" in calm.text
    alarm = said(verdict(evaluation(novelty=replace(NOVELTY, copies=0.2, excess=True))))["Copies"]
    assert alarm.doubt and alarm.figure == "20.0%" and "look at the pairs" in alarm.text


def test_the_weakest_class_is_named() -> None:
    classes = (
        ClassFigures("cat", 300, 10, 1.0, 0.0, None),
        ClassFigures("dog", 100, 10, 0.6, 0.0, None),
        ClassFigures("eel", 100, 10, None, None, None),
    )
    found = said(verdict(evaluation(classes=classes)))["As asked"]
    assert found.figure == "90.0%" and "least often dog (60.0%)" in found.text
    assert "As asked" not in said(verdict(evaluation(classes=classes[2:])))
    assert "least" not in said(verdict(evaluation(classes=classes[:1])))["As asked"].text


NAMES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("name", "values", "error", "text", "best"),
    [
        ("FD", (1.0, 2.0, 3.0), 0.1, "Best: a", 0),
        ("precision", (0.1, 0.2, 0.9), 0.01, "Best: c", 2),
        ("density", (1.4, 1.05, 0.5), 0.01, "Best: b", 1),
        ("KID", (-0.5, 0.01, 0.5), 0.01, "Best: b", 1),
        ("FD", (1.0, 1.1, 1.2), 0.1, "No meaningful difference", None),
        ("FD", (1.0, 1.1, 9.0), 0.1, "Ahead: a and b, no meaningful difference between them", None),
        ("FD", (1.0, 1.0 + 2.9e-1, 9.0), 0.1, "Best: a", 0),  # 2 sqrt(2) 0.1 is 0.283
        ("FD", (1.0, 1.0 + 2.8e-1, 1.0), 0.1, "No meaningful difference", None),
        ("FD", (1.0, 2.0, 3.0), None, "No error is known, so none is called best", None),
        ("home-made", (1.0, 2.0, 3.0), 0.1, "No error is known, so none is called best", None),
    ],
)
def test_the_best_is_named_only_beyond_chance(
    name: str, values: tuple[float, ...], error: float | None, text: str, best: int | None
) -> None:
    found = standing(NAMES, [score(name, value, error) for value in values])
    assert (found.text, found.best) == (text, best)
    assert found.reasons == ("", "", "")


def test_unequal_protocols_are_set_apart_with_the_reason() -> None:
    other = score("FD", 0.1, protocol={**PROTOCOL, "real": 900, "size": 8})
    found = standing(NAMES, [other, score("FD", 2), score("FD", 1)])
    assert found.best == 2
    assert found.reasons == ("not comparable: differs in real and size", "", "")
    pair = standing(NAMES[:2], [other, score("FD", 2)])
    assert (pair.text, pair.best) == ("Not comparable", None)
    assert differing(score("FD", 1), score("FD", 2)) == ()
    assert differing(score("FD", 1), score("FD", 1, protocol={**PROTOCOL, "real": 1000.0})) == (
        "protocol",
    )


def test_missing_undefined_and_meaningless_scores_crown_nobody() -> None:
    alone = standing(NAMES, [None, score("FD", 1), None])
    assert (alone.text, alone.best) == ("Measured for one model", None)
    assert alone.reasons == ("not measured", "", "not measured")
    undefined = standing(NAMES, [score("FD", math.nan), score("FD", 1), score("FD", 2)])
    assert undefined.best == 1 and undefined.reasons[0] == "undefined"
    vague = score("FD", 1, note="not meaningful: too few")
    assert standing(NAMES, [vague, score("FD", 2), score("FD", 3)]).best is None


def test_a_comparison_is_summed_up() -> None:
    pixels = {"features": "pixels", "real": 1000, "fake": 1000}
    models: Models = [
        ("a", evaluation(score("FD", 1), score("precision", 0.5), novelty=NOVELTY)),
        ("b", evaluation(score("FD", 2), score("precision", 0.9))),
        ("c", evaluation(score("precision", 0.1, protocol=pixels), score("precision", 0.7))),
    ]
    table = rows(models)
    assert [(row.name, row.place) for row in table] == [
        ("FD", "net"),
        ("precision", "net"),
        ("precision", "pixels"),
    ]
    assert [one and one.value for one in table[1].scores] == [0.5, 0.9, 0.7]
    found = said(findings(models, table))
    assert found["Nearest"].figure == "a" and found["Nearest"].text == "FD: a 1.000, b 2.000."
    assert found["Most faithful"].figure == "b"
    assert found["Copies"].figure == "None beyond chance" and "a 1.0%" in found["Copies"].text


def test_a_comparison_points_to_copies() -> None:
    copying = replace(NOVELTY, copies=0.5, excess=True)
    models: Models = [("a", evaluation(novelty=NOVELTY)), ("b", evaluation(novelty=copying))]
    found = said(findings(models, rows(models)))["Copies"]
    assert found.doubt and found.figure == "Look at b"
    assert said(findings([("a", evaluation())], []))["Copies"].figure == "Not looked for"
