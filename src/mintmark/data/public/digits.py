"""The public set `digits`: real handwriting that comes with scikit-learn.

1,797 digits of 13 writers, 8 x 8 grey, the test part of the UCI set "Optical
Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998). Writers are
not named but lie in blocks, so the split is by blocks: shuffling would put every
writer on both sides.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mintmark.core.files import sync, write_json
from mintmark.core.media import Picture
from mintmark.data.encode import encode

TRAIN = 1200  # the first so many; the last 597 are held out
RIGHTS = {
    "licence": "CC-BY-4.0",
    "attribution": ["E. Alpaydin and C. Kaynak", "scikit-learn developers (BSD-3-Clause copy)"],
    "source": (
        "UCI Optical Recognition of Handwritten Digits (CC BY 4.0), test part, as distributed "
        "with scikit-learn (BSD-3-Clause), sklearn.datasets.load_digits"
    ),
}


def build(folder: Path) -> Path:
    """Writes the set as `train/<class>/<id>.png` and `held-out/<class>/<id>.png`.

    A part that is already there is left as it is; a new one appears whole.

    Args:
        folder: Where to; made if missing.

    Returns:
        The same folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    from sklearn.datasets import load_digits

    digits = load_digits()
    # 0..16 to 0..255, (N, 8, 8, 1)
    grey = np.rint(digits.images * 255 / 16).astype(np.uint8)[..., None]
    ids = np.arange(len(grey))
    _build_part(folder / "train", grey, digits.target, ids[:TRAIN])
    _build_part(folder / "held-out", grey, digits.target, ids[TRAIN:])
    return folder


def _build_part(
    folder: Path, grey: NDArray[np.uint8], labels: NDArray[np.int64], ids: NDArray[np.int64]
) -> None:
    if folder.exists():
        return
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        beside.chmod(0o755)
        for place in ids:
            path = beside / str(labels[place]) / f"{place:04}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode(Picture(grey[place]), "png"))
        write_json(beside / "rights.json", RIGHTS)
        _settle(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _settle(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return  # another process was first, and wrote the same
    sync(folder.parent)
