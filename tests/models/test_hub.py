"""Packages by name from the Hugging Face Hub."""

import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
from packages import refusal

from mintmark.core.files import digest_file
from mintmark.models.package import from_pretrained


def hub_snapshot(original: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lays a package out as the Hub's cache does: links from a snapshot into blobs."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    repository = cache / "models--ada--digits"
    snapshot = repository / "snapshots" / ("c" * 40)
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("c" * 40)
    for path in (path for path in original.rglob("*") if path.is_file()):
        blob = repository / "blobs" / digest_file(path)
        shutil.copyfile(path, blob)
        link = snapshot / path.relative_to(original)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


def test_a_package_from_the_hubs_cache(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = hub_snapshot(original, tmp_path, monkeypatch)
    package = from_pretrained("hf://ada/digits")
    assert package.digest == from_pretrained(original).digest
    assert package.path == snapshot
    (tmp_path / "outside.md").write_text("# Card\n")
    (snapshot / "README.md").unlink()
    (snapshot / "README.md").symlink_to(tmp_path / "outside.md")
    assert "'README.md' is a link" in refusal("hf://ada/digits")


def test_a_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert "could not be fetched from the Hugging Face Hub" in refusal("hf://ada/nothing")


def test_only_a_name_that_says_so_reaches_the_hub(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(original, tmp_path / "ada/digits")
    monkeypatch.chdir(tmp_path)
    assert from_pretrained("ada/digits").path == tmp_path / "ada/digits"
    assert "not a folder" in refusal("ada/absent")
    assert "not a folder" in refusal("../ada")
