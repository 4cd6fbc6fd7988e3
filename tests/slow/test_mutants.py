"""Whether the tests of the metrics would notice a mistake: each metric is changed on purpose.

The tables in tests/metrics/mutants name one module, its tests and what to change. A few of each
table are run, by a fixed seed; `MUTANTS=all` in the environment runs every one, which takes hours.
"""

import os
import queue
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "tests" / "metrics" / "mutants"
WORKERS = 2
SECONDS = 300  # a mutant that hangs is caught
LEAST, CAUGHT = 60, 0.95
SEED, EACH = 0, 3  # mutants of each table
PASSED, FAILED, INTERRUPTED = 0, 1, 2  # exit codes of pytest; 2 where a module cannot be imported


@dataclass(frozen=True)
class Mutant:
    """A faulty version of a module; with `old` empty, the module as it is."""

    module: str
    tests: tuple[str, ...]
    what: str = "unchanged"
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        return f"{self.module}: {self.what}"

    def source(self) -> str:
        text = (ROOT / self.module).read_text()
        assert not self.old or text.count(self.old) == 1, self
        return text.replace(self.old, self.new) if self.old else text


def tables() -> tuple[list[Mutant], list[Mutant]]:
    """The modules as they are, and some of the mutants of each, or all."""
    sound, faulty = [], []
    for path in sorted(TABLES.glob("*.py")):
        table = runpy.run_path(str(path))
        place = (table["MODULE"], tuple(table["TESTS"]))
        sound.append(Mutant(*place))
        mutants = table["MUTANTS"]
        if os.environ.get("MUTANTS") != "all":
            mutants = random.Random(SEED).sample(mutants, EACH)
        faulty += [Mutant(*place, *mutant) for mutant in mutants]
    return sound, faulty


def copies(folder: Path) -> "queue.Queue[Path]":
    """Copies of the sources, one a worker."""
    free: queue.Queue[Path] = queue.Queue()
    for number in range(WORKERS):
        copy = folder / str(number)
        shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
        free.put(copy)
    return free


def run(copy: Path, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs Python in the folder of pytest's settings, the copy before the installed package."""
    environment = os.environ | {
        "PYTHONPATH": str(copy / "src"),
        # Mutants of one length, written within a second, would share their bytecode.
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the tests pass with the mutant in place of its module."""
    place = copy / mutant.module
    place.write_text(mutant.source())
    plain = ["-x", "-q", "-m", "not slow", "-p", "no:randomly", "-p", "no:cacheprovider"]
    try:
        done = run(copy, ["-m", "pytest", *plain, *mutant.tests])
    except subprocess.TimeoutExpired:
        return False
    finally:
        shutil.copy(ROOT / mutant.module, place)
    assert done.returncode in (PASSED, FAILED, INTERRUPTED), f"{mutant}\n{done.stdout}{done.stderr}"
    return done.returncode == PASSED


def survivors(mutants: Iterable[Mutant], free: "queue.Queue[Path]") -> list[Mutant]:
    def attempt(mutant: Mutant) -> Mutant | None:
        copy = free.get()
        try:
            return mutant if survives(mutant, copy) else None
        finally:
            free.put(copy)

    with ThreadPoolExecutor(WORKERS) as pool:
        return [mutant for mutant in pool.map(attempt, mutants) if mutant is not None]


def require_copy_is_run(copy: Path) -> None:
    code = "import mintmark.metrics.latent as module; print(module.__file__)"
    assert run(copy, ["-c", code]).stdout.strip().startswith(str(copy))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_mutants_are_caught(tmp_path: Path) -> None:
    sound, faulty = tables()
    free = copies(tmp_path)
    for copy in list(free.queue):
        require_copy_is_run(copy)
    assert survivors(sound, free) == sound  # else a broken test would count as a catch
    missed = survivors(faulty, free)
    report = "\n".join(map(str, missed))
    caught = len(faulty) - len(missed)
    print(f"{caught} of {len(faulty)} caught; missed:\n{report}")  # noqa: T201 - read with -rP
    assert len(faulty) >= LEAST
    assert caught >= CAUGHT * len(faulty), report
