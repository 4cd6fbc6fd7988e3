"""What the documentation names exists, and what exists is documented."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import mintmark.actions.python  # noqa: F401 - brings every room, and so every error
from mintmark.actions import requests
from mintmark.cli.main import app
from mintmark.core.errors import MintmarkError
from mintmark.core.settings import Settings
from mintmark.tasks._task import all_tasks

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its whole name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part, child in command.commands.items():
        yield from commands(child, f"{name} {part}")


def section(page: Path, heading: str) -> str:
    """The text of a page below a heading of the second level, or nothing."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
    return found[1] if found else ""


def errors(base: type[MintmarkError] = MintmarkError) -> Iterator[str]:
    yield base.__name__
    for kind in base.__subclasses__():
        if kind.__module__.startswith("mintmark."):
            yield from errors(kind)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


COMMANDS = dict(commands(typer.main.get_command(app), "mintmark"))
REQUESTS = [
    kind
    for kind in vars(requests).values()
    if isinstance(kind, type)
    and issubclass(kind, requests.Request)
    and kind is not requests.Request
]


def test_every_setting_is_in_the_reference() -> None:
    page = (REFERENCE / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"MINTMARK_{name.upper()}"
        assert f"`{variable}`" in page, variable


def test_no_setting_is_invented() -> None:
    known = {f"MINTMARK_{name.upper()}" for name in Settings.model_fields}
    for page in PAGES:
        assert set(re.findall(r"MINTMARK_[A-Z_]+", page.read_text())) <= known, page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_reference(name: str) -> None:
    text = section(REFERENCE / "cli.md", name)
    assert text, f"cli.md has no section {name}"
    for parameter in COMMANDS[name].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            written = option if option.startswith("-") else option.upper()
            assert re.search(rf"[ `]{re.escape(written)}[ `,:]", text), f"{name}: {written}"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_invented(name: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section(REFERENCE / "cli.md", name)))
    taken = {o for p in COMMANDS[name].params for o in (*p.opts, *p.secondary_opts)}
    assert named <= taken


def test_no_command_is_invented() -> None:
    headings = re.findall(r"^## (mintmark .*)$", (REFERENCE / "cli.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_every_task_is_in_the_reference() -> None:
    text = section(REFERENCE / "cli.md", "mintmark tasks")
    for name, task in all_tasks().items():
        row = re.search(rf"^\| `{re.escape(name)}` \|.*$", text, re.MULTILINE)
        assert row, f"cli.md has no row for the task {name}"
        assert re.findall(r"`([\w-]+)`", row[0])[1:] == list(task.schedules)


def test_every_error_is_in_the_reference() -> None:
    text = section(REFERENCE / "python.md", "Errors")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(errors())


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_every_request_is_in_the_reference(kind: type[requests.Request]) -> None:
    rows = re.findall(
        rf"^\| `{kind.__name__}` \| (.*) \|$", (REFERENCE / "python.md").read_text(), re.M
    )
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [list(kind.model_fields)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, link


def test_every_page_named_in_the_code_exists() -> None:
    for file in [*ROOT.glob("src/**/*.py"), *ROOT.glob("bench/*.py"), *PAGES]:
        for name in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text()):
            assert (ROOT / name).exists(), f"{file.name} names {name}"


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^ +- ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    there = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")]
    assert sorted(listed) == sorted(there)


def test_architecture_lists_the_rooms() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    listed = re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE)
    rooms = [path.parent.name for path in ROOT.glob("src/mintmark/*/__init__.py")]
    assert sorted(listed) == sorted(rooms)


def test_architecture_gives_the_direction_that_is_checked() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = next(c for c in tools["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    joined = [f"({layer})" if "|" in layer else layer for layer in layers]
    for page in ("ARCHITECTURE.md", "docs/decisions/0001-rooms-and-one-direction.md"):
        assert " → ".join(joined) in (ROOT / page).read_text(), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    named = re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets()


def test_recipes_for_contributors_are_short() -> None:
    for heading in ("Add a task", "Add a family", "Add a metric"):
        steps = section(ROOT / "CONTRIBUTING.md", heading).strip().splitlines()
        assert 0 < len(steps) <= 6, heading


def test_ci_runs_the_readme_test_command() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o100
    assert script.read_text().splitlines()[-1] == "make test"
    assert "make test" in (ROOT / "README.md").read_text()


def test_constraints_hold_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line
