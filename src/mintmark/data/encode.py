"""Encoding pictures.

Only `provenance.mark` (the door that generated media leaves by) and the builders
of public sets import this file; a contract checks it.
"""

from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import XMP

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.pictures import eight_bits, on_white, to_pillow

Format = Literal["png", "jpeg", "webp", "avif", "tiff"]


def encode(picture: Picture, format: Format, xmp: str | None = None) -> bytes:
    """Encodes a picture; equal arguments give equal bytes.

    PNG and TIFF keep every sample of 8-bit pictures and of 16-bit grey; WebP
    keeps every 8-bit sample (grey comes back as RGB). AVIF is written at its
    highest quality, which moves colours by a few of 255. JPEG has quality 95
    without chroma subsampling, and alpha is laid on white. Where a format (or
    Pillow, for 16-bit colour) has no 16 bits, samples are rounded to 8.

    Args:
        picture: What to encode.
        format: One of `Format`.
        xmp: An XMP packet to embed.

    Returns:
        The bytes of a file.

    Raises:
        DataError: The picture is too large for the format, or the packet is
            (JPEG holds 64 KB).
    """
    buffer = BytesIO()
    try:
        _image(picture, format).save(buffer, format.upper(), **_options(format, xmp))
    except (ValueError, OSError) as error:
        raise DataError(
            f"The picture cannot be written as {format} ({error}); take another format."
        ) from error
    return buffer.getvalue()


def _image(picture: Picture, format: Format) -> Image.Image:
    if picture.array.dtype == np.uint16 and picture.channels == 1 and format in ("png", "tiff"):
        return to_pillow(picture.array)
    array = eight_bits(picture.array)
    return to_pillow(on_white(array) if format == "jpeg" else array)


def _options(format: Format, xmp: str | None) -> dict[str, Any]:
    """What Pillow's writer takes, with the packet where the format keeps it."""
    packet = {} if xmp is None else {"xmp": xmp.encode()}
    match format:
        case "png":
            text = PngInfo()
            if xmp is not None:
                text.add_itxt("XML:com.adobe.xmp", xmp)
            return {"pnginfo": text}
        case "jpeg":
            return {"quality": 95, "subsampling": "4:4:4", **packet}
        case "webp":
            return {"lossless": True, "exact": True, **packet}
        case "avif":
            # Threads split the work, and must not decide the bytes.
            return {"quality": 100, "subsampling": "4:4:4", "max_threads": 1, **packet}
        case "tiff":
            tags = {} if xmp is None else {XMP: xmp.encode()}
            return {"compression": "tiff_adobe_deflate", "tiffinfo": tags}
