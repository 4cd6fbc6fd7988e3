"""A package that tests may read, and one that they may spoil."""

import shutil
from pathlib import Path

import pytest
from packages import CONFIG, LINEAGE, networks

from mintmark.models.package import save_pretrained


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package; not to be changed."""
    folder = tmp_path_factory.mktemp("packages") / "digits"
    save_pretrained(folder, CONFIG, networks(), LINEAGE, "# Card\n", lambda _: {"a.png": b"png"})
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(original, tmp_path / "digits"))
