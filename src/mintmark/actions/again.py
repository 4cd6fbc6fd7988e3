"""Making a generated file again from the recipe inside it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mintmark.actions import clips, drawing
from mintmark.actions.asking import Wish
from mintmark.actions.choosing import require_passed
from mintmark.actions.clips import Walk
from mintmark.core.errors import DataError, GuardError
from mintmark.core.log import get_logger
from mintmark.core.media import Clip, Picture
from mintmark.core.records import Recipe
from mintmark.models.package import Package
from mintmark.provenance.mark import SHEET
from mintmark.tasks._task import find_synthesis

logger = get_logger("actions")

CHANGED = "The recipe in the file makes no sense; the file was changed."


class SheetInputs(BaseModel):
    """What a recipe says of a sheet beside the wish of its pictures."""

    model_config = ConfigDict(strict=True, extra="ignore")

    count: int = Field(ge=1, le=drawing.MOST_ON_A_SHEET)
    captions: bool = False
    indices: list[int] | None = None


class WalkInputs(BaseModel):
    """What a recipe says of a walk."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    stops: int = Field(ge=2, le=clips.MOST_FRAMES)
    frames: int = Field(ge=1, le=clips.MOST_FRAMES)
    fps: float = Field(ge=0.1, le=120)


OWN = ("count", "captions", "indices", "walk")
"""Inputs of a recipe that are not a wish."""


def picture(package: Package, recipe: Recipe) -> Picture:
    """Makes the picture or sheet of a recipe once more.

    Raises:
        DataError: The recipe belongs to another package or makes no sense.
        GuardError: The package's guard turns a picture down.
    """
    require_own(package, recipe)
    wish = wish_of(recipe)
    if recipe.index != SHEET:
        require_passed(package, recipe.seed, [recipe.index], wish)
        return drawing.draw(package, recipe.seed, [recipe.index], wish)[0]
    try:
        asked = SheetInputs.model_validate(dict(recipe.inputs))
    except ValidationError as error:
        raise DataError(CHANGED) from error
    if asked.indices is not None and len(asked.indices) != asked.count:
        raise DataError(CHANGED)
    require_passed(package, recipe.seed, asked.indices or range(asked.count), wish)
    return drawing.draw_sheet(
        package, recipe.seed, asked.count, wish, asked.indices, asked.captions
    )


def clip(package: Package, recipe: Recipe) -> Clip:
    """Makes the clip of a recipe once more.

    Raises:
        DataError: The recipe belongs to another package or makes no sense.
    """
    require_own(package, recipe)
    try:
        way = WalkInputs.model_validate(recipe.inputs.get("walk"))
    except ValidationError as error:
        raise DataError(CHANGED) from error
    if way.stops * way.frames > clips.MOST_FRAMES:
        raise DataError(CHANGED)
    if find_synthesis(package.config.task).guard:
        raise GuardError("A walk would pass the guard of the package; draw pictures instead.")
    return clips.walk(package, recipe.seed, wish_of(recipe), Walk(**way.model_dump()))


def wish_of(recipe: Recipe) -> Wish:
    """What a recipe says was asked of its pictures.

    Raises:
        DataError: It makes no sense.
    """
    if "report" in recipe.inputs:
        raise DataError(
            "The file is a sheet of a report, which no single call makes again; run the command "
            "that wrote it."
        )
    asked: dict[str, Any] = {k: v for k, v in recipe.inputs.items() if k not in OWN}
    return Wish.from_inputs(asked)


def require_own(package: Package, recipe: Recipe) -> None:
    """Refuses a recipe of another package; warns where the device differs.

    Raises:
        DataError: Another package made the file.
    """
    if recipe.package != package.digest:
        raise DataError(
            "The file was made by another package "
            f"(digest {recipe.package[:12]}, this one is {package.digest[:12]}); "
            "give the package that made it."
        )
    device = next(package.networks["G"].parameters()).device.type
    if device != recipe.device:
        logger.warning("the last bits may differ", made_on=recipe.device, now_on=device)
