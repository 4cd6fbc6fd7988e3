"""What pictures shall show: learned from a data set, and asked of a package."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor

from mintmark.core.errors import ConfigError, DataError
from mintmark.core.log import get_logger
from mintmark.core.seeds import derive
from mintmark.data.manifest import Snapshot
from mintmark.models import captions
from mintmark.models.conditions import MOST_VALUES, Asked, Attribute, Choice, Conditions, Number
from mintmark.models.stylegan import Scale

logger = get_logger("actions")

RESERVED = {"licence", "attribution", "source", "group", "tags"}
"""Columns of metadata that say something about a file, not about what it shows."""

EXAMPLES = 64  # captions that a package keeps for sheets
FEW = 32  # distinct texts up to which a column is a choice

Kind = Literal["class", "attributes", "text", "none"]


@dataclass(frozen=True)
class Mix:
    """Styles that come from another picture.

    Attributes:
        seed: Its seed.
        index: Its number.
        scale: Which layers it gives its style to.
    """

    seed: Annotated[int, Field(ge=0)]
    index: Annotated[int, Field(ge=0)]
    scale: Scale


@dataclass(frozen=True)
class Vary:
    """A picture near another one.

    Attributes:
        strength: 0 is the same picture, 1 is any other.
        number: Which of its variations, from 0.
    """

    strength: Annotated[float, Field(ge=0, le=1)]
    number: Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Wish:
    """What is asked of a picture beside its seed and number.

    Attributes:
        label: Name of a class; None takes all in turn.
        attributes: Values by name; the others are drawn by the law of the data.
        text: A caption.
        psi: Truncation.
        noise: Whether there is stochastic variation.
        mix: Styles from another picture.
        vary: How far from the picture of this seed and number.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)

    label: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    psi: Annotated[float, Field(ge=0, le=2)] = 1.0
    noise: bool = True
    mix: Mix | None = None
    vary: Vary | None = None

    def to_inputs(self) -> dict[str, Any]:
        """JSON values for a recipe; what was not asked for is left out."""
        asked: dict[str, Any] = {
            "class": self.label,
            "attributes": dict(self.attributes) or None,
            "text": self.text,
            "psi": None if self.psi == 1.0 else self.psi,
            "noise": None if self.noise else False,
            "mix": None if self.mix is None else vars(self.mix),
            "vary": None if self.vary is None else vars(self.vary),
        }
        return {name: value for name, value in asked.items() if value is not None}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "Wish":
        """The wish of a recipe that nobody has vouched for.

        Raises:
            DataError: It makes no sense.
        """
        try:
            named = {"label" if name == "class" else name: v for name, v in inputs.items()}
            return _WISH.validate_json(json.dumps(named), strict=True)
        except ValidationError as error:
            raise DataError(
                "The recipe in the file makes no sense; the file was changed."
            ) from error


_WISH = TypeAdapter(Wish)
PLAIN = Wish()


def require_known(conditions: Conditions, wish: Wish) -> None:
    """Refuses what the model cannot be asked for, before anything is drawn.

    Raises:
        ConfigError: It takes another kind of condition, or no such value.
    """
    asked = {
        "class": wish.label is not None,
        "attributes": bool(wish.attributes),
        "text": wish.text is not None,
    }
    flags = {"class": "--class", "attributes": "--set", "text": "--text"}
    for kind, there in asked.items():
        if there and kind != conditions.kind:
            takes = flags.get(conditions.kind)
            way = f"use {takes}" if takes else "leave it out"
            raise ConfigError(
                f"The package cannot be asked by {flags[kind]}: it learned "
                f"{'without conditions' if takes is None else 'with ' + conditions.kind}; {way}."
            )
    if wish.label is not None and wish.label not in conditions.classes:
        known = ", ".join(conditions.classes)
        raise ConfigError(f"The package has no class {wish.label!r}; its classes are: {known}.")
    for name, value in wish.attributes.items():
        conditions.attribute(name).checked(value)
    if wish.text is not None and not conditions.encoder:  # a frozen encoder knows most words
        captions.require_known(wish.text, conditions.words)


