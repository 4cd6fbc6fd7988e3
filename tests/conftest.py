"""What every room's tests share: settings of their own, real digits, and one tiny trained run."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.settings import settings
from mintmark.data.public import digits as public

# The same examples each time, and no clock: a slow machine is no fault.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread, and a cache that no other session sees."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINTMARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")  # of the programs that tests start
        patch.setenv("COLUMNS", "100")
        yield


@pytest.fixture(autouse=True)
def _settings() -> None:
    """No test sees settings that another one read."""
    settings.cache_clear()
    open_world.cache_clear()


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public digits: `train` and `held-out`; not to be changed."""
    return public.build(tmp_path_factory.mktemp("digits") / "digits")


@pytest.fixture(scope="session")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of 640 images on the digits; not to be changed."""
    out = tmp_path_factory.mktemp("trained") / "run"
    request = TrainRequest(task="digits", data=digits / "train", out=out, images=640)
    deque(train(request, open_world()), maxlen=0)
    return out


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets settings for one test."""

    def change(**values: float) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"MINTMARK_{name.upper()}", str(value))
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()
