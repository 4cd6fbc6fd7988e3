import sys
from io import BytesIO
from typing import get_args

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mintmark.core.errors import ConfigError, DataError
from mintmark.core.media import Clip, Picture
from mintmark.data.clips import is_clip, read_clip_xmp
from mintmark.data.encode import ClipFormat, Format, encode, encode_clip
from mintmark.data.pictures import decode, read_xmp

ALL: tuple[Format, ...] = get_args(Format)
CLIPS: tuple[ClipFormat, ...] = get_args(ClipFormat)
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


def smooth(height: int = 48, width: int = 64, frames: int = 12) -> Clip:
    """Saturated colours that flow round once, without noise."""
    turn = np.linspace(0, 2 * np.pi, frames, endpoint=False)[:, None, None]
    y, x = np.indices((height, width)) / width
    waves = [np.sin(turn + 3 * x), np.cos(turn + 4 * y), np.sin(turn + 2 * x * y + 1)]
    return Clip((128 + 127 * np.stack(waves, axis=-1)).astype(np.uint8), 30)


def noisy(channels: int, frames: int = 8) -> Clip:
    array = np.random.default_rng(channels).integers(0, 256, (frames, 32, 40, channels))
    return Clip(array.astype(np.uint8), 30)


def few_colours(channels: int = 3) -> Clip:
    random = np.random.default_rng(0)
    colours = random.integers(0, 256, (200, channels), dtype=np.uint8)
    return Clip(colours[random.integers(0, 200, (9, 17, 13))], 30)


def frames_of(content: bytes) -> tuple[NDArray[np.uint8], list[int]]:
    """Frames (frames, height, width, 4) as Pillow composes them, and their milliseconds."""
    frames, delays = [], []
    with Image.open(BytesIO(content)) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGBA")))
            delays.append(int(image.info["duration"]))
    return np.stack(frames), delays


def frames_of_mp4(content: bytes) -> NDArray[np.uint8]:
    with av.open(BytesIO(content), "r") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames).astype(np.uint8)


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def boxes(content: bytes) -> list[bytes]:
    kinds, place = [], 0
    while place < len(content):
        kinds.append(content[place + 4 : place + 8])
        place += int.from_bytes(content[place : place + 4])
    return kinds