def rows(conditions: Conditions, seed: int, indices: Sequence[int], wish: Wish) -> Tensor | None:
    """The condition of pictures by number, (len(indices), ...); None for a model without.

    Args:
        conditions: What the model can be asked for.
        seed: Decides, with the number, what was not asked for.
        indices: Numbers of the pictures.
        wish: What was asked for.
    """
    match conditions.kind:
        case "class":
            return conditions.of_classes([class_of(conditions, i, wish.label) for i in indices])
        case "attributes":
            return conditions.of_attributes([_filled(conditions, seed, i, wish) for i in indices])
        case "text":
            return conditions.of_texts([caption_of(conditions, i, wish.text) for i in indices])
        case _:
            return None


def class_of(conditions: Conditions, index: int, label: str | None) -> int:
    """The class that picture `index` shows: the one asked for, or all in turn."""
    if label is None:
        return index % len(conditions.classes)
    return conditions.classes.index(label)


def caption_of(conditions: Conditions, index: int, text: str | None) -> str:
    """The caption of picture `index`: the one asked for, or the examples in turn."""
    return conditions.examples[index % len(conditions.examples)] if text is None else text


def told(conditions: Conditions, seed: int, indices: Sequence[int], wish: Wish) -> list[str]:
    """What pictures show, each with its number, for people."""
    return [f"{index} {_said(conditions, seed, index, wish)}".strip() for index in indices]


def _said(conditions: Conditions, seed: int, index: int, wish: Wish) -> str:
    match conditions.kind:
        case "class":
            return conditions.classes[class_of(conditions, index, wish.label)]
        case "attributes":
            values = _filled(conditions, seed, index, wish)
            return " ".join(_brief(name, value) for name, value in values.items()).strip()
        case "text":
            return caption_of(conditions, index, wish.text)
        case _:
            return ""


def _brief(name: str, value: str | float) -> str:
    """A value as it is said: a yes by the attribute's name, a no not at all."""
    if isinstance(value, str):
        return {"yes": name, "no": ""}.get(value, value)
    return f"{name} {value:.3g}"


def _filled(conditions: Conditions, seed: int, index: int, wish: Wish) -> Asked:
    """All attributes of picture `index`: those asked for, and the others by their law."""
    draw = np.random.Generator(np.random.PCG64(derive(seed, "attributes", index)))
    shares = draw.random(len(conditions.attributes))
    return {
        one.name: one.checked(wish.attributes[one.name])
        if one.name in wish.attributes
        else one.drawn(float(share))
        for one, share in zip(conditions.attributes, shares, strict=True)
    }


def like(snapshot: Snapshot, count: int, seed: int) -> NDArray[np.int64]:
    """Places in a data set whose conditions so many pictures shall show, (count,)."""
    draw = np.random.Generator(np.random.PCG64(derive(seed, "evaluate", "labels")))
    places: NDArray[np.int64] = draw.choice(len(snapshot.items), count)
    return places


def rows_like(conditions: Conditions, snapshot: Snapshot, count: int, seed: int) -> Tensor | None:
    """Conditions by the law of a data set, since another law would itself be a distance.

    Raises:
        DataError: The data shows what the model does not know.
    """
    if conditions.kind == "class" and not snapshot.classes:
        return rows(conditions, seed, range(count), PLAIN)
    real = learned(conditions, snapshot)
    if real is None:
        return None
    return real[torch.from_numpy(like(snapshot, count, seed))]


def learned(conditions: Conditions, snapshot: Snapshot) -> Tensor | None:
    """What each picture of a data set shows, in the rows that networks take, (N, ...).

    Raises:
        DataError: A picture has no label or caption, or shows what is not known.
    """
    match conditions.kind:
        case "class":
            return conditions.of_classes(_labels(conditions, snapshot))
        case "attributes":
            return conditions.of_attributes(
                [_values(conditions, i.attributes) for i in snapshot.items]
            )
        case "text":
            if any(item.text is None for item in snapshot.items):
                raise DataError(
                    "The model takes captions, but some pictures have none; add a column text."
                )
            return conditions.of_texts([item.text or "" for item in snapshot.items])
        case _:
            return None


