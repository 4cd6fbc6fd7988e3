"""Colour of 16 bits in PNG and TIFF, which Pillow would reduce to 8: read and written by libvips.

Pillow has opened, limited and decoded a file before its bytes come here, so that what it
refuses stays refused; only the samples come from libvips. The loader is named by the format and
never guessed from the content.
"""

from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from mintmark.core.errors import DataError

RGB = 2  # TIFF 6.0, tag 262


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether a header, its pixels not yet decoded, says colour of 16 bits."""
    if isinstance(image, PngImageFile):
        return bool(image.tile) and str(image.tile[0].args) in ("RGB;16B", "RGBA;16B")
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(BITSPERSAMPLE, ())
        return set(bits) == {16} and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == RGB
    return False


def read(content: bytes, channels: int) -> NDArray[np.uint16]:
    """The samples of a PNG or TIFF that `is_deep`, as they lie in the file.

    Args:
        content: The bytes of the file.
        channels: 3 or 4; further samples of a pixel are left out.

    Returns:
        Samples in [0, 65535], (height, width, channels), straight alpha last.

    Raises:
        DataError: libvips finds fault with it, or other samples in it.
    """
    vips = _vips()
    is_png = content.startswith(b"\x89PNG")
    load = vips.Image.pngload_buffer if is_png else vips.Image.tiffload_buffer
    try:
        image = load(content, fail_on="error", access="sequential")
        array: NDArray[np.uint16] = image.numpy()
    except vips.Error as error:
        raise DataError(f"its samples of 16 bits are damaged ({_first(error)})") from error
    if array.dtype != np.uint16 or array.ndim != 3 or array.shape[2] < channels:
        raise DataError("its samples are other ones than its header says")
    return array[..., :channels]


def png(array: NDArray[np.uint16]) -> bytes:
    """A PNG of samples (height, width, 3 or 4) without any metadata; equal bytes for equal ones."""
    vips = _vips()
    height, width, channels = array.shape
    data = np.ascontiguousarray(array)
    image = vips.Image.new_from_memory(data.data, width, height, channels, "ushort")
    content: bytes = image.copy(interpretation="rgb16").pngsave_buffer(
        compression=6, filter="all", bitdepth=16, keep="none"
    )
    return content


@cache
def _vips() -> ModuleType:
    """libvips, loaded where it is first needed, without a cache of what was done."""
    import pyvips

    pyvips.block_untrusted_set(True)  # loaders that are not hardened
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    module: ModuleType = pyvips
    return module


def _first(error: Exception) -> str:
    """The first line of what libvips says."""
    lines = str(getattr(error, "detail", error)).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no reason given"
