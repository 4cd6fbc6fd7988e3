import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.core import errors, files, log
from mintmark.core.errors import ConfigError, DataError, InputError, MintmarkError
from mintmark.core.media import Picture
from mintmark.core.records import Score
from mintmark.core.seeds import SEED_BITS, derive
from mintmark.core.settings import Settings, settings


def test_streams_are_apart_and_stable() -> None:
    names = [("a", "b"), ("ab",), ("a", 1), ("a", "1"), (), ("b", "a")]
    seeds = {derive(0, *name) for name in names} | {derive(1, "a", "b")}
    assert len(seeds) == len(names) + 1
    assert derive(7, "order", 3) == 4420464916775083030  # the same on every machine for ever


@given(st.integers(), st.text())
def test_seeds_fit_signed_64_bits(seed: int, name: str) -> None:
    assert 0 <= derive(seed, name) < 2**SEED_BITS


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.atomic_path(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    files.write_json(path, {"b": 1, "a": "ä"})
    assert path.read_text() == '{\n  "a": "ä",\n  "b": 1\n}\n'


def test_bytes_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        order.append("sync")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    files.write_bytes(tmp_path / "a", b"x")
    assert order == ["sync", "rename", "sync"]


def test_digests_agree(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert files.digest_file(tmp_path / "a") == files.digest_bytes(b"abc" * 1_000_000)
    assert files.digest_json({"a": 1, "b": [2]}) == files.digest_json({"b": [2], "a": 1})


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a", "a/../../b", "a\\b", "C:/x", "a\0b", "..", "link/x"],
)
def test_hostile_names_stay_inside(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("/tmp")
    with pytest.raises(InputError):
        files.safe_join(root, name)


@given(st.text(max_size=30))
def test_a_joined_name_never_leaves_its_folder(name: str) -> None:
    root = Path("/srv/data")
    try:
        path = files.safe_join(root, name)
    except (InputError, OSError, ValueError):
        return
    assert path.resolve().is_relative_to(root)


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawn = errors.__doc__ or ""
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, MintmarkError)
    ]
    assert len(found) >= 8
    for error in found:
        assert error.__name__ in drawn, error
    assert InputError.exit_code == ConfigError.exit_code == 2


def test_pictures_have_a_shape_and_a_range() -> None:
    import numpy as np

    picture = Picture(np.zeros((2, 3, 4), np.uint16))
    assert (picture.height, picture.width, picture.channels) == (2, 3, 4)
    for shape, kind in (((2, 3), "uint8"), ((2, 3, 5), "uint8"), ((2, 3, 3), "float64")):
        with pytest.raises(ValueError, match="a picture is"):
            Picture(np.zeros(shape, kind))


def test_scores_of_unequal_protocols_do_not_compare() -> None:
    one = Score("FD", 2.0, {"n": 10, "extractor": "x"})
    assert one.difference(Score("FD", 0.5, {"extractor": "x", "n": 10})) == 1.5
    for other in (Score("FD", 1.0, {"n": 11, "extractor": "x"}), Score("KID", 1.0, one.protocol)):
        with pytest.raises(ConfigError, match="do not"):
            one.difference(other)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINTMARK_THREADS", "3")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert (Settings().threads, Settings().world_size) == (3, 2)


def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("MINTMARK_THREADS", "many")
    with pytest.raises(ConfigError, match="MINTMARK_THREADS"):
        settings()
    settings.cache_clear()


def test_a_log_record_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up()
    logger = log.get_logger("tests")
    logger.warning("odd", picture="a.png")
    logger.info("quiet")
    shown = capsys.readouterr().err
    assert "odd" in shown and "a.png" in shown and "quiet" not in shown
    assert settings().log_level == "warning"


def test_only_the_settings_read_the_environment() -> None:
    source = Path(files.__file__).parents[1]
    readers = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    assert readers == ["core/threads.py"]  # which sets one variable for PyTorch


def test_a_cache_that_cannot_be_written_is_told_and_nothing_else_is(tmp_path: Path) -> None:
    with files.into_cache(tmp_path / "a/b", "The judge"):
        (tmp_path / "a/b/net").write_text("x")
    with (
        pytest.raises(DataError, match=r"^The judge cannot be written to .*set MINTMARK_CACHE\.$"),
        files.into_cache(tmp_path / "a/b/net", "The judge"),
    ):
        raise AssertionError("a file is no folder")
    with pytest.raises(KeyError), files.into_cache(tmp_path, "The judge"):
        raise KeyError
