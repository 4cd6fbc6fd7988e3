"""Fetching the packages that public sets are built from, once.

Packages of npm are pinned by version and SHA-256. Those of Debian and its
derivatives are signed by their archive, which apt checks; their version differs
between releases and is told in the rights. Both are unpacked below the cache
(`MINTMARK_CACHE`) and from then on no network is used.
"""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_file
from mintmark.core.settings import settings
from mintmark.data.public.parts import settle

PINS = {
    "@dicebear/avataaars": (
        "9.4.3",
        "0faf2184c2013afbccfec08949b27e24c7e4c678eaec009752dd2b03b113f33d",
    ),
    "@dicebear/core": (
        "9.4.3",
        "6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d",
    ),
    "@dicebear/pixel-art": (
        "9.4.3",
        "1252d798c632c20f194e7d8b2fbc18b23ad76b2511e668668d0051084bfaa754",
    ),
    "@twemoji/svg": (
        "15.0.0",
        "1d2907557a422c7c4e3feca50ef915c39da1db3d76b4a4d7e73fb59bce4403c3",
    ),
    "emojibase-data": (
        "17.0.0",
        "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    ),
    "openmoji": (
        "17.0.0",
        "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
    ),
    "simple-icons": (
        "16.37.0",
        "cd9faf0e6faa8a8fdd15e9632ab4c86fcae4b986fe552b87673149847f2f671d",
    ),
}
"""Packages of npm: version, and SHA-256 of the archive."""

TOOLS = {
    "npm": "install Node.js with npm, for instance by: apt-get install npm",
    "node": "install Node.js, for instance by: apt-get install nodejs",
    "apt-get": "build it on Debian or Ubuntu and copy its folder",
    "dpkg-deb": "install dpkg, for instance by: apt-get install dpkg",
}
PATIENCE = 600  # seconds for one program


def npm(name: str) -> Path:
    """The unpacked package of npm; fetched the first time.

    Raises:
        ConfigError: npm is missing, or cannot fetch it.
        DataError: What came is not what was pinned.
    """
    version, digest = PINS[name]
    folder = _cache() / f"{name.removeprefix('@').replace('/', '-')}-{version}"
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(prefix=".npm.", dir=_cache()) as scratch:
        run(["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"], Path(scratch))
        archive = _only(Path(scratch), "*.tgz")
        _require(archive, digest)
        _unpack(archive.read_bytes(), folder, "package/")
    return folder


def debian(name: str, under: str) -> Path:
    """The unpacked package of Debian, `NAME_VERSION`; fetched the first time.

    Args:
        name: Name of the package.
        under: Only files below this path, with a slash at its end, are unpacked.

    Raises:
        ConfigError: apt-get or dpkg-deb is missing, or cannot fetch it.
        DataError: The package is damaged.
    """
    if found := sorted(_cache().glob(f"{name}_*")):
        return found[-1]
    with tempfile.TemporaryDirectory(prefix=".deb.", dir=_cache()) as scratch:
        run(["apt-get", "download", name], Path(scratch))
        archive = _only(Path(scratch), "*.deb")
        # NAME_VERSION_ARCHITECTURE.deb, a colon in the version written as %3a
        folder = _cache() / unquote(archive.name.rpartition("_")[0])
        files = run(["dpkg-deb", "--fsys-tarfile", archive.name], Path(scratch))
        _unpack(files, folder, f"./{under}")
    return folder


def version(package: Path) -> str:
    """The version of an unpacked package of Debian."""
    return package.name.partition("_")[2]


def run(command: Sequence[str], folder: Path, given: bytes = b"") -> bytes:
    """What a program prints, run in `folder` with `given` as its input.

    Raises:
        ConfigError: It is not installed, or fails.
    """
    tool = command[0]
    path = shutil.which(tool)
    if path is None:
        raise ConfigError(f"This public set needs {tool}, which is not here; {TOOLS[tool]}.")
    try:
        return subprocess.run(
            [path, *command[1:]],
            cwd=folder,
            input=given,
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
    except (subprocess.SubprocessError, OSError) as error:
        raise ConfigError(
            f"{' '.join(command)} failed ({_reason(error)}); see that its registry can be "
            "reached, and build the set again."
        ) from error


def _cache() -> Path:
    folder = settings().cache / "public"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise ConfigError(f"The download left {len(found)} files {pattern} instead of one.")
    return found[0]


def _require(archive: Path, digest: str) -> None:
    found = digest_file(archive)
    if found != digest:
        raise DataError(
            f"{archive.name} is not the archive that was pinned (SHA-256 {found[:12]} instead of "
            f"{digest[:12]}); fetch it from the registry of npm itself."
        )


def _unpack(archive: bytes, folder: Path, under: str) -> None:
    """Writes the plain files below `under`; links are left out, and `folder` appears whole."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        beside.chmod(0o755)
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            for member in tar:
                if member.isfile() and member.name.startswith(under):
                    member.name = member.name.removeprefix(under)
                    tar.extract(member, beside, filter="data")
        settle(beside, folder)
    except tarfile.TarError as error:
        raise DataError(f"The archive of {folder.name} cannot be unpacked: {error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _reason(error: Exception) -> str:
    """The last line that a program said, or what else went wrong."""
    said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
    return said.splitlines()[-1].rstrip(".") if said else str(error).rstrip(".")
