"""A fork through the command line that is killed at random instants, also before its first step."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from mintmark.core.files import digest_file

KILLS = 3


def start(digits: Path, trained: Path, out: Path, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mintmark.cli.main", "train", "digits", digits / "train"]
    wishes = ["--out", out, "--fork", trained, "--images", "1280", "--seed", "5"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MINTMARK_CACHE": str(cache)}
    return subprocess.Popen(
        [str(word) for word in (*command, *wishes)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def test_a_killed_fork_is_the_straight_one(digits: Path, trained: Path, tmp_path: Path) -> None:
    dice = random.Random(3)
    cache = tmp_path / "cache"
    began = time.monotonic()
    finish(start(digits, trained, tmp_path / "straight", cache))
    span = time.monotonic() - began
    for _ in range(KILLS):
        process = start(digits, trained, tmp_path / "cut", cache)
        time.sleep(dice.uniform(span / 4, span))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finish(start(digits, trained, tmp_path / "cut", cache))
    weights = "package/G.safetensors"
    assert digest_file(tmp_path / "cut" / weights) == digest_file(tmp_path / "straight" / weights)


def test_two_processes_do_not_train_in_one_folder(
    digits: Path, trained: Path, tmp_path: Path
) -> None:
    process = start(digits, trained, tmp_path / "run", tmp_path / "cache")
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run/.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = start(digits, trained, tmp_path / "run", tmp_path / "cache")
        _, errors = second.communicate(timeout=60)
        assert process.poll() is None, "it ended before the second one came"
        assert second.returncode == 2
        assert b"Another process is training" in errors
    finally:
        process.kill()
        process.communicate()
