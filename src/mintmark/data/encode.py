"""Encoding pictures and clips.

Only `provenance.mark` (the door that generated media leaves by) and the builders
of public sets import this file; a contract checks it.
"""

import itertools
import struct
import tempfile
import zlib
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import getdata
from PIL.PngImagePlugin import PngInfo, putchunk

from mintmark.core.errors import ConfigError, DataError
from mintmark.core.media import Clip, Picture
from mintmark.data import deep
from mintmark.data.carried import NOTHING, Carried, profile_for
from mintmark.data.clips import GIF_XMP, GIF_XMP_END, UUID_XMP
from mintmark.data.pictures import eight_bits, on_white, to_pillow
from mintmark.data.tiff import encode_tiff

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Format = Literal["png", "jpeg", "webp", "avif", "tiff"]
ClipFormat = Literal["mp4", "webp", "gif"]
LARGEST: dict[ClipFormat, int] = {"mp4": 16_384, "webp": 16_383, "gif": 65_535}  # pixels a side
FASTEST_GIF = 50  # frames a second; browsers show shorter delays as 100 ms
# The index first, for players that stream; no version of the writer.
MP4 = {"movflags": "+faststart", "fflags": "+bitexact"}
# With AVX-512, x264 gives other bytes for the same frames each time without the second option.
X264 = {"crf": "16", "x264-params": "cpu-independent=1"}
PNG_HEADER = 33  # bytes of the signature and of the chunk IHDR
CLEAR = 255  # the palette entry of transparent pixels in a GIF
GIF_ENDLESS = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
SAMPLE = 1 << 15  # pixels that the palette of a GIF is made from


def encode(
    picture: Picture, format: Format, xmp: str | None = None, carried: Carried = NOTHING
) -> bytes:
    """Encodes a picture; equal arguments give equal bytes.

    TIFF keeps every sample, PNG too (16-bit grey with alpha becomes 8 bits); WebP
    keeps every 8-bit sample (grey comes back as RGB). AVIF is written at its
    highest quality, which moves colours by a few of 255. JPEG has quality 95
    without chroma subsampling, and alpha is laid on white. Where a format has no
    16 bits, samples are rounded to 8.

    Args:
        picture: What to encode.
        format: One of `Format`.
        xmp: An XMP packet to embed.
        carried: What else to embed; a profile of other channels than the picture's is
            left out.

    Returns:
        The bytes of a file.

    Raises:
        DataError: The picture is too large for the format, or the packet is
            (JPEG holds 64 KB).
    """
    try:
        return _encoded(picture, format, xmp, carried)
    except (ValueError, OSError, struct.error) as error:
        raise DataError(
            f"The picture cannot be written as {format} ({error}); take another format."
        ) from error


def _encoded(picture: Picture, format: Format, xmp: str | None, carried: Carried) -> bytes:
    array = picture.array
    if format == "tiff":
        return encode_tiff(array, None if xmp is None else xmp.encode(), carried)
    profile = profile_for(carried.icc, picture.channels)
    if format == "png" and array.dtype == np.uint16 and picture.channels in (3, 4):
        return _png(array.astype(np.uint16, copy=False), xmp, profile, carried.exif)
    kept = {"icc_profile": profile, "exif": carried.exif and b"Exif\0\0" + carried.exif}
    options = _options(format, xmp) | {name: value for name, value in kept.items() if value}
    buffer = BytesIO()
    _image(picture, format).save(buffer, format.upper(), **options)
    return buffer.getvalue()


def _png(
    array: NDArray[np.uint16], xmp: str | None, icc: bytes | None, exif: bytes | None
) -> bytes:
    """A PNG of 16-bit colour, its metadata between the header and the samples."""
    bare = deep.png(array)
    info = PngInfo()
    if icc:
        info.add(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if exif:
        info.add(b"eXIf", exif)
    if xmp is not None:
        info.add_itxt("XML:com.adobe.xmp", xmp)
    buffer = BytesIO()
    buffer.write(bare[:PNG_HEADER])
    for kind, content, *_ in info.chunks:
        putchunk(buffer, kind, content)
    buffer.write(bare[bare.index(b"IDAT") - 4 :])  # leaves out a resolution that nobody gave
    return buffer.getvalue()


def _image(picture: Picture, format: Format) -> Image.Image:
    if picture.array.dtype == np.uint16 and picture.channels == 1 and format == "png":
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
        case _:
            # AVIF. Threads split the work, and must not decide the bytes.
            return {"quality": 100, "subsampling": "4:4:4", "max_threads": 1, **packet}


def encode_clip(clip: Clip, format: ClipFormat, xmp: str | None = None) -> bytes:
    """Encodes a clip; equal arguments give equal bytes, whatever the time or the cores.

    WebP keeps every sample that can be seen (colours under full transparency are
    lost). GIF has one palette of at most 255 colours for all frames, without
    dithering, which would flicker; a pixel is transparent where alpha is below
    128. Both loop without end; in WebP, equal neighbours become one frame that is
    shown longer. MP4 is H.264 (yuv420p, BT.709, crf 16) with alpha laid on white;
    odd sides are padded to even ones by repeating the last row or column. A
    player decides whether it loops.

    Args:
        clip: What to encode.
        format: One of `ClipFormat`; `mp4` needs the extra `video`.
        xmp: An XMP packet to embed: a chunk of WebP, an application extension of
            GIF, a box `uuid` at the end of MP4.

    Returns:
        The bytes of a file.

    Raises:
        ConfigError: The extra `video` is not installed.
        DataError: The clip is too large or too fast for the format.
    """
    side = max(clip.height, clip.width)
    if side > LARGEST[format]:
        raise DataError(
            f"A clip with a side of {side} pixels cannot be written as {format}, whose limit is "
            f"{LARGEST[format]}; make it smaller."
        )
    match format:
        case "mp4":
            return _mp4(clip) + _uuid_box(xmp)
        case "webp":
            return _webp(clip, xmp)
        case "gif":
            return _gif(clip, xmp)


def _webp(clip: Clip, xmp: str | None) -> bytes:
    buffer = BytesIO()
    first, *others = [to_pillow(frame) for frame in clip.frames]
    packet = {} if xmp is None else {"xmp": xmp.encode()}
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=_delays(clip, 1000),
        loop=0,
        lossless=True,
        method=2,  # half the bytes of 0; more effort saves little
        **packet,
    )
    return buffer.getvalue()


