import re
from base64 import b64decode
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions.evaluation import (
    Chart,
    ClassFigures,
    Evaluation,
    Line,
    Sheet,
    load,
    save,
)
from mintmark.actions.page import render, render_comparison
from mintmark.core.media import Picture
from mintmark.core.records import Score
from mintmark.data.encode import encode
from mintmark.metrics.memorisation import Novelty

HOSTILE = "\"><img src=http://bad.example onerror=alert(1)></style></title><script>x</script>'{{x}}"
PROTOCOL = {"features": "digits", "extractor": "12" * 32, "real": 1000, "fake": 900, "seed": 0}
VOID = {"meta", "img", "link", "br", "hr", "input"}


def png(width: int, height: int = 8) -> bytes:
    return encode(Picture(np.zeros((height, width, 1), np.uint8)), "png")


WHOLE = Evaluation(
    package="9f" * 32,
    task="digits",
    facts={"package": "mine", "generated": "900", "licence": "CC-BY-4.0", "made by": "Mintmark"},
    scores=(
        Score("FD", 5.0, PROTOCOL, 0.1, 0.5),
        Score("KID", 0.01, {**PROTOCOL, "subsets": 100}, 0.001),
        Score("coverage", 0.9, {**PROTOCOL, "features": "pixels"}, 0.01, note="not meaningful"),
    ),
    novelty=Novelty(1.0, 1.1, 0.6, 0.02, 0.01, False, ()),
    classes=(ClassFigures("three", 90, 100, 0.95, 0.02, None),),
    charts=(
        Chart(
            "truncation", "Truncation", "About it.", "psi", "share", (Line("p", (0, 1), (1, 0)),)
        ),
        Chart("losses", "Losses", "About them.", "images", "loss", (Line("D", (0, 1), (1, 0)),)),
    ),
    sheets=(
        Sheet("samples", "Generated", "What was drawn.", png(100)),
        Sheet("real", "Real", "What was seen.", png(900)),
        Sheet("neighbours", "Nearest", "Pairs.", png(80)),
        Sheet("interpolation", "Ways", "Strips.", png(80)),
    ),
)
BARE = Evaluation("9f" * 32, "digits", {}, (), None, (), (), ())


def hostile() -> Evaluation:
    """Every text of an evaluation tries to break out."""
    score = Score(HOSTILE, 1.0, {HOSTILE: HOSTILE, "features": HOSTILE}, 0.1, None, HOSTILE)
    line = Line(HOSTILE, (0, 1), (0, 1))
    return Evaluation(
        HOSTILE,
        HOSTILE,
        {HOSTILE: HOSTILE, "package": HOSTILE},
        (score, replace(score, protocol={})),
        WHOLE.novelty,
        (ClassFigures(HOSTILE, 1, 1, 0.5, 0.1, 0.5), ClassFigures("b", 1, 1, 1.0, 0.1, 0.5)),
        (Chart(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (line, line)),),
        (Sheet("samples", HOSTILE, HOSTILE, b"\x89PNG"), Sheet("o", HOSTILE, HOSTILE, png(8))),
    )


