from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mintmark.core.errors import DataError
from mintmark.core.media import Clip, Picture
from mintmark.data.clips import GIF_XMP, GIF_XMP_END, UUID_XMP, is_clip, read_clip_xmp
from mintmark.data.encode import ClipFormat, encode, encode_clip

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/">é … 手</x:xmpmeta>'
PACKET = XMP.encode()
FRAMES = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
FTYP = (24).to_bytes(4) + b"ftypisom\0\0\2\0isomavc1"
MP4_UUID = b"uuid" + UUID_XMP + PACKET
GIF = b"GIF89a\x10\0\x10\0\0\0\0"
GIF_PACKET = b"!\xff" + GIF_XMP + PACKET + GIF_XMP_END
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\2" + bytes(9)


@pytest.fixture(params=["mp4", "webp", "gif"])
def marked(request: pytest.FixtureRequest) -> bytes:
    format: ClipFormat = request.param
    return encode_clip(Clip(FRAMES, 10), format, XMP)


def outcome(content: bytes) -> str | None:
    """What reading gives; anything but a DataError fails the test."""
    try:
        return read_clip_xmp(content) if is_clip(content) else None
    except DataError as error:
        assert str(error).startswith("The clip cannot be read: it is cut off or damaged; ")
        return "refused"


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4) + kind + body


def test_no_prefix_does_harm(marked: bytes) -> None:
    seen = {outcome(marked[:length]) for length in range(len(marked))}
    assert "refused" in seen
    assert seen <= {None, "refused", XMP}
    assert outcome(marked) == XMP


def test_no_damage_does_harm(marked: bytes) -> None:
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(marked)
        for place in random.integers(0, len(marked), 3):
            damaged[place] = random.integers(0, 256)
        refused += outcome(bytes(damaged)) == "refused"
    assert refused > 0


@pytest.mark.parametrize(
    "content",
    [
        FTYP + box(b"free", b"") + box(b"uuid", UUID_XMP + PACKET),
        FTYP + (0).to_bytes(4) + MP4_UUID,  # to the end of the file
        FTYP + b"\0\0\0\1uuid" + (32 + len(PACKET)).to_bytes(8) + UUID_XMP + PACKET,
        FTYP + box(b"uuid", bytes(16) + b"other") + box(b"uuid", UUID_XMP + PACKET),
        FTYP + box(b"uuid", UUID_XMP + PACKET + bytes(7)),
        GIF + GIF_PACKET + b";",
        GIF + b"!\xfe\x03abc\0" + b"!\xff\x0bXMP DataXMQ\0" + GIF_PACKET + b";",
        GIF + b",\0\0\0\0\1\0\1\0\x80" + bytes(6) + b"\2\2D\1\0" + GIF_PACKET + b";",
        GIF[:10] + b"\x81\0\0" + bytes(12) + GIF_PACKET + b";",  # four colours
        WEBP + b"ODD \1\0\0\0!\0XMP " + len(PACKET).to_bytes(4, "little") + PACKET,
    ],
    ids=range(10),
)
def test_packets_as_other_programs_place_them(content: bytes) -> None:
    assert is_clip(content)
    assert read_clip_xmp(content) == XMP


@pytest.mark.parametrize(
    "content",
    [
        FTYP,
        FTYP + box(b"moov", box(b"uuid", UUID_XMP + PACKET)),  # of the outermost only
        FTYP + box(b"uuid", UUID_XMP[:15]),
        FTYP + box(b"moov", b"\0\0\0\2uuid" * 100),
        FTYP + box(b"mdat", GIF + GIF_PACKET),
        FTYP + b"\0\0\0\0mdat" + box(b"uuid", UUID_XMP + PACKET),
        FTYP + box(b"free", b"") * 10_000,
        GIF + b";" + GIF_PACKET,
        WEBP,
    ],
    ids=range(9),
)
def test_clips_without_a_packet(content: bytes) -> None:
    assert is_clip(content)
    assert read_clip_xmp(content) is None


@pytest.mark.parametrize(
    "content",
    [
        FTYP + (7).to_bytes(4) + MP4_UUID,  # ends before it starts
        FTYP + (2).to_bytes(4) + b"free",
        FTYP + (9 + len(MP4_UUID)).to_bytes(4) + MP4_UUID,  # ends after the file
        FTYP + b"\xff" * 4 + MP4_UUID,
        FTYP + b"\0\0\0\1uuid" + (15).to_bytes(8) + UUID_XMP + PACKET,
        FTYP + b"\0\0\0\1uuid" + b"\xff" * 8 + UUID_XMP + PACKET,
        FTYP + b"\0\0\0\1uuid\0\0",
        FTYP + b"\0\0\0",
        FTYP + box(b"uuid", UUID_XMP + b"\xff\xfe"),
        GIF,
        GIF + GIF_PACKET[:-1],
        GIF + GIF_PACKET[:-200],
        GIF + b"?" + GIF_PACKET + b";",
        GIF + b",\0\0",
        GIF[:10] + b"\xf7\0\0" + GIF_PACKET,  # a table longer than the file
        GIF + b"!\xf9" + b"\xff" * 300,
        WEBP + b"XMP \xff\xff\xff\xff",
        WEBP + b"XMP \1\0\0\0",
        WEBP + b"XMP",
    ],
    ids=range(19),
)
def test_false_lengths_are_refused(content: bytes) -> None:
    assert is_clip(content)
    with pytest.raises(
        DataError, match=r"^The clip cannot be read: it is cut off or damaged; [^\n]*\.$"
    ):
        read_clip_xmp(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no clip",
        *[encode(Picture(FRAMES[0]), format, XMP) for format in ("png", "webp", "avif")],
        FTYP.replace(b"isom", b"heic"),
        b"RIFF\0\0\0\0WEBPVP8X",
    ],
    ids=range(7),
)
def test_what_is_no_clip(content: bytes) -> None:
    assert not is_clip(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Clip(FRAMES[0], 10), r"a clip is \(frames, height"),
        (lambda: Clip(FRAMES[:0], 10), r"a clip is \(frames, height"),
        (lambda: Clip(FRAMES.repeat(2, axis=3), 10), "1 to 4"),
        (lambda: Clip(FRAMES.astype(float), 10), "uint8"),
        (lambda: Clip(FRAMES, 0), "frames a second, not 0"),
        (lambda: Clip(FRAMES, float("nan")), "not nan"),
        (lambda: Clip(FRAMES, float("inf")), "not inf"),
    ],
    ids=range(7),
)
def test_what_no_clip_can_be(make: Callable[[], Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make()


def test_the_ramp_behind_a_packet_is_as_published() -> None:
    assert len(GIF_XMP_END) == 258
    assert GIF_XMP_END.startswith(b"\x01\xff\xfe")
    assert GIF_XMP_END.endswith(b"\x02\x01\x00\x00")


def test_the_measures_of_a_clip() -> None:
    clip = Clip(np.zeros((5, 3, 7, 4), dtype=np.uint8), 12.5)
    assert (clip.height, clip.width, clip.channels) == (3, 7, 4)
