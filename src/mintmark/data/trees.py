"""Where the files of a data set lie: a folder or a zip, read by name."""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mintmark.core.errors import DataError, InputError
from mintmark.core.files import safe_join
from mintmark.core.settings import settings

MAX_RATIO = 100  # times that a member may grow
RATIO_FREE = 1_000_000  # bytes below which a member may grow more
MAX_MEMBERS = 2_000_000
SMALL_FILE = 64_000_000  # bytes that any file may have


@dataclass(frozen=True)
class Folder:
    """A folder on disk.

    Attributes:
        path: The folder.
        files: Names of all files below it that are not hidden.
        folders: Names of all folders below it that are not hidden.
    """

    path: Path
    files: frozenset[str]
    folders: frozenset[str]

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            DataError: The file leads outside the folder, cannot be opened or
                is larger than any picture may be.
        """
        try:
            path = safe_join(self.path, name)
            _check_size(path.stat().st_size)
            return path.read_bytes()
        except (OSError, InputError) as error:
            raise _unreadable(name, error) from error


@dataclass(frozen=True)
class Archive:
    """A zip file whose members have been checked.

    Attributes:
        members: The open archive.
        files: Names of all files in it that are not hidden.
        folders: Names of all folders in it that are not hidden.
    """

    members: zipfile.ZipFile
    files: frozenset[str]
    folders: frozenset[str]

    def read(self, name: str) -> bytes:
        """The bytes of one member; safe to call from several threads.

        Raises:
            DataError: The member is damaged or larger than any picture may be.
        """
        try:
            _check_size(self.members.getinfo(name).file_size)
            return self.members.read(name)
        except Exception as error:  # each compression method fails in its own way
            raise _unreadable(name, error) from error


def open_tree(path: Path) -> Folder | Archive:
    """Lists a folder or a zip.

    Raises:
        DataError: Nothing is there, it is of another kind, a folder in it is a
            link, or the archive is damaged or hostile.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise DataError(f"There is nothing at {path}; give a folder of pictures or a .zip.")
    try:
        members = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is neither a folder nor a whole .zip ({error}); give one of the two."
        ) from error
    try:
        return _open_archive(members, path.name)
    except DataError:
        members.close()
        raise


def _open_folder(path: Path) -> Folder:
    files: set[str] = set()
    folders: set[str] = set()
    try:
        for child in _walk(path):
            name = child.relative_to(path).as_posix()
            (folders if child.is_dir() else files).add(name)
    except OSError as error:
        raise DataError(f"The folder {path} cannot be listed: {error}.") from error
    return Folder(path, frozenset(files), frozenset(folders))


def _walk(folder: Path) -> Iterator[Path]:
    for child in folder.iterdir():
        if child.name.startswith("."):
            continue
        if not _is_text(child.name):
            raise DataError(f"The name {child.name!a} in {folder} is not UTF-8; rename it.")
        if child.is_dir() and child.is_symlink():
            raise DataError(f"The folder {child} is a link, which may loop; copy its files here.")
        yield child
        if child.is_dir():
            yield from _walk(child)


def _is_text(name: str) -> bool:
    """False for names of other encodings, which Python holds as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _open_archive(members: zipfile.ZipFile, where: str) -> Archive:
    listing = members.infolist()
    if len(listing) > MAX_MEMBERS:
        raise DataError(f"{where} has more than {MAX_MEMBERS:,} members; split it.")
    total = sum(member.file_size for member in listing)
    limit = settings().max_archive_gigabytes
    if total > limit * 1e9:
        raise DataError(
            f"{where} would unpack to {total / 1e9:.1f} GB, more than the {limit:g} GB that "
            "MINTMARK_MAX_ARCHIVE_GIGABYTES allows."
        )
    for member in listing:
        _check_member(member, where)
    names = [member.filename for member in listing]
    if len(set(names)) != len(names):
        raise DataError(f"{where} holds the same name twice; pack it again.")
    visible = [name for name in names if not _hidden(name)]
    files = frozenset(name for name in visible if not name.endswith("/"))
    folders = {name.rstrip("/") for name in visible if name.endswith("/")}
    for name in visible:
        folders.update(str(parent) for parent in PurePosixPath(name).parents if parent.name)
    return Archive(members, files, frozenset(folders))


def _check_member(member: zipfile.ZipInfo, where: str) -> None:
    """Refuses a member that could reach outside, stay closed or blow up."""
    name = member.orig_filename  # as stored; `filename` is already tidied
    try:
        safe_join(Path(where), name)
    except InputError as error:
        raise DataError(f"{where} is hostile or broken: {error}") from error
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"{where} holds {name!r}, a link or device; pack plain files only.")
    if member.flag_bits & 0x1:
        raise DataError(f"{where} is encrypted ({name!r}); unpack it and give the folder.")
    if member.file_size > max(RATIO_FREE, MAX_RATIO * member.compress_size):
        raise DataError(
            f"{where} holds {name!r}, which grows more than {MAX_RATIO}-fold when unpacked, as "
            "a zip bomb does; unpack it and give the folder."
        )


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _check_size(size: int) -> None:
    # No picture within the limit is larger than four channels of 16 bits.
    limit = max(SMALL_FILE, settings().max_megapixels * 8e6)
    if size > limit:
        raise DataError(f"it has {size / 1e6:.0f} MB, more than any picture may have")


def _unreadable(name: str, error: Exception) -> DataError:
    return DataError(f"{name} cannot be read: {str(error).rstrip('.')}.")
