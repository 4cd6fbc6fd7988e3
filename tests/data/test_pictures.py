import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data import pictures
from mintmark.data.encode import Format, encode
from mintmark.data.pictures import Measure, decode, fit, measure, read_xmp

ALL: tuple[Format, ...] = get_args(Format)


def noise(height: int, width: int, channels: int, kind: type = np.uint8) -> Picture:
    top = int(np.iinfo(kind).max) + 1
    array = np.random.default_rng(channels).integers(0, top, (height, width, channels))
    return Picture(array.astype(kind))


def saved(image: Image.Image, suffix: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_formats_are_the_five_that_are_promised() -> None:
    assert tuple(pictures.FORMATS) == ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_measure_says_what_decode_gives(format: Format, channels: int) -> None:
    content = encode(noise(20, 30, channels), format)
    picture = decode(content, "a")
    bits = picture.array.dtype.itemsize * 8
    expected = Measure(picture.width, picture.height, picture.channels, bits)
    assert measure(content, "a") == expected


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_grey_of_16_bits_is_kept(suffix: str) -> None:
    array = np.random.default_rng(0).integers(0, 65536, (5, 7)).astype(np.uint16)
    content = saved(Image.fromarray(array), suffix)
    assert np.array_equal(decode(content, "a").array[..., 0], array)
    assert measure(content, "a") == Measure(7, 5, 1, 16)


def test_big_endian_tiff_is_read_in_the_right_order() -> None:
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 16), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 122), (277, 3, 1), (278, 3, 1), (279, 4, 4)]
    rows = b"".join(
        struct.pack(">HHI", tag, kind, 1) + struct.pack(">HH" if kind == 3 else ">I", *values)
        for tag, kind, value in entries
        for values in [(value, 0) if kind == 3 else (value,)]
    )
    head = b"MM\x00*" + struct.pack(">IH", 8, len(entries)) + rows
    content = (head + bytes(4)) + struct.pack(">HH", 1, 40000)
    assert decode(content, "a").array.ravel().tolist() == [1, 40000]


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "avif", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(suffix: str, orientation: int) -> None:
    blocks = np.random.default_rng(1).integers(0, 256, (2, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((16, 16), dtype=np.uint8))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(image, suffix, exif=exif, quality=100)
    tagged = image.copy()
    tagged.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(tagged)).astype(int)
    picture = decode(content, "a")
    assert picture.array.shape == upright.shape
    assert np.abs(picture.array - upright).max() <= 12  # a lossy format moves levels a little
    size = measure(content, "a")
    assert (size.height, size.width) == upright.shape[:2]


@pytest.mark.parametrize(
    ("image", "channels"),
    [
        (Image.new("1", (4, 3), 1), 1),
        (Image.new("P", (4, 3)), 3),
        (Image.new("CMYK", (4, 3), (0, 255, 255, 0)), 3),
        (Image.new("LAB", (4, 3)), 3),
    ],
)
def test_other_modes_are_converted(image: Image.Image, channels: int) -> None:
    content = saved(image, "tiff")
    assert decode(content, "a").channels == measure(content, "a").channels == channels


def test_cmyk_keeps_its_colour() -> None:
    content = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "jpeg", quality=100)
    assert decode(content, "a").array[4, 4].tolist() == pytest.approx([255, 0, 0], abs=3)


@pytest.mark.parametrize(("mode", "channels"), [("P", 4), ("L", 2), ("RGB", 4)])
def test_a_transparent_colour_becomes_alpha(mode: str, channels: int) -> None:
    colour = (0, 0, 0) if mode == "RGB" else 0
    content = saved(Image.new(mode, (4, 3)), "png", transparency=colour)
    picture = decode(content, "a")
    assert picture.channels == measure(content, "a").channels == channels
    assert picture.array[..., -1].max() == 0


def test_float_samples_are_refused() -> None:
    with pytest.raises(DataError, match=r"a\.tif cannot be read: .*8 or 16 bits"):
        decode(saved(Image.new("F", (4, 4)), "tiff"), "a.tif")


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_cut_off_files_are_refused(format: Format, kept: float) -> None:
    content = encode(noise(64, 64, 3), format)
    cut = content[: int(len(content) * kept)]
    with pytest.raises(DataError, match=r"^cut\.x cannot be read: .*\.$"):
        decode(cut, "cut.x")


def test_truncated_files_stay_refused_when_a_host_program_allows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = encode(noise(64, 64, 3), "png")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(DataError):
        decode(content[:-20], "a.png")


def test_a_flipped_bit_in_a_png_is_noticed() -> None:
    content = bytearray(encode(noise(64, 64, 3), "png"))
    content[-20] ^= 1  # in the last data chunk's tail, checksum or end
    with pytest.raises(DataError, match=r"a\.png"):
        decode(bytes(content), "a.png")


