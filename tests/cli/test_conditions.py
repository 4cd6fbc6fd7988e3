"""Learning what pictures show and asking for it, and asking for what cannot be had."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.provenance import mark

Run = Callable[..., Any]
Refuse = Callable[..., None]
HAIR = ("red", "black", "grey")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tiny pictures with attributes and captions; not to be changed."""
    folder = tmp_path_factory.mktemp("faces") / "faces"
    folder.mkdir()
    lines = ["file_name,text,hair,smile,age"]
    for place in range(12):
        array = np.random.default_rng(place).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        (folder / f"{place}.png").write_bytes(encode(Picture(array), "png"))
        hair, smile = HAIR[place % 3], ("true", "false")[place % 2]
        lines.append(f"{place}.png,a face with {hair} hair,{hair},{smile},{20 + place}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


Train = Callable[..., Path]


@pytest.fixture
def trained_on(run: Run, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """The package of a run of three steps, made once a task."""

    def train(task: str, *words: object) -> Path:
        out = tmp_path_factory.getbasetemp() / f"conditions-{task}"
        if not out.exists():
            short = ("--size", 8, "--images", 24, "--batch", 8)
            assert run("train", task, faces, "--out", out, *short, *words).code == 0
        return out / "package"

    return train


def inputs(folder: Path) -> list[dict[str, Any]]:
    """What the recipes of all pictures in a folder say was asked."""
    paths = sorted(folder.glob("*.png"))
    return [dict(mark.read_recipe(path.read_bytes(), path.name).inputs) for path in paths]


def test_attributes_from_columns_to_pictures(run: Run, trained_on: Train, tmp_path: Path) -> None:
    package = trained_on("avatars")
    shown = run("package", "show", package).out
    for part in ("hair = black, grey, red", "smile = no, yes", "age = 20 to 31"):
        assert part in " ".join(shown.replace("│", " ").split())
    words = ("--set", "hair=red", "--set", "age=25", "--count", 2)
    assert run("generate", package, "--out", tmp_path / "a", *words).code == 0
    wanted = {"hair": "red", "age": "25"}
    assert [asked["attributes"] for asked in inputs(tmp_path / "a")] == [wanted] * 2
    first = sorted((tmp_path / "a").iterdir())[0]
    assert run("generate", package, "--out", tmp_path / "b", "--like", first).code == 0
    assert (tmp_path / "b" / first.name).read_bytes() == first.read_bytes()


def test_words_from_captions_to_pictures(run: Run, trained_on: Train, tmp_path: Path) -> None:
    package = trained_on("text-to-image")
    assert "words" in run("package", "show", package).out
    words = ("--text", "A face with grey hair!", "--count", 2)
    assert run("generate", package, "--out", tmp_path / "a", *words).code == 0
    assert [asked["text"] for asked in inputs(tmp_path / "a")] == ["A face with grey hair!"] * 2
    assert run("generate", package, "--out", tmp_path / "b", "--count", 3).code == 0
    assert all("text" not in asked for asked in inputs(tmp_path / "b"))


ASKED = {
    "unknown attribute": ("avatars", ("--set", "har=red"), ("'har'", "did you mean 'hair'?")),
    "unknown value": ("avatars", ("--set", "hair=rot"), ("'rot'", "did you mean 'red'?")),
    "number out of range": ("avatars", ("--set", "age=90"), ("'age'", "from 20 to 31")),
    "no number": ("avatars", ("--set", "age=old"), ("'age'", "not 'old'")),
    "no value": ("avatars", ("--set", "hair"), ("NAME=VALUE", "'hair'")),
    "text to attributes": ("avatars", ("--text", "red"), ("by --text", "use --set")),
    "class to attributes": ("avatars", ("--class", "red"), ("by --class", "use --set")),
    "no known word": ("text-to-image", ("--text", "zzz qqq"), ("'zzz qqq'", "for instance")),
    "a word misspelt": (
        "text-to-image",
        ("--text", "gray"),
        ("'gray'", "knows are: grey"),
    ),
    "no word at all": ("text-to-image", ("--text", "?!"), ("'?!'", "for instance")),
    "attributes to text": ("text-to-image", ("--set", "hair=red"), ("by --set", "use --text")),
    "class to nothing": ("logos", ("--class", "red"), ("without conditions", "leave it out")),
    "truncation too far": ("logos", ("--psi", 3), ("'psi'", "less than or equal to 2")),
    "no truncation": ("logos", ("--psi", "nan"), ("'psi'",)),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_cannot_be_asked_for(
    name: str, refuse: Refuse, trained_on: Train, tmp_path: Path
) -> None:
    task, words, parts = ASKED[name]
    refuse("generate", trained_on(task), "--out", tmp_path / "out", *words, parts=parts)


def test_a_run_from_a_package_of_another_family(
    refuse: Refuse, trained_on: Train, trained: Path, faces: Path, tmp_path: Path
) -> None:
    words = ("train", "avatars", faces, "--out", tmp_path / "out", "--family")
    parts = ("family 'r3gan'", "'stylegan'", "--family r3gan")
    refuse(*words, "stylegan", "--from", trained / "package", parts=parts)
    parts = ("family 'stylegan'", "'r3gan'", "--family stylegan")
    refuse(*words, "r3gan", "--from", trained_on("avatars"), parts=parts)


def test_a_run_from_a_package_of_another_size(
    refuse: Refuse, trained_on: Train, faces: Path, tmp_path: Path
) -> None:
    words = ("train", "avatars", faces, "--out", tmp_path / "out", "--size", 16)
    parts = ("draws 8 x 8 pictures", "not 16 x 16", "leave out --size")
    refuse(*words, "--from", trained_on("avatars"), parts=parts)


def test_mixed_alpha(refuse: Refuse, tmp_path: Path) -> None:
    for place, channels in enumerate((3, 4, 4)):
        array = np.random.default_rng(place).integers(0, 256, (8, 8, channels), dtype=np.uint8)
        path = tmp_path / "data" / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(Picture(array), "png"))
    words = ("train", "pictures", tmp_path / "data", "--out", tmp_path / "out")
    refuse(*words, parts=("1 of 3 pictures", "--alpha white", "--alpha keep"))
    refuse(*words, "--alpha", "grey", parts=("'alpha'", "'keep' or 'white'"))


def test_a_package_that_is_asked_for_its_training_conditions_only(
    refuse: Refuse, faces: Path, tmp_path: Path
) -> None:
    words = ("train", "avatars", faces, "--out", tmp_path / "out")
    refuse(*words, "--balance", "age", parts=("'age'", "hair, smile"))
    refuse(*words, "--condition", "class", parts=("a class for every picture",))
