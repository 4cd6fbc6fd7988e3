import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.core.errors import DataError
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.data.readers import open_source, take_snapshot
from mintmark.data.trees import open_tree

PNG = encode(Picture(np.zeros((4, 4, 3), dtype=np.uint8)), "png")


def pack(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("a.png", PNG), ("b.png", PNG), *members):
            archive.writestr(name, content, compress_type=zipfile.ZIP_DEFLATED)
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_source(path)
    text = str(caught.value)
    assert "\n" not in text and path.name in text
    return text


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "x/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:/evil.png", "C:evil"],
)
def test_names_that_reach_outside(tmp_path: Path, name: str) -> None:
    assert "outside its folder" in refused(pack(tmp_path / "d.zip", (name, PNG)))
    assert [path.name for path in tmp_path.iterdir()] == ["d.zip"]


def test_a_name_with_nul(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.zip", ("evil_.png", PNG))
    path.write_bytes(path.read_bytes().replace(b"evil_", b"evil\x00"))
    assert "outside its folder" in refused(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("link.png")
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    assert "a link or device" in refused(pack(tmp_path / "d.zip", (member, b"/etc/passwd")))


def test_encrypted_members(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.zip")
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refused(path)


def test_a_ratio_bomb(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.zip", ("bomb.png", bytes(1_100_000)))
    assert "100-fold" in refused(path)


def test_small_members_may_shrink_well(tmp_path: Path) -> None:
    pack(tmp_path / "d.zip", ("blank.txt", bytes(900_000)))
    assert len(open_source(tmp_path / "d.zip").entries) == 2


def test_the_total_is_limited(tmp_path: Path, limits: Callable[..., None]) -> None:
    path = pack(tmp_path / "d.zip", ("blank.txt", bytes(900_000)))
    limits(max_archive_gigabytes=0.0009)
    assert "MINTMARK_MAX_ARCHIVE_GIGABYTES" in refused(path)


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    """The declared size bounds what is unpacked, whatever the stream holds."""
    path = pack(tmp_path / "d.zip", ("liar.png", bytes(50_000_000)))
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 1000)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"liar\.png \("):
        take_snapshot(open_source(path))


def test_names_given_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = pack(tmp_path / "d.zip", ("a.png", PNG))
    assert "same name twice" in refused(path)


def test_a_damaged_member_is_a_broken_picture(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.zip", ("c.png", PNG))
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    snapshot, broken = take_snapshot(open_source(path), skip_broken=True)
    assert [one.name for one in broken] == ["a.png"] and len(snapshot.items) == 2


def test_a_cut_off_archive(tmp_path: Path) -> None:
    path = pack(tmp_path / "d.zip")
    path.write_bytes(path.read_bytes()[:-10])
    assert "not a whole" in refused(path) or "whole .zip" in refused(path)


def test_what_a_mac_adds_is_ignored(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "d.zip", ("__MACOSX/", b""), ("__MACOSX/a.png", b"x"), (".DS_Store", b"x")
    )
    assert [entry.name for entry in open_source(path).entries] == ["a.png", "b.png"]
    assert open_tree(path).folders == frozenset()


@given(st.text(alphabet="./\\:aC\x01é ", min_size=1, max_size=8))
def test_no_name_that_is_listed_reaches_outside(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    path = pack(tmp_path_factory.mktemp("zip") / "d.zip", (name, PNG))
    try:
        tree = open_tree(path)
    except DataError:
        return
    root = path.parent / "root"
    assert all((root / one).resolve().is_relative_to(root.resolve()) for one in tree.files)
