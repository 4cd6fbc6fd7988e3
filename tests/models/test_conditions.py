import json
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mintmark.core.errors import ConfigError, InputError, PackageError
from mintmark.core.strict_json import parse_json
from mintmark.models import captions
from mintmark.models.captions import BUCKETS, GRAMS, WORDS
from mintmark.models.conditions import Choice, Conditions, Number
from mintmark.models.layers.condition import TextEncoder

HAIR = Choice("hair", ("black", "brown", "red"), (0.5, 0.25, 0.25))
SMILE = Choice("smile", ("no", "yes"), (0.75, 0.25))
AGE = Number("age", 10.0, 50.0)
FACES = Conditions(attributes=(HAIR, AGE, SMILE))
WORDY = Conditions(words=("blue", "cat", "red", "tree"), examples=("a red cat", "blue tree"))
NOTHING = {"classes": 0, "attributes": 0, "words": 0, "sentence": 0}
KINDS = {
    "none": Conditions(),
    "class": Conditions(classes=("cats", "dögs \n")),
    "attributes": FACES,
    "text": WORDY,
}


@pytest.mark.parametrize("kind", KINDS)
def test_conditions_come_back_from_their_file(kind: str) -> None:
    conditions = KINDS[kind]
    assert conditions.kind == kind
    text = json.dumps(conditions.to_json())
    assert Conditions.from_json(parse_json(text.encode(), "config.json")) == conditions


def test_what_networks_are_told() -> None:
    assert KINDS["class"].sizes == {**NOTHING, "classes": 2}
    assert FACES.sizes == {**NOTHING, "attributes": 3 + 2 + 2}
    assert WORDY.sizes == {**NOTHING, "words": BUCKETS}
    assert replace(WORDY, encoder="minilm").sizes == {**NOTHING, "sentence": 384}
    with pytest.raises(ConfigError, match="no text encoder 'clip'; choose one of minilm"):
        _ = replace(WORDY, encoder="clip").sizes


def test_packages_without_a_text_encoder_need_not_say_so() -> None:
    older = {name: value for name, value in WORDY.to_json().items() if name != "encoder"}
    assert Conditions.from_json(older) == WORDY
    for broken in ({**FACES.to_json(), "encoder": "minilm"}, {**WORDY.to_json(), "encoder": 1}):
        with pytest.raises(InputError):
            Conditions.from_json(broken)


