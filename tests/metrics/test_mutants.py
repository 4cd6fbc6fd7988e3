"""The tables of mutants fit the code that they change (tests/slow/test_mutants.py runs them)."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = sorted((Path(__file__).parent / "mutants").glob("*.py"))


def test_there_are_tables() -> None:
    assert TABLES


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_mutant_can_be_made(path: Path) -> None:
    table = runpy.run_path(str(path))
    source = (ROOT / table["MODULE"]).read_text()
    assert table["MUTANTS"] and table["TESTS"]
    assert all((ROOT / test).is_file() for test in table["TESTS"])
    for what, old, new in table["MUTANTS"]:
        assert source.count(old) == 1, what
        assert old != new, what
        compile(source.replace(old, new), what, "exec")
    names = [what for what, _, _ in table["MUTANTS"]]
    assert len(set(names)) == len(names)
