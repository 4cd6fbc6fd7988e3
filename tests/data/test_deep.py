"""Colour of 16 bits: every sample comes back, and hostile files meet the same doors as others."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import putchunk

from mintmark.actions.layout import beside
from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data import deep
from mintmark.data.doctor import grey_cells
from mintmark.data.encode import Format, encode
from mintmark.data.pictures import TURNS, Measure, decode, fit, measure
from mintmark.data.tiff import STRIP

DEEP: tuple[Format, ...] = ("png", "tiff")


def noise(channels: int, height: int = 20, width: int = 30) -> NDArray[np.uint16]:
    levels = np.random.default_rng(channels).integers(0, 65536, (height, width, channels))
    return levels.astype(np.uint16)


def tiff(array: NDArray[np.uint16], **options: object) -> bytes:
    image = pyvips.Image.new_from_array(array).copy(interpretation="rgb16")
    content: bytes = image.tiffsave_buffer(**options)
    return content


def with_tag(content: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with another number in a tag that it has."""
    changed = bytearray(content)
    (first,) = struct.unpack_from("<I", changed, 4)
    (count,) = struct.unpack_from("<H", changed, first)
    for place in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", changed, place)[0] == tag:
            struct.pack_into("<H", changed, place + 8, value)
    return bytes(changed)


def with_chunk(content: bytes, kind: bytes, body: bytes, late: bool = False) -> bytes:
    """A PNG with one more chunk, behind its header or before its end."""
    chunk, at = BytesIO(), len(content) - 12 if late else 33
    putchunk(chunk, kind, body)
    return content[:at] + chunk.getvalue() + content[at:]


def turned_block(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("format", DEEP)
@pytest.mark.parametrize("channels", [3, 4])
def test_every_sample_comes_back_and_bytes_repeat(format: Format, channels: int) -> None:
    array = noise(channels, 700, 401)
    assert array.nbytes > 2 * STRIP
    content = encode(Picture(array), format, "<x/>")
    assert content == encode(Picture(array), format, "<x/>")
    assert np.array_equal(decode(content, "a").array, array)
    assert measure(content, "a") == Measure(401, 700, channels, 16)


@pytest.mark.parametrize("format", DEEP)
def test_other_programs_read_what_is_written(format: Format) -> None:
    array = noise(3)
    with Image.open(BytesIO(encode(Picture(array), format))) as image:
        assert np.array_equal(np.asarray(image), array >> 8)
        assert format == "tiff" or "dpi" not in image.info  # nobody gave a resolution
    back = pyvips.Image.new_from_buffer(encode(Picture(array), format), "").numpy()
    assert np.array_equal(back, array)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw", "predictor": "horizontal"},
        {"compression": "deflate", "tile": True, "tile_width": 16, "tile_height": 16},
        {"bigtiff": True},
    ],
)
def test_tiff_of_other_programs(options: dict[str, Any]) -> None:
    content = tiff(noise(3), **options)
    assert np.array_equal(decode(content, "a").array, noise(3))
    assert measure(content, "a") == Measure(30, 20, 3, 16)


def test_a_fourth_sample_is_alpha_only_where_it_is_said() -> None:
    array = noise(4)
    array[..., :3] = np.minimum(array[..., :3], array[..., 3:])
    content = tiff(array)
    extra, multiplied = with_tag(content, 338, 0), with_tag(content, 338, 1)
    assert np.array_equal(decode(extra, "a").array, array[..., :3])
    assert measure(extra, "a") == Measure(30, 20, 3, 16)
    straight = decode(multiplied, "a").array.astype(float)
    assert np.abs(straight[..., :3] * straight[..., 3:] / 65535 - array[..., :3]).max() <= 1
    assert measure(multiplied, "a") == Measure(30, 20, 4, 16)


def test_a_transparent_colour_becomes_alpha() -> None:
    array = noise(3)
    content = with_chunk(deep.png(array), b"tRNS", struct.pack(">HHH", *array[2, 3].tolist()))
    back = decode(content, "a").array
    assert np.array_equal(back[..., :3], array)
    assert back[2, 3, 3] == 0 and np.sum(back[..., 3] == 0) == 1
    assert measure(content, "a") == Measure(30, 20, 4, 16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int) -> None:
    array = noise(3)
    block = turned_block(orientation)
    shape = Image.fromarray(np.arange(600, dtype=np.int32).reshape(20, 30))  # each place a number
    turn = TURNS.get(orientation)
    places = np.asarray(shape if turn is None else shape.transpose(turn))
    expected = array.reshape(600, 3)[places]
    shallow = (array >> 8).astype(np.uint8)
    plain = with_chunk(encode(Picture(shallow), "png"), b"eXIf", block, late=True)
    assert np.array_equal(decode(plain, "a").array, expected >> 8)
    early, late = (with_chunk(deep.png(array), b"eXIf", block, late) for late in (False, True))
    image = pyvips.Image.new_from_array(array).copy(interpretation="rgb16").copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    for content in (early, late, image.tiffsave_buffer()):
        assert np.array_equal(decode(content, "a").array, expected)
    for content in (early, image.tiffsave_buffer()):
        size = measure(content, "a")
        assert (size.height, size.width) == expected.shape[:2]


def test_a_huge_header_is_refused_without_memory() -> None:
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 16, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    )
    tracemalloc.start()
    for read in (decode, measure):
        with pytest.raises(DataError, match=r"big\.png cannot be read: it has 50000 x 50000"):
            read(bomb, "big.png")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("format", DEEP)
def test_the_pixel_limit_is_that_of_the_settings(
    format: Format, limits: Callable[..., None]
) -> None:
    content = encode(Picture(noise(3)), format)
    limits(max_megapixels=599 / 1e6)
    with pytest.raises(DataError, match="MINTMARK_MAX_MEGAPIXELS"):
        decode(content, "a")


@pytest.mark.parametrize("format", DEEP)
def test_damaged_files_are_refused_in_one_sentence(format: Format) -> None:
    whole = encode(Picture(noise(3)), format, xmp="<x/>")
    rng = np.random.default_rng(0)
    for share in (0.2, 0.6, 0.99):
        with pytest.raises(DataError, match=r"^a cannot be read: [^\n]*\.$"):
            decode(whole[: int(len(whole) * share)], "a")
    for _ in range(150):
        damaged = np.frombuffer(whole, dtype=np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 4)] = rng.integers(0, 256, 4)
        try:
            array = decode(damaged.tobytes(), "a").array
        except DataError as error:
            assert str(error).startswith("a cannot be read: ") and "\n" not in str(error)
        else:
            size = measure(damaged.tobytes(), "a")
            bits = 8 * array.itemsize
            assert (size.height, size.width, size.channels, size.bits) == (*array.shape, bits)


def test_what_takes_pictures_takes_these() -> None:
    array = noise(4)
    array[..., 3] |= 256  # nothing wholly transparent, of which `fit` makes white
    assert fit(Picture(array), 3, 10, 15).shape == (3, 10, 15)
    same = fit(Picture(array), 4, 20, 30).transpose(1, 2, 0)
    assert np.abs(same / 255 - array / 65535).max() <= 0.5 / 255 + 1e-6
    left, right = np.split(beside(Picture(array), Picture(array)).array, 2, axis=1)
    assert np.array_equal(left, same) and np.array_equal(right, same)
    assert grey_cells(Picture(array)).shape == (8, 9)
    for format in ("jpeg", "webp", "avif"):
        assert decode(encode(Picture(array), format), "a").array.dtype == np.uint8
