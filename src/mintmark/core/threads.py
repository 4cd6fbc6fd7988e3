"""How threads share the cores of a machine with other programs."""

import os


def share_cores() -> None:
    """Lets threads that wait for each other give up their cores, unless the environment says how.

    They wait thousands of times a picture, and another program may have the core that one of them
    is needed on (bench/busy.py). GNU's OpenMP reads this once, when PyTorch is loaded.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
