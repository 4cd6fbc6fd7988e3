"""The files of a package folder: listed, proved by digest, written whole or not at all."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mintmark.core import files
from mintmark.core.errors import InputError, PackageError
from mintmark.core.strict_json import check_fields, parse_json

MANIFEST = "manifest.json"
NEEDED = ("G.safetensors", "config.json", "lineage.json")
PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
DIGEST = re.compile(r"[0-9a-f]{64}")


def read_manifest(folder: Path, store: Path) -> dict[str, str]:
    """The SHA-256 of every file, once the folder holds exactly the listed files.

    Args:
        folder: The package folder.
        store: Where its files must lie: `folder` itself, or the cache whose
            links it is made of.

    Returns:
        Digests by file name; the files have not been read yet.

    Raises:
        PackageError: There is no manifest, or a file is missing, unlisted, a
            link, or a pickle.
    """
    if not folder.is_dir():
        raise PackageError(f"{folder} is not a folder; give the folder of a Mintmark package.")
    if not (folder / MANIFEST).is_file():
        raise PackageError(f"{folder} is not a Mintmark package: it has no {MANIFEST}.")
    present = listing(folder, store)
    try:
        value = parse_json((folder / MANIFEST).read_bytes(), MANIFEST)
        digests: dict[str, str] = check_fields(value, {"files": dict}, MANIFEST)["files"]
        for name, digest in digests.items():
            files.safe_join(store, name)
            if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
                raise PackageError(f"{MANIFEST} gives no SHA-256 for {name!r}; restore it.")
    except InputError as error:
        raise PackageError(f"{folder}: {error}") from error
    _compare(folder, present, set(digests))
    return digests


def write_manifest(folder: Path) -> None:
    """Writes the SHA-256 of every file in the folder to its manifest."""
    names = sorted(listing(folder, folder))
    digests = {name: files.digest_file(folder / name) for name in names}
    files.write_json(folder / MANIFEST, {"files": digests})


def listing(folder: Path, store: Path) -> set[str]:
    """Names of all files but the manifest; hidden ones are left out.

    Raises:
        PackageError: Something is a link, no plain file, or a pickle.
    """
    names = set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in PurePosixPath(name).parts):
            continue
        _check_file(path, f"{folder}: {name!r}", folder, store)
        if not path.is_dir():
            names.add(name)
    return names - {MANIFEST}


def _check_file(path: Path, name: str, folder: Path, store: Path) -> None:
    linked = path.is_symlink() and folder == store
    if linked or not path.resolve().is_relative_to(store.resolve()):
        raise PackageError(f"{name} is a link; a package holds only plain files.")
    if path.suffix.lower() in PICKLES:
        raise PackageError(
            f"{name} may be a pickle, which can run code; Mintmark loads only safetensors, so "
            "remove it or ask its author for a Mintmark package."
        )
    if not path.is_dir() and not path.is_file():
        raise PackageError(f"{name} is not a plain file; remove it.")


def _compare(folder: Path, present: set[str], listed: set[str]) -> None:
    if missing := sorted({*listed, *NEEDED} - present):
        raise PackageError(
            f"{folder}: {missing[0]!r} is missing; fetch or train the package again."
        )
    if unlisted := sorted(present - listed):
        raise PackageError(
            f"{folder}: {unlisted[0]!r} is not in the package's {MANIFEST}; move it elsewhere."
        )


def checked(folder: Path, digests: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yields each file's name and content once it has proved to be the listed one.

    Raises:
        PackageError: A file's content has another digest.
    """
    for name, digest in sorted(digests.items()):
        content = (folder / name).read_bytes()
        if files.digest_bytes(content) != digest:
            raise PackageError(
                f"{folder}: {name!r} was changed or cut short after the package was made; "
                "fetch or train it again."
            )
        yield name, content


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yields a new folder beside `folder` that takes its place on success.

    A former `folder` is moved aside, never deleted before the new one is in
    place, and moved back should anything fail. Should the process be killed
    between the two renames, it lies in `.NAME.*.part/old` beside.

    Raises:
        PackageError: `folder` holds something else than a whole package.
    """
    _refuse_strangers(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    space = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    part, former = space / "new", space / "old"
    part.mkdir()
    try:
        yield part
        files.sync(part)
        if folder.exists():
            folder.rename(former)
        part.rename(folder)
        files.sync(folder.parent)
    finally:
        if former.exists() and not folder.exists():
            former.rename(folder)
        shutil.rmtree(space, ignore_errors=True)


def _refuse_strangers(folder: Path) -> None:
    """Refuses to replace anything but an empty folder or a whole package."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    listed = [name for name, _ in checked(folder, read_manifest(folder, folder))]
    names = {PurePosixPath(name).parts[0] for name in listed}
    if strangers := sorted({path.name for path in folder.iterdir()} - names - {MANIFEST}):
        raise PackageError(
            f"{folder} also holds {strangers[0]!r}, which is no part of its package; "
            "choose another folder or move it away."
        )
