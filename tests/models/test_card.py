from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mintmark.core.errors import PackageError
from mintmark.core.records import Lineage, Rights
from mintmark.models.card import parse, render
from mintmark.models.conditions import Conditions
from mintmark.models.package import Config

NAMES = Conditions(classes=("zero", "one"))
CONFIG = Config("digits", "r3gan", {}, NAMES, 8, 8, 1, ("G",), "0.1.0")
LINEAGE = Lineage("ab" * 32, Rights("CC-BY-4.0", ("Ada", "Grace"), "two folders"), "0.1.0", 3)
SECTIONS = ["What it is", "How to use", "Training data and rights", "Figures", "Limits"]


def card(config: Config = CONFIG, lineage: Lineage = LINEAGE, command: str = "mintmark") -> str:
    return render(config, lineage, {"FD(own)": "3.2, n = 1000"}, command, "two cores", ["Small."])


def headings(text: str) -> list[str]:
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_front_matter_comes_back() -> None:
    front = parse(card())
    assert front["license"] == "cc-by-4.0"
    assert front["library_name"] == "mintmark"
    assert front["pipeline_tag"] == "unconditional-image-generation"
    assert front["tags"] == ["gan", "mintmark", "r3gan", "digits"]
    assert front["mintmark"]["classes"] == ["zero", "one"]
    assert front["mintmark"]["seed"] == 3
    assert next(iter(front)) == "license"


def test_sections_and_what_they_say() -> None:
    text = card()
    assert headings(text) == SECTIONS
    for words in (
        "8 x 8 pixels",
        "zero, one",
        "mintmark generate",
        "mm.load",
        "CC-BY-4.0",
        "Ada; Grace",
        "two folders",
        "FD(own): 3.2, n = 1000",
        "two cores",
        "Small.",
    ):
        assert words in text


def test_a_model_without_classes_or_rights() -> None:
    plain = replace(CONFIG, conditions=Conditions())
    text = render(plain, replace(LINEAGE, rights=Rights()), {}, "c", "h", [])
    assert parse(text)["license"] == "unknown"
    assert "--class" not in text
    assert "None were measured." in text and "None were recorded." in text


@settings(max_examples=60, deadline=None)
@given(name=st.text())
@example("a\n---\n# Injected\n## Injected")
@example("---")
@example("\n---\nlicense: mit\n---\n")
@example("null")
@example("'\"\\ \t: #{[&*!|>%@`")
@example("\x00\x1b[31m\x85\u2028\ufeff\ufffe")
@example("😀 ]]> <script>alert(1)</script>")
@example("1\r\r\n---\r\n")
@example("\x85")
def test_hostile_names_stay_names(name: str) -> None:
    hostile = replace(CONFIG, conditions=Conditions(classes=(name, "one")), task=f"x{name}")
    rights = Rights(licence="MIT", attribution=(name,), source=name)
    text = card(hostile, replace(LINEAGE, rights=rights))
    front = parse(text)
    assert front["mintmark"]["classes"] == [name, "one"]
    assert front["tags"][3] == f"x{name}"
    assert front["license"] == "mit"
    assert headings(text) == SECTIONS
    assert "<script" not in text.replace("\\<script", "").split("\n---\n", 1)[1]


def test_a_command_cannot_leave_its_code_block() -> None:
    text = card(command="echo ```\n## Injected\n````\n")
    assert "`````sh\necho ```\n## Injected\n````\n\n`````" in text


@pytest.mark.parametrize(
    "text", ["", "# Card", "---\n- a\n---\n", "---\na: [\n---\n", "---\na: 1\n"]
)
def test_a_card_without_front_matter(text: str) -> None:
    with pytest.raises(PackageError, match=r"front matter"):
        parse(text)


def test_no_code_runs_from_front_matter() -> None:
    with pytest.raises(PackageError):
        parse("---\na: !!python/object/apply:os.getcwd []\n---\n")
