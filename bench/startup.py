"""How long `mintmark --help` takes; limit 0.4 s (median of 9, after one to warm up)."""

import statistics
import subprocess
import sys
import time

LIMIT = 0.4  # seconds


def main() -> None:
    command = [sys.executable, "-m", "mintmark.cli.main", "--help"]
    times = []
    for _ in range(10):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    median = statistics.median(times[1:])
    print(f"startup: {median:.2f} s, {median / LIMIT:.2f} of the limit")
    sys.exit(int(median > LIMIT))


if __name__ == "__main__":
    main()
