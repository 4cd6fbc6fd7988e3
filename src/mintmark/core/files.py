"""Writing files so that they are whole or absent, and reading them with proof."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from mintmark.core.errors import DataError, InputError

CHUNK = 1 << 20  # bytes read at a time


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path that becomes `path` when the block succeeds.

    The bytes reach the disk before the name does: the file is synced, renamed,
    and then its folder is synced. If the block raises, nothing is left behind
    and a former `path` is untouched.

    Args:
        path: Where the file shall appear; its folder must exist.

    Yields:
        The temporary path in the same folder; the block must write it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        sync(part)
        part.chmod(0o644)
        part.replace(path)
        sync(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def into_cache(folder: Path, what: str) -> Iterator[None]:
    """Makes a folder of the cache, and tells where the block cannot write to it.

    Args:
        folder: Where the block writes.
        what: What it writes, to begin a sentence.

    Raises:
        DataError: The folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(
            f"{what} cannot be written to {folder}: {error}; make room there or set MINTMARK_CACHE."
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` atomically."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically, as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` atomically, as indented JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def sync(path: Path) -> None:
    """Forces a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_bytes(content: bytes) -> str:
    """The SHA-256 of `content`, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits, in constant memory."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            total.update(block)
    return total.hexdigest()


def digest_json(value: Any) -> str:
    """The SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest_bytes(text.encode())


def safe_join(root: Path, name: str) -> Path:
    """Joins a name from an untrusted source to `root`.

    Args:
        root: The folder that the result must stay in.
        name: A relative path with forward slashes, as archives and metadata
            files carry them.

    Returns:
        The path below `root`.

    Raises:
        InputError: The name is empty, absolute, holds `..`, a drive, a
            backslash or a NUL, or leads outside through a symbolic link.
    """
    pure = PurePosixPath(name)
    hostile = not name or "\x00" in name or "\\" in name or ":" in name.split("/")[0]
    if hostile or pure.is_absolute() or ".." in pure.parts:
        raise InputError(f"The name {name!r} points outside its folder; rename it or leave it out.")
    path = root / pure
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"The name {name!r} leads outside its folder through a link.")
    return path
