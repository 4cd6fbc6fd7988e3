from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mintmark.core.media import Picture
from mintmark.data.encode import encode

Fill = Callable[..., list[Path]]


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
