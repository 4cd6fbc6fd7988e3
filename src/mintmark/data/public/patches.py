"""Patches of large pictures: reduced in size, and cut where something is to be seen."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mintmark.core.errors import DataError
from mintmark.data.pictures import decode, to_pillow
from mintmark.data.public.parts import SIZE, Sample

PLAIN = 8.0  # of 255, mean over the channels: patches that deviate less are left out
LONGEST = 1280  # pixels a side of what is cut; wider pictures are smooth and weigh too much


def reduced(path: Path, longest: int = LONGEST) -> NDArray[np.uint8]:
    """A picture of a package at half its size or less, which removes the noise of JPEG.

    Args:
        path: Its file.
        longest: Most pixels a side.

    Returns:
        Samples, (height, width, 3).

    Raises:
        DataError: The file is not there.
    """
    if not path.exists():
        raise DataError(f"The picture {path.name} is not in {path.parent}; it may have moved.")
    picture = to_pillow(decode(path.read_bytes(), path.name).array).convert("RGB")
    factor = max(2, max(picture.size) / longest)
    size = (int(picture.width / factor), int(picture.height / factor))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


def patches(picture: NDArray[np.uint8], columns: Mapping[str, str]) -> Iterator[Sample]:
    """Patches of SIZE that do not overlap; those that are almost plain are left out.

    Args:
        picture: (height, width, 3).
        columns: What the metadata says of each; `group` names the picture.
    """
    height, width, _ = picture.shape
    for top in range(0, height - SIZE + 1, SIZE):
        for left in range(0, width - SIZE + 1, SIZE):
            patch = picture[top : top + SIZE, left : left + SIZE]
            if patch.std(axis=(0, 1)).mean() > PLAIN:
                yield Sample(f"{columns['group'].lower()}-{top:04}-{left:04}.png", patch, columns)
