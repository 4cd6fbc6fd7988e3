import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mintmark.core.errors import ConfigError, DataError
from mintmark.data.public import fetch

Limits = Callable[..., None]


@pytest.fixture
def cache(tmp_path: Path, limits: Limits) -> Path:
    limits(cache=tmp_path / "cache")
    return tmp_path / "cache" / "public"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts shell scripts into an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return write


def archive(path: Path, *names: str, link: str = "") -> str:
    """Writes a .tgz whose files hold their own names; its SHA-256."""
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
        if link:
            member = tarfile.TarInfo("package/link")
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def serve(
    tmp_path: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    *names: str,
    link: str = "",
) -> None:
    """Makes npm answer with an archive of these files, and pins it."""
    digest = archive(tmp_path / "made.tgz", *names, link=link)
    programs("npm", f"/bin/cp {tmp_path / 'made.tgz'} ./thing-1.0.0.tgz")
    monkeypatch.setitem(fetch.PINS, "@some/thing", ("1.0.0", digest))


@pytest.mark.parametrize("tool", ["npm", "node", "apt-get", "dpkg-deb"])
def test_a_missing_tool_says_what_to_install(
    tool: str, tmp_path: Path, programs: Callable[[str, str], None]
) -> None:
    with pytest.raises(ConfigError, match=f"needs {tool}, which is not here; .*(install|copy)"):
        fetch.run([tool], tmp_path)


def test_a_package_of_npm_is_unpacked_once_and_then_offline(
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tmp_path, programs, monkeypatch, "package/a.txt", "package/b/c.txt", "elsewhere/d.txt")
    folder = fetch.npm("@some/thing")
    assert folder == cache / "some-thing-1.0.0"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert found == ["a.txt", "b/c.txt"]
    (tmp_path / "bin" / "npm").unlink()
    assert fetch.npm("@some/thing") == folder
    assert [path.name for path in cache.iterdir()] == ["some-thing-1.0.0"]


def test_another_archive_than_the_pinned_one_is_refused(
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tmp_path, programs, monkeypatch, "package/a.txt")
    archive(tmp_path / "made.tgz", "package/evil.txt")
    with pytest.raises(DataError, match="not the archive that was pinned"):
        fetch.npm("@some/thing")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["package/../../../out.txt", "package//tmp/../../out.txt"])
def test_an_archive_that_leads_outside_is_refused(
    name: str,
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tmp_path, programs, monkeypatch, "package/a.txt", name)
    with pytest.raises(DataError, match="cannot be unpacked"):
        fetch.npm("@some/thing")
    assert list(cache.iterdir()) == []
    assert not list(tmp_path.rglob("out.txt"))


def test_links_in_an_archive_are_left_out(
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tmp_path, programs, monkeypatch, "package/a.txt", link="/etc/passwd")
    assert [path.name for path in fetch.npm("@some/thing").iterdir()] == ["a.txt"]


def test_a_damaged_archive_is_refused(
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "made.tgz").write_bytes(b"no archive")
    digest = hashlib.sha256(b"no archive").hexdigest()
    programs("npm", f"/bin/cp {tmp_path / 'made.tgz'} ./thing-1.0.0.tgz")
    monkeypatch.setitem(fetch.PINS, "@some/thing", ("1.0.0", digest))
    with pytest.raises(DataError, match=r"some-thing-1\.0\.0 cannot be unpacked"):
        fetch.npm("@some/thing")


def test_a_failing_download_is_one_sentence(
    cache: Path, programs: Callable[[str, str], None]
) -> None:
    programs("npm", "echo first >&2; echo no such host. >&2; exit 1")
    with pytest.raises(ConfigError) as caught:
        fetch.npm("openmoji")
    said = str(caught.value)
    assert "openmoji@17.0.0 failed (no such host)" in said and "\n" not in said
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="NOT TESTED: there is no dpkg-deb here")
def test_a_package_of_debian_is_unpacked_in_part_and_then_offline(
    tmp_path: Path,
    cache: Path,
    programs: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = tmp_path / "made"
    for name, text in (
        ("DEBIAN/control", "Package: art\nVersion: 4:1.2-3\nArchitecture: all\n"),
        ("usr/share/art/a.svg", "a"),
        ("usr/share/doc/b", "b"),
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    with (made / "DEBIAN" / "control").open("a") as control:
        control.write("Maintainer: Nobody <nobody@example.org>\nDescription: a test\n")
    (made / "usr/share/art/link.svg").symlink_to("a.svg")
    dpkg = "/usr/bin/dpkg-deb"  # PATH is empty by now
    build = [dpkg, "--build", str(made), str(tmp_path / "art.deb")]
    subprocess.run(build, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    programs("apt-get", f"/bin/cp {tmp_path / 'art.deb'} art_4%3a1.2-3_all.deb")
    programs("dpkg-deb", f'PATH=/usr/bin:/bin exec {dpkg} "$@"')

    folder = fetch.debian("art", "usr/share/art/")
    assert [path.name for path in folder.iterdir()] == ["a.svg"]
    assert fetch.version(folder) == "4:1.2-3"
    monkeypatch.setenv("PATH", "")
    assert fetch.debian("art", "usr/share/art/") == folder
