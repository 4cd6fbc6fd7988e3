import json
from collections import deque
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ResumeError
from mintmark.training.checkpoint import Store

FILES = {
    "run.json",
    "snapshot.json",
    "data.txt",
    "checkpoints",
    "log.jsonl",
    "events",
    "samples",
    "package",
    ".lock",
}


def asked(data: Path, out: Path, **options: object) -> TrainRequest:
    return TrainRequest.model_validate({"task": "digits", "data": data, "out": out, **options})


def test_a_run_folder_holds_what_was_promised(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == FILES
    lineage = json.loads((trained / "package/lineage.json").read_text())
    snapshot = json.loads((trained / "snapshot.json").read_text())
    assert lineage["snapshot"] == snapshot["digest"]
    assert lineage["run"] == {"images_seen": 640, "batch": 64}
    assert lineage["rights"]["licence"] == "CC-BY-4.0"


def test_stopping_saves_the_step_it_stopped_at(digits: Path, tmp_path: Path) -> None:
    images = 64 * 200  # saved every five steps, so that steps 1 to 4 are only saved by stopping
    with closing(train(asked(digits / "train", tmp_path, images=images), open_world())) as steps:
        deque(islice((done for done in steps if done.figures), 3), maxlen=0)
        assert Store(tmp_path / "checkpoints").steps() == [0]
    assert Store(tmp_path / "checkpoints").steps()[-1] == 3


def test_a_refused_run_writes_nothing(digits: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = asked(digits / "train", out, fork=trained, size=16)
    with pytest.raises(ResumeError, match="same preset, size and number of classes"):
        deque(train(other, open_world()), maxlen=0)
    assert not out.exists()
