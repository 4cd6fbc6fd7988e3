"""Bad input: one clear sentence, exit code 2, nothing written."""

import json
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mintmark.core.files import digest_file, write_json
from mintmark.core.media import Picture
from mintmark.data.encode import encode

Run = Callable[..., Any]


def picture(path: Path, seed: int = 0, size: int = 8) -> Path:
    array = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(Picture(array), "png"))
    return path


def pictures(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        picture(folder / name, seed)
    return folder


def truncated(path: Path) -> Path:
    content = picture(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def huge(path: Path) -> Path:
    """A PNG that says it has 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


Refuse = Callable[..., None]


def empty_folder(data: Path) -> tuple[str, ...]:
    data.mkdir()
    return ("holds no picture",)


def missing_folder(data: Path) -> tuple[str, ...]:
    return ("nothing at", str(data))


def one_picture(data: Path) -> tuple[str, ...]:
    pictures(data, "a.png")
    return ("only one picture", "at least 2")


def truncated_among_good(data: Path) -> tuple[str, ...]:
    pictures(data, "a.png", "b.png", "c.png")
    truncated(data / "bad.png")
    return ("bad.png", "1 of 4", "--skip-broken")


def huge_header(data: Path) -> tuple[str, ...]:
    pictures(data, "a.png", "b.png")
    huge(data / "huge.png")
    return ("huge.png", "50000", "MINTMARK_MAX_MEGAPIXELS")


def climbing_zip(data: Path) -> tuple[str, ...]:
    content = picture(data.with_name("a.png")).read_bytes()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.png", content)
        archive.writestr("../../evil.png", content)
    return ("../../evil.png", "outside")


def class_without_pictures(data: Path) -> tuple[str, ...]:
    pictures(data, "cats/a.png", "cats/b.png", "dogs/c.png")
    (data / "birds").mkdir()
    return ("class folder", "birds", "holds no picture")


def absent_files(data: Path) -> tuple[str, ...]:
    pictures(data, "a.png", "b.png")
    (data / "metadata.csv").write_text("file_name,label\na.png,x\nb.png,y\ngone.png,x\n")
    return ("gone.png", "absent")


def text_as_zip(data: Path) -> tuple[str, ...]:
    data.write_text("hello")
    return ("neither a folder nor a whole .zip",)


DATA = [
    empty_folder,
    missing_folder,
    one_picture,
    truncated_among_good,
    huge_header,
    climbing_zip,
    class_without_pictures,
    absent_files,
    text_as_zip,
]


@pytest.mark.parametrize("make", DATA, ids=lambda make: make.__name__)
def test_bad_data(make: Callable[[Path], tuple[str, ...]], refuse: Refuse, tmp_path: Path) -> None:
    data = tmp_path / ("data.zip" if "zip" in make.__name__ else "data")
    parts = make(data)
    refuse("train", "pictures", data, "--out", tmp_path / "out", parts=parts)


def test_a_broken_picture_is_left_out_when_asked(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    truncated_among_good(data)
    words = ("train", "pictures", data, "--out", tmp_path / "out", "--images", 32, "--size", 8)
    assert run(*words, "--skip-broken").code == 0
    snapshot = json.loads((tmp_path / "out/snapshot.json").read_text())["snapshot"]
    assert [item["name"] for item in snapshot["items"]] == ["a.png", "b.png", "c.png"]
    assert "bad.png" in (tmp_path / "out/data.txt").read_text()


def test_digits_need_classes(refuse: Refuse, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "a.png", "b.png")
    refuse("train", "digits", data, "-o", tmp_path / "out", parts=("needs a class", "folder"))


WISHES = {
    "unknown task": (("train", "poems"), ("poems", "attributes, avatars, cartoonise, ")),
    "unknown preset": (("--preset", "giant"), ("giant", "tiny, small, base")),
    "odd size": (("--size", "22"), ("22 x 22", "nearest size that can is 24x24")),
    "odd sides": (("--size", "30x22"), ("30 x 22", "nearest size that can is 32x24")),
    "size too small": (("--size", "4"), ("8 pixels a side", "--size")),
    "size too large": (("--size", "2048"), ("8 to 1024 pixels", "2048")),
    "size in words": (("--size", "large"), ("'large'", "96x64")),
    "three sides": (("--size", "8x8x8"), ("'8x8x8'", "96x64")),
    "unknown family": (("--family", "biggan"), ("'biggan'", "r3gan, stylegan")),
    "unknown condition": (("--condition", "mood"), ("'condition'", "'attributes'")),
    "unknown augmentation": (("--augment", "blur"), ("'augment'", "'ada'")),
    "no gamma": (("--gamma", "nan"), ("'gamma'",)),
    "growth without stages": (
        ("--family", "r3gan", "--grow", "joint"),
        ("does not grow", "stylegan"),
    ),
    "balance by nothing": (("--balance", "mood"), ("'mood'", "none")),
    "attributes without columns": (("--condition", "attributes"), ("columns", "metadata.csv")),
    "text without captions": (("--condition", "text"), ("2 have none", "column text")),
    "classes without folders": (("--condition", "class"), ("a class for every picture",)),
    "package of nothing": (("--from", "nowhere"), ("nowhere", "not a folder")),
    "two beginnings": (("--from", "a", "--fork", "b"), ("--fork or --from, not both",)),
    "no images": (("--images", "0"), ("'images'", "greater than or equal to 1")),
    "no minutes": (("--minutes", "0"), ("'minutes'", "greater than 0")),
    "endless": (("--minutes", "inf"), ("'minutes'", "finite")),
    "two lengths": (("--minutes", "1", "--images", "9"), ("not both",)),
    "negative seed": (("--seed", "-1"), ("'seed'", "greater than or equal to 0")),
    "fork of nothing": (("--fork", "nowhere"), ("nowhere", "cannot be read")),
}


@pytest.mark.parametrize("wish", WISHES)
def test_bad_wishes_for_a_run(wish: str, refuse: Refuse, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "a.png", "b.png")
    words, parts = WISHES[wish]
    words = words if words[0] == "train" else ("train", "pictures", *words)
    refuse(*words[:2], data, "-o", tmp_path / "out", *words[2:], parts=parts)


def test_the_out_folder_holds_something_else(refuse: Refuse, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "a.png", "b.png")
    pictures(tmp_path / "out", "holiday.png")
    refuse("train", "pictures", data, "-o", tmp_path / "out", parts=("not empty", "no run"))


def test_the_out_folder_is_a_file(refuse: Refuse, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "a.png", "b.png")
    (tmp_path / "out").write_text("mine")
    refuse("train", "pictures", data, "-o", tmp_path / "out", parts=("choose another --out",))


def test_the_out_folder_lies_in_the_data(refuse: Refuse, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "a.png", "b.png")
    words = ("train", "pictures", data, "-o", data / "run", "--images", 32, "--size", 8)
    refuse(*words, parts=("lies in the data",))


def copy_run(trained: Path, folder: Path) -> Path:
    return Path(shutil.copytree(trained, folder))


def test_resume_with_changed_data(
    refuse: Refuse, digits: Path, trained: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(digits / "train", tmp_path / "data"))
    changed = sorted((data / "3").iterdir())[0]
    array = np.zeros((8, 8, 1), np.uint8)
    changed.write_bytes(encode(Picture(array), "png"))
    sorted((data / "4").iterdir())[0].unlink()
    out = copy_run(trained, tmp_path / "run")
    parts = ("1 picture removed", f"1 picture changed (3/{changed.name})", f"--fork {out}")
    refuse("train", "digits", data, "--out", out, parts=parts)


def test_resume_with_other_wishes(
    refuse: Refuse, digits: Path, trained: Path, tmp_path: Path
) -> None:
    out = copy_run(trained, tmp_path / "run")
    words = ("train", "digits", digits / "train", "--out", out)
    refuse(*words, "--seed", 1, "--images", 9, parts=("seed is 0, not 1", "images is 640, not 9"))
    refuse(*words, "--fork", trained, parts=("not forked", "--fork"))
    (out / "run.json").write_text("{}")
    refuse(*words, parts=("run.json", "cannot be read", "another --out"))


@pytest.fixture
def package(trained: Path, tmp_path: Path) -> Path:
    """A package that a test may spoil."""
    return Path(shutil.copytree(trained / "package", tmp_path / "package"))


GENERATE = {
    "unknown class": (("--class", "eleven"), ("eleven", "0, 1, 2")),
    "no pictures": (("--count", "0"), ("'count'", "greater than or equal to 1")),
    "unknown format": (("--format", "gif"), ("'format'", "png", "tiff")),
    "sheet too large": (("--grid", "--count", "1001"), ("1000", "1001")),
    "like nothing": (("--like", "nothing.png"), ("no picture nothing.png",)),
    "negative seed": (("--seed", "-3"), ("'seed'",)),
}


@pytest.mark.parametrize("wish", GENERATE)
def test_bad_wishes_for_pictures(wish: str, refuse: Refuse, package: Path, tmp_path: Path) -> None:
    words, parts = GENERATE[wish]
    refuse("generate", package, "--out", tmp_path / "out", *words, parts=parts)


def test_like_a_foreign_picture(refuse: Refuse, package: Path, tmp_path: Path) -> None:
    words = ("generate", package, "--out", tmp_path / "out", "--like")
    refuse(*words, picture(tmp_path / "photo.png"), parts=("photo.png", "no Mintmark recipe"))
    refuse(*words, truncated(tmp_path / "cut.png"), parts=("cannot be read", "truncated"))
    renamed = shutil.copy(package / "samples/grid.png", tmp_path / "grid.bin")
    refuse(*words, renamed, parts=("grid.bin",))


def test_like_a_picture_of_another_package(
    refuse: Refuse, package: Path, trained: Path, tmp_path: Path
) -> None:
    sheet = sorted((trained / "samples").iterdir())[0]
    words = ("generate", package, "--out", tmp_path / "out", "--like", sheet)
    refuse(*words, parts=("made by another package",))


COMMANDS: dict[str, tuple[object, ...]] = {
    "generate": ("generate", "PACKAGE", "--out", "OUT"),
    "show": ("package", "show", "PACKAGE"),
    "verify": ("package", "verify", "PACKAGE"),
    "evaluate": ("evaluate", "PACKAGE", "DATA", "--out", "OUT"),
}


def words_of(command: str, package: Path, digits: Path, tmp_path: Path) -> list[object]:
    places = {"PACKAGE": package, "OUT": tmp_path / "out", "DATA": digits / "train"}
    return [places.get(str(word), word) for word in COMMANDS[command]]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tampered_package(
    command: str, refuse: Refuse, package: Path, digits: Path, tmp_path: Path
) -> None:
    weights = bytearray((package / "G.safetensors").read_bytes())
    weights[-1] ^= 1
    (package / "G.safetensors").write_bytes(weights)
    parts = ("G.safetensors", "changed")
    refuse(*words_of(command, package, digits, tmp_path), parts=parts)


@pytest.mark.parametrize("command", ["generate", "show", "evaluate"])
def test_weights_that_do_not_fit_the_config(
    command: str, refuse: Refuse, package: Path, digits: Path, tmp_path: Path
) -> None:
    config = json.loads((package / "config.json").read_text())
    config["args"]["widths"] = [96, 64]
    write_json(package / "config.json", config)
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["files"]["config.json"] = digest_file(package / "config.json")
    write_json(package / "manifest.json", manifest)
    parts = ("G.safetensors", "does not fit its config.json", "[")
    refuse(*words_of(command, package, digits, tmp_path), parts=parts)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_package(command: str, refuse: Refuse, digits: Path, tmp_path: Path) -> None:
    parts = ("not a folder",)
    refuse(*words_of(command, tmp_path / "nowhere", digits, tmp_path), parts=parts)
    (tmp_path / "empty").mkdir()
    parts = ("not a Mintmark package",)
    refuse(*words_of(command, tmp_path / "empty", digits, tmp_path), parts=parts)


def test_evaluate_against_other_classes(refuse: Refuse, package: Path, tmp_path: Path) -> None:
    data = pictures(tmp_path / "data", "cats/a.png", "dogs/b.png")
    refuse("evaluate", package, data, parts=("class 'cats'", "0, 1, 2"))


def test_evaluate_bad_wishes(refuse: Refuse, package: Path, digits: Path, tmp_path: Path) -> None:
    words = ("evaluate", package, digits / "train")
    refuse(*words, "--count", 3, parts=("'count'", "greater than or equal to 10"))
    refuse(*words, "--held-out", tmp_path / "no", parts=("nothing at",))


def test_other_commands(refuse: Refuse, tmp_path: Path) -> None:
    refuse("data", "get", "faces", "--out", tmp_path / "out", parts=("faces", "digits"))
    refuse("data", "check", tmp_path / "no", parts=("nothing at",))
    refuse("data", "check", tmp_path, "--size", 2, parts=("'size'",))
    refuse("demo", "--out", tmp_path / "demo", "--images", 3, parts=("'images'",))


def test_a_name_cannot_forge_output(refuse: Refuse, tmp_path: Path) -> None:
    """A file name with escapes, line ends and markup stays one harmless line."""
    data = pictures(tmp_path / "data", "a.png", "b.png")
    truncated(data / "[red]x\x1b[2J\nerror: all is well[/].png")
    refuse("train", "pictures", data, "-o", tmp_path / "out", parts=("[red]x\ufffd[2J",))


@pytest.mark.parametrize("words", [("train",), ("train", "digits", "--images", "many"), ("sing",)])
def test_a_command_that_cannot_be_parsed(words: tuple[str, ...], run: Run) -> None:
    outcome = run(*words)
    assert outcome.code == 2
    assert "Usage: mintmark" in outcome.err and "Traceback" not in outcome.err


def test_the_installed_program_does_the_same(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    words = ["train", "pictures", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "mintmark.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ") and "holds no picture" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()
