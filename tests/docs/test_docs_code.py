"""Every code block of the README and the documentation runs, page by page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial/first-digits.md"
GOES_ON = "goes on from [first digits]"  # or over the end of a line
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
RUN = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable]}
SHOWN = {"text", "json"}  # not code that could be run
SLOW = {"several-processes.md", "resume-and-fork.md"}  # many seconds, and other tests train so too


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each fenced block, in order."""
    return FENCE.findall(page.read_text())


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


def has_code(page: Path) -> bool:
    return any(language in RUN for language, _ in blocks(page))


WITH_CODE = [
    pytest.param(page, id=title(page), marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in pages()
    if has_code(page)
]


def play(page: Path, folder: Path, cache: Path) -> None:
    """Runs the blocks of a page in order; each must end well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **os.environ,
        "PATH": path,
        "MINTMARK_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
    }
    for language, text in blocks(page):
        if language not in RUN:
            continue
        done = subprocess.run(
            RUN[language],
            input=text,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not done.returncode, f"{title(page)}:\n{text}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the tests' own, shared by the pages."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder that the tutorial leaves, played once."""
    folder = tmp_path_factory.mktemp("tutorial")
    play(TUTORIAL, folder, cache)
    return folder


@pytest.mark.parametrize("page", WITH_CODE)
def test_blocks_run(
    page: Path, tmp_path: Path, cache: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "here"
    if page == TUTORIAL or GOES_ON in " ".join(page.read_text().split()):
        shutil.copytree(request.getfixturevalue("tutorial"), folder)
    if page != TUTORIAL:
        folder.mkdir(exist_ok=True)
        play(page, folder, cache)
    assert any(folder.iterdir()) or "reference" in page.parts


@pytest.mark.parametrize("page", pages(), ids=title)
def test_no_block_escapes(page: Path) -> None:
    text = page.read_text()
    assert {language for language, _ in blocks(page)} <= {*RUN, *SHOWN}
    assert len(re.findall(r"^ *(```|~~~)", text, re.MULTILINE)) == 2 * len(blocks(page))
