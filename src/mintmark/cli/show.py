"""What the terminal shows: progress with rate and time left, tables, complaints."""

import json
import signal
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from mintmark.core.errors import ConfigError
from mintmark.core.records import Progress

Result = TypeVar("Result")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

SHOWN = {"discriminator": "D", "generator": "G", "fd": "FD", "psnr": "PSNR"}
"""Figures of a run that fit beside its bar in 80 columns, with their short names."""
TYPED = {
    "picture": "photos/",
    "attributes": "--set NAME=VALUE",
    "class": "--class NAME",
    "fidelity": "--fidelity 0.3",
    "mask": "--mask MASK",
    "outpaint": "--outpaint left=256",
    "photo": "--photo",
    "reference": "--reference PICTURE",
    "seed": "--seed 0",
    "strength": "--strength 0.5",
    "text": "--text WORDS",
    "to": "--to KIND",
}
"""How inputs of tasks are typed, by their names."""


def hush() -> None:
    """Shows nothing but errors, in a process that is one of several and not the first."""
    console.quiet = True


def say(text: str) -> None:
    """One plain line or paragraph."""
    console.print(_plain(text), soft_wrap=True)


def complain(text: str) -> None:
    """One sentence on standard error."""
    errors.print(f"[bold red]error:[/] {_plain(' '.join(text.split()))}", soft_wrap=True)


def markdown(text: str) -> None:
    """Markdown, drawn for the terminal."""
    console.print(Markdown(text))


def table(title: str, rows: Mapping[str, str]) -> None:
    """Names and values."""
    shown = Table(title=_plain(title), show_header=False)
    shown.add_column()
    shown.add_column(overflow="fold")  # a digest that is cut short is of no use
    for name, value in rows.items():
        shown.add_row(_plain(name), _plain(value))
    console.print(shown)


def catalogue() -> dict[str, Any]:
    """What can be learned, from a file, so that torch stays out."""
    text = files("mintmark.tasks").joinpath("catalogue.json").read_text(encoding="utf-8")
    entries: dict[str, Any] = json.loads(text)
    return entries


def trained(task: str, package: Path) -> None:
    """Where a package is, and a command to use it with."""
    say(f"The package is in {package}. Try: {_use(catalogue()[task], package)}")


def tasks() -> None:
    """A line for each thing that can be learned."""
    entries = catalogue()
    for title, marks in (("New pictures", "created"), ("Of given pictures", "edited")):
        table(title, {name: e["title"] for name, e in entries.items() if e["marks"] == marks})
    say("mintmark tasks NAME says what one needs, how long it takes, and how it is used.")


def task(name: str) -> None:
    """What a task needs and takes, and the commands to learn and to use it.

    Raises:
        ConfigError: There is none of that name.
    """
    entries = catalogue()
    if name not in entries:
        near = get_close_matches(name, entries, 1, 0.0)[0]
        raise ConfigError(
            f"There is no task {name!r}; did you mean {near!r}? `mintmark tasks` lists them."
        )
    entry = entries[name]
    say(f"{entry['title']}. {entry['about']}\n")
    table("To use it", {TYPED[given["name"]]: given["about"] for given in entry["inputs"]})
    say(f"Presets: {', '.join(entry['presets'])}\n")
    say(f"mintmark train {name} DATA --out runs/{name}")
    say(_use(entry, Path("runs") / name / "package"))


def _use(entry: Mapping[str, Any], package: Path) -> str:
    """A command that uses a package, with all that it cannot do without."""
    needed = (TYPED[given["name"]] for given in entry["inputs"] if given["needed"])
    edits = entry["marks"] == "edited"
    how = ["apply", package, *needed] if edits else ["generate", package, "--grid"]
    return f"mintmark {' '.join(map(str, how))} --out pictures"


def follow(steps: Generator[Progress, None, Result], go_on: str, tell: bool = True) -> Result:
    """Iterates a verb under a progress bar and returns its result.

    The first Ctrl-C lets the step end and the verb save; a second one stops at
    once.

    Args:
        steps: A verb that was called.
        go_on: What to say after Ctrl-C.
        tell: Whether messages of the verb are printed above the bar.
    """
    with _bars() as (bar, rows), _stoppable() as stopped:
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            bar.start()  # not before, so that a refusal stands alone
            if progress.stage not in rows:
                rows[progress.stage] = _Row(bar, progress)
            rows[progress.stage].update(progress)
            if tell and progress.message:
                bar.console.print(_plain(progress.message), soft_wrap=True)
            if stopped:
                steps.close()
                say(f"Stopped at {progress.done:,} of {progress.total:,} {progress.unit}. {go_on}")
                raise typer.Exit(130)


class _Row:
    """One bar: its rate is measured from where this process began."""

    def __init__(self, bar: Bar, progress: Progress) -> None:
        self._bar = bar
        self._began = time.monotonic()
        self._first = progress.done
        self._figures: dict[str, float] = {}  # the latest of each; some come seldom
        self._id = bar.add_task(progress.stage, total=progress.total, rate="", figures="")

    def update(self, progress: Progress) -> None:
        seconds = time.monotonic() - self._began
        rate = (progress.done - self._first) / seconds if seconds > 0.5 else 0.0
        self._figures |= progress.figures
        figures = "  ".join(
            f"{short} {self._figures[name]:.2f}"
            for name, short in SHOWN.items()
            if name in self._figures
        )
        self._bar.update(
            self._id,
            completed=progress.done,
            rate=f"{rate:,.0f} {progress.unit}/s" if rate else "",
            figures=figures,
        )


@contextmanager
def _bars() -> Iterator[tuple[Bar, dict[str, _Row]]]:
    """A display without bars yet, which whoever shows the first one starts."""
    rows: dict[str, _Row] = {}
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[figures]}[/]"),
        console=console,
        speed_estimate_period=120,
    )
    try:
        yield bar, rows
    finally:
        if rows:
            bar.stop()


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """A list that the first Ctrl-C puts something into; the second one interrupts."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _plain(text: str) -> str:
    """Text without meaning to the terminal: names and paths may hold brackets and escapes."""
    return escape("".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text))
