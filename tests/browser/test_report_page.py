"""The pages of a report in a real browser: no request, no barrier, no overflow."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from mintmark.actions.evaluation import Evaluation
from mintmark.actions.page import render, render_comparison

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
Tabs = Callable[[Scheme, int], Page]

DESK, PHONE = 1280, 390


@pytest.fixture(scope="module")
def folder(
    evaluation: Evaluation,
    models: list[tuple[str, Evaluation]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Both kinds of page as files."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "report.html").write_text(render(evaluation), encoding="utf-8")
    (folder / "compare.html").write_text(render_comparison(models), encoding="utf-8")
    return folder


@pytest.fixture(params=["report", "compare"])
def path(folder: Path, request: pytest.FixtureRequest) -> Path:
    return folder / f"{request.param}.html"


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Opens tabs of an offline browser."""
    with ExitStack() as contexts:

        def tab(scheme: Scheme, width: int) -> Page:
            size = ViewportSize(width=width, height=900)
            context = browser.new_context(viewport=size, color_scheme=scheme, offline=True)
            contexts.callback(context.close)
            return context.new_page()

        yield tab


def unfold(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return page


def test_it_opens_offline_and_asks_for_nothing(tabs: Tabs, path: Path) -> None:
    page = tabs("light", DESK)
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    unfold(page, path).wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith("data:image/png;")] == [path.as_uri()]
    assert complaints == []
    broken = "[...document.images].filter(one => !one.complete || one.naturalWidth === 0).length"
    assert page.evaluate(broken) == 0


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_passes_an_accessibility_audit(
    tabs: Tabs, path: Path, scheme: Scheme, width: int
) -> None:
    found = Axe().run(unfold(tabs(scheme, width), path))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [DESK, 700, PHONE, 320])
def test_nothing_overflows_and_text_can_be_read(tabs: Tabs, path: Path, width: int) -> None:
    """No text is set smaller than 11 pixels, in charts as they are scaled on the page."""
    page = unfold(tabs("light", width), path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    beyond = """[...document.querySelectorAll('main *')].filter(one =>
        !one.closest('.scroll') && !one.closest('svg') && !one.closest('thead')
        && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML)"""
    assert page.evaluate(beyond) == []
    small = """[...document.querySelectorAll('main *, footer *')].filter(one => {
        if (!one.firstChild || one.firstChild.nodeType !== Node.TEXT_NODE) return false;
        if (['TITLE', 'DESC'].includes(one.tagName.toUpperCase())) return false;
        const drawing = one.closest('svg');
        const scale = drawing ? drawing.getScreenCTM().a : 1;
        return parseFloat(getComputedStyle(one).fontSize) * scale < 11;
    }).map(one => one.outerHTML)"""
    assert width < PHONE or page.evaluate(small) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_stand_out_from_the_paper(tabs: Tabs, folder: Path, scheme: Scheme) -> None:
    """At least 3 : 1 in both schemes, as WCAG 2.2 asks of graphics (1.4.11)."""
    page = unfold(tabs(scheme, DESK), folder / "compare.html")
    stroke = "one => getComputedStyle(one).stroke.match(/\\d+/g).map(Number)"
    lines = page.evaluate(f"[...document.querySelectorAll('.stroke')].map({stroke})")
    paper = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert lines
    for line in map(luminance, lines):
        high, low = max(line, luminance(paper)), min(line, luminance(paper))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_the_keyboard_reaches_the_report(tabs: Tabs, folder: Path) -> None:
    page = tabs("light", DESK)
    page.goto((folder / "report.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def luminance(colour: list[int]) -> float:
    """Relative luminance of an sRGB colour, as WCAG 2.2 defines it."""
    parts = [c / 255 for c in colour]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