class Reader(HTMLParser):
    """Elements with their attributes, the text, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def pages(evaluation: Evaluation) -> list[str]:
    return [render(evaluation), render_comparison([("a", evaluation), (HOSTILE, evaluation)])]


@pytest.mark.parametrize("evaluation", [WHOLE, BARE, hostile()], ids=["whole", "bare", "hostile"])
def test_pages_are_well_formed_and_ask_for_nothing(evaluation: Evaluation) -> None:
    for page in pages(evaluation):
        reader = Reader(page)
        assert reader.open == []
        for tag, attributes in reader.elements:
            assert tag not in {"script", "link", "iframe", "object", "form", "base"}
            assert not [name for name in attributes if name.startswith("on")]
            assert str(attributes.get("src", "data:image/png;base64,")).startswith("data:image/png")
            assert str(attributes.get("href", "#")).startswith("#")
        style = page[page.index("<style>") : page.index("</style>")]
        assert "url(" not in style and "@import" not in style and "http" not in style
        policy = reader.all("meta")[1]["content"] or ""
        assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


@pytest.mark.parametrize("evaluation", [WHOLE, BARE, hostile()], ids=["whole", "bare", "hostile"])
def test_pages_have_one_heading_and_links_that_lead_somewhere(evaluation: Evaluation) -> None:
    for page in pages(evaluation):
        reader = Reader(page)
        assert len(reader.all("h1")) == 1 and reader.all("html") == [{"lang": "en"}]
        ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {link["href"] for link in reader.all("a")} <= {f"#{name}" for name in ids}
        sections = {section["aria-labelledby"] for section in reader.all("section")}
        assert {f"#{name}" for name in sections} | {"#main"} == {
            link["href"] for link in reader.all("a")
        }
        assert all(image["alt"] for image in reader.all("img"))
        for scope in (cell["scope"] for cell in reader.all("th")):
            assert scope in {"col", "row"}
        assert len(reader.all("caption")) == len(reader.all("table"))


def test_hostile_texts_stay_texts() -> None:
    for page in pages(hostile()):
        reader = Reader(page)
        assert HOSTILE in reader.text
        assert len(reader.all("style")) == 1
        tags = {tag for tag, _ in reader.elements}
        assert tags <= {tag for page in pages(WHOLE) for tag, _ in Reader(page).elements} | {"br"}


def test_equal_evaluations_give_equal_pages() -> None:
    assert pages(WHOLE) == pages(replace(WHOLE))


def test_a_page_holds_every_picture_whole() -> None:
    images = Reader(render(WHOLE)).all("img")
    found = {b64decode(str(image["src"]).partition(",")[2]) for image in images}
    assert found == {sheet.content for sheet in WHOLE.sheets}
    sizes = {(image["width"], image["height"], image.get("class")) for image in images}
    assert ("900", "8", None) in sizes and ("100", "8", "pixels") in sizes


def test_a_page_tells_every_figure_with_its_protocol() -> None:
    reader = Reader(render(WHOLE))
    words = " ".join(reader.text.split())
    for said in (
        "4.80 to 5.20",
        "0.28",
        "Equal laws would show about 0.50",
        "Not meaningful.",
    ):
        assert said in words
    assert "How far apart are generated and real pictures" in words
    for key, value in {**PROTOCOL, "subsets": 100}.items():
        assert f"{key} {value}" in words
    assert words.count("KID also") == 1 and "FD also" not in words  # all of FD's is shared


def test_protocols_of_scores_with_one_name_are_both_told() -> None:
    two = [Score("PPL", 1.0, {**PROTOCOL, "space": space}, 0.1) for space in ("z", "w")]
    words = " ".join(Reader(render(replace(BARE, scores=tuple(two)))).text.split())
    assert "space z" in words and "space w" in words


def test_the_facts_and_the_licence_are_told() -> None:
    words = " ".join(Reader(render(WHOLE)).text.split())
    for name, value in WHOLE.facts.items():
        assert f"{name} {value}" in words
    assert WHOLE.package in words and "synthetic" in words


@pytest.mark.parametrize("name", ["scores", "novelty", "classes", "charts", "sheets", "facts"])
def test_what_was_not_measured_is_left_out(name: str) -> None:
    empty = {field.name: getattr(BARE, field.name) for field in fields(BARE)}
    assert Reader(render(replace(WHOLE, **{name: empty[name]}))).open == []
    assert Reader(render_comparison([("a", WHOLE), ("b", replace(WHOLE, **{name: empty[name]}))]))


def test_undefined_numbers_do_not_break_a_page() -> None:
    nan = float("nan")
    broken = replace(
        WHOLE,
        scores=(Score("FD", nan, PROTOCOL, nan, nan), Score("KID", 1e300, PROTOCOL, 5e-324)),
        novelty=Novelty(nan, nan, nan, nan, nan, False, ()),
        classes=(ClassFigures("three", 0, 0, nan, nan, nan),),
        charts=(replace(WHOLE.charts[0], lines=(Line("p", (0, 1), (nan, nan)),)),),
    )
    for page in pages(broken):
        assert "undefined" in page and Reader(page).all("svg") == []


def test_a_long_list_of_classes_is_folded() -> None:
    many = tuple(ClassFigures(f"class {n}", 9, 9, 0.5, 0.1, 0.5) for n in range(100))
    assert "<summary>All 100 classes</summary>" in render(replace(WHOLE, classes=many))
    assert "classes</summary>" not in render(WHOLE)


def test_a_chart_has_its_numbers_beside_it() -> None:
    reader = Reader(render(WHOLE))
    assert len(reader.all("svg")) == 2
    assert "Numbers of “Losses”" in reader.text


def test_a_comparison_overlays_what_the_models_share() -> None:
    losses = replace(WHOLE.charts[1], lines=(*WHOLE.charts[1].lines, Line("G", (0, 1), (2, 1))))
    other = replace(WHOLE, charts=(losses,))
    page = render_comparison([("first", WHOLE), ("second", other), ("third", other)])
    titles = re.findall("<title>([^<]*)</title>\n<desc>", page)
    assert titles == ["Losses", "Losses: G"]  # one model alone has the truncation
    names = re.findall(r'<text class="name"[^>]*>([^<]*)<', page)
    assert names == ["first", "second", "third", "second", "third"]


def test_a_comparison_names_the_best_and_shows_its_samples() -> None:
    worse = replace(WHOLE, scores=(replace(WHOLE.scores[0], value=9.0), *WHOLE.scores[1:]))
    page = render_comparison([("first", worse), ("second", WHOLE)])
    words = " ".join(Reader(page).text.split())
    assert "Best: second." in words and "No meaningful difference." in words
    assert len(Reader(page).all("img")) == 2
    best = [cell for cell in Reader(page).all("td") if "best" in str(cell.get("class"))]
    assert [cell["data-label"] for cell in best] == ["second"]


def test_a_comparison_tells_what_differs() -> None:
    other = replace(WHOLE, facts={**WHOLE.facts, "package": "yours"})
    words = " ".join(Reader(render_comparison([("a", WHOLE), ("b", other)])).text.split())
    assert "Where the models differ a b package mine yours" in words
    assert words.count("CC-BY-4.0") == 1


def test_a_report_that_was_read_back_gives_the_same_page(tmp_path: Path) -> None:
    save(WHOLE, tmp_path)
    again, first = Reader(render(load(tmp_path))), Reader(render(WHOLE))
    assert sorted(again.text.split()) == sorted(first.text.split())  # JSON sorts the facts
