"""The record inside a generated file of what it was made from."""

from typing import Any

from mintmark.core.lineage import rights_to_json
from mintmark.core.records import Lineage, Recipe


def output_lineage(package: Lineage, recipe: Recipe) -> dict[str, Any]:
    """What a generated file says about its origin.

    It holds no time and no path, so that the same recipe gives the same bytes.

    Args:
        package: Where the package came from.
        recipe: What made the file.

    Returns:
        JSON values: the package and the data behind it, with their rights.
    """
    return {
        "action": "created",
        "package": recipe.package,
        "task": recipe.task,
        "snapshot": package.snapshot,
        "base": package.base,
        "trained_with": package.code_version,
        "rights": rights_to_json(package.rights),
    }