@pytest.mark.parametrize("format", CLIPS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_xmp_of_clips_comes_back_and_bytes_repeat(format: ClipFormat, channels: int) -> None:
    clip = noisy(channels)
    content = encode_clip(clip, format, XMP)
    assert is_clip(content)
    assert read_clip_xmp(content) == XMP
    assert read_clip_xmp(encode_clip(clip, format)) is None
    assert content == encode_clip(clip, format, XMP)


def test_x264_gives_the_same_bytes_each_time() -> None:
    moving = smooth(64, 64, frames=40)
    grain = np.random.default_rng(0).integers(-20, 20, moving.frames.shape)
    clip = Clip(np.clip(moving.frames + grain, 0, 255).astype(np.uint8), 30)
    # Left to itself on a chip with AVX-512, it does not.
    assert len({encode_clip(clip, "mp4") for _ in range(4)}) == 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_webp_clips_keep_what_can_be_seen(channels: int) -> None:
    clip = noisy(channels)
    back, _ = frames_of(encode_clip(clip, "webp"))
    if channels in (2, 4):
        assert np.array_equal(back[..., 3], clip.frames[..., -1])
    seen = back[..., 3] > 0
    colours = clip.frames[..., :3] if channels > 2 else clip.frames[..., :1]
    assert np.array_equal(back[seen][:, :3], np.broadcast_to(colours, back[..., :3].shape)[seen])


def test_gif_keeps_200_colours() -> None:
    clip = few_colours()
    back, _ = frames_of(encode_clip(clip, "gif"))
    assert np.array_equal(back[..., :3], clip.frames)


def test_a_gif_has_one_palette_and_stays_near_more_colours() -> None:
    content = encode_clip(smooth(), "gif")
    back, _ = frames_of(content)
    assert psnr(back[..., :3], smooth().frames) > 27
    assert len(np.unique(back.reshape(-1, 4), axis=0)) <= 255
    still = Clip(np.repeat(smooth().frames[:1], 3, axis=0), 30)
    back, _ = frames_of(encode_clip(still, "gif"))
    assert np.array_equal(back[0], back[1])  # what does not move does not flicker
    assert len(back) == 3


@pytest.mark.parametrize("clear", [[0], [2], [3, 4], range(5)], ids=str)
def test_a_gif_is_transparent_where_alpha_is_below_half(clear: list[int]) -> None:
    clip = noisy(4, frames=5)
    clip.frames[list(clear), ..., 3] = 127
    back, _ = frames_of(encode_clip(clip, "gif"))
    assert np.array_equal(back[..., 3] == 255, clip.frames[..., 3] >= 128)
    assert set(np.unique(back[..., 3])) <= {0, 255}


def test_hidden_colours_take_no_place_in_the_palette() -> None:
    clip = noisy(4)
    clip.frames[..., 3] = 0
    clip.frames[:, :8, :8] = few_colours(4).frames[:8, :8, :8]
    clip.frames[:, :8, :8, 3] = 255
    back, _ = frames_of(encode_clip(clip, "gif"))
    assert np.array_equal(back[:, :8, :8], clip.frames[:, :8, :8])


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_clips_loop_without_end_at_the_rate_asked_for(format: ClipFormat) -> None:
    content = encode_clip(few_colours(), format)
    with Image.open(BytesIO(content)) as image:
        assert image.info["loop"] == 0
    _, delays = frames_of(content)
    assert len(delays) == 9
    assert sum(delays) == 300
    assert max(delays) - min(delays) <= {"gif": 10, "webp": 1}[format]


@pytest.mark.parametrize("fps", [30, 29.97, 0.1])
def test_the_rate_of_mp4(fps: float) -> None:
    with av.open(BytesIO(encode_clip(Clip(noisy(3).frames, fps), "mp4")), "r") as container:
        rate = container.streams.video[0].average_rate
    assert rate is not None
    assert float(rate) == pytest.approx(fps)


def test_mp4_is_near_in_its_own_colours() -> None:
    clip = smooth()
    back = frames_of_mp4(encode_clip(clip, "mp4"))
    assert back.shape == clip.frames.shape
    assert psnr(back, clip.frames) > 36
    with av.open(BytesIO(encode_clip(clip, "mp4")), "r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.colorspace, stream.color_range) == (1, 1)  # BT.709, 16 to 235


def test_mp4_pads_odd_sides_by_what_lies_there() -> None:
    clip = smooth(31, 45)
    back = frames_of_mp4(encode_clip(clip, "mp4"))
    assert back.shape == (12, 32, 46, 3)
    assert psnr(back[:, :31, :45], clip.frames) > 34
    assert psnr(back[:, 31, :45], clip.frames[:, 30]) > 30
    assert psnr(back[:, :31, 45], clip.frames[:, :, 44]) > 30


@pytest.mark.parametrize("channels", [2, 4])
def test_mp4_lays_alpha_on_white(channels: int) -> None:
    clear = Clip(np.zeros((3, 16, 16, channels), dtype=np.uint8), 10)
    assert frames_of_mp4(encode_clip(clear, "mp4")).min() >= 253


def test_mp4_begins_with_its_index_and_ends_with_the_packet() -> None:
    content = encode_clip(smooth(), "mp4", XMP)
    kinds = boxes(content)
    assert kinds[-1] == b"uuid"
    assert kinds.index(b"moov") < kinds.index(b"mdat")
    assert content.endswith(XMP.encode())


def test_neither_time_nor_cores_nor_versions_enter_mp4() -> None:
    content = encode_clip(smooth(400, 32), "mp4")  # so tall that threads would share it
    assert b"threads=1 lookahead_threads=1" in content
    assert b"Lavf" not in content
    for box in (b"mvhd", b"tkhd", b"mdhd"):  # after version and flags: created, modified
        place = content.index(box) + 8
        assert content[place : place + 8] == bytes(8)


@pytest.mark.parametrize("length", [0, 1, 10, 254, 255, 256, 300, 5000])
def test_readers_of_gif_pass_over_packets_of_any_length(length: int) -> None:
    text = "".join(chr(33 + index % 94) for index in range(length)) + "\u00ff"
    content = encode_clip(few_colours(), "gif", text)
    assert read_clip_xmp(content) == text
    assert np.array_equal(frames_of(content)[0][..., :3], few_colours().frames)


@pytest.mark.parametrize("format", CLIPS)
def test_one_frame_will_do(format: ClipFormat) -> None:
    clip = Clip(few_colours().frames[:1], 30)
    content = encode_clip(clip, format, XMP)
    assert (read_clip_xmp if is_clip(content) else read_xmp)(content) == XMP


def test_what_a_format_of_clips_cannot_hold_is_said() -> None:
    fast = Clip(np.zeros((2, 8, 8, 3), dtype=np.uint8), 60)
    with pytest.raises(DataError, match=r"at most 50 frames a second, not 60; .*webp"):
        encode_clip(fast, "gif")
    wide = Clip(np.zeros((2, 1, 16_400, 1), dtype=np.uint8), 10)
    for format in ("webp", "mp4"):
        with pytest.raises(DataError, match=f"side of 16400 pixels cannot be written as {format}"):
            encode_clip(wide, format)
    assert frames_of(encode_clip(wide, "gif"))[0].shape == (2, 1, 16_400, 4)


def test_mp4_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"extra `video`: pip install 'mintmark\[video\]'.*webp"):
        encode_clip(smooth(), "mp4")
    assert is_clip(encode_clip(smooth(), "webp"))
