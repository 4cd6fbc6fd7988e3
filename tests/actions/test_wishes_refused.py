"""Options that do not go together are refused instead of ignored."""

from collections import deque
from pathlib import Path

import pytest

from mintmark.actions.generate import artifacts, load
from mintmark.actions.requests import GenerateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError

ODD: list[tuple[dict[str, object], str]] = [
    ({"seeds": (1,), "walk": "gif"}, "--seeds and --walk"),
    ({"vary": Path("a.png"), "like": Path("a.png")}, "--like and --vary"),
    ({"seeds": (1,), "grid": True}, "--grid does not go with --seeds"),
    ({"seeds": (1,), "best_of": 2}, "--best-of does not go with --seeds"),
    ({"vary": Path("a.png"), "label": "7"}, "--class does not go with --vary"),
    ({"vary": Path("a.png"), "psi": 0.5}, "--psi does not go with --vary"),
    ({"walk": "gif", "mix": 3}, "--mix does not go with --walk"),
    ({"walk": "gif", "sheet": True}, "--sheet does not go with --walk"),
]


@pytest.mark.parametrize(("options", "sentence"), ODD)
def test_what_would_be_ignored_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        GenerateRequest.model_validate({"package": "p", "out": Path("out"), **options})


@pytest.mark.parametrize("options", [{"seeds": (1,)}, {"walk": "gif"}])
def test_a_guard_is_not_gone_round(
    options: dict[str, object], guarded: Path, tmp_path: Path
) -> None:
    asked = {"package": str(guarded), "out": tmp_path / "out", **options}
    request = GenerateRequest.model_validate(asked)
    with pytest.raises(ConfigError, match="pass its guard"):
        list(artifacts(load(guarded, open_world()), request))
    assert not (tmp_path / "out").exists()


def test_freezing_needs_something_learned() -> None:
    with pytest.raises(ConfigError, match="--from or --fork"):
        TrainRequest(task="digits", data=Path("d"), out=Path("o"), freeze_d=1)


def test_a_package_that_cannot_grow_is_told(by_text: Path, shapes: Path, tmp_path: Path) -> None:
    request = TrainRequest(
        task="avatars", data=shapes, out=tmp_path / "run", start=str(by_text), grow="joint"
    )
    with pytest.raises(ConfigError, match="not built to grow"):
        deque(train(request, open_world()), maxlen=0)
    assert not (tmp_path / "run").exists()
