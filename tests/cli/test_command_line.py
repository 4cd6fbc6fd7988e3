"""The command line as people use it, and the same verbs from Python."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mintmark as mm
from mintmark.core.errors import ConfigError, MintmarkError
from mintmark.core.files import digest_file
from mintmark.core.settings import Settings
from mintmark.provenance import mark
from mintmark.tasks._task import all_tasks

Run = Callable[..., Any]
PROGRAM = [sys.executable, "-m", "mintmark.cli.main"]
COMMANDS = [
    ("train",),
    ("generate",),
    ("evaluate",),
    ("demo",),
    ("tasks",),
    ("doctor",),
    ("data", "check"),
    ("data", "get"),
    ("package", "show"),
    ("package", "verify"),
]
PEEK = """
import sys
from mintmark.cli import main
for words in {commands}:
    sys.argv = ["mintmark", *words]
    try:
        main.main()
    except SystemExit as ended:
        assert not ended.code, words
    heavy = {{"torch", "numpy", "PIL", "sklearn"}} & set(sys.modules)
    assert not heavy, (words, heavy)
"""


def test_every_command_is_known_here(run: Run) -> None:
    for group in ((), ("data",), ("package",)):
        names = [words[len(group)] for words in COMMANDS if words[: len(group)] == group]
        help_text = run(*group, "--help").out
        assert all(name in help_text for name in names)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_an_example(words: tuple[str, ...], run: Run) -> None:
    outcome = run(*words, "--help")
    assert outcome.code == 0
    said = " ".join(outcome.out.replace("•", "").split())
    assert re.search(rf"Examples?: mintmark {' '.join(words)}", said)


def test_help_and_the_list_of_tasks_do_not_import_torch() -> None:
    commands = [["--help"], ["tasks"], *([*words, "--help"] for words in COMMANDS)]
    done = subprocess.run(
        [sys.executable, "-c", PEEK.format(commands=commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("wish", [None, "0"])
def test_threads_do_not_hold_cores_while_they_wait(
    wish: str | None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", wish or "")
    if wish is None:
        del os.environ["GOMP_SPINCOUNT"]
    run("tasks")
    assert os.environ["GOMP_SPINCOUNT"] == (wish or "3000")


def test_tasks_lists_every_task(run: Run) -> None:
    outcome = run("tasks")
    assert outcome.code == 0
    assert {"digits", "pictures"} <= set(outcome.out.split())


def test_one_task_is_told_with_commands_that_are_taken(run: Run) -> None:
    for name, task in all_tasks().items():
        outcome = run("tasks", name)
        assert outcome.code == 0 and task.about in outcome.out
        learn, use = outcome.out.splitlines()[-2:]
        assert learn.startswith(f"mintmark train {name} ")
        flags = set(re.findall("--[a-z]+", outcome.out.split("To use it")[1])) - {"--out"}
        taken = run(use.split()[1], "--help").out
        assert all(f"{flag} " in taken for flag in flags)
    assert "--mask MASK" in run("tasks", "inpaint").out.splitlines()[-1]
    outcome = run("tasks", "inpant")
    assert outcome.code == 2 and "did you mean 'inpaint'" in outcome.err


def test_doctor_prints_every_setting(run: Run) -> None:
    outcome = run("doctor")
    assert outcome.code == 0
    assert all(f"setting {name}" in outcome.out for name in Settings.model_fields)
    for name in ("device", "precision", "threads", "torch"):
        assert name in outcome.out


def run_of(digits: Path, out: Path) -> list[str]:
    """The words of the run that the fixture `trained` made."""
    return ["train", "digits", str(digits / "train"), "--out", str(out), "--images", "640"]


def newest(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(max((run / "checkpoints").glob("*.json")).read_text())
    return record


def interrupted(words: list[str], out: Path) -> tuple[int, str]:
    """Starts a run, sends Ctrl-C after its first step, and says how it ended."""
    process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "checkpoints/0000000001.json").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_ctrl_c_saves_and_the_same_command_goes_on(
    run: Run, digits: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = run_of(digits, out)
    code, said = interrupted(words, out)
    assert code == 130
    record = newest(out)
    assert 0 < record["step"] < 10
    assert f"Stopped at {record['images_seen']} of 640 images." in said
    assert "Run the same command again to go on." in said
    assert not (out / "package").exists()
    assert run(*words).code == 0
    assert newest(out)["step"] == 10
    for name in ("G.safetensors", "D.safetensors"):
        assert digest_file(out / "package" / name) == digest_file(trained / "package" / name)


def test_a_finished_run_can_be_asked_for_again(
    run: Run, digits: Path, trained: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(trained, tmp_path / "run"))
    assert run(*run_of(digits, out)).code == 0
    assert digest_file(out / "package/manifest.json") == digest_file(
        trained / "package/manifest.json"
    )


def test_a_fork_starts_from_the_weights_of_another_run(
    run: Run, digits: Path, trained: Path, tmp_path: Path
) -> None:
    words = ["train", "digits", digits / "train", "--out", tmp_path / "b", "--images", 64]
    assert run(*words, "--fork", trained, "--seed", 3).code == 0
    plan = json.loads((tmp_path / "b/run.json").read_text())
    lineage = json.loads((tmp_path / "b/package/lineage.json").read_text())
    assert plan["base"] == lineage["base"] is not None
    assert plan["seed"] == 3


@pytest.mark.parametrize("format", ["png", "jpg", "avif"])
def test_like_makes_the_same_bytes(format: str, run: Run, trained: Path, tmp_path: Path) -> None:
    package, first = trained / "package", tmp_path / "first"
    words = ("--count", 18, "--seed", 4, "--grid", "--format", format)
    assert run("generate", package, "--out", first, *words).code == 0
    files = sorted(first.iterdir())
    assert len(files) == 19
    for path in (files[0], files[17], *first.glob(f"*-grid.{format}")):
        assert run("generate", package, "-o", tmp_path / "again", "--like", path).code == 0
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_one_class(run: Run, trained: Path, tmp_path: Path) -> None:
    package, out = trained / "package", tmp_path / "out"
    words = ("--class", 7, "--count", 3, "--grid")
    assert run("generate", package, "--out", out, *words).code == 0
    assert len(list(out.iterdir())) == 4
    for path in out.iterdir():
        assert mark.read_recipe(path.read_bytes(), path.name).inputs["class"] == "7"
        assert run("generate", package, "-o", tmp_path / "again", "--like", path).code == 0
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_package_can_be_looked_into(run: Run, trained: Path) -> None:
    verified = run("package", "verify", trained / "package")
    assert (verified.code, verified.out) == (0, "7 files are as they were written.\n")
    assert run("package", "verify", "enhance").out == "4 files are as they were written.\n"
    shown = run("package", "show", trained / "package")
    assert shown.code == 0
    for part in ("digits", "r3gan", "8 x 8", "CC-BY-4.0", "images_seen 640"):
        assert part in shown.out


def test_the_card_says_how_to_make_the_package_again(trained: Path) -> None:
    card = (trained / "package/README.md").read_text()
    words = (
        "mintmark train digits DATA --out RUN --size 8x8 --preset tiny --family r3gan "
        "--condition class --augment off --gamma 1 --batch 64 --images 640 --seed 0"
    )
    assert words in card


def test_check_reports_and_changes_nothing(run: Run, digits: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(digits / "held-out", tmp_path / "data"))
    first = sorted((data / "1").iterdir())[0]
    shutil.copy(first, data / "1" / "copy.png")
    before = sorted(path.name for path in data.rglob("*"))
    outcome = run("data", "check", data, "--size", 8)
    assert outcome.code == 0
    assert "1 picture repeated exactly" in outcome.out and "copy.png" in outcome.out
    assert sorted(path.name for path in data.rglob("*")) == before


def test_check_ends_in_failure_where_training_would(run: Run, digits: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(digits / "held-out", tmp_path / "data"))
    (data / "1/broken.png").write_bytes(b"no picture")
    outcome = run("data", "check", data)
    assert outcome.code == 1
    assert "broken.png" in outcome.out


def test_get_builds_the_digits(run: Run, digits: Path, tmp_path: Path) -> None:
    outcome = run("data", "get", "digits", "--out", tmp_path / "new/digits")
    assert outcome.code == 0
    assert len(list((tmp_path / "new/digits").rglob("*.png"))) == 1797


def test_an_out_folder_that_is_a_file_is_told_in_one_line(
    run: Run, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")
    outcome = run("generate", trained / "package", "--out", tmp_path / "out")
    assert outcome.code != 0
    assert outcome.err.startswith("error: ") and outcome.err.count("\n") == 1
    assert (tmp_path / "out").read_text() == "mine"


def test_python_has_the_same_verbs(digits: Path, trained: Path, tmp_path: Path) -> None:
    run = mm.train("digits", digits / "train", out=tmp_path / "run", images=64)
    written = run.model.generate(tmp_path / "pictures", count=2, label="7", seed=1, grid=True)
    stem = f"digits-{run.model.package.digest[:8]}-1-[0-9a-f]{{6}}"  # the last tells the wish
    for one, end in zip(written, ("000000", "000001", "grid"), strict=True):
        assert re.fullmatch(rf"{stem}-{end}\.png", one.path.name)
    loaded = mm.load(trained / "package")
    result = loaded.evaluate(digits / "train", count=10)
    assert {score.name for score in result.scores} >= {"FD", "KID", "precision", "recall"}


def test_python_refuses_as_the_command_line_does(trained: Path, tmp_path: Path) -> None:
    model = mm.load(str(trained / "package"))
    for options in ({"label": "eleven"}, {"count": 0}, {"colour": 1}):
        with pytest.raises(ConfigError):
            model.generate(tmp_path / "out", **options)
    with pytest.raises(MintmarkError):
        mm.train("poems", tmp_path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_python_names_are_few() -> None:
    assert set(mm.__all__) == {"load", "train"}
