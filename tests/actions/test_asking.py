import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from mintmark.actions import asking
from mintmark.actions.asking import PLAIN, Mix, Vary, Wish
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.records import Rights
from mintmark.core.strict_json import parse_json
from mintmark.data.manifest import Item, Snapshot
from mintmark.engines.synthesis import latents
from mintmark.models.conditions import Choice, Conditions, Number

HAIR = Choice("hair", ("black", "brown", "red"), (0.5, 0.3, 0.2))
SMILE = Choice("smile", ("no", "yes"), (0.9, 0.1))
AGE = Number("age", 10.0, 50.0)
FACES = Conditions(attributes=(AGE, HAIR, SMILE))
WORDY = Conditions(words=("cat", "red", "tree"), examples=("a red cat", "tree"))
CLASSES = Conditions(classes=("cats", "dogs", "birds"))


def item(
    number: int,
    attributes: Mapping[str, Any] | None = None,
    label: int | None = None,
    text: str | None = None,
) -> Item:
    return Item(f"{number}.png", "0", 1, 8, 8, 3, 8, label, text, attributes or {})


def snapshot(*rows: Mapping[str, Any], classes: tuple[str, ...] = ()) -> Snapshot:
    """A data set whose pictures have these attributes."""
    items = tuple(item(number, row) for number, row in enumerate(rows))
    return Snapshot(items, classes, Rights())


def captioned(*texts: str | None) -> Snapshot:
    items = tuple(item(number, text=text) for number, text in enumerate(texts))
    return Snapshot(items, (), Rights())


def test_columns_become_attributes() -> None:
    data = snapshot(
        {"smile": True, "age": 1, "hair": "red", "beard": "true", "code": 0, "odd": True},
        {"smile": False, "age": 2.5, "hair": "", "beard": "False", "code": 1, "odd": 2},
        {"smile": False, "age": None, "hair": "black", "code": 1, "odd": 3},
        {"smile": False, "age": 9, "hair": "black", "beard": "True", "code": 1},
    )
    assert asking.infer(data, "attributes").attributes == (
        Number("age", 1.0, 9.0),
        Choice("beard", ("no", "yes"), (1 / 3, 2 / 3)),
        Choice("code", ("0", "1"), (0.25, 0.75)),  # two numbers are a choice
        Choice("hair", ("black", "red"), (2 / 3, 1 / 3)),
        Choice("odd", ("2", "3", "yes"), (1 / 3, 1 / 3, 1 / 3)),  # truths are no numbers
        Choice("smile", ("no", "yes"), (0.75, 0.25)),
    )


def test_columns_that_say_nothing_are_left_out() -> None:
    rows = [
        {"name": f"n{n}", "same": "x", "licence": "AB"[n % 2], "hair": "ab"[n % 2]}
        for n in range(40)
    ]
    found = asking.infer(snapshot(*rows), "attributes")
    assert [one.name for one in found.attributes] == ["hair"]
    with pytest.raises(DataError, match=r"columns with values beside file_name in metadata\.csv"):
        asking.infer(snapshot(*({"name": row["name"]} for row in rows)), "attributes")


def test_what_was_inferred_is_what_each_picture_shows() -> None:
    rows: list[dict[str, Any]] = [
        {"smile": n % 3 == 0, "age": n, "kind": ("None", "a")[n % 2]} for n in range(6)
    ]
    rows[5] = {"smile": None, "age": None}
    data = snapshot(*rows)
    conditions = asking.infer(data, "attributes")
    learned = asking.learned(conditions, data)
    assert learned is not None and learned.shape == (6, 2 + 2 + 2)
    asked: list[dict[str, str | float]] = [
        {"smile": "no" if n % 3 else "yes", "age": n, "kind": ("None", "a")[n % 2]}
        for n in range(5)
    ]
    assert torch.equal(learned, conditions.of_attributes([*asked, {}]))


