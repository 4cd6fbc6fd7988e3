from dataclasses import replace
from pathlib import Path

import pytest

from mintmark.actions import evaluation
from mintmark.actions.compare import Comparison, _short, compare
from mintmark.actions.evaluate import evaluate
from mintmark.actions.evaluation import Evaluation
from mintmark.actions.python import finish
from mintmark.actions.requests import CompareRequest, EvaluateRequest
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.records import Score


@pytest.fixture(scope="module")
def report(digits: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "first"
    request = EvaluateRequest(
        package=str(trained / "package"), data=digits / "train", count=40, quick=True, out=out
    )
    finish(evaluate(request, open_world()))
    return out


def test_a_package_beside_a_report_of_itself(
    report: Path, digits: Path, trained: Path, tmp_path: Path
) -> None:
    models = (str(report), str(trained / "package"))
    request = CompareRequest(models=models, data=digits / "train", count=40, out=tmp_path / "out")
    found = finish(compare(request, open_world()))
    first, second = (one.scores for _, one in found.models)
    assert [a.difference(b) for a, b in zip(first, second, strict=True)] == [0] * len(first)
    assert "FD in digits" in found.text() and "?" not in found.text().split("`?`")[0]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.md",
        "comparison.html",
    }


def test_reports_need_no_data(report: Path) -> None:
    found = finish(compare(CompareRequest(models=(str(report), str(report))), open_world()))
    assert len(found.models) == 2


def test_packages_need_data(report: Path, trained: Path) -> None:
    request = CompareRequest(models=(str(report), str(trained / "package")))
    with pytest.raises(ConfigError, match="--data"):
        finish(compare(request, open_world()))


def test_one_model_is_no_comparison() -> None:
    with pytest.raises(ConfigError, match="models"):
        CompareRequest(models=("a",), data=Path("d"))


def of(*scores: Score) -> Evaluation:
    return Evaluation("p", "digits", {}, scores, None, (), (), ())


def test_chance_and_protocols_are_told_apart() -> None:
    how = {"features": "digits", "seed": 0}
    first = of(Score("FD", 1.0, how, error=0.1))
    near = of(Score("FD", 1.2, how, error=0.1))
    far = of(Score("FD", 2.0, how, error=0.1))
    foreign = of(Score("FD", 1.0, {**how, "seed": 1}, error=0.1))
    models = [("a", first), ("b", near), ("c", far), ("d", foreign), ("e", of())]
    row = Comparison(tuple(models)).text().splitlines()[2]
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells == [
        "1.0000 ± 0.1000",
        "1.2000 ± 0.1000 ~",
        "2.0000 ± 0.1000",
        "1.0000 ± 0.1000 ?",
        "-",
    ]


def test_names_are_as_short_as_they_can_be() -> None:
    names = ("runs/a/package", "runs/b/package", "reports/c")
    assert [_short(name, names) for name in names] == ["a/package", "b/package", "c"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "no report of Mintmark"),
        ("[1]", "no report of Mintmark"),
        ('{"format": "mintmark-report", "version": 9}', "another version"),
        ('{"format": "mintmark-report", "version": 1}', "lacks parts"),
        ("{", "not valid JSON"),
        ('{"a": NaN}', "not valid JSON"),
    ],
)
def test_damaged_reports_are_refused(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(Exception, match=words) as caught:
        evaluation.load(tmp_path)
    assert caught.value.__class__.__module__ == "mintmark.core.errors"


def test_sheets_of_foreign_reports_stay_in_their_folder(report: Path, tmp_path: Path) -> None:
    found = evaluation.load(report)
    sheet = replace(found.sheets[0], name="samples", content=b"<script>")
    evaluation.save(replace(found, sheets=(sheet,)), tmp_path / "a")
    with pytest.raises(DataError, match="no PNG"):
        evaluation.load(tmp_path / "a")
    text = (tmp_path / "a/report.json").read_text().replace('"samples"', '"../../secret"')
    (tmp_path / "a/report.json").write_text(text)
    with pytest.raises(DataError, match="no PNG"):
        evaluation.load(tmp_path / "a")