def test_rows_of_attributes() -> None:
    rows = FACES.of_attributes([{"hair": "brown", "age": 20.0, "smile": "yes"}, {"age": 50.0}, {}])
    assert rows.dtype == torch.float32
    assert rows.tolist() == [
        [0, 1, 0, -0.5, 1, 0, 1],
        [0, 0, 0, 1, 1, 0, 0],  # what is missing is zero throughout
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert FACES.values_of(rows).tolist() == [[1, 1], [-1, -1], [-1, -1]]


def test_rows_of_classes() -> None:
    rows = KINDS["class"].of_classes([1, 0, 1])
    assert rows.dtype == torch.int64 and rows.tolist() == [1, 0, 1]


def test_what_is_not_known_is_refused_with_the_nearest() -> None:
    assert HAIR.checked("red") == "red"
    assert AGE.checked("12.5") == 12.5
    with pytest.raises(ConfigError, match=r"'hair' cannot be 'braun'; did you mean 'brown'\?"):
        HAIR.checked("braun")
    with pytest.raises(ConfigError, match=r"no attribute 'hear'; did you mean 'hair'\?"):
        FACES.attribute("hear")
    with pytest.raises(ConfigError, match="Its values are: black, brown, red"):
        HAIR.checked("")
    for value in ("9", "51", "old", "nan", "inf", ""):
        with pytest.raises(ConfigError, match="'age' takes a number from 10 to 50"):
            AGE.checked(value)


def test_drawn_values_cover_their_law() -> None:
    shares = np.arange(1000) / 1000
    drawn = [HAIR.drawn(share) for share in shares]
    assert [drawn.count(value) for value in HAIR.values] == [500, 250, 250]
    assert HAIR.drawn(1 - 1e-16) == "red"
    assert AGE.drawn(0.0) == 10.0 and AGE.drawn(0.75) == 40.0
    odd = Choice("x", ("a", "b"), (0.0, 0.0))  # of a hostile file
    assert odd.drawn(0.5) in odd.values


def changed(**fields: object) -> dict[str, Any]:
    return {**FACES.to_json(), **fields}


CHOICE = {"name": "hair", "values": ["a", "b"], "shares": [0.5, 0.5]}
NUMBER = {"name": "age", "low": 0.0, "high": 1.0}
HOSTILE: dict[str, Any] = {
    "a list": [],
    "nothing": {},
    "unknown field": changed(moods=[]),
    "two kinds": changed(classes=["cats"]),
    "words and classes": {**WORDY.to_json(), "classes": ["a"]},
    "words without examples": {**WORDY.to_json(), "examples": []},
    "classes of numbers": {**KINDS["class"].to_json(), "classes": [1]},
    "name twice": changed(attributes=[CHOICE, {**NUMBER, "name": "hair"}]),
    "an attribute that is none": changed(attributes=["hair"]),
    "shares in words": changed(attributes=[{**CHOICE, "shares": ["a", "b"]}]),
    "shares of truth": changed(attributes=[{**CHOICE, "shares": [True, False]}]),
    "a share of NaN": changed(attributes=[{**CHOICE, "shares": [float("nan"), 0.5]}]),
    "a share beyond 1": changed(attributes=[{**CHOICE, "shares": [1.5, 0.5]}]),
    "a negative share": changed(attributes=[{**CHOICE, "shares": [-0.5, 0.5]}]),
    "too few shares": changed(attributes=[{**CHOICE, "shares": [1.0]}]),
    "a value twice": changed(attributes=[{**CHOICE, "values": ["a", "a"]}]),
    "one value": changed(attributes=[{**CHOICE, "values": ["a"], "shares": [1.0]}]),
    "values in numbers": changed(attributes=[{**CHOICE, "values": [1, 2]}]),
    "a range of NaN": changed(attributes=[{**NUMBER, "low": float("nan")}]),
    "a range to infinity": changed(attributes=[{**NUMBER, "high": float("inf")}]),
    "an empty range": changed(attributes=[{**NUMBER, "high": 0.0}]),
    "a range in words": changed(attributes=[{**NUMBER, "high": "1"}]),
    "both in one": changed(attributes=[{**CHOICE, **NUMBER}]),
}


def as_read(value: Any) -> Any:
    """The value as a reader of JSON that lets NaN pass would give it."""
    return json.loads(json.dumps(value))


def test_the_control_is_read() -> None:
    assert Conditions.from_json(as_read(changed(attributes=[CHOICE, NUMBER]))).kind == "attributes"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_conditions_are_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        Conditions.from_json(as_read(HOSTILE[name]))
    assert "config.json" in str(caught.value) and "\n" not in str(caught.value)


def test_words_of_a_caption() -> None:
    assert captions.words("A red-haired CAT, 2 trees; Straße!") == [
        "a",
        "red",
        "haired",
        "cat",
        "2",
        "trees",
        "strasse",
    ]
    assert captions.vocabulary(["b a", "a c"]) == ("a", "b", "c")


def test_tokens_are_the_same_for_ever() -> None:
    """A package that was trained once must read its captions the same way later."""
    rows = captions.tokens(["A red cat", "", "incomprehensibilities " * 20])
    assert rows.shape == (3, WORDS, GRAMS) and rows.dtype == np.int64
    assert crc32(rows.astype("<i8").tobytes()) == 819930175
    assert not rows[1].any()
    assert rows.max() < BUCKETS and rows.min() == 0
    assert (rows[2] > 0).all()  # no more words and grams than fit
    assert np.array_equal(captions.tokens(["a RED, cat"])[0], rows[0])


def shared(one: str, other: str) -> float:
    """How many units of a word are also another one's."""
    bags = [set(captions.tokens([word])[0, 0]) - {0} for word in (one, other)]
    return len(bags[0] & bags[1]) / len(bags[0])


@pytest.mark.parametrize(
    ("wrong", "right"), [("yelow", "yellow"), ("triangel", "triangle"), ("colours", "colour")]
)
def test_a_misspelt_word_shares_most_units_with_the_right_one(wrong: str, right: str) -> None:
    assert shared(wrong, right) >= 0.5
    others = ("square", "circle", "purple", "smile", "beard")
    assert max(shared(wrong, other) for other in others) <= 0.25


def test_a_caption_needs_one_known_word() -> None:
    known = ("blue", "red", "tree", "triangle")
    captions.require_known("a red thing", known)
    captions.require_known("RED!", known)
    with pytest.raises(
        ConfigError,
        match=r"any word of 'a triangel'; the nearest .*: triangle",
    ):
        captions.require_known("a triangel", known)
    with pytest.raises(ConfigError, match="for instance: blue, red, tree, triangle"):
        captions.require_known("zzz", known)
    with pytest.raises(ConfigError, match="for instance"):
        captions.require_known("...", known)


def test_the_encoder_reads_words_in_order_and_skips_nothing_more() -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(BUCKETS, 8)
    rows = torch.from_numpy(captions.tokens(["red cat", "cat red", "red cat", "", "red cats"]))
    found = encoder(rows).detach()
    assert torch.isfinite(found).all()
    assert torch.equal(found[0], found[2])
    apart = (found[0] - found).norm(dim=1)
    assert apart[1] > 1e-3 and apart[3] > 1e-3
    assert apart[4] < apart[3]  # a spelling near is nearer than silence


def test_an_encoder_does_not_see_how_many_words_might_follow() -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(BUCKETS, 8)
    rows = torch.from_numpy(captions.tokens(["a red cat"]))
    torch.testing.assert_close(encoder(rows[:, :5]), encoder(rows))


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_becomes_rows(texts: list[str]) -> None:
    rows = captions.tokens(texts)
    assert rows.shape == (len(texts), WORDS, GRAMS)
    assert rows.size == 0 or (rows.min() >= 0 and rows.max() < BUCKETS)


def test_a_hostile_file_is_a_damaged_package() -> None:
    with pytest.raises(PackageError, match="contradicts itself"):
        Conditions.from_json(as_read(HOSTILE["two kinds"]))