def test_a_huge_header_is_refused_fast_and_without_memory() -> None:
    bomb = png(50_000, 50_000, zlib.compress(b""))
    tracemalloc.start()
    start = time.perf_counter()
    for read in (decode, measure):
        with pytest.raises(DataError, match=r"big\.png cannot be read: it has 50000 x 50000"):
            read(bomb, "big.png")
    assert time.perf_counter() - start < 0.5
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("format", ALL)
def test_the_pixel_limit_is_that_of_the_settings(
    format: Format, limits: Callable[..., None]
) -> None:
    content = encode(noise(20, 30, 3), format)
    limits(max_megapixels=600 / 1e6)
    assert decode(content, "a").width == 30
    limits(max_megapixels=599 / 1e6)
    with pytest.raises(DataError, match="MINTMARK_MAX_MEGAPIXELS"):
        decode(content, "a")


@pytest.mark.parametrize("suffix", ["png", "webp", "avif", "tiff"])
def test_the_frame_limit_is_that_of_the_settings(suffix: str, limits: Callable[..., None]) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    content = saved(frames[0], suffix, save_all=True, append_images=frames[1:])
    limits(max_frames=3)
    assert decode(content, "a").width == 8
    limits(max_frames=2)
    with pytest.raises(DataError, match="MINTMARK_MAX_FRAMES"):
        decode(content, "a")


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a" + bytes(20), b"%PDF-1.7"])
def test_other_formats_are_refused_by_content(content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.png cannot be read: its content is none of PNG"):
        decode(content, "a.png")


def test_hostile_bytes_never_raise_anything_else() -> None:
    rng = np.random.default_rng(0)
    for format in ALL:
        whole = encode(noise(16, 16, 3), format, xmp="<x/>")
        for _ in range(60):
            damaged = np.frombuffer(whole, dtype=np.uint8).copy()
            places = rng.integers(0, len(damaged), 4)
            damaged[places] = rng.integers(0, 256, 4)
            try:
                decode(damaged.tobytes(), "a")
            except DataError as error:
                assert str(error).startswith("a cannot be read: ")


def test_xmp_behind_the_pixels_of_a_png_is_found() -> None:
    body = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00<late/>"
    content = encode(noise(4, 4, 3), "png")
    content = content[:-12] + chunk(b"iTXt", body) + content[-12:]
    assert read_xmp(content) == "<late/>"


def test_fit_leaves_a_picture_of_that_size_alone() -> None:
    for channels in (1, 2, 3, 4):
        picture = noise(16, 16, channels)
        picture.array[..., -1] |= 1  # what is wholly transparent would not be left alone
        assert np.array_equal(fit(picture, channels, 16, 16).transpose(1, 2, 0), picture.array)


def test_fit_cuts_the_centre_square() -> None:
    picture = noise(8, 20, 3)
    assert np.array_equal(fit(picture, 3, 8, 8).transpose(1, 2, 0), picture.array[:, 6:14])


def test_fit_cuts_the_largest_centred_part_of_the_shape() -> None:
    wide, tall = noise(24, 60, 3), noise(60, 24, 3)
    assert np.array_equal(fit(wide, 3, 24, 48).transpose(1, 2, 0), wide.array[:, 6:54])
    assert np.array_equal(fit(tall, 3, 48, 24).transpose(1, 2, 0), tall.array[6:54])
    assert np.array_equal(fit(wide, 3, 24, 12).transpose(1, 2, 0), wide.array[:, 24:36])
    assert fit(noise(1, 300, 1), 1, 64, 8).shape == (1, 64, 8)


@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_wholly_transparent_is_white(channels: int) -> None:
    picture = noise(16, 16, channels)
    picture.array[:8, :, -1], picture.array[8:, :, -1] = 0, 200
    fitted = fit(picture, channels, 16, 16).transpose(1, 2, 0)
    assert (fitted[:8, :, :-1] == 255).all() and (fitted[:8, :, -1] == 0).all()
    assert np.array_equal(fitted[8:], picture.array[8:])


def test_fit_is_antialiased() -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    small = fit(Picture(board), 1, 16, 16).astype(int)
    assert np.abs(small[:, 2:-2, 2:-2] - 127.5).max() < 3


def test_fit_lays_alpha_on_white() -> None:
    array = np.zeros((4, 4, 4), dtype=np.uint8)
    array[..., 3] = [[0, 51, 204, 255]]
    assert fit(Picture(array), 3, 4, 4)[0, 0].tolist() == [255, 204, 51, 0]
    assert fit(Picture(array[..., 2:]), 1, 4, 4)[0, 0].tolist() == [255, 204, 51, 0]


@pytest.mark.parametrize("given", [1, 2, 3, 4])
@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
def test_fit_gives_the_channels_asked_for(given: int, wanted: int) -> None:
    array: NDArray[np.uint8] = np.full((12, 10, given), 90, dtype=np.uint8)
    if given in (2, 4):
        array[..., -1] = 255
    fitted = fit(Picture(array), wanted, 6, 6)
    assert fitted.shape == (wanted, 6, 6) and fitted.dtype == np.uint8
    expected = [90] * wanted if wanted in (1, 3) else [90] * (wanted - 1) + [255]
    assert fitted[:, 3, 3].tolist() == expected


def test_sixteen_bits_are_rounded_to_eight() -> None:
    values = np.array([[[0], [128], [129], [32896], [65535]]], dtype=np.uint16)
    assert pictures.eight_bits(values).ravel().tolist() == [0, 0, 1, 128, 255]
