"""What a model can be asked for: a class, attributes, or words.

A condition reaches networks as rows of a tensor, one a picture:

    class        its number                                        (N,), int64
    attributes   a choice as one-hot, a number as (value, known)   (N, width), float32
    text         hashed words and trigrams, see `captions`         (N, words, grams), int64
                 or a frozen encoder's vectors, see `sentences`    (N, length), float32

A missing attribute is all zeros, in training and in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.core import strict_json
from mintmark.core.errors import ConfigError, PackageError
from mintmark.models import captions, sentences

Kind = Literal["none", "class", "attributes", "text"]
Value = str | float
Asked = Mapping[str, Value]
"""Attributes by name; what is not there is missing."""

MOST_VALUES = 256  # of a choice


@dataclass(frozen=True)
class Choice:
    """An attribute with a few values.

    Attributes:
        name: As it is asked for.
        values: Its values; of a yes-or-no one, `no` and `yes`.
        shares: How often each occurs in the data, where it is known; they sum to 1.
    """

    name: str
    values: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def width(self) -> int:
        """Numbers that it takes in a row."""
        return len(self.values)

    def encode(self, value: Value | None) -> list[float]:
        """One-hot, or zeros for a missing value."""
        return [float(value == known) for known in self.values]

    def checked(self, value: str) -> Value:
        """The value that was asked for.

        Raises:
            ConfigError: It is none of the values; the nearest one is named.
        """
        if value in self.values:
            return value
        near = get_close_matches(value, self.values, 1, 0.0) or self.values
        raise ConfigError(
            f"{self.name!r} cannot be {value!r}; did you mean {near[0]!r}? "
            f"Its values are: {', '.join(self.values)}."
        )

    def drawn(self, share: float) -> Value:
        """A value by its law, from a uniform number in [0, 1)."""
        place = int(np.searchsorted(np.cumsum(self.shares), share, side="right"))
        return self.values[min(place, len(self.values) - 1)]


@dataclass(frozen=True)
class Number:
    """An attribute on a scale.

    Attributes:
        name: As it is asked for.
        low: Least value in the data.
        high: Greatest value in the data.
    """

    name: str
    low: float
    high: float

    @property
    def width(self) -> int:
        """Numbers that it takes in a row."""
        return 2

    def encode(self, value: Value | None) -> list[float]:
        """The value brought to [-1, 1] and a 1, or zeros for a missing value."""
        if value is None:
            return [0.0, 0.0]
        return [2 * (float(value) - self.low) / (self.high - self.low) - 1, 1.0]

    def checked(self, value: str) -> Value:
        """The value that was asked for.

        Raises:
            ConfigError: It is no number, or out of the range of the data.
        """
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not self.low <= number <= self.high:
            raise ConfigError(
                f"{self.name!r} takes a number from {self.low:g} to {self.high:g}, as in the data "
                f"that was learned from, not {value!r}."
            )
        return number

    def drawn(self, share: float) -> Value:
        """A value, evenly from the range, from a uniform number in [0, 1)."""
        return self.low + (self.high - self.low) * share


Attribute = Choice | Number


@dataclass(frozen=True)
class Conditions:
    """What a model can be asked for; of the three kinds at most one is there.

    Attributes:
        classes: Names of the classes in the order of their numbers.
        attributes: What can be set, in the order of their numbers in a row.
        words: Every word of the captions that were learned from.
        examples: Some of those captions, for sheets of samples.
        encoder: Name of the frozen encoder that reads captions, see `sentences`; none where
            the networks learn the words themselves.
    """

    classes: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    words: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    encoder: str = ""

    @property
    def kind(self) -> Kind:
        """Which kind of condition it is."""
        if self.classes:
            return "class"
        if self.attributes:
            return "attributes"
        return "text" if self.words else "none"

    @property
    def sizes(self) -> dict[str, int]:
        """What networks have to know of it: how many classes, numbers in a row, words."""
        learns_words = bool(self.words) and not self.encoder
        return {
            "classes": len(self.classes),
            "attributes": sum(attribute.width for attribute in self.attributes),
            "words": captions.BUCKETS if learns_words else 0,
            "sentence": sentences.encoder(self.encoder).length if self.encoder else 0,
        }

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name.

        Raises:
            ConfigError: There is none; the nearest one is named.
        """
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        known = [attribute.name for attribute in self.attributes]
        near = get_close_matches(name, known, 1, 0.0)
        raise ConfigError(
            f"The model knows no attribute {name!r}; did you mean {near[0]!r}? "
            f"It knows: {', '.join(known)}."
        )

    def of_classes(self, numbers: Sequence[int]) -> Tensor:
        """Rows of classes, (N,)."""
        return torch.tensor(list(numbers), dtype=torch.int64)

    def of_attributes(self, asked: Sequence[Asked]) -> Tensor:
        """Rows of attributes, (N, width)."""
        rows = [
            [part for one in self.attributes for part in one.encode(values.get(one.name))]
            for values in asked
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """Rows of captions, (N, words, grams) or (N, length).

        Raises:
            ConfigError: The frozen encoder is not installed.
        """
        if self.encoder:
            return sentences.vectors(self.encoder, texts)
        return torch.from_numpy(captions.tokens(texts))

    def values_of(self, rows: Tensor) -> NDArray[np.int64]:
        """The value of each choice in rows of attributes, (N, choices); -1 where missing."""
        found, place = [], 0
        for attribute in self.attributes:
            part = rows[:, place : place + attribute.width]
            place += attribute.width
            if isinstance(attribute, Choice):
                found.append(torch.where(part.sum(1) > 0, part.argmax(1), -1))
        numbers: NDArray[np.int64] = torch.stack(found, dim=1).numpy()
        return numbers

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "classes": list(self.classes),
            "attributes": [asdict(attribute) for attribute in self.attributes],
            "words": list(self.words),
            "examples": list(self.examples),
            "encoder": self.encoder,
        }

    @classmethod
    def from_json(cls, value: Any) -> "Conditions":
        """Reads what `to_json` wrote.

        Raises:
            InputError: Something is absent, unknown, of another type or senseless.
        """
        where = "'conditions' in config.json"
        lists = ("classes", "attributes", "words", "examples")
        shape: dict[str, type] = {"encoder": str, **dict.fromkeys(lists, list)}
        if isinstance(value, dict):
            value = {"encoder": "", **value}  # older packages have none
        fields = strict_json.check_fields(value, shape, where)
        found = cls(
            classes=strict_json.texts(fields["classes"], where),
            attributes=tuple(_attribute(entry) for entry in fields["attributes"]),
            words=strict_json.texts(fields["words"], where),
            examples=strict_json.texts(fields["examples"], where),
            encoder=fields["encoder"],
        )
        names = [attribute.name for attribute in found.attributes]
        kinds = [found.classes, found.attributes, found.words]
        mixed = sum(map(bool, kinds)) > 1 or bool(found.words) != bool(found.examples)
        mixed |= bool(found.encoder) and not found.words
        if mixed or len(set(names)) < len(names):
            raise PackageError(f"{where} contradicts itself; restore it from where it came.")
        return found


def _attribute(value: Any) -> Attribute:
    where = "an attribute in config.json"
    if isinstance(value, dict) and "values" in value:
        fields = strict_json.check_fields(
            value, {"name": str, "values": list, "shares": list}, where
        )
        values = strict_json.texts(fields["values"], where)
        shares = fields["shares"]
        numbers = all(isinstance(share, float) and 0 <= share <= 1 for share in shares)
        if numbers and len(values) == len(shares) and 1 < len(set(values)) == len(values):
            return Choice(fields["name"], values, tuple(shares))
    else:
        fields = strict_json.check_fields(value, {"name": str, "low": float, "high": float}, where)
        if -1e30 < fields["low"] < fields["high"] < 1e30:
            return Number(**fields)
    raise PackageError(f"{where} makes no sense; restore it from where it came.")
