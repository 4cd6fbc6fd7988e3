"""Decoding pictures from bytes that nobody has vouched for.

Five formats are read, by their content and never by their suffix. What is kept:

* grey and colour of 16 bits stay 16 bits (PNG and TIFF; colour comes from `deep`);
* grey of 16 bits with alpha, and AVIF of 10 or 12 bits, become 8 bits, since
  Pillow holds nothing deeper;
* palettes, 1-bit pictures, CMYK, YCbCr and Lab become grey or RGB, transparency
  becomes an alpha channel (except a transparent shade in 16-bit grey);
* the EXIF orientation is applied;
* colour profiles are not applied: samples are taken as sRGB.

Limits (`max_megapixels`, `max_frames`) come from the settings and are checked
on the header, before memory is taken for the pixels. The plugins are opened
directly rather than through `Image.open`, so that the limit is ours and not
Pillow's global one, and so that a phone's two-picture JPEG is its first picture.
"""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.ExifTags import Base
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.core.settings import settings
from mintmark.data import deep
from mintmark.data.carried import Carried, block_of

# Of camera data that are damaged, which do not stop a picture. Threads decode: no local filter.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

FORMATS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "TIFF": TiffImageFile,
}
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
TURNS = {  # EXIF 2.32, tag 274
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
PNG_END = b"IEND\xaeB`\x82"
# What Pillow raises on damaged EXIF.
UNREADABLE = (
    ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
SIDEWAYS = (5, 6, 7, 8)  # orientations that swap width and height


@dataclass(frozen=True)
class Measure:
    """What a picture's header says.

    Attributes:
        width: Columns, after orientation.
        height: Rows, after orientation.
        channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA, as decoded.
        bits: 8 or 16 per sample, as decoded.
    """

    width: int
    height: int
    channels: int
    bits: int


def decode(content: bytes, name: str) -> Picture:
    """Decodes a whole picture.

    Args:
        content: The bytes of a file.
        name: How errors call it.

    Returns:
        The picture, upright, uint8 or uint16.

    Raises:
        DataError: It is of another format, damaged, cut off or beyond a limit.
    """
    with _blaming(name):
        image = _open(content)
        is_deep = deep.is_deep(image)
        lies = _orientation(image) if isinstance(image, TiffImageFile) else 1
        if isinstance(image, PngImageFile):
            _check_png(content)
        image.load()  # turns a TIFF, and finds what lies behind the pixels of a PNG
        orientation = _orientation(image)
        if is_deep:
            samples = deep.read(content, len(_target_mode(image)))
            return Picture(_upright(samples, orientation if lies == 1 else lies))
        turn = TURNS.get(orientation)
        upright: Image.Image = image if turn is None else image.transpose(turn)
        array = np.asarray(_converted(upright))
        kind = np.uint8 if array.dtype == np.uint8 else np.uint16
        return Picture(np.atleast_3d(array.astype(kind)))


def measure(content: bytes, name: str) -> Measure:
    """Measures a picture from its header, without decoding it.

    Args:
        content: The bytes of a file.
        name: How errors call it.

    Returns:
        The measures of what `decode` would give. (A PNG may carry its
        orientation behind the pixels; it is then measured as it lies.)

    Raises:
        DataError: It is of another format, damaged or beyond a limit.
    """
    with _blaming(name):
        image = _open(content)
        width, height = image.size
        # Pillow swaps the size of a TIFF by itself.
        if not isinstance(image, TiffImageFile) and _orientation(image) in SIDEWAYS:
            width, height = height, width
        mode = _target_mode(image)
        if mode == "I;16":
            return Measure(width, height, 1, 16)
        return Measure(width, height, len(mode), 16 if deep.is_deep(image) else 8)


def require_still(content: bytes, name: str) -> None:
    """Refuses a picture of several frames or pages, whatever `max_frames` says.

    Raises:
        DataError: It has several, or cannot be read.
    """
    with _blaming(name):
        image = FORMATS[_format(content)](BytesIO(content))
        if _has_frame(content, image, 1):
            raise DataError("it has several frames; save each as a picture of its own")


def read_xmp(content: bytes) -> str | None:
    """The XMP packet inside a picture, or None if there is none.

    Raises:
        DataError: The bytes are no picture, or the packet is not UTF-8.
    """
    with _blaming("The picture"):
        image = _open(content)
        if "xmp" not in image.info and isinstance(image, PngImageFile):
            image.load()  # text chunks may follow the pixels
        packet: bytes | None = image.info.get("xmp")
        return None if packet is None else packet.rstrip(b"\x00").decode()


def read_carried(content: bytes, name: str) -> Carried:
    """The ICC profile and the EXIF block inside a picture, as they are.

    Args:
        content: The bytes of a file.
        name: How errors call it.

    Returns:
        Both, neither of them proven to be whole; that of a TIFF is made of its tags.

    Raises:
        DataError: The bytes are no picture, or beyond a limit.
    """
    with _blaming(name):
        image = _open(content)
        if isinstance(image, TiffImageFile):
            return Carried(image.info.get("icc_profile"), _tags_of(image))
        if isinstance(image, PngImageFile) and "exif" not in image.info and b"eXIf" in content:
            image.load()  # it may follow the pixels
        return Carried(image.info.get("icc_profile"), image.info.get("exif"))


def _tags_of(image: TiffImageFile) -> bytes | None:
    try:
        return block_of(image)
    except UNREADABLE:
        return None


def fit(picture: Picture, channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """Brings a picture to the shape that a network takes.

    The largest centred part of that shape is cut out and resized by an antialiased
    Lanczos filter; a picture that has the size already keeps its samples. Alpha is
    laid on white unless `channels` has room for it; then what is wholly transparent
    is white, because what lies there by chance is nothing to learn.

    Args:
        picture: Any picture.
        channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        Samples in [0, 255], (channels, height, width).
    """
    array = _centre(eight_bits(picture.array), height / width)
    if channels in (1, 3):
        array = on_white(array)
    image = to_pillow(array).convert(MODES[channels])
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    samples = np.asarray(image, dtype=np.uint8).reshape(height, width, channels).copy()
    if channels in (2, 4):
        samples[samples[..., -1] == 0, :-1] = 255
    return np.ascontiguousarray(samples.transpose(2, 0, 1))


def scaled(picture: Picture, channels: int, side: int) -> Picture:
    """A picture of 8 bits whose shorter side has so many pixels; proportions stay.

    Args:
        picture: Any picture; what is transparent is laid on white.
        channels: 1 grey, 3 RGB.
        side: Pixels of the shorter side of the result.
    """
    image = to_pillow(on_white(eight_bits(picture.array))).convert(MODES[channels])
    factor = side / min(image.size)
    size = round(image.width * factor), round(image.height * factor)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return Picture(np.asarray(image, dtype=np.uint8).reshape(size[1], size[0], channels))


def to_pillow(array: NDArray[np.uint8] | NDArray[np.uint16]) -> Image.Image:
    """A Pillow image of samples (height, width, channels)."""
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def eight_bits(array: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Samples in [0, 255]; 16 bits are scaled and rounded."""
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def on_white(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lays a picture with alpha on white; one without is returned as it is."""
    if array.shape[2] in (1, 3):
        return array
    alpha = array[..., -1:].astype(np.uint32)
    mixed = array[..., :-1] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def _upright(array: NDArray[np.uint16], orientation: int) -> NDArray[np.uint16]:
    """Samples (height, width, channels) as `TURNS` turns an image."""
    if orientation in SIDEWAYS:
        array = array.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _centre(array: NDArray[np.uint8], ratio: float) -> NDArray[np.uint8]:
    """The largest centred part whose height is `ratio` times its width."""
    height, width = array.shape[:2]
    rows, columns = min(height, round(width * ratio)), min(width, round(height / ratio))
    top, left = (height - rows) // 2, (width - columns) // 2
    return array[top : top + max(rows, 1), left : left + max(columns, 1)]


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Turns whatever a decoder raises on hostile bytes into one sentence about `name`."""
    try:
        yield
    except Exception as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"{name} cannot be read: {reason}.") from error


def _open(content: bytes) -> ImageFile.ImageFile:
    """Reads the header and checks the limits."""
    name = _format(content)
    image = FORMATS[name](BytesIO(content))
    limits = settings()
    width, height = image.size
    if width * height > limits.max_megapixels * 1e6:
        raise DataError(
            f"it has {width} x {height} pixels, more than the {limits.max_megapixels:g} "
            "megapixels that MINTMARK_MAX_MEGAPIXELS allows"
        )
    if _has_frame(content, image, limits.max_frames):
        raise DataError(
            f"it holds more than the {limits.max_frames} frames that MINTMARK_MAX_FRAMES allows"
        )
    return image


def _check_png(content: bytes) -> None:
    """Checks what loading does not: the checksums, and that the file is whole."""
    PngImageFile(BytesIO(content)).verify()
    if PNG_END not in content:
        raise DataError("the file is cut off")


def _has_frame(content: bytes, image: ImageFile.ImageFile, index: int) -> bool:
    if not isinstance(image, TiffImageFile):
        return int(getattr(image, "n_frames", 1)) > index
    try:  # counting all pages of a TIFF would walk a chain of any length
        TiffImageFile(BytesIO(content)).seek(index)
    except EOFError:
        return False
    return True


def _format(content: bytes) -> str:
    """The format by its signature."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and (b"avif" in content[8:64] or b"avis" in content[8:64]):
        return "AVIF"
    if content[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    raise DataError(f"its content is none of {', '.join(FORMATS)}")


def _orientation(image: ImageFile.ImageFile) -> int:
    """The orientation, 1 where the camera data are damaged."""
    try:  # the base method: that of PNG would decode the pixels first
        return int(Image.Image.getexif(image).get(Base.Orientation, 1))
    except UNREADABLE:
        return 1


def _target_mode(image: Image.Image) -> str:
    """The Pillow mode that keeps what the picture holds."""
    if image.mode.startswith("I;16"):
        return "I;16"
    if image.mode in ("I", "F"):
        raise DataError("its samples are 32-bit or floating-point; save it with 8 or 16 bits")
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return "LA" if grey else "RGBA"
    return "L" if grey else "RGB"


def _converted(image: Image.Image) -> Image.Image:
    mode = _target_mode(image)
    return image if image.mode.startswith("I;16") else image.convert(mode)
