import json

from hypothesis import given
from hypothesis import strategies as st

from mintmark.core.lineage import (
    lineage_from_json,
    lineage_to_json,
    recipe_from_json,
    recipe_to_json,
    version,
)
from mintmark.core.records import Lineage, Recipe, Rights
from mintmark.core.strict_json import parse_json
from mintmark.provenance.lineage import output_lineage

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LINEAGES = st.builds(
    Lineage,
    snapshot=TEXT,
    rights=st.builds(Rights, TEXT, st.lists(TEXT).map(tuple), TEXT),
    code_version=TEXT,
    seed=st.integers(),
    base=st.none() | TEXT,
    run=st.dictionaries(TEXT, st.integers() | TEXT),
)
RECIPES = st.builds(
    Recipe,
    package=TEXT,
    task=TEXT,
    seed=st.integers(),
    index=st.integers(-1),
    inputs=st.dictionaries(TEXT, st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
    device=TEXT,
    code_version=TEXT,
)


@given(lineage=LINEAGES)
def test_lineage_round_trip(lineage: Lineage) -> None:
    text = json.dumps(lineage_to_json(lineage))
    assert lineage_from_json(parse_json(text, "it")) == lineage


@given(recipe=RECIPES)
def test_recipe_round_trip(recipe: Recipe) -> None:
    assert recipe_from_json(parse_json(json.dumps(recipe_to_json(recipe)), "it")) == recipe


@given(lineage=LINEAGES, recipe=RECIPES)
def test_an_output_names_its_package_data_and_rights(lineage: Lineage, recipe: Recipe) -> None:
    record = output_lineage(lineage, recipe)
    assert record["package"] == recipe.package
    assert record["snapshot"] == lineage.snapshot
    assert record["rights"]["licence"] == lineage.rights.licence
    assert record["rights"]["attribution"] == list(lineage.rights.attribution)
    assert record == output_lineage(lineage, recipe)


def test_version_is_a_version() -> None:
    assert version()[0].isdigit()
