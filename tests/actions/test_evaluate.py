import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions import asking
from mintmark.actions import evaluate as evaluating
from mintmark.actions.evaluate import Drawn, _flat, evaluate, measure
from mintmark.actions.evaluation import PIXELS, Evaluation, load, place
from mintmark.actions.prepare import read
from mintmark.actions.python import finish
from mintmark.actions.report import markdown
from mintmark.actions.requests import EvaluateRequest
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError, PackageError
from mintmark.core.media import Picture
from mintmark.core.settings import settings
from mintmark.data.encode import encode
from mintmark.models.package import from_pretrained


def measured(package: Path, data: Path, **options: object) -> Evaluation:
    words = {"package": str(package), "data": data, "count": 40, "quick": True, **options}
    return finish(evaluate(EvaluateRequest.model_validate(words), open_world()))


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
    package = from_pretrained(trained / "package")
    found = asking.rows_like(package.config.conditions, read(few).snapshot, 400, seed=0)
    assert found is not None
    assert set(found.tolist()) == {3, 8}  # by name, not by place in the data
    assert 0.15 < (found == 3).float().mean() < 0.35


def test_the_same_seed_gives_the_same_figures(trained: Path, few: Path) -> None:
    first = measured(trained / "package", few)
    again = measured(trained / "package", few)
    assert first.to_json() == again.to_json()
    assert first.sheets == again.sheets
    other = measured(trained / "package", few, seed=1)
    assert first.sheets[0].content != other.sheets[0].content


def test_the_judge_is_trained_once(trained: Path, few: Path) -> None:
    first = measured(trained / "package", few, features="data")
    judges = settings().cache / "judges"
    before = {path.name: path.stat().st_mtime_ns for path in judges.iterdir()}
    again = measured(trained / "package", few, features="data", seed=2)
    assert before == {path.name: path.stat().st_mtime_ns for path in judges.iterdir()}
    assert len({result.scores[0].protocol["extractor"] for result in (first, again)}) == 1


def test_a_task_is_measured_in_its_shipped_network(trained: Path, few: Path) -> None:
    found = measured(trained / "package", few)
    assert {place(score) for score in found.scores} == {"digits", PIXELS}
    other = measured(trained / "package", few, features="pictures")
    assert place(other.scores[0]) == "pictures"
    with pytest.raises(ConfigError, match="different protocols"):
        other.scores[0].difference(found.scores[0])


def test_inception_is_asked_for_where_its_file_is_missing(trained: Path, few: Path) -> None:
    with pytest.raises(PackageError, match="fetch https:"):
        measured(trained / "package", few, features="inception")


def test_reports_are_written(trained: Path, few: Path, digits: Path, tmp_path: Path) -> None:
    held_out = digits / "held-out"
    out = tmp_path / "report"
    found = measured(trained / "package", few, out=out, held_out=held_out, quick=False)
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert report == json.loads(json.dumps(found.to_json()))
    pictures = {"samples.png", "real.png", "neighbours.png", "interpolation.png"}
    pages = {"report.json", "report.md", "report.html"}
    assert {path.name for path in out.iterdir()} == pages | pictures
    assert load(out) == found
    names = [score["name"] for score in report["scores"]]
    assert names[:2] == ["FD", "KID"] and names.count("coverage") == 2 and names[-1] == "PPL"
    charts = [chart["name"] for chart in report["charts"]]
    assert charts[:2] == ["truncation", "interpolation"]  # then what the run's log tells
    assert [one["name"] for one in report["classes"]] == ["3", "8"]
    for score in report["scores"][:-1]:
        assert {"extractor", "real", "fake", "seed", "snapshot"} <= set(score["protocol"])
        assert (score["protocol"]["real"], score["protocol"]["fake"]) == (120, 40)
    text = (tmp_path / "report/report.md").read_text()
    assert "| FD | digits |" in text and "Copies: " in text


def test_copies_are_not_judged_without_held_out_pictures(trained: Path, few: Path) -> None:
    found = measured(trained / "package", few)
    assert found.novelty is None
    assert "--held-out" in markdown(found)


def test_copies_are_found(trained: Path, few: Path, digits: Path) -> None:
    """A generator that only repeats one training picture, the grey square, is caught."""
    package = from_pretrained(trained / "package")
    for parameter in package.networks["G"].parameters():
        parameter.data.zero_()
    request = EvaluateRequest(package="", data=few, held_out=digits / "held-out", count=40)
    found, drawn = finish(measure(package, request, open_world()))
    assert isinstance(drawn, Drawn) and len(drawn.pixels) == 40
    assert found.novelty is not None
    assert found.novelty.copies == 1 and found.novelty.excess
    assert "more than chance explains" in markdown(found)


def test_mirrored_copies_are_found_too(trained: Path, digits: Path, tmp_path: Path) -> None:
    config = from_pretrained(trained / "package").config
    data, held_out = (
        evaluating._reals(digits / name, config, tmp_path) for name in ("train", "held-out")
    )
    mirrored = np.ascontiguousarray(data.pixels.pixels[:40, :, :, ::-1])
    found = evaluating._copies(data, held_out, Drawn(mirrored, None, "none"), 0)
    assert found.score.value >= 0.95
    assert sum(pair.train == pair.fake for pair in found.nearest) >= 15
    fresh = evaluating._copies(data, held_out, Drawn(held_out.pixels.pixels[:200], None, "none"), 0)
    assert fresh.score.value <= 0.02


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


def test_pictures_that_are_not_square_are_measured_in_pixels() -> None:
    wide = np.arange(2 * 1 * 80 * 112, dtype=np.uint32).reshape(2, 1, 80, 112).astype(np.uint8)
    rows = _flat(wide)
    assert rows.shape == (2, 1 * 40 * 56)
    assert rows[0, 0] == pytest.approx(wide[0, 0, :2, :2].mean() / 255)
    odd = np.zeros((2, 3, 24, 16), np.uint8)
    assert _flat(odd).shape == (2, 3 * 24 * 16)
