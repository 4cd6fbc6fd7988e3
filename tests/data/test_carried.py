"""Profiles and camera data: kept as they are, but true of the result; damage stops no picture."""

import struct
from io import BytesIO
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mintmark.core.media import Picture
from mintmark.data.carried import Carried, for_result, upright
from mintmark.data.encode import Format, encode
from mintmark.data.pictures import decode, read_carried

ALL: tuple[Format, ...] = get_args(Format)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MAKER = b"MAKER\0" + bytes(range(64))
THUMBNAIL = b"\xff\xd8" + b"small picture" * 30 + b"\xff\xd9"


def entry(order: str, tag: int, kind: int, count: int, value: int | bytes) -> bytes:
    head = struct.pack(f"{order}HHI", tag, kind, count)
    if isinstance(value, bytes):
        return head + value
    return head + (
        struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
    )


def block(order: str = "<", turned: int = 6) -> bytes:
    """As a camera writes it: make, orientation, sides, maker note, date, place, small picture."""
    main, inner, place, small = 8, 74, 128, 146
    texts = small + 30  # after four directories: 5, 4, 1 and 2 entries
    maker, thumb = texts + 20, texts + 20 + len(MAKER)
    make = entry(order, 0x010F, 2, 4, b"Cam\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", main)
    directories = [
        [
            make,
            entry(order, 0x0112, 3, 1, turned),
            entry(order, 0x0132, 2, 20, texts),
            entry(order, 0x8769, 4, 1, inner),
            entry(order, 0x8825, 4, 1, place),
        ],
        [
            entry(order, 0x927C, 7, len(MAKER), maker),
            entry(order, 0x9000, 7, 4, b"0232"),
            entry(order, 0xA002, 3, 1, 4000),
            entry(order, 0xA003, 4, 1, 3000),
        ],
        [entry(order, 1, 2, 2, b"N\0\0\0")],
        [entry(order, 0x0201, 4, 1, thumb), entry(order, 0x0202, 4, 1, len(THUMBNAIL))],
    ]
    parts = [
        struct.pack(f"{order}H", len(one)) + b"".join(one)
        + struct.pack(f"{order}I", small if at == 0 else 0)
        for at, one in enumerate(directories)
    ]  # fmt: skip
    date = b"2024:05:06 07:08:09\0"
    return head + b"".join(parts) + date + MAKER + THUMBNAIL


def read(content: bytes) -> tuple[Image.Exif, dict[int, Any]]:
    with Image.open(BytesIO(content)) as image:
        exif = image.getexif()
        return exif, exif.get_ifd(0x8769)


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_what_is_no_longer_true_changes(order: str) -> None:
    before = block(order)
    after = upright(b"Exif\0\0" + before, 90_000, 40)
    assert (
        after is not None and THUMBNAIL not in after and len(after) == len(before) - len(THUMBNAIL)
    )
    exif = Image.Exif()
    exif.load(after)
    inner = exif.get_ifd(0x8769)
    assert exif[0x0112] == 1 and exif[0x010F] == "Cam" and exif[0x0132] == "2024:05:06 07:08:09"
    assert (inner[0xA002], inner[0xA003]) == (90_000, 40)
    assert inner[0x927C] == MAKER and after.index(MAKER) == before.index(MAKER)
    assert exif.get_ifd(0x8825) == {1: "N"} and exif.get_ifd(1) == {}
    assert upright(after, 90_000, 40) == after


@given(st.binary(max_size=400), st.integers(0, 2**31), st.booleans())
def test_hostile_blocks_are_harmless(noise: bytes, seed: int, whole: bool) -> None:
    damaged = bytearray(block())
    rng = np.random.default_rng(seed)
    for at in rng.integers(0, len(damaged), 5).tolist():
        damaged[at] = int(rng.integers(0, 256))
    for hostile in (noise, b"II*\0" + noise, bytes(damaged), bytes(damaged[: seed % 500])):
        found = upright(hostile, 10, 10)
        assert found is None or len(found) <= len(hostile)


def test_what_points_outside_is_damaged() -> None:
    good = block()
    assert upright(good, 1, 1) is not None
    for cut in (3, 7, 40, 70, 100, 140, 160, 200, len(good) - 1):
        assert upright(good[:cut], 1, 1) is None
    assert upright(b"", 1, 1) is None and upright(b"II+\0" + good[4:], 1, 1) is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ALL)
def test_every_format_carries_them(format: Format, kind: type) -> None:
    levels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (30, 40, 3))
    array: NDArray[Any] = levels.astype(kind)
    given = for_result(Carried(ICC, block()), 40, 30)
    content = encode(Picture(array), format, "<x/>", given)
    assert content == encode(Picture(array), format, "<x/>", given)
    with Image.open(BytesIO(content)) as image:
        assert image.info["icc_profile"] == ICC
    exif, inner = read(content)
    assert exif.get(0x0112, 1) == 1 and exif[0x010F] == "Cam"
    assert (inner[0xA002], inner[0xA003], inner[0x9000]) == (40, 30, b"0232")
    assert inner[0x927C] == MAKER and exif.get_ifd(0x8825) == {1: "N"}
    back = read_carried(content, "a")
    again = encode(decode(content, "a"), format, "<x/>", for_result(back, 40, 30))
    assert read(again)[1] == inner
    if format in ("png", "tiff"):
        assert again == content


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff", "avif"])
def test_a_profile_of_other_channels_is_left_out(format: Format) -> None:
    grey = Picture(np.zeros((8, 8, 1), np.uint8))
    assert read_carried(encode(grey, format, carried=Carried(ICC)), "a").icc is None
    profile = ICC[:16] + b"GRAY" + ICC[20:]
    assert read_carried(encode(grey, format, carried=Carried(profile)), "a").icc == profile
    cmyk = ICC[:16] + b"CMYK" + ICC[20:]
    colour = Picture(np.zeros((8, 8, 3), np.uint8))
    assert read_carried(encode(colour, format, carried=Carried(cmyk)), "a").icc is None


@pytest.mark.parametrize("suffix", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("bad", [b"nonsense", block()[:50], block()[:12], b"II*\0\xff\xff\xff\xff"])
def test_damaged_camera_data_do_not_stop_a_picture(suffix: str, bad: bytes) -> None:
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, suffix, exif=b"Exif\0\0" + bad)
    content = buffer.getvalue()
    assert decode(content, "a").width == 8
    assert for_result(read_carried(content, "a"), 8, 8).exif is None


def test_camera_data_behind_the_pixels_of_a_png_are_found() -> None:
    content = encode(Picture(np.zeros((8, 8, 3), np.uint8)), "png", carried=Carried(None, block()))
    start = content.index(b"eXIf") - 4
    chunk = content[start : start + 12 + len(block())]
    moved = content.replace(chunk, b"")
    found = read_carried(moved[:-12] + chunk + moved[-12:], "a").exif
    assert found is not None and found.endswith(block())
