"""Writing TIFF of 8 and 16 bits, since Pillow writes no colour of 16 (TIFF 6.0)."""

import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mintmark.data.carried import TEXTS, Carried, profile_for

DEFLATE = 8  # Adobe's number for zlib
HORIZONTAL = 2  # differences to the left neighbour are compressed
STRAIGHT = 2  # alpha that is not multiplied in
STRIP = 1 << 18  # bytes of a strip before compression, at least one row


def encode_tiff(
    array: NDArray[np.uint8] | NDArray[np.uint16], xmp: bytes | None, carried: Carried
) -> bytes:
    """A TIFF in deflated strips; equal arguments give equal bytes.

    Args:
        array: Samples, (height, width, 1 to 4).
        xmp: An XMP packet to embed.
        carried: What else to embed.

    Raises:
        struct.error: It would have more than 4 GB.
    """
    rows = max(1, STRIP // array[:1].nbytes)
    strips = [_strip(array[top : top + rows]) for top in range(0, len(array), rows)]
    sizes = [len(strip) for strip in strips]
    tags = ImageFileDirectory_v2()
    for tag, value in (_told(carried.exif) | _layout(array, rows)).items():
        tags[tag] = value
    if xmp is not None:
        tags[TiffImagePlugin.XMP] = xmp
    profile = profile_for(carried.icc, array.shape[2])
    if profile is not None:
        tags[TiffImagePlugin.ICCPROFILE] = profile
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(sizes)
    # Counted from the end of the tags; Pillow adds where that is.
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(int(at) for at in np.cumsum([0, *sizes[:-1]]))
    for tag in (TiffImagePlugin.STRIPBYTECOUNTS, TiffImagePlugin.STRIPOFFSETS):
        tags.tagtype[tag] = 4  # by its values alone Pillow may take 16 bits, too few for a sum
    buffer = BytesIO()
    tags.save(buffer)
    buffer.writelines(strips)
    return buffer.getvalue()


def _strip(rows: NDArray[Any]) -> bytes:
    """Rows as differences to the left neighbour (TIFF 6.0, section 14), compressed."""
    change = rows.copy()
    change[:, 1:] -= rows[:, :-1]  # wraps round
    return zlib.compress(change.astype(change.dtype.newbyteorder("<"), copy=False).tobytes())


def _layout(array: NDArray[Any], rows: int) -> dict[int, Any]:
    """The tags that say how the samples lie."""
    height, width, channels = array.shape
    tags = {
        TiffImagePlugin.IMAGEWIDTH: width,
        TiffImagePlugin.IMAGELENGTH: height,
        TiffImagePlugin.BITSPERSAMPLE: (8 * array.itemsize,) * channels,
        TiffImagePlugin.COMPRESSION: DEFLATE,
        TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: 1 if channels in (1, 2) else 2,
        TiffImagePlugin.SAMPLESPERPIXEL: channels,
        TiffImagePlugin.ROWSPERSTRIP: rows,
        TiffImagePlugin.PLANAR_CONFIGURATION: 1,
        TiffImagePlugin.PREDICTOR: HORIZONTAL,
    }
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = STRAIGHT
    return tags


def _told(block: bytes | None) -> dict[int, Any]:
    """The tags of an EXIF block."""
    if block is None:
        return {}
    exif = Image.Exif()
    exif.load(block)
    told = {int(tag): exif[tag] for tag in TEXTS if tag in exif}
    for part in (IFD.Exif, IFD.GPSInfo):
        inside = {tag: value for tag, value in exif.get_ifd(part).items() if tag != IFD.Interop}
        if inside:
            told[int(part)] = inside
    return told
