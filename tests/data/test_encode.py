from typing import get_args

import numpy as np
import pytest

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.encode import Format, encode
from mintmark.data.pictures import decode, read_xmp

ALL: tuple[Format, ...] = get_args(Format)
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/">é … 手</x:xmpmeta>'


def noise(channels: int, kind: type = np.uint8) -> Picture:
    top = int(np.iinfo(kind).max) + 1
    array = np.random.default_rng(channels).integers(0, top, (20, 30, channels))
    return Picture(array.astype(kind))


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_xmp_comes_back_and_bytes_repeat(format: Format, channels: int) -> None:
    content = encode(noise(channels), format, XMP)
    assert read_xmp(content) == XMP
    assert content == encode(noise(channels), format, XMP)
    assert read_xmp(encode(noise(channels), format)) is None


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_and_tiff_are_lossless(format: Format, channels: int) -> None:
    assert np.array_equal(decode(encode(noise(channels), format), "a").array, noise(channels).array)


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_is_lossless_under_transparency_too(channels: int) -> None:
    assert np.array_equal(decode(encode(noise(channels), "webp"), "a").array, noise(channels).array)


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_grey_of_16_bits_is_lossless(format: Format) -> None:
    picture = noise(1, np.uint16)
    assert np.array_equal(decode(encode(picture, format), "a").array, picture.array)


def test_avif_moves_colours_by_a_few_levels_only() -> None:
    back = decode(encode(noise(3), "avif"), "a").array.astype(int)
    assert np.abs(back - noise(3).array).max() <= 4


def test_jpeg_keeps_the_resolution_of_colour() -> None:
    stripes = np.zeros((16, 16, 3), dtype=np.uint8)
    stripes[:, ::2, 0] = 255  # one red column, one black
    back = decode(encode(Picture(stripes), "jpeg"), "a").array.astype(int)
    assert np.abs(back - stripes).max() < 40


def test_jpeg_lays_alpha_on_white() -> None:
    clear = np.zeros((8, 8, 4), dtype=np.uint8)
    assert decode(encode(Picture(clear), "jpeg"), "a").array.min() >= 254


def test_what_a_format_cannot_hold_is_said() -> None:
    with pytest.raises(DataError, match=r"written as jpeg .*another format"):
        encode(noise(3), "jpeg", xmp="x" * 70_000)
    with pytest.raises(DataError, match="written as webp"):
        encode(Picture(np.zeros((1, 16_400, 3), dtype=np.uint8)), "webp")
