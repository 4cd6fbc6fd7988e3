"""How `apply` gets on beside a busy program, with waiting threads that give up their cores.

`denoise` works on three photographs of 256 x 256 pixels, with GNU OpenMP's own patience and with
that of the command line, which take turns; first alone, then beside as many processes as there are
cores, which do sums all the time. The figure is the ratio of the medians of three turns, the whole
command each time.

Limits: less time than with OpenMP's own beside others, and at most a fifth more alone. Elsewhere
than on Linux there is nothing to measure.

    python bench/busy.py
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from applying import photograph

TURNS = 3
PATIENT = "300000"  # spins of GNU's OpenMP where nothing is set and threads fit the cores
BESIDE, ALONE = 1.0, 1.2  # most of its time
SUMS = "while True: sum(range(10_000))"


@contextmanager
def others() -> Iterator[None]:
    """As many busy processes as there are cores."""
    busy = [subprocess.Popen([sys.executable, "-c", SUMS]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def took(folder: Path, **environment: str) -> float:
    """Seconds of the whole command."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "mintmark.cli.main", "apply", "denoise", str(folder / "in")]
    began = time.perf_counter()
    subprocess.run(
        [*command, "-o", str(out)], check=True, capture_output=True, env=os.environ | environment
    )
    return time.perf_counter() - began


def ratio(folder: Path, where: str) -> float:
    """Time with the setting of the command line over that with OpenMP's own."""
    ours, theirs = [], []
    for _ in range(TURNS):
        theirs.append(took(folder, GOMP_SPINCOUNT=PATIENT))
        ours.append(took(folder))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{where}: {a:.1f} s, OpenMP's own {b:.1f} s; {a / b:.2f} of it", flush=True)
    return a / b


def main() -> None:
    os.environ.pop("GOMP_SPINCOUNT", None)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        for number in range(3):
            photograph(folder / f"in/{number}.png", 256, 256)
        alone = ratio(folder, "alone")
        with others():
            beside = ratio(folder, "beside busy programs")
    sys.exit(int(alone > ALONE or beside > BESIDE))


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("Only GNU's OpenMP on Linux waits like that; there is nothing to measure here.")
    main()
