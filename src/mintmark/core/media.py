"""Media in memory: an array with its unit and range, nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}
RATES = (0.1, 120.0)  # frames a second: what every format of clips can say


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


@dataclass(frozen=True)
class Clip:
    """Frames of one size, shown one after another and then again from the start.

    Attributes:
        frames: Samples, (frames, height, width, channels), uint8 in [0, 255],
            straight (not premultiplied) alpha last, sRGB; at least one frame.
        fps: Frames a second, in [0.1, 120].
    """

    frames: NDArray[np.uint8]
    fps: float

    def __post_init__(self) -> None:
        shape = self.frames.shape
        if len(shape) != 4 or shape[3] not in CHANNELS or 0 in shape:
            raise ValueError(f"a clip is (frames, height, width, 1 to 4), not {shape}")
        if self.frames.dtype != np.uint8:
            raise ValueError(f"a clip is uint8, not {self.frames.dtype}")
        if not RATES[0] <= self.fps <= RATES[1]:
            raise ValueError(f"a clip has 0.1 to 120 frames a second, not {self.fps}")

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.frames.shape[1])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.frames.shape[2])

    @property
    def channels(self) -> int:
        """1 grey, 2 grey with alpha, 3 RGB, 4 RGBA."""
        return int(self.frames.shape[3])
