"""How large networks are by the size of the wish, and what their arguments may be."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from mintmark.core.errors import ConfigError
from mintmark.models.layers import pyramid
from mintmark.models.layers.residual import Block

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Args = TypeVar("Args", bound="DataclassInstance")


@dataclass(frozen=True)
class Preset:
    """How wide and deep a network is.

    Attributes:
        widths: Channels of the stages from the lowest up; the last goes on for those above.
        blocks: Residual blocks a stage.
        block: See `ResidualArgs`.
    """

    widths: tuple[int, ...]
    blocks: int
    block: Block

    def first(self, stages: int) -> list[int]:
        """Channels of so many stages, the lowest first."""
        return [self.widths[min(place, len(self.widths) - 1)] for place in range(stages)]


PRESETS = {
    "tiny": Preset((96, 48), 1, "dense"),  # a CPU
    "small": Preset((256, 256, 256, 128, 64), 1, "grouped"),  # one GPU
    "base": Preset((768, 768, 768, 768, 384, 192, 96), 2, "grouped"),  # R3GAN's own widths
}


def preset(
    name: str,
    shape: tuple[int, int, int],
    condition: Mapping[str, int],
    presets: Mapping[str, Preset] = PRESETS,
) -> dict[str, Any]:
    """Arguments of a family by the size of the wish and of the pictures.

    Args:
        name: One of `presets`.
        shape: Channels, rows and columns of the pictures.
        condition: `Conditions.sizes`.
        presets: Those of the family.

    Returns:
        Plain JSON values.

    Raises:
        ConfigError: There is no such preset, or no such size can be drawn.
    """
    if name not in presets:
        raise ConfigError(f"There is no preset {name!r}; choose one of {', '.join(presets)}.")
    chosen = presets[name]
    channels, height, width = shape
    return {
        "height": height,
        "width": width,
        "channels": channels,
        **condition,
        "widths": chosen.first(pyramid.stages(height, width)),
        "blocks": chosen.blocks,
        "latent": 64,
        "block": chosen.block,
    }


def of_size(
    name: str, shape: tuple[int, int, int], presets: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Arguments of a family that works on pictures, whose presets are plain numbers.

    Args:
        name: One of `presets`.
        shape: Channels, rows and columns of the pictures to learn from.
        presets: Those of the family.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in presets:
        raise ConfigError(f"There is no preset {name!r}; choose one of {', '.join(presets)}.")
    channels, height, width = shape
    return {"height": height, "width": width, "channels": channels, **presets[name]}


def require(family: str, allowed: Mapping[str, tuple[object, Container[int]]]) -> None:
    """Bounds what a hostile config could ask for.

    Args:
        family: How errors call it.
        allowed: By name a value and the whole numbers that it may be.

    Raises:
        ConfigError: A value is none of them.
    """
    for name, (value, values) in allowed.items():
        if not isinstance(value, int) or isinstance(value, bool) or value not in values:
            raise ConfigError(f"{family} cannot be built with {value!r} as {name}; correct it.")


def checked(kind: type[Args], args: Mapping[str, Any], family: str) -> Args:
    """The record of a family's arguments from plain JSON values.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(args) - known):
        raise ConfigError(
            f"{family} does not know the argument {unknown[0]!r}; it takes "
            f"{', '.join(sorted(known))}."
        )
    try:
        return kind(**args)
    except TypeError as error:
        raise ConfigError(f"{family} is missing an argument: {error}.") from error
