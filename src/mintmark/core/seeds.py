"""Independent streams of randomness from one seed.

Everything random in Mintmark is a function of (seed, names): the order of the
data, the noise of a step, an augmentation. Nothing random is stored, so a run
that resumes at step n draws what it would have drawn, and several processes
draw the same numbers as one.
"""

import hashlib

SEED_BITS = 63  # fits a signed 64-bit integer, which torch and numpy both take


def derive(seed: int, *names: str | int) -> int:
    """A seed for the stream `names` under `seed`.

    Args:
        seed: The seed of the run or request, any integer.
        names: What the stream is for, for instance `("noise", step)`. The
            names are kept apart: `("a", "b")` is not `("ab",)`, `1` is not `"1"`.

    Returns:
        An integer in [0, 2**63), the same on every machine and version.
    """
    text = repr((int(seed), *names)).encode()
    digest = hashlib.blake2b(text, digest_size=8, person=b"mintmark").digest()
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS)
