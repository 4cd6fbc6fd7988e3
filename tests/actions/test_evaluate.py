import json
import shutil
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions.evaluate import Evaluation, evaluate, measure
from mintmark.actions.requests import EvaluateRequest
from mintmark.actions.world import open_world
from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.core.records import Progress
from mintmark.core.settings import settings
from mintmark.data.encode import encode
from mintmark.models.package import from_pretrained


def result_of(steps: Generator[Progress, None, Evaluation]) -> Evaluation:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        assert isinstance(end.value, Evaluation)
        return end.value


def measured(package: Path, data: Path, **options: object) -> Evaluation:
    words = {"package": str(package), "data": data, "count": 40, **options}
    return result_of(evaluate(EvaluateRequest.model_validate(words), open_world()))


@pytest.fixture(scope="module")
def few(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of real digits, one with three times as many as the other, and a grey square."""
    folder = tmp_path_factory.mktemp("few")
    for name, count in (("3", 30), ("8", 89)):
        (folder / name).mkdir()
        for path in sorted((digits / "train" / name).iterdir())[:count]:
            shutil.copy(path, folder / name)
    grey = Picture(np.full((8, 8, 1), 128, np.uint8))
    (folder / "8/grey.png").write_bytes(encode(grey, "png"))
    return folder


def test_labels_follow_the_law_of_the_data(trained: Path, few: Path) -> None:
    found = measured(trained / "package", few, count=400).labels
    assert found is not None
    assert set(found.tolist()) == {3, 8}  # by name, not by place in the data
    assert 0.15 < (found == 3).mean() < 0.35


def test_the_same_seed_gives_the_same_figures(trained: Path, few: Path) -> None:
    first = measured(trained / "package", few)
    again = measured(trained / "package", few)
    assert first.to_json() == again.to_json()
    assert np.array_equal(first.pixels, again.pixels)
    other = measured(trained / "package", few, seed=1)
    assert not np.array_equal(first.pixels, other.pixels)


def test_the_judge_is_trained_once(trained: Path, few: Path) -> None:
    first = measured(trained / "package", few)
    judges = settings().cache / "judges"
    before = {path.name: path.stat().st_mtime_ns for path in judges.iterdir()}
    again = measured(trained / "package", few, seed=2)
    assert before == {path.name: path.stat().st_mtime_ns for path in judges.iterdir()}
    assert len({result.scores[0].protocol["extractor"] for result in (first, again)}) == 1


def test_reports_are_written(trained: Path, few: Path, digits: Path, tmp_path: Path) -> None:
    held_out = digits / "held-out"
    found = measured(trained / "package", few, out=tmp_path / "report", held_out=held_out)
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert report == json.loads(json.dumps(found.to_json()))
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.json", "report.md"}
    names = [score["name"] for score in report["scores"]]
    assert names[:2] == ["FD", "KID"] and names.count("coverage") == 2
    for score in report["scores"]:
        assert {"extractor", "real", "fake", "seed", "snapshot"} <= set(score["protocol"])
        assert (score["protocol"]["real"], score["protocol"]["fake"]) == (120, 40)
    text = (tmp_path / "report/report.md").read_text()
    assert "| FD | feature net |" in text and "Copies: " in text


def test_copies_are_not_judged_without_held_out_pictures(trained: Path, few: Path) -> None:
    found = measured(trained / "package", few)
    assert found.novelty is None
    assert "--held-out" in found.text()


def test_copies_are_found(trained: Path, few: Path, digits: Path) -> None:
    """A generator that only repeats one training picture, the grey square, is caught."""
    package = from_pretrained(trained / "package")
    for parameter in package.networks["G"].parameters():
        parameter.data.zero_()
    request = EvaluateRequest(package="", data=few, held_out=digits / "held-out", count=40)
    found = result_of(measure(package, request, open_world()))
    assert found.novelty is not None
    assert found.novelty.copies == 1 and found.novelty.excess
    assert "more than held-out pictures show" in found.text()


def test_data_of_other_classes_are_refused(trained: Path, few: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(few, tmp_path / "data"))
    (data / "8").rename(data / "eight")
    with pytest.raises(DataError, match="class 'eight', which the package does not draw"):
        measured(trained / "package", data)


def test_too_few_pictures_are_refused(
    trained: Path, few: Path, digits: Path, tmp_path: Path
) -> None:
    for name in ("3", "8"):
        (tmp_path / name).mkdir()
        for path in sorted((few / name).iterdir())[:2]:
            shutil.copy(path, tmp_path / name)
    with pytest.raises(DataError, match="4 pictures; measuring needs more than 5"):
        measured(trained / "package", tmp_path)
    with pytest.raises(DataError, match="4 pictures; measuring needs more than 5"):
        measured(trained / "package", few, held_out=tmp_path)
