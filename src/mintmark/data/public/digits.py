"""The public set `digits`: real handwriting that comes with scikit-learn.

1,797 digits of 13 writers, 8 x 8 grey, the test part of the UCI set "Optical
Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998). Writers are
not named but lie in blocks, so the split is by blocks: shuffling would put every
writer on both sides.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.core.records import Rights
from mintmark.data.public.parts import build_part, png

TRAIN = 1200  # the first so many; the last 597 are held out
RIGHTS = Rights(
    "CC-BY-4.0",
    ("E. Alpaydin and C. Kaynak", "scikit-learn developers (BSD-3-Clause copy)"),
    "UCI Optical Recognition of Handwritten Digits (CC BY 4.0), test part, as distributed "
    "with scikit-learn (BSD-3-Clause), sklearn.datasets.load_digits",
)


def build(folder: Path) -> Path:
    """Writes the set as `train/<class>/<id>.png` and `held-out/<class>/<id>.png`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.

    Returns:
        The same folder.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    # 0..16 to 0..255, (N, 8, 8, 1)
    grey = np.rint(digits.images * 255 / 16).astype(np.uint8)[..., None]
    ids = np.arange(len(grey))
    build_part(folder / "train", RIGHTS, _files(grey, digits.target, ids[:TRAIN]))
    build_part(folder / "held-out", RIGHTS, _files(grey, digits.target, ids[TRAIN:]))
    return folder


def _files(
    grey: NDArray[np.uint8], labels: NDArray[np.int64], ids: NDArray[np.int64]
) -> Iterator[tuple[str, bytes]]:
    for place in ids:
        yield f"{labels[place]}/{place:04}.png", png(grey[place])
