"""`apply`: every kind of picture comes back in its own kind; what is broken is told at the end."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from arrays import array_of
from PIL import Image, ImageCms

from mintmark.actions.apply import apply
from mintmark.actions.generate import generate
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest, GenerateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import World, open_world
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_bytes
from mintmark.core.media import Picture
from mintmark.core.settings import settings
from mintmark.data.encode import encode
from mintmark.provenance.mark import COMPOSITE, FORMATS, read_recipe, source_type
from mintmark.training.precision import Compute


def write(path: Path, *shape: int, kind: type = np.uint8, seed: int = 0) -> Path:
    """A smooth random picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    most = np.iinfo(kind).max
    waves = np.cumsum(rng.uniform(-1, 1, shape), axis=0)
    levels = (waves - waves.min()) / (waves.max() - waves.min()) * most
    path.write_bytes(encode(Picture(levels.astype(kind)), FORMATS[path.suffix]))
    return path


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that enlarges twice and has learned next to nothing."""
    folder = tmp_path_factory.mktemp("enlarger")
    for place in range(2):
        write(folder / f"data/{place}.png", 40, 70, 3, seed=place)
    request = TrainRequest(
        task="super-resolution", data=folder / "data", out=folder / "run", preset="tiny",
        size=32, batch=4, images=20,
    )  # fmt: skip
    finish(train(request, open_world()))
    return folder / "run/package"


@pytest.fixture(scope="module")
def enhancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that changes tones and colours, and looks at each picture whole."""
    folder = tmp_path_factory.mktemp("enhancer")
    for place in range(2):
        write(folder / f"data/{place}.png", 40, 70, 3, seed=place)
    request = TrainRequest(
        task="enhance", data=folder / "data", out=folder / "run", preset="tiny", batch=4, images=80
    )
    finish(train(request, open_world()))
    return folder / "run/package"


@pytest.fixture
def applied(enlarger: Path, tmp_path: Path) -> Callable[..., list[Path]]:
    """Applies the package to pictures in `tmp_path / "in"`; gives the files in `out`."""

    def run(*pictures: Path, **options: object) -> list[Path]:
        asked = {"package": str(enlarger), "pictures": pictures, "out": tmp_path / "out"}
        found: list[Path] = finish(
            apply(ApplyRequest.model_validate(asked | options), open_world())
        )
        return found

    return run


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_are_kept(
    applied: Callable[..., list[Path]], tmp_path: Path, channels: int
) -> None:
    source = write(tmp_path / "in/a.png", 20, 24, channels)
    (made,) = applied(source)
    before, after = array_of(source).astype(int), array_of(made).astype(int)
    assert after.shape == (40, 48, channels)
    reduced = after.reshape(20, 2, 24, 2, channels).mean((1, 3))
    assert np.abs(reduced - before).mean() < 8  # it begins as bicubic and has hardly learned


