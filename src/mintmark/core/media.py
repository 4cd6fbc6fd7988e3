"""Media in memory: an array with its unit and range, nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        array: Samples, (height, width, channels), uint8 in [0, 255] or uint16
            in [0, 65535], straight (not premultiplied) alpha last, sRGB.
    """

    array: NDArray[np.uint8] | NDArray[np.uint16]

    def __post_init__(self) -> None:
        if self.array.ndim != 3 or self.array.shape[2] not in CHANNELS:
            raise ValueError(f"a picture is (height, width, 1 to 4), not {self.array.shape}")
        if self.array.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"a picture is uint8 or uint16, not {self.array.dtype}")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.array.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.array.shape[1])

    @property
    def channels(self) -> int:
        """1 grey, 2 grey with alpha, 3 RGB, 4 RGBA."""
        return int(self.array.shape[2])
