"""The files beside the pictures that say what they show and who may use them.

metadata.csv, metadata.jsonl   Hugging Face imagefolder: `file_name`, `text`, `label`, others;
                               of pairs `input_file_name`, `target_file_name`
dataset.json                   StyleGAN: {"labels": [[name, class], ...]} or null
rights.json                    ours: {"licence": ..., "attribution": [...], "source": ...}
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mintmark.core.records import Rights

LARGEST = 1e30  # what an attribute can be
INPUT, TARGET = "input", "target"  # the classes of pairs
PAIR = "pair"  # the attribute that both of a pair share


@dataclass(frozen=True)
class Row:
    """What metadata says about one picture.

    Attributes:
        name: Path relative to the metadata file, with forward slashes.
        label: Its class in words or digits, or None.
        text: Its caption, or None.
        attributes: Every other column, numbers parsed.
    """

    name: str
    label: str | None
    text: str | None
    attributes: Mapping[str, Any]


class _Line(BaseModel):
    """A line of imagefolder metadata; other columns are attributes."""

    model_config = ConfigDict(extra="allow", strict=True)

    file_name: str
    text: str | None = None
    label: str | int | None = None


class _StyleGan(BaseModel):
    """NVIDIA's dataset.json."""

    model_config = ConfigDict(strict=True)

    labels: list[tuple[str, int]] | None


class _Rights(BaseModel):
    """Our rights.json."""

    model_config = ConfigDict(extra="forbid", strict=True)

    licence: str = "unspecified"
    attribution: list[str] = []
    source: str = ""


def parse_rights(content: bytes) -> Rights:
    """Reads rights.json.

    Raises:
        ValueError: It is not JSON of that shape.
    """
    value = _Rights.model_validate_json(content)
    return Rights(value.licence, tuple(value.attribution), value.source)


def parse_csv(content: bytes) -> list[Row]:
    """Reads metadata.csv.

    Raises:
        ValueError: It is not UTF-8 CSV with a column `file_name`.
    """
    lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    try:
        return [row for line in lines for row in _rows(_from_text(line))]
    except csv.Error as error:
        raise ValueError(str(error)) from error


def parse_jsonl(content: bytes) -> list[Row]:
    """Reads metadata.jsonl.

    Raises:
        ValueError: A line is not a JSON object with `file_name`.
    """
    lines = content.decode("utf-8-sig").split("\n")
    values = [json.loads(line, parse_constant=_refuse_constant) for line in lines if line.strip()]
    json.dumps(values, ensure_ascii=False).encode()  # raises for half a character
    for value in values:
        _refuse_huge(value)
    return [row for value in values for row in _rows(value)]


def parse_dataset(content: bytes) -> list[Row] | None:
    """Reads StyleGAN's dataset.json; null labels give None: the pictures have no classes.

    Raises:
        ValueError: It is not JSON of that shape.
    """
    labels = _StyleGan.model_validate_json(content).labels
    if labels is None:
        return None
    return [Row(_tidy(name), str(label), None, {}) for name, label in labels]


PARSERS: dict[str, Callable[[bytes], list[Row] | None]] = {
    "metadata.csv": parse_csv,
    "metadata.jsonl": parse_jsonl,
    "dataset.json": parse_dataset,
}


def explain(error: Exception) -> str:
    """The first thing that a parser found wrong, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    return str(error).rstrip(".")


_LINE = TypeAdapter(_Line)


def _rows(values: Any) -> Iterator[Row]:
    """What a line says: of one picture, or of the two of a pair."""
    names = [f"{side}_file_name" for side in (INPUT, TARGET)]
    if not isinstance(values, Mapping) or not all(name in values for name in names):
        yield _row(values)
        return
    rest = {name: value for name, value in values.items() if name not in names}
    for side, name in zip((INPUT, TARGET), names, strict=True):
        pair = {PAIR: values[names[0]]}
        yield _row({**rest, **pair, "label": side, "file_name": values[name]})


def _row(values: Any) -> Row:
    line = _LINE.validate_python(values)
    label = None if line.label in (None, "") else str(line.label)
    return Row(_tidy(line.file_name), label, line.text or None, line.model_extra or {})


def _from_text(line: Mapping[str | None, Any]) -> dict[str, Any]:
    """Parses the numbers of a CSV line; its own three columns stay text."""
    if None in line:
        raise ValueError(f"the line of {line.get('file_name')!r} has more cells than the header")
    own = _Line.model_fields
    return {str(key): cell if key in own else _number(cell) for key, cell in line.items()}


def _number(cell: str | None) -> str | int | float | None:
    """A number where the cell is one in JSON's sense ("007" is a name), else the text."""
    if not cell:
        return None
    try:
        value = json.loads(cell)
    except ValueError:
        return cell
    is_number = type(value) in (int, float) and abs(value) < LARGEST
    return value if is_number else cell


def _refuse_huge(values: Any) -> None:
    """Numbers beyond LARGEST mean nothing, and later ones would not be JSON any more."""
    if not isinstance(values, Mapping):
        return
    for name, value in values.items():
        if type(value) in (int, float) and not abs(value) < LARGEST:
            raise ValueError(f"the number in {name!r} is too large")


def _refuse_constant(name: str) -> Iterator[None]:
    raise ValueError(f"{name} is not JSON")


def _tidy(name: str) -> str:
    return PurePosixPath(name).as_posix()
