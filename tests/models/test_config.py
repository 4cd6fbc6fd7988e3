"""The config and lineage of a package are read strictly, and its weights must fit them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packages import CONFIG, LINEAGE, NAMES, edit, networks, refusal

from mintmark.models.contents import write_manifest
from mintmark.models.package import save_pretrained


def test_a_foreign_family(folder: Path) -> None:
    edit(folder / "config.json", lambda value: value.update(family="biggan"))
    assert "family 'biggan', but this Mintmark only knows fourier, lut, r3gan" in refusal(folder)


def test_a_future_format(folder: Path) -> None:
    def change(value: dict[str, Any]) -> None:
        value.update(format=7, something="new")

    edit(folder / "config.json", change)
    message = refusal(folder)
    assert "made by a newer Mintmark (format 7, this one reads 2): upgrade Mintmark" in message


@pytest.mark.parametrize("format", [1, True])
def test_an_early_format(folder: Path, format: int) -> None:
    edit(folder / "config.json", lambda value: value.update(format=format))
    assert "made by an early Mintmark (format 1)" in refusal(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "2"},
        {"format": 0},
        {"task": 3},
        {"args": []},
        {"conditions": {}},
        {"conditions": {**NAMES.to_json(), "classes": ["a", 1]}},
        {"conditions": {**NAMES.to_json(), "classes": "ab"}},
        {"networks": []},
        {"networks": ["../G"]},
        {"networks": ["D"]},
        {"extra": 1},
        {"picture": {"height": 8, "width": 8}},
        {"picture": {"height": 8.0, "width": 8, "channels": 1}},
        {"picture": {"height": 8, "width": 0, "channels": 1}},
        {"picture": {"height": 8, "width": 8, "channels": 5}},
        {"library_version": None},
    ],
    ids=repr,
)
def test_a_config_is_read_strictly(folder: Path, change: dict[str, Any]) -> None:
    edit(folder / "config.json", lambda value: value.update(change))
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("field", ["format", "task", "family", "args", "conditions", "picture"])
def test_a_config_without_a_field(folder: Path, field: str) -> None:
    edit(folder / "config.json", lambda value: value.pop(field))
    assert f"config.json lacks '{field}'" in refusal(folder)


@pytest.mark.parametrize("text", ["NaN", '{"seed": NaN}', '"\\ud800"', "[1e999]", "1" * 5000])
def test_json_that_is_none(folder: Path, text: str) -> None:
    (folder / "lineage.json").write_text(text)
    write_manifest(folder)
    assert "lineage.json is not valid JSON" in refusal(folder)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1.5}, {"seed": True}, {"rights": {}}, {"base": 3}, {"run": []}, {"x": 1}],
    ids=repr,
)
def test_a_lineage_is_read_strictly(folder: Path, change: dict[str, Any]) -> None:
    edit(folder / "lineage.json", lambda value: value.update(change))
    assert "lineage" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent": 16}, "does not fit its config.json: embed.weight is [2, 8]"),
        ({"classes": 0}, "contradicts itself: classes is 0"),
        ({"blocks": 2}, "lacks 'stages.0.1."),
        ({"widths": [16 * 500] * 2}, "does not fit its config.json"),
        ({"height": 9}, "contradicts itself: height is 9"),
        ({"latent": -1}, "config.json does not make sense: Networks take"),
        ({"widths": [16 * 10**18] * 2}, "config.json does not make sense"),
        ({"surprise": 1}, "config.json does not make sense"),
    ],
)
def test_weights_that_do_not_fit_their_config(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    edit(folder / "config.json", lambda value: value["args"].update(change))
    assert words in refusal(folder)


def test_a_network_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    save_pretrained(alone, replace(CONFIG, networks=("G",)), networks(), LINEAGE, "")
    assert not (alone / "D.safetensors").exists()
    assert "holds no network 'D'; ask for G" in refusal(alone, networks=("G", "D"))
    (folder / "D.safetensors").unlink()
    write_manifest(folder)
    assert "D.safetensors is missing" in refusal(folder)
