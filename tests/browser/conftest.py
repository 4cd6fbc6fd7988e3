"""A real browser, and evaluations that fill a page to its edges."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

from mintmark.actions.evaluation import Chart, ClassFigures, Evaluation, Line, Sheet
from mintmark.core.media import Picture
from mintmark.core.records import Score
from mintmark.data.encode import encode
from mintmark.metrics.memorisation import Novelty

LONG = "a-name-that-has-no-place-to-break-" * 3
PROTOCOL = {"features": "digits", "extractor": "12" * 32, "real": 1000, "fake": 900, LONG: LONG}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("NO BROWSER: no page was opened; `make browser` installs Chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def _sheet(name: str, width: int) -> Sheet:
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (90, width, 3), dtype=np.uint8)
    return Sheet(name, name, f"Noise, {LONG}.", encode(Picture(noise), "png"))


def _chart(name: str, lines: int, points: int) -> Chart:
    x = tuple(float(n) for n in range(points))
    drawn = tuple(
        Line(f"line {n} {LONG}", x, tuple(nan if i == 3 else n - 0.1 * i for i in range(points)))
        for n in range(lines)
    )
    return Chart(name, name, f"About it, {LONG}.", "images seen", "share", drawn)


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """Long names, wide pictures, many classes, every section."""
    scores = [
        Score(name, 12_345.678, PROTOCOL, 0.001, 1.0)
        for name in ("FD", "KID", "MIND", "precision", "recall", "density", "coverage", "PPL")
    ]
    note = f"not meaningful: {LONG}"
    pixels = {**PROTOCOL, "features": "pixels"}
    return Evaluation(
        package="9f" * 32,
        task=LONG,
        facts={"package": LONG, "data": LONG, "generated": "900", "real": "1,000", LONG: LONG},
        scores=(*scores, Score("coverage", 0.9, pixels, 0.01, note=note)),
        novelty=Novelty(1.0, 1.1, 0.6, 0.2, 0.01, True, ()),
        classes=tuple(ClassFigures(f"{n} {LONG}", 90, 99, 0.9, 0.01, 0.5) for n in range(20)),
        charts=(_chart("truncation", 3, 6), _chart("losses", 1, 900), _chart("spread", 8, 30)),
        sheets=tuple(
            _sheet(name, width)
            for name, width in (
                ("samples", 3000),
                ("real", 60),
                ("neighbours", 418),
                ("interpolation", 418),
            )
        ),
    )


@pytest.fixture(scope="session")
def models(evaluation: Evaluation) -> list[tuple[str, Evaluation]]:
    """Several; one was measured by another protocol, one has nothing."""
    evaluation = replace(evaluation, charts=evaluation.charts[:2])
    other = replace(evaluation.scores[0], protocol={**PROTOCOL, "real": 7})
    odd = replace(evaluation, scores=(other, *evaluation.scores[1:]))
    empty = replace(evaluation, scores=(), charts=(), sheets=(), novelty=None)
    return [(f"{n}-{LONG}", evaluation) for n in range(4)] + [("odd", odd), ("empty", empty)]
