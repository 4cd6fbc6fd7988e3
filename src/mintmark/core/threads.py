"""How threads share the cores of a machine with other programs."""

import os


def share_cores() -> None:
    """Lets threads that wait for each other give up their cores, unless the environment says how.

    They wait thousands of times a picture, and where another program has one of the cores that they
    hold, that takes twenty times as long. GNU's OpenMP reads this once, when PyTorch is loaded.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
