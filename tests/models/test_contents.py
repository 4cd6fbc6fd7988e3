"""What lies in a package's folder: every file is proved, and nothing else is taken."""

import random
from pathlib import Path

import pytest
from packages import CONFIG, edit, refusal

from mintmark.core.files import digest_file
from mintmark.models.contents import write_manifest
from mintmark.models.package import (
    from_pretrained,
)


def test_what_is_no_package(tmp_path: Path) -> None:
    assert "not a folder" in refusal(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    assert "not a folder" in refusal(tmp_path / "file")
    assert "not a Mintmark package" in refusal(tmp_path)


def test_truncated_weights(folder: Path) -> None:
    path = folder / "G.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "'G.safetensors' was changed or cut short" in refusal(folder)
    write_manifest(folder)
    assert "G.safetensors is truncated" in refusal(folder)


def test_one_changed_byte_anywhere_in_the_weights(folder: Path) -> None:
    path = folder / "G.safetensors"
    content = path.read_bytes()
    for place in random.Random(7).sample(range(len(content)), 20):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert "'G.safetensors' was changed" in refusal(folder)
    path.write_bytes(content)
    from_pretrained(folder)


@pytest.mark.parametrize("name", ["README.md", "D.safetensors", "samples/a.png", "lineage.json"])
def test_every_file_is_proved(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert f"'{name}' was changed" in refusal(folder)
    (folder / name).unlink()
    assert f"'{name}' is missing" in refusal(folder)


@pytest.mark.parametrize("name", ["notes.txt", "samples/b.png", "a/b/c.py"])
def test_an_unlisted_file(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    assert f"'{name}' is not in the package's manifest.json" in refusal(folder)


@pytest.mark.parametrize("name", ["G.pkl", "x.PT", "x.pth", "samples/pytorch_model.bin"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_pickle(folder: Path, name: str, listed: bool) -> None:
    (folder / name).write_bytes(b"cos\nsystem\n")
    if listed:
        digest = digest_file(folder / name)
        edit(folder / "manifest.json", lambda value: value["files"].update({name: digest}))
    assert f"'{name}' may be a pickle" in refusal(folder)


def test_hidden_files_do_not_matter(folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs")
    (folder / ".cache/huggingface").mkdir(parents=True)
    (folder / ".cache/huggingface/x.bin").write_text("")
    assert from_pretrained(folder).config == CONFIG


@pytest.mark.parametrize("name", ["G.safetensors", "README.md"])
def test_a_link(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "target")
    (folder / name).symlink_to(tmp_path / "target")
    assert f"'{name}' is a link" in refusal(folder)


def test_a_linked_folder_and_a_loop(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (folder / "more").symlink_to(tmp_path / "more")
    assert "'more' is a link" in refusal(folder)
    (folder / "more").unlink()
    (folder / "loop").symlink_to(folder / "loop")
    assert "'loop' is a link" in refusal(folder)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:/x", "a\0b", ""])
def test_a_manifest_that_points_outside(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text("secret")
    edit(folder / "manifest.json", lambda value: value["files"].update({name: "0" * 64}))
    assert "points outside its folder" in refusal(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"files": []}',
        '{"files": {"a": 1}}',
        '{"files": {"a": "AB"}}',
        "[" * 9999,
    ],
    ids=range(8),
)
def test_a_malformed_manifest(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert "manifest.json" in refusal(folder)


def test_a_manifest_without_what_is_needed(folder: Path) -> None:
    edit(folder / "manifest.json", lambda value: value["files"].pop("config.json"))
    assert "'config.json' is not in the package's manifest.json" in refusal(folder)
    (folder / "config.json").unlink()
    assert "'config.json' is missing" in refusal(folder)
