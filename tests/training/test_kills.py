"""Runs that are killed: what resumes is the same run, to the last bit."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

VICTIM = Path(__file__).with_name("victim.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def victim(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(VICTIM), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("loading", ["background", "foreground"])
def test_a_run_cut_at_random_instants_equals_the_straight_one(tmp_path: Path, loading: str) -> None:
    result = victim("cut", tmp_path, loading, 11)
    assert result["kills"] >= 11
    assert len(result["resumed"]) >= 6, "the kills must fall into the middle of the run"
    assert result["equal"] and all(result["equal"]), result


def test_every_kill_during_a_save_leaves_the_newest_saved_state(tmp_path: Path) -> None:
    result = victim("saves", tmp_path, 110)
    assert result["saved"] > 110
    assert (result["unreadable"], result["lost"], result["mixed"]) == (0, 0, 0), result


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def pair(folder: Path, **more: str) -> list[subprocess.Popen[bytes]]:
    port = str(free_port())
    rendezvous = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    return [
        subprocess.Popen(
            [sys.executable, str(VICTIM), "pair", str(folder)],
            env={**ENVIRONMENT, **rendezvous, **more, "RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()[-2000:]


def newest(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(max(folder.glob("*.safetensors")))


def test_two_processes_equal_themselves_across_a_kill_and_one_process(tmp_path: Path) -> None:
    straight, killed, alone = (tmp_path / name for name in ("straight", "killed", "alone"))
    for folder in (straight, killed, alone):
        folder.mkdir()
    finish(pair(straight, LATE="1"))  # the first one must not save before all have looked

    processes = pair(killed)
    deadline = time.monotonic() + 90
    while len(list(killed.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (killed / "outcome.done").exists(), "it ended before it could be killed"
    finish(pair(killed))
    assert (killed / "outcome.done").read_text() == (straight / "outcome.done").read_text()

    one = [sys.executable, str(VICTIM), "pair", str(alone)]
    lone = {**ENVIRONMENT, "RANK": "0", "WORLD_SIZE": "1"}
    subprocess.run(one, env=lone, check=True, capture_output=True, timeout=120)
    ours, theirs = newest(straight), newest(alone)
    weights = [name for name in ours if name.startswith(("networks/", "averages/"))]
    assert weights
    for name in weights:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-5, rtol=1e-5)
