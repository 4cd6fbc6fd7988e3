import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from mintmark.actions.known import FILE, NEAR, recall, remember, too_near
from mintmark.core.errors import PackageError
from mintmark.metrics.extractors import extract, shipped
from mintmark.models.contents import write_manifest
from mintmark.models.package import Package, from_pretrained
from mintmark.tasks._task import find_task


def planted(source: Path, folder: Path, content: bytes | None) -> Package:
    """A package whose memory is something else."""
    shutil.copytree(source, folder)
    (folder / FILE).unlink()
    if content is not None:
        (folder / FILE).write_bytes(content)
    write_manifest(folder)
    return from_pretrained(folder)


def test_features_are_those_of_the_training_pictures(trained: Path) -> None:
    known = recall(from_pretrained(trained / "package"), find_task("digits"))
    assert len(known.features) == 1200 and known.thumbnails is None and known.names == ()


def test_a_guard_measures_how_near_the_real_ones_are() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 3, 16, 16), dtype=np.uint8)
    content = remember(shipped("pictures"), pixels, [str(i) for i in range(60)], guard=True)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    facts = json.loads(header["__metadata__"]["mintmark"])
    features = extract(shipped("pictures"), pixels).astype(np.float16).astype(np.float64)
    apart = np.linalg.norm(features[:, None] - features, axis=2) + np.eye(60) * 1e9
    assert facts["near"] == pytest.approx(np.quantile(apart.min(axis=1), NEAR))
    assert facts["names"][7] == "7"


def facts(**changed: object) -> dict[str, str]:
    return {"mintmark": json.dumps({"names": [], "near": 0.0, **changed})}


FAULTS = {
    "nothing": b"",
    "no safetensors": b"GIF89a" * 10,
    "no features": save({"other": torch.zeros(3, 2)}, facts()),
    "one row": save({"features": torch.zeros(1, 2)}, facts()),
    "not finite": save({"features": torch.full((3, 2), float("nan"))}, facts()),
    "no facts": save({"features": torch.zeros(3, 2)}),
    "facts that are a list": save({"features": torch.zeros(3, 2)}, {"mintmark": "[]"}),
    "near is a text": save({"features": torch.zeros(3, 2)}, facts(near="x")),
    "near is endless": save({"features": torch.zeros(3, 2)}, facts(near=1e999)),
    "thumbnails without names": save(
        {"features": torch.zeros(3, 2), "thumbnails": torch.zeros(3, 3, 4, 4, dtype=torch.uint8)},
        facts(),
    ),
    "thumbnails of another type": save(
        {"features": torch.zeros(3, 2), "thumbnails": torch.zeros(3, 3, 4, 4)},
        facts(names=["a", "b", "c"]),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_memory_is_refused(name: str, trained: Path, tmp_path: Path) -> None:
    package = planted(trained / "package", tmp_path / "package", FAULTS[name])
    with pytest.raises(PackageError, match=FILE):
        recall(package, find_task(package.config.task))


def test_a_missing_memory_is_named(trained: Path, tmp_path: Path) -> None:
    package = planted(trained / "package", tmp_path / "package", None)
    with pytest.raises(PackageError, match=f"has no {FILE}"):
        recall(package, find_task(package.config.task))


def test_a_memory_that_was_changed_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    shutil.copytree(trained / "package", folder)
    package = from_pretrained(folder)
    content = bytearray((folder / FILE).read_bytes())
    content[-1] ^= 1
    (folder / FILE).write_bytes(content)
    with pytest.raises(PackageError, match="changed or cut short"):
        recall(package, find_task(package.config.task))


def test_nearness_is_told_from_the_features(guarded: Path) -> None:
    known = recall(from_pretrained(guarded), find_task("logos"))
    away = known.features + 1000
    assert not too_near(known, away)[0].any()
    _, places = too_near(known, known.features)
    assert np.allclose(known.features[places], known.features)
