"""Reading the XMP packet of clips from bytes that nobody has vouched for.

Three formats are known by their content: GIF, animated WebP, and MP4. Their blocks
are walked, never decoded; a walk moves forward with each block, so that its time is
linear in the size of the file.
"""

from collections.abc import Iterator

from mintmark.core.errors import DataError

GIF_XMP = b"\x0bXMP DataXMP"  # an application extension of 11 bytes (XMP part 3, 1.1.2)
# Read as sub-blocks, the bytes of a packet lead somewhere into this ramp, and it to its end.
GIF_XMP_END = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
UUID_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP part 3, 1.2.7


def is_clip(content: bytes) -> bool:
    """Whether bytes begin as a GIF, an animated WebP or an MP4 do."""
    return _is_gif(content) or _is_animated_webp(content) or _is_mp4(content)


def read_clip_xmp(content: bytes) -> str | None:
    """The XMP packet inside a clip, or None if there is none.

    Args:
        content: The bytes of a file for which `is_clip` is true.

    Raises:
        DataError: The file is cut off or damaged, or the packet is not UTF-8.
    """
    packets = _gif if _is_gif(content) else _mp4 if _is_mp4(content) else _webp
    try:
        packet = next(packets(content), None)
        return None if packet is None else packet.rstrip(b"\x00").decode()
    except (IndexError, ValueError) as error:
        raise DataError(
            "The clip cannot be read: it is cut off or damaged; take a whole copy of it."
        ) from error


def _is_gif(content: bytes) -> bool:
    return content[:6] in (b"GIF87a", b"GIF89a")


def _is_animated_webp(content: bytes) -> bool:
    extended = content[:4] == b"RIFF" and content[8:16] == b"WEBPVP8X"
    return extended and bool(content[20:21]) and bool(content[20] & 2)


def _is_mp4(content: bytes) -> bool:
    brands = content[8:64]  # AVIF and HEIC are of the same kind, but name none of these
    return content[4:8] == b"ftyp" and any(name in brands for name in (b"isom", b"mp41", b"mp42"))


def _webp(content: bytes) -> Iterator[bytes]:
    """The chunks `XMP ` (RIFF; sizes leave out the byte that makes them even)."""
    place = 12
    while place < len(content):
        start = place + 8
        end = start + int.from_bytes(content[place + 4 : start], "little")
        _require_within(content, start, end)
        if content[place : place + 4] == b"XMP ":
            yield content[start:end]
        place = end + end % 2


def _mp4(content: bytes) -> Iterator[bytes]:
    """The bodies of the outermost boxes `uuid` that are XMP (ISO 14496-12, 4.2)."""
    place = 0
    while place < len(content):
        start = place + 8
        size = int.from_bytes(content[place : place + 4])
        if size == 1:  # 64 bits of size follow
            start += 8
            size = int.from_bytes(content[place + 8 : start])
        end = len(content) if size == 0 else place + size
        _require_within(content, start, end)
        if content[place + 4 : place + 8] == b"uuid" and content[start : start + 16] == UUID_XMP:
            yield content[start + 16 : end]
        place = end


def _gif(content: bytes) -> Iterator[bytes]:
    """The XMP extensions before, between and after the pictures (GIF89a)."""
    place = 13 + _table(content[10])
    while content[place] != ord(";"):
        if content[place] == ord(","):  # a picture: its place, its colours, its code size
            place = _after(content, place + 11 + _table(content[place + 9]))
        elif content[place] == ord("!"):
            end = _after(content, place + 2)
            if content[place + 1 : place + 14] == b"\xff" + GIF_XMP:
                yield content[place + 14 : end].removesuffix(GIF_XMP_END)
            place = end
        else:
            raise ValueError("neither a picture nor an extension")


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags of a header announce."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _after(content: bytes, place: int) -> int:
    """Where a chain of sub-blocks has ended."""
    while content[place]:
        place += 1 + content[place]
    return place + 1


def _require_within(content: bytes, start: int, end: int) -> None:
    if not start <= end <= len(content):
        raise ValueError("a block that ends before it starts or after the file")
