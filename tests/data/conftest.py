from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mintmark.core.media import Picture
from mintmark.core.settings import settings
from mintmark.data.encode import encode

Fill = Callable[..., list[Path]]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def change(**values: float) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"MINTMARK_{name.upper()}", str(value))
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def fill() -> Fill:
    """Writes different pictures of noise under a folder, by name."""

    def write(folder: Path, *names: str, size: int = 8, channels: int = 3) -> list[Path]:
        paths = [folder / name for name in names]
        for path in paths:
            seed = sum(path.relative_to(folder).as_posix().encode())
            noise = np.random.default_rng(seed).integers(0, 256, (size, size, channels))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(Picture(noise.astype(np.uint8)), "png"))
        return paths

    return write
