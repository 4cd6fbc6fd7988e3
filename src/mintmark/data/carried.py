"""What a picture carries besides its samples, and a picture made from it shall keep.

The ICC profile is kept as it is. Of the EXIF block (EXIF 2.32, a TIFF structure) only what is no
longer true is changed, in its place, so that everything else, maker notes with their offsets
included, stays byte for byte: the orientation becomes 1, the sides become those of the
result, and the small picture inside is blanked. A damaged block is left out.
"""

import struct
from dataclasses import dataclass

from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import TiffImageFile

SHORT, LONG = 3, 4
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
SIDES = ((Base.ImageWidth, Base.ImageLength), (Base.ExifImageWidth, Base.ExifImageHeight))
SMALL = ((0x0201, 0x0202), (0x0111, 0x0117))  # where the small picture lies, and its bytes
# What EXIF knows of a file's first directory; the other tags of a TIFF say how its pixels lie.
TEXTS = (
    Base.DocumentName, Base.ImageDescription, Base.Make, Base.Model, Base.XResolution,
    Base.YResolution, Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist,
    Base.HostComputer, Base.Copyright,
)  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """Metadata that go from one picture to another.

    Attributes:
        icc: An ICC profile.
        exif: An EXIF block, a TIFF structure without the header `Exif`.
    """

    icc: bytes | None = None
    exif: bytes | None = None


NOTHING = Carried()


def for_result(carried: Carried, width: int, height: int) -> Carried:
    """What an upright picture of other sides carries of the one that it was made from."""
    return Carried(carried.icc, carried.exif and upright(carried.exif, width, height))


def profile_for(icc: bytes | None, channels: int) -> bytes | None:
    """A profile if it is one of grey for grey samples, or of RGB for RGB, else None."""
    space = b"GRAY" if channels in (1, 2) else b"RGB "  # ICC.1:2022, 7.2.6
    return icc if icc is not None and icc[16:20] == space else None


def block_of(image: TiffImageFile) -> bytes | None:
    """The EXIF block that the tags of a TIFF, its pixels not yet decoded, would make."""
    exif, found = Image.Exif(), image.getexif()
    for tag in TEXTS:
        if tag in found:
            exif[tag] = found[tag]
    for part in (IFD.Exif, IFD.GPSInfo):
        inside = {tag: value for tag, value in found.get_ifd(part).items() if tag != IFD.Interop}
        if inside:
            exif[part] = inside
    return exif.tobytes() if len(exif) else None


def upright(block: bytes, width: int, height: int) -> bytes | None:
    """An EXIF block that is true of an upright picture.

    Args:
        block: As found, from anywhere.
        width: Columns of the picture that will carry it.
        height: Its rows.

    Returns:
        The block, or None if it is damaged.
    """
    data = bytearray(block.removeprefix(b"Exif\x00\x00"))
    order = ORDERS.get(bytes(data[:4]))
    if order is None:
        return None
    try:
        _mend(data, order, (width, height))
        _directories(data, order)  # hostile offsets may have led the mending astray
    except struct.error:
        return None
    return bytes(data)


def _mend(data: bytearray, order: str, size: tuple[int, int]) -> None:
    directories, following = _directories(data, order)
    for entries in directories:
        if Base.Orientation in entries:
            _put(data, order, entries[Base.Orientation], 1)
        for tags in SIDES:
            for tag, side in zip(tags, size, strict=True):
                if tag in entries:
                    _put(data, order, entries[tag], side)
    (small,) = struct.unpack_from(f"{order}I", data, following)
    struct.pack_into(f"{order}I", data, following, 0)
    if small:
        _blank(data, order, small)


def _directories(data: bytearray, order: str) -> tuple[list[dict[int, int]], int]:
    """The entries of each directory, and where the offset of the small picture's stands.

    Raises:
        struct.error: Something lies outside of the block.
    """
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    main, following = _entries(data, order, first)
    found = [main]
    for part in (IFD.Exif, IFD.GPSInfo):
        if part in main:
            (at,) = struct.unpack_from(f"{order}I", data, main[part] + 8)
            found.append(_entries(data, order, at)[0])
    struct.unpack_from(f"{order}I", data, following)
    return found, following


def _entries(data: bytearray, order: str, at: int) -> tuple[dict[int, int], int]:
    """Where the entry of each tag of a directory is, and its end."""
    (count,) = struct.unpack_from(f"{order}H", data, at)
    places = {}
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number, value = struct.unpack_from(f"{order}HHII", data, place)
        size = SIZES.get(kind, 1) * number
        if size > 4 and value + size > len(data):
            raise struct.error(f"tag {tag} lies outside")
        places[tag] = place
    return places, at + 2 + 12 * count


def _put(data: bytearray, order: str, place: int, value: int) -> None:
    """Writes a whole number into an entry, in its place."""
    if value >= 1 << 16 or data[place + 2 : place + 4] == struct.pack(f"{order}H", LONG):
        struct.pack_into(f"{order}HII", data, place + 2, LONG, 1, value)
    else:
        struct.pack_into(f"{order}HIHH", data, place + 2, SHORT, 1, value, 0)


def _blank(data: bytearray, order: str, at: int) -> None:
    """Blanks the small picture and its directory; cuts off what is blank at the end."""
    entries, end = _entries(data, order, at)
    ranges = [(at, end + 4)]
    for start, length in SMALL:
        if start in entries and length in entries:
            places = (struct.unpack_from(f"{order}I", data, entries[tag] + 8)[0]
                      for tag in (start, length))  # fmt: skip
            begin, size = places
            ranges.append((begin, begin + size))
    for begin, stop in sorted(ranges, reverse=True):
        if stop > len(data):
            raise struct.error("the small picture lies outside")
        data[begin:stop] = bytes(stop - begin)
        if stop == len(data):
            del data[begin:]
