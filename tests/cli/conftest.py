from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mintmark.cli import main


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of the real command line in this process."""

    def call(*words: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["mintmark", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return call


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file below `folder` with its bytes, every folder with None."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def require_sentence(code: int, err: str, *parts: str) -> None:
    assert code == 2, err
    assert err.startswith("error: ") and err.endswith(".\n"), err
    assert err.count("\n") == 1 and "Traceback" not in err
    for part in parts:
        assert part in err, err


@pytest.fixture
def refuse(run: Run, tmp_path: Path) -> Callable[..., None]:
    """Runs a command, which must say `parts` and leave the test's folder as it is."""

    def check(*words: object, parts: tuple[str, ...]) -> None:
        before = everything(tmp_path)
        outcome = run(*words)
        require_sentence(outcome.code, outcome.err, *parts)
        assert everything(tmp_path) == before

    return check