def test_values_that_are_not_known_are_missing_and_numbers_stay_in_range() -> None:
    data = snapshot({"hair": "green", "age": 99}, {"hair": "red", "age": -5, "smile": "yes"})
    found = asking.learned(FACES, data)
    assert found is not None
    wanted = FACES.of_attributes([{"age": 50.0}, {"hair": "red", "age": 10.0, "smile": "yes"}])
    assert torch.equal(found, wanted)


def test_captions_become_words_and_examples() -> None:
    texts = [f"a {colour} cat number{n}" for n in range(50) for colour in ("red", "blue")]
    found = asking.infer(captioned(*texts), "text")
    assert {"a", "red", "blue", "cat", "number7"} <= set(found.words)
    assert 1 < len(found.examples) <= asking.EXAMPLES
    assert set(found.examples) <= set(texts)
    with pytest.raises(DataError, match="2 have none; add a column text"):
        asking.infer(captioned("a cat", None, "..."), "text")
    with pytest.raises(DataError, match="some pictures have none"):
        asking.learned(found, captioned("a cat", None))


def test_classes_are_needed_where_they_are_learned() -> None:
    whole = Snapshot((item(0, label=1), item(1, label=0)), ("cats", "dogs"), Rights())
    assert asking.infer(whole, "class").classes == ("cats", "dogs")
    found = asking.learned(CLASSES, whole)
    assert found is not None and found.tolist() == [1, 0]
    renamed = Snapshot(whole.items, ("dogs", "cats"), Rights())
    found = asking.learned(CLASSES, renamed)  # by name, not by number
    assert found is not None and found.tolist() == [0, 1]
    some = Snapshot((item(0, label=1), item(1)), ("cats", "dogs"), Rights())
    with pytest.raises(DataError, match="a class for every picture"):
        asking.infer(some, "class")
    with pytest.raises(DataError, match="the pictures have none"):
        asking.learned(CLASSES, some)
    with pytest.raises(DataError, match="'fish', which the package does not draw"):
        asking.learned(CLASSES, Snapshot(whole.items, ("cats", "fish"), Rights()))
    assert asking.infer(whole, "none") == Conditions()
    assert asking.learned(Conditions(), whole) is None


def test_what_is_not_asked_follows_the_law_of_the_data() -> None:
    count = 4000
    rows = asking.rows(FACES, 5, range(count), PLAIN)
    assert rows is not None
    values = FACES.values_of(rows)
    for place, choice in enumerate((HAIR, SMILE)):
        seen = [int((values[:, place] == number).sum()) for number in range(choice.width)]
        expected = [share * count for share in choice.shares]
        square = sum((s - e) ** 2 / e for s, e in zip(seen, expected, strict=True))
        free = choice.width - 1
        assert square < free + 3 * (2 * free) ** 0.5 + 4  # three sigma, and its skew
    ages = rows[:, 0]
    assert float(ages.mean()) == pytest.approx(0.0, abs=3 * (1 / 3 / count) ** 0.5)
    assert float(ages.std()) == pytest.approx(3**-0.5, rel=0.05)
    together = Counter((int(a), int(b)) for a, b in values)
    assert together[2, 1] == pytest.approx(0.02 * count, abs=3 * (0.02 * count) ** 0.5)


def test_what_is_not_asked_is_the_same_for_the_same_number() -> None:
    whole = asking.rows(FACES, 5, range(20), PLAIN)
    alone = asking.rows(FACES, 5, [7], PLAIN)
    red = asking.rows(FACES, 5, [7], Wish(attributes={"hair": "red"}))
    other = asking.rows(FACES, 6, range(20), PLAIN)
    assert whole is not None and alone is not None and red is not None and other is not None
    assert torch.equal(whole[7], alone[0])
    assert red[0, 2:5].tolist() == [0, 0, 1]
    kept = [0, 1, 5, 6]  # asking for one leaves the others as they were
    assert torch.equal(red[0, kept], whole[7, kept])
    assert not torch.equal(whole, other)


