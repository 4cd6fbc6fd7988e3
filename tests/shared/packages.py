"""A package of two small networks, and ways to spoil it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from mintmark.core.errors import PackageError
from mintmark.core.records import Lineage, Rights
from mintmark.models import r3gan
from mintmark.models.conditions import Conditions
from mintmark.models.contents import write_manifest
from mintmark.models.package import Config, from_pretrained

ARGS: dict[str, Any] = {
    "height": 8,
    "width": 8,
    "channels": 1,
    "classes": 2,
    "attributes": 0,
    "words": 0,
    "widths": [16, 16],
    "latent": 8,
}
NAMES = Conditions(classes=("zero", "öne \n---"))
CONFIG = Config("digits", "r3gan", ARGS, NAMES, 8, 8, 1, ("G", "D"), "0.1.0")
LINEAGE = Lineage(
    snapshot="ab" * 32,
    rights=Rights("CC-BY-4.0", ("Ada", "Grace"), "two folders"),
    code_version="0.1.0",
    seed=3,
    run={"images": 1000},
)


def networks(args: Mapping[str, Any] = ARGS) -> dict[str, torch.nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return r3gan.build(args)


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes a JSON file and makes the manifest agree, as a careful forger would."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    if path.name != "manifest.json":
        write_manifest(path.parent)


def refusal(source: str | Path, **options: Any) -> str:
    with pytest.raises(PackageError) as caught:
        from_pretrained(source, **options)
    message = str(caught.value)
    assert message.endswith((".", "Mintmark.")), message
    assert ". " not in message and "\n" not in message, f"not one sentence: {message}"
    return message
