import json
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world

COLOURS = {"red": (200, 30, 30), "green": (30, 160, 60), "blue": (30, 60, 200)}


def draw_shapes(folder: Path, count: int = 60) -> Path:
    """Coloured discs and squares on white, with captions and attributes."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        colour = list(COLOURS)[number % 3]
        is_round = bool(number // 3 % 2)
        array = np.full((16, 16, 3), 255, np.uint8)
        y, x = np.mgrid[:16, :16] - rng.integers(6, 10, 2)[:, None, None]
        inside = y**2 + x**2 < 25 if is_round else np.maximum(abs(y), abs(x)) < 5
        array[inside] = COLOURS[colour]
        Image.fromarray(array).save(folder / f"{number:03}.png")
        kind = "disc" if is_round else "square"
        columns = {"colour": colour, "round": is_round, "size": number % 7}
        rows.append({"file_name": f"{number:03}.png", "text": f"a {colour} {kind}", **columns})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of shapes with captions and attributes; not to be changed."""
    return draw_shapes(tmp_path_factory.mktemp("shapes") / "shapes")


def _trained_on(shapes: Path, out: Path, **options: object) -> Path:
    """The package of a run of a few steps."""
    asked = {"data": shapes, "out": out, "size": 16, "images": 96, "batch": 32, **options}
    deque(train(TrainRequest.model_validate(asked), open_world()), maxlen=0)
    return out / "package"


@pytest.fixture(scope="session")
def trained_on() -> Callable[..., Path]:
    """Trains a few steps on a folder, with the options of a request; gives the package."""
    return _trained_on


@pytest.fixture(scope="session")
def by_attributes(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that is asked by attributes; not to be changed."""
    return _trained_on(
        shapes, tmp_path_factory.mktemp("attributes") / "run", task="avatars", grow="joint"
    )


@pytest.fixture(scope="session")
def by_text(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that is asked by words and cannot grow; not to be changed."""
    out = tmp_path_factory.mktemp("text") / "run"
    return _trained_on(shapes, out, task="text-to-image", grow="off")


@pytest.fixture(scope="session")
def guarded(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a guard, of 60 marks; not to be changed."""
    return _trained_on(shapes, tmp_path_factory.mktemp("logos") / "run", task="logos")