def test_classes_and_examples_come_in_turn() -> None:
    rows = asking.rows(CLASSES, 0, range(5), PLAIN)
    assert rows is not None and rows.tolist() == [0, 1, 2, 0, 1]
    rows = asking.rows(CLASSES, 0, range(2), Wish("birds"))
    assert rows is not None and rows.tolist() == [2, 2]
    rows = asking.rows(WORDY, 0, range(3), PLAIN)
    assert rows is not None
    assert torch.equal(rows, WORDY.of_texts(["a red cat", "tree", "a red cat"]))
    rows = asking.rows(WORDY, 0, [4], Wish(text="red tree"))
    assert rows is not None and torch.equal(rows, WORDY.of_texts(["red tree"]))
    assert asking.rows(Conditions(), 0, [1], PLAIN) is None


@pytest.mark.parametrize(
    ("conditions", "wish", "message"),
    [
        (Conditions(), Wish("cats"), "cannot be asked by --class: it learned without conditions"),
        (Conditions(), Wish(text="cat"), "by --text: it learned without conditions; leave it out"),
        (CLASSES, Wish(attributes={"a": "b"}), "by --set: it learned with class; use --class"),
        (FACES, Wish("cats"), "use --set"),
        (WORDY, Wish(attributes={"a": "b"}), "use --text"),
        (CLASSES, Wish("fish"), "no class 'fish'; its classes are: cats, dogs, birds"),
        (FACES, Wish(attributes={"hat": "yes"}), "did you mean 'hair'"),
        (FACES, Wish(attributes={"hair": "rde"}), "did you mean 'red'"),
        (FACES, Wish(attributes={"age": "80"}), "from 10 to 50"),
        (WORDY, Wish(text="treee"), "nearest that it knows are: tree"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused(
    conditions: Conditions, wish: Wish, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        asking.require_known(conditions, wish)


@pytest.mark.parametrize(
    ("conditions", "wish"),
    [
        (Conditions(), PLAIN),
        (CLASSES, Wish("dogs")),
        (FACES, Wish(attributes={"hair": "red", "age": "12"})),
        (WORDY, Wish(text="red zebra")),
    ],
)
def test_what_a_model_knows_can_be_asked(conditions: Conditions, wish: Wish) -> None:
    asking.require_known(conditions, wish)


WISHES = [
    PLAIN,
    Wish("cats", psi=0.5),
    Wish(attributes={"hair": "red"}, noise=False),
    Wish(text="a cat", mix=Mix(3, 9, "middle")),
    Wish(vary=Vary(0.25, 2), psi=0.0),
]


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_comes_back_from_a_recipe(wish: Wish) -> None:
    text = json.dumps(wish.to_inputs())
    assert Wish.from_inputs(parse_json(text.encode(), "recipe")) == wish
    assert (wish.to_inputs() == {}) == (wish == PLAIN)


NAN = float("nan")
MIX = {"seed": 1, "index": 2, "scale": "fine"}
VARY = {"strength": 0.5, "number": 0}


@pytest.mark.parametrize(
    "inputs",
    [
        {"class": 7},
        {"attributes": []},
        {"attributes": {"hair": 1}},
        {"attributes": {"hair": ["red"]}},
        {"text": ["a"]},
        {"psi": NAN},
        {"psi": float("inf")},
        {"psi": 1e308},
        {"psi": -1.0},
        {"psi": "1"},
        {"psi": True},
        {"noise": 1},
        {"mix": {**MIX, "scale": "huge"}},
        {"mix": {**MIX, "index": -1}},
        {"mix": {**MIX, "more": 1}},
        {"mix": {"seed": 1}},
        {"mix": []},
        {"vary": {**VARY, "strength": NAN}},
        {"vary": {**VARY, "strength": 1.5}},
        {"vary": {**VARY, "number": 0.5}},
        {"vary": {**VARY, "number": -1}},
        {"colour": "red"},
    ],
    ids=repr,
)
def test_hostile_recipes_are_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="makes no sense; the file was changed"):
        Wish.from_inputs(inputs)


def test_numbers_of_any_length_make_some_picture() -> None:
    wish = Wish.from_inputs({"mix": {**MIX, "seed": 10**40, "index": 10**40}})
    assert wish.mix == Mix(10**40, 10**40, "fine")
    assert latents(10**40, [10**40], 8).isfinite().all()