def test_sixteen_bits_are_kept(applied: Callable[..., list[Path]], tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.png", 20, 24, 1, kind=np.uint16)
    (made,) = applied(source)
    after = array_of(made)
    assert after.dtype == np.uint16 and after.shape == (40, 48, 1)
    assert len(np.unique(after % 257)) > 50  # not 8 bits that were stretched


def test_results_in_bfloat16_are_near_those_in_float32(tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.png", 40, 48, 3, kind=np.uint16)
    made = {}
    for precision in ("float32", "bfloat16"):
        chosen = settings().model_copy(update={"device": "cpu", "precision": precision})
        request = ApplyRequest(package="photo-x2", pictures=[source], out=tmp_path / precision)
        (path,) = finish(apply(request, World(chosen, Compute())))
        made[precision] = array_of(path).astype(int)
    far = np.abs(made["float32"] - made["bfloat16"])
    assert 0 < far.mean() < 0.2 * 257 and far.max() < 2 * 257


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_of_colour_are_kept(
    applied: Callable[..., list[Path]], tmp_path: Path, suffix: str, channels: int
) -> None:
    source = write(tmp_path / f"in/a.{suffix}", 20, 24, channels, kind=np.uint16)
    (made,) = applied(source)
    before, after = array_of(source).astype(int), array_of(made).astype(int)
    assert array_of(made).dtype == np.uint16 and after.shape == (40, 48, channels)
    assert len(np.unique(after % 257)) > 200  # not 8 bits that were stretched
    reduced = after.reshape(20, 2, 24, 2, channels).mean((1, 3))
    assert np.abs(reduced - before).mean() < 6 * 257


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "tif"])
def test_profile_and_camera_data_go_along(
    applied: Callable[..., list[Path]], tmp_path: Path, suffix: str
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6  # turned by a quarter
    exif[0x8769] = {0xA002: 24, 0xA003: 20, 0x9003: "2024:05:06 07:08:09"}
    source = tmp_path / f"in/a.{suffix}"
    source.parent.mkdir()
    Image.new("RGB", (24, 20), "teal").save(source, exif=exif.tobytes(), icc_profile=profile)
    (made,) = applied(source)
    assert array_of(made).shape == (48, 40, 3)
    with Image.open(made) as image:
        found = image.getexif()
        inner = found.get_ifd(0x8769)
        assert image.info["icc_profile"] == profile
    assert found[0x010F] == "Camera" and found.get(0x0112, 1) == 1
    assert (inner[0xA002], inner[0xA003]) == (40, 48)
    assert inner[0x9003] == "2024:05:06 07:08:09"
    recipe = read_recipe(made.read_bytes(), made.name)
    assert recipe.inputs["parent"] == digest_bytes(source.read_bytes())
    first = made.read_bytes()
    made.unlink()
    applied(source)
    assert made.read_bytes() == first


def test_damaged_camera_data_are_left_out(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    source = tmp_path / "in/a.jpg"
    source.parent.mkdir()
    Image.new("RGB", (24, 20), "teal").save(source, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    (made,) = applied(source)
    with Image.open(made) as image:
        assert "exif" not in image.info


def test_tiles_do_not_show(applied: Callable[..., list[Path]], tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.png", 150, 190, 3)
    (whole,) = applied(source, out=tmp_path / "whole", tile=256)
    (tiled,) = applied(source, out=tmp_path / "tiled", tile=96)
    difference = np.abs(array_of(whole).astype(int) - array_of(tiled).astype(int))
    assert difference.max() <= 1


@pytest.mark.parametrize(
    ("channels", "kind"),
    [(1, np.uint8), (1, np.uint16), (2, np.uint8), (3, np.uint8), (4, np.uint8)],
)
def test_a_table_keeps_depth_and_alpha_and_knows_no_tiles(
    applied: Callable[..., list[Path]], enhancer: Path, tmp_path: Path, channels: int, kind: type
) -> None:
    source = write(tmp_path / "in/a.png", 150, 190, channels, kind=kind)
    asked: dict[str, object] = {"package": str(enhancer)}
    (whole,) = applied(source, **asked, out=tmp_path / "whole", tile=256)
    (tiled,) = applied(source, **asked, out=tmp_path / "tiled", tile=96)
    before, after = array_of(source), array_of(whole)
    assert after.shape == before.shape and after.dtype == kind
    assert np.abs(after.astype(int) - array_of(tiled).astype(int)).max() <= 1
    assert not np.array_equal(after[..., 0], before[..., 0])
    if channels in (2, 4):
        assert np.array_equal(after[..., -1], before[..., -1])
    colours = before.reshape(-1, channels)[:, : 3 if channels > 2 else 1]
    _, first, where = np.unique(colours, axis=0, return_index=True, return_inverse=True)
    made = after.reshape(-1, channels)[:, : colours.shape[1]]
    assert np.array_equal(made, made[first][where.ravel()])  # one colour becomes one colour


def test_the_balance_changes_the_picture(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    source = write(tmp_path / "in/a.png", 32, 32, 3)
    files = [
        applied(source, out=tmp_path / str(fidelity), fidelity=fidelity)[0]
        for fidelity in (0.0, 0.5, 1.0)
    ]
    assert len({path.read_bytes() for path in files}) == 3


def test_folders_keep_their_shape_and_what_is_done_is_left(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    write(tmp_path / "in/a.png", 16, 16, 3)
    write(tmp_path / "in/deep/b.png", 16, 16, 3, seed=1)
    (tmp_path / "in/notes.txt").write_text("no picture")
    first = applied(tmp_path / "in")
    assert first == [tmp_path / "out/a.png", tmp_path / "out/deep/b.png"]
    times = [path.stat().st_mtime_ns for path in first]
    assert applied(tmp_path / "in") == first
    assert [path.stat().st_mtime_ns for path in first] == times
    write(tmp_path / "in/a.png", 16, 16, 3, seed=7)
    applied(tmp_path / "in")
    changed = [path.stat().st_mtime_ns != time for path, time in zip(first, times, strict=True)]
    assert changed == [True, False]
    applied(tmp_path / "in", fidelity=1.0)  # another balance makes other pictures
    assert first[1].stat().st_mtime_ns != times[1]


def test_a_result_beyond_the_limit_is_refused_before_anything_is_computed(
    applied: Callable[..., list[Path]], tmp_path: Path, limits: Callable[..., None]
) -> None:
    write(tmp_path / "in/fits.png", 10, 25, 3)
    write(tmp_path / "in/large.png", 10, 26, 3)
    limits(max_megapixels=1000 / 1e6)
    expected = r"large\.png would become 52 x 20 pixels, .* MINTMARK_MAX_MEGAPIXELS allows"
    with pytest.raises(DataError, match=expected):
        applied(tmp_path / "in")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fits.png"]


def test_the_limit_of_results_is_checked_on_the_header(
    applied: Callable[..., list[Path]], tmp_path: Path, limits: Callable[..., None]
) -> None:
    source = write(tmp_path / "in/cut.png", 10, 26, 3)
    source.write_bytes(source.read_bytes()[:60])  # its pixels cannot be decoded
    limits(max_megapixels=1000 / 1e6)
    with pytest.raises(DataError, match="would become"):
        applied(source)


def test_a_broken_picture_is_told_at_the_end_and_the_others_are_done(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    for place in range(6):
        write(tmp_path / f"in/{place}.png", 16, 16, 3, seed=place)
    (tmp_path / "in/2.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 6 pictures .* others are done: 2\.png"):
        applied(tmp_path / "in")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{place}.png" for place in (0, 1, 3, 4, 5)
    ]


def test_a_disk_that_is_full_leaves_nothing_half_written(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    """No file may grow beyond 50 KB: the system refuses in the middle of writing, as when full."""
    for name, side in (("a", 16), ("b", 200), ("c", 16)):
        rng = np.random.default_rng(side)
        noise = Picture(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{name}.png").write_bytes(encode(noise, "png"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(DataError, match=r"1 of 3 pictures .* others are done: b\.png"):
            applied(tmp_path / "in")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    assert len(applied(tmp_path / "in")) == 3


def test_a_folder_that_cannot_be_written_to_is_told_at_once(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    source = write(tmp_path / "in/a.png", 16, 16, 3)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:
        locked = Path("/sys/kernel")  # not even root writes there
    for folder in (locked, locked / "new", source, source / "below"):
        with pytest.raises(ConfigError, match=r"Nothing can be written to .*; name another folder"):
            applied(source, out=folder)


@pytest.mark.parametrize("suffix", ["png", "webp", "avif", "tif"])
def test_pictures_of_several_frames_are_refused(
    applied: Callable[..., list[Path]], tmp_path: Path, limits: Callable[..., None], suffix: str
) -> None:
    write(tmp_path / "in/still.png", 16, 16, 3)
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / f"in/moves.{suffix}", save_all=True, append_images=frames[1:])
    limits(max_frames=5)  # decoding would take the first
    with pytest.raises(DataError, match=rf"1 of 2 .* moves\.{suffix} .*several frames"):
        applied(tmp_path / "in")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["still.png"]


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_becomes_rgb_without_its_profile(
    applied: Callable[..., list[Path]], tmp_path: Path, suffix: str
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = tmp_path / f"in/a.{suffix}"
    source.parent.mkdir()
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    ink.save(source, icc_profile=profile[:16] + b"CMYK" + profile[20:])
    (made,) = applied(source)
    red = array_of(made)[8, 8].tolist()
    assert red == pytest.approx([255, 0, 0], abs=40)  # the network has learned next to nothing
    with Image.open(made) as image:
        assert image.mode == "RGB" and "icc_profile" not in image.info


def test_a_run_that_was_stopped_goes_on(enlarger: Path, tmp_path: Path) -> None:
    for place in range(4):
        write(tmp_path / f"in/{place}.png", 16, 16, 3, seed=place)
    request = ApplyRequest(package=str(enlarger), pictures=(tmp_path / "in",), out=tmp_path / "out")
    steps = apply(request, open_world())
    while next(steps).done < 2:
        pass
    steps.close()
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert len(finish(apply(request, open_world()))) == 4


def test_what_cannot_be_worked_on(
    applied: Callable[..., list[Path]], by_attributes: Path, enlarger: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "in/a.png", 16, 16, 3)
    (tmp_path / "empty").mkdir()
    cases: list[tuple[str, tuple[Path, ...], dict[str, object]]] = [
        ("draws new pictures", (source,), {"package": str(by_attributes)}),
        ("There is no picture", (tmp_path / "gone.png",), {}),
        ("hold no pictures", (tmp_path / "empty",), {}),
        ("over another picture", (source, source), {}),
        ("over another picture", (source,), {"out": tmp_path / "in"}),
        ("'fidelity' cannot be used", (source,), {"fidelity": 1.5}),
        ("'tile' cannot be used", (source,), {"tile": 8}),
    ]
    before = sorted(tmp_path.rglob("*"))
    for message, pictures, options in cases:
        with pytest.raises(ConfigError, match=message):
            applied(*pictures, **options)
    draw = GenerateRequest(package=str(enlarger), out=tmp_path / "drawn")
    with pytest.raises(ConfigError, match="mintmark apply"):
        finish(generate(draw, open_world()))
    assert sorted(tmp_path.rglob("*")) == before


def test_comparisons_lie_beside(applied: Callable[..., list[Path]], tmp_path: Path) -> None:
    sources = [write(tmp_path / "in/a.png", 30, 40, 3), write(tmp_path / "in/a.tif", 8, 700, 4)]
    small, wide = applied(*sources, compare=True)
    first, second = (path.with_name(path.name + ".compare.png") for path in (small, wide))
    together = array_of(first)
    assert together.shape == (60, 160, 3)
    assert np.array_equal(together[:, 80:], array_of(small))
    plain = Image.open(sources[0]).resize((80, 60), Image.Resampling.LANCZOS)
    assert np.array_equal(together[:, :80], np.asarray(plain))
    assert array_of(second).shape == (12, 2048, 4)
    for path in (first, second):
        assert source_type(path.read_bytes()) == COMPOSITE
        assert read_recipe(path.read_bytes(), path.name).index == -1
    times = [path.stat().st_mtime_ns for path in (small, first)]
    assert applied(*sources, compare=True) == [small, wide]
    assert [path.stat().st_mtime_ns for path in (small, first)] == times
    first.unlink()
    applied(*sources, compare=True)
    assert first.exists()


def test_a_comparison_is_not_written_over_a_result(
    applied: Callable[..., list[Path]], tmp_path: Path
) -> None:
    sources = [write(tmp_path / f"in/{name}", 8, 8, 3) for name in ("a.png", "a.png.compare.png")]
    with pytest.raises(ConfigError, match=r"comparison of .*a\.png would be written over"):
        applied(*sources, compare=True)
    assert not (tmp_path / "out").exists() and len(applied(*sources)) == 2
