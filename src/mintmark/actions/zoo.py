"""The packages that come with Mintmark, by name."""

from importlib.resources import as_file, files
from pathlib import Path

from mintmark.models.package import from_pretrained
from mintmark.tasks._task import Task, find_task


def names() -> tuple[str, ...]:
    """The names of the packages that come with Mintmark."""
    room = files("mintmark") / "zoo"
    if not room.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in room.iterdir() if entry.is_dir()))


def find(source: str | Path) -> str | Path:
    """The place of a package: a folder of that name here, else one that comes with Mintmark.

    Args:
        source: A folder, an `hf://` name, or one of `names`.
    """
    if Path(source).exists() or str(source) not in names():
        return source
    with as_file(files("mintmark") / "zoo" / str(source)) as folder:
        return folder


def drawing() -> tuple[str, ...]:
    """The names of those that draw new pictures; the others work on given ones."""
    tasks = {name: find_task(from_pretrained(find(name)).config.task) for name in names()}
    return tuple(name for name, task in tasks.items() if isinstance(task, Task))


def listing() -> dict[str, str]:
    """What each of them does, in words."""
    found = {name: from_pretrained(find(name)) for name in names()}
    return {
        name: f"{find_task(package.config.task).title}. "
        f"Task {package.config.task}, {package.config.width} x {package.config.height}, "
        f"{package.lineage.rights.licence}"
        for name, package in found.items()
    }
