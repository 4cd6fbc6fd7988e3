from collections import deque
from pathlib import Path

import pytest

from mintmark.actions.generate import load
from mintmark.actions.python import finish
from mintmark.actions.requests import PackRequest, TrainRequest
from mintmark.actions.train import pack, train
from mintmark.actions.world import open_world
from mintmark.core.errors import ResumeError
from mintmark.core.files import digest_file
from mintmark.models.package import Package, verify


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "run"
    wish = TrainRequest(task="digits", data=digits / "train", out=folder, images=64 * 40)
    deque(train(wish, open_world()), maxlen=0)
    return folder


def packed(run: Path, data: Path, step: int, out: Path) -> Package:
    return finish(pack(PackRequest(run=run, data=data, step=step, out=out), open_world()))


def kept(run: Path) -> list[int]:
    return sorted(int(path.stem) for path in (run / "checkpoints").glob("*.json"))


def test_an_earlier_moment_becomes_a_package_and_the_run_stays(
    run: Path, digits: Path, tmp_path: Path
) -> None:
    before = {path: digest_file(path) for path in run.rglob("*.*") if path.is_file()}
    step = kept(run)[1]
    package = packed(run, digits / "train", step, tmp_path / "early")
    assert verify(tmp_path / "early")
    batch = load(run / "package", open_world()).lineage.run["batch"]
    assert package.lineage.run["images_seen"] == step * batch
    card = (tmp_path / "early/README.md").read_text()
    assert f"mintmark package make RUN DATA --step {step} --out PACKAGE" in card
    assert {path: digest_file(path) for path in before} == before


def test_the_last_moment_is_the_package_of_the_run(run: Path, digits: Path, tmp_path: Path) -> None:
    packed(run, digits / "train", kept(run)[-1], tmp_path / "last")
    for name in ("G.safetensors", "README.md", "samples/grid.png"):
        assert digest_file(tmp_path / "last" / name) == digest_file(run / "package" / name), name


def test_what_cannot_be_packed_is_told(run: Path, digits: Path, tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match=f"it has kept: 0, {kept(run)[1]}"):
        packed(run, digits / "train", 3, tmp_path / "none")
    with pytest.raises(ResumeError, match="holds no run"):
        packed(tmp_path / "nowhere", digits / "train", 3, tmp_path / "none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(ResumeError, match="is not empty"):
        packed(run, digits / "train", kept(run)[1], tmp_path / "full")
    with pytest.raises(ResumeError):
        packed(run, digits / "held-out", kept(run)[1], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_card_says_how_the_run_grew(by_attributes: Path, by_text: Path) -> None:
    """Without the option these tasks grow; the command of a run that did not must say so."""
    for package, option in ((by_attributes, "--grow joint"), (by_text, "--grow off")):
        assert option in (package / "README.md").read_text()