def _labels(conditions: Conditions, snapshot: Snapshot) -> list[int]:
    names = [snapshot.classes[item.label] for item in snapshot.items if item.label is not None]
    if len(names) < len(snapshot.items):
        raise DataError(
            "The model takes classes, but the pictures have none; sort them into folders."
        )
    if unknown := sorted(set(names) - set(conditions.classes)):
        raise DataError(
            f"The data has the class {unknown[0]!r}, which the package does not draw; measure it "
            f"against data of its own classes: {', '.join(conditions.classes)}."
        )
    numbers = {name: number for number, name in enumerate(conditions.classes)}
    return [numbers[name] for name in names]


def _values(conditions: Conditions, attributes: Mapping[str, Any]) -> Asked:
    """The known values of one picture; what the model does not know counts as missing."""
    found: dict[str, str | float] = {}
    for one in conditions.attributes:
        value = attributes.get(one.name)
        if value is None:  # missing, whatever the words of the choice are
            continue
        if isinstance(one, Choice) and _word(value) in one.values:
            found[one.name] = _word(value)
        elif isinstance(one, Number) and isinstance(value, int | float):
            found[one.name] = min(max(float(value), one.low), one.high)
    return found


def infer(snapshot: Snapshot, kind: Kind, encoder: str | None = None) -> Conditions:
    """What a model can be asked for after learning a data set.

    Args:
        snapshot: The data set.
        kind: Which kind of condition it shall take.
        encoder: A frozen encoder for captions; see `sentences`.

    Raises:
        DataError: The data does not have what that kind needs.
        ConfigError: An encoder is named that does not exist, or without captions.
    """
    if encoder and kind != "text":
        raise ConfigError(
            "A text encoder reads captions, and this run takes none; add --condition text, or "
            "leave out --encoder."
        )
    match kind:
        case "class":
            if not snapshot.classes or any(item.label is None for item in snapshot.items):
                raise DataError(
                    "Learning by class needs a class for every picture; put each class into a "
                    "folder of its own, or add a label column to metadata.csv."
                )
            return Conditions(classes=snapshot.classes)
        case "attributes":
            return Conditions(attributes=_attributes(snapshot))
        case "text":
            return replace(_texts(snapshot), encoder=encoder or "")
        case _:
            return Conditions()


def _texts(snapshot: Snapshot) -> Conditions:
    texts = [item.text for item in snapshot.items if item.text and captions.words(item.text)]
    if len(texts) < len(snapshot.items):
        missing = len(snapshot.items) - len(texts)
        raise DataError(
            f"Learning by text needs a caption for every picture, and {missing} have none; "
            "add a column text to metadata.csv, or a .txt file beside each picture."
        )
    distinct = sorted(set(texts))
    step = max(1, len(distinct) // EXAMPLES)
    return Conditions(words=captions.vocabulary(texts), examples=tuple(distinct[::step][:EXAMPLES]))


def _attributes(snapshot: Snapshot) -> tuple[Attribute, ...]:
    names = sorted({name for item in snapshot.items for name in item.attributes} - RESERVED)
    found = [one for name in names if (one := _attribute(snapshot, name))]
    if not found:
        raise DataError(
            "Learning by attributes needs columns with values beside file_name in metadata.csv, "
            "for instance smile or hair; add some, or choose another condition."
        )
    return tuple(found)


def _attribute(snapshot: Snapshot, name: str) -> Attribute | None:
    """A number where all values are, a choice where they are few, else nothing."""
    values = [item.attributes.get(name) for item in snapshot.items]
    known = [value for value in values if value is not None and value != ""]
    numbers = [float(v) for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(known) and len(set(numbers)) > 2:
        return Number(name, min(numbers), max(numbers))
    counts = Counter(_word(value) for value in known)
    if not 2 <= len(counts) <= min(FEW, MOST_VALUES):
        logger.warning("a column is left out", name=name, values=len(counts))
        return None
    ordered = sorted(counts)
    return Choice(name, tuple(ordered), tuple(counts[one] / len(known) for one in ordered))


def _word(value: Any) -> str:
    """A value of a choice in words; yes and no for truths."""
    if isinstance(value, bool) or value in ("true", "false", "True", "False"):
        return "yes" if value in (True, "true", "True") else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
