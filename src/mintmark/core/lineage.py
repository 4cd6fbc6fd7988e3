"""The version of Mintmark, and JSON of the records that say where something came from."""

from dataclasses import asdict
from functools import cache
from importlib import metadata
from typing import Any

from mintmark.core.records import Lineage, Recipe, Rights
from mintmark.core.strict_json import check_fields, texts

RIGHTS = {"licence": str, "attribution": list, "source": str}
LINEAGE = {
    "snapshot": str,
    "rights": dict,
    "code_version": str,
    "seed": int,
    "base": str | None,
    "run": dict,
}
RECIPE = {
    "package": str,
    "task": str,
    "seed": int,
    "index": int,
    "inputs": dict,
    "device": str,
    "code_version": str,
}


@cache  # every result names it, and metadata is read from a file
def version() -> str:
    """The version of Mintmark that is running."""
    try:
        return metadata.version("mintmark")
    except metadata.PackageNotFoundError:
        return "0+source"  # run from a checkout that was never installed


def lineage_to_json(lineage: Lineage) -> dict[str, Any]:
    """The JSON object of a lineage."""
    return asdict(lineage) | {"rights": rights_to_json(lineage.rights), "run": dict(lineage.run)}


def lineage_from_json(value: Any) -> Lineage:
    """The lineage of a JSON object.

    Raises:
        InputError: A field is absent, unknown or of another type.
    """
    fields = check_fields(value, LINEAGE, "The lineage")
    return Lineage(**{**fields, "rights": rights_from_json(fields["rights"])})


def rights_to_json(rights: Rights) -> dict[str, Any]:
    """The JSON object of rights."""
    return asdict(rights) | {"attribution": list(rights.attribution)}


def rights_from_json(value: Any) -> Rights:
    """The rights of a JSON object.

    Raises:
        InputError: A field is absent, unknown or of another type.
    """
    fields = check_fields(value, RIGHTS, "The rights in the lineage")
    attribution = texts(fields["attribution"], "The attribution in the lineage")
    return Rights(**{**fields, "attribution": attribution})


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """The JSON object of a recipe."""
    return asdict(recipe) | {"inputs": dict(recipe.inputs)}


def recipe_from_json(value: Any) -> Recipe:
    """The recipe of a JSON object.

    Raises:
        InputError: A field is absent, unknown or of another type.
    """
    return Recipe(**check_fields(value, RECIPE, "The recipe"))