def _gif(clip: Clip, xmp: str | None) -> bytes:
    if clip.fps > FASTEST_GIF:
        raise DataError(
            f"A GIF shows at most {FASTEST_GIF} frames a second, not {clip.fps:g}; take fewer, or "
            "take webp."
        )
    indices, colours = _indexed(clip)
    sides = clip.width.to_bytes(2, "little") + clip.height.to_bytes(2, "little")
    parts = [b"GIF89a", sides, b"\xf7\0\0", colours, GIF_ENDLESS, _gif_extension(xmp)]
    clear: dict[str, Any] = (
        {"transparency": CLEAR, "disposal": 2} if clip.channels in (2, 4) else {}
    )
    # Frame by frame: Pillow's writer of whole files fails where a later one is all transparent.
    for frame, delay in zip(indices, _delays(clip, 100), strict=True):
        parts += getdata(Image.fromarray(frame), duration=10 * delay, **clear)
    return b"".join([*parts, b";"])


def _indexed(clip: Clip) -> tuple[NDArray[np.uint8], bytes]:
    """Indices (frames, height, width) into one palette, and its 256 colours.

    The palette is made by median cut and k-means from a sample of what can be seen.
    """
    rgb = np.stack([np.asarray(to_pillow(frame).convert("RGB")) for frame in clip.frames])
    opaque = np.ones(rgb.shape[:3], dtype=bool)
    if clip.channels in (2, 4):
        opaque = clip.frames[..., -1] >= 128
    seen = rgb[opaque]  # (pixels, 3), none where all is transparent
    # An odd stride does not fall on the same columns again and again.
    sample = seen[:: len(seen) // SAMPLE | 1]
    palette = Image.fromarray(sample[np.newaxis]).quantize(CLEAR, kmeans=1)
    sheet = Image.fromarray(rgb.reshape(-1, clip.width, 3))  # the frames below one another
    nearest = np.asarray(sheet.quantize(palette=palette, dither=Image.Dither.NONE))
    indices = np.where(opaque, nearest.reshape(opaque.shape), CLEAR).astype(np.uint8)
    return indices, bytes(palette.getpalette() or []).ljust(3 * 256, b"\0")


def _gif_extension(xmp: str | None) -> bytes:
    return b"" if xmp is None else b"!\xff" + GIF_XMP + xmp.encode() + GIF_XMP_END


def _delays(clip: Clip, units: int) -> list[int]:
    """How long each frame stays, in 1 / `units` seconds; rounding does not add up."""
    ends = [round(frame * units / clip.fps) for frame in range(len(clip.frames) + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]


def _mp4(clip: Clip) -> bytes:
    try:
        import av
        from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
    except ImportError as error:
        raise ConfigError(
            "MP4 needs the extra `video`: pip install 'mintmark[video]'; or take webp."
        ) from error
    rate = Fraction(clip.fps).limit_denominator(1001)
    # Bringing the index to the front is a second pass over the file, so it needs a path.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(path, "w", options=MP4) as container:
            stream = container.add_stream("libx264", rate=rate, options=X264)
            stream.width, stream.height = clip.width + clip.width % 2, clip.height + clip.height % 2
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1  # threads decide the bytes
            stream.colorspace, stream.color_range = Colorspace.ITU709, ColorRange.MPEG
            stream.color_primaries, stream.color_trc = ColorPrimaries.BT709, ColorTrc.IEC61966_2_1
            for frame in _frames(clip):
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def _frames(clip: Clip) -> Iterator["VideoFrame"]:
    """The frames as H.264 takes them: no alpha, even sides, colour at half the resolution."""
    from av.video.frame import VideoFrame
    from av.video.reformatter import ColorRange, Colorspace, Interpolation

    # Not what is fastest on this chip, but the same everywhere.
    exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT

    for place, samples in enumerate(clip.frames):
        rgb = np.asarray(to_pillow(on_white(samples)).convert("RGB"))
        even = np.pad(rgb, ((0, clip.height % 2), (0, clip.width % 2), (0, 0)), mode="edge")
        frame = VideoFrame.from_ndarray(even, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=exact,
            threads=1,
        )
        frame.pts = place
        yield frame


def _uuid_box(xmp: str | None) -> bytes:
    """A box that players pass over (ISO 14496-12, 4.2; XMP part 3, 1.2.7)."""
    if xmp is None:
        return b""
    body = UUID_XMP + xmp.encode()
    return (8 + len(body)).to_bytes(4) + b"uuid" + body
