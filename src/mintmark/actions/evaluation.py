"""What an evaluation found: plain records that the report is made of, and their files."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mintmark.core.errors import DataError
from mintmark.core.files import write_bytes, write_json
from mintmark.core.records import Score
from mintmark.core.strict_json import parse_json
from mintmark.metrics.memorisation import Novelty

FORMAT = "mintmark-report"
VERSION = 1
REPORT = "report.json"
MOST_BYTES = 64 << 20  # of a report or a sheet that is read back
PIXELS = "pixels"
PNG = b"\x89PNG\r\n\x1a\n"
STEM = re.compile(r"[a-z][a-z-]{0,39}")


@dataclass(frozen=True)
class Sheet:
    """A picture of the report.

    Attributes:
        name: Stem of its file: `samples`, `real`, `neighbours`, `interpolation`.
        title: A few words.
        about: What it shows, for the caption and for who cannot see it.
        content: The bytes of a PNG file.
    """

    name: str
    title: str
    about: str
    content: bytes


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: For the legend.
        x: Places along the horizontal axis, ascending.
        y: A value for each.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Lines over one pair of axes.

    Attributes:
        name: As the report's JSON calls it: `truncation`, `interpolation`, `losses`.
        title: A few words.
        about: What it shows and how to read it, a sentence or two.
        x: What the horizontal axis counts, with its unit.
        y: What the vertical axis counts, with its unit.
        lines: One or several.
    """

    name: str
    title: str
    about: str
    x: str
    y: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ClassFigures:
    """How one class came out.

    Attributes:
        name: The class.
        generated: How many of it were generated.
        real: How many real pictures of it there are.
        agreement: Share of the generated in which a classifier of the real
            pictures finds this class; None without a classifier.
        error: Standard error of `agreement`.
        coverage: Share of its real pictures with a generated one of the class
            near them; None below 30 of either.
    """

    name: str
    generated: int
    real: int
    agreement: float | None
    error: float | None
    coverage: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one package against one data set.

    Attributes:
        package: Digest of the package.
        task: The task that it was trained for.
        facts: What was compared with what, by name, for the head of the report:
            package, data, pictures generated, pictures real, licence, ...
        scores: The metrics, each with its protocol.
        novelty: Whether the pictures are copies; None without held-out pictures.
        classes: How each class came out; empty without classes.
        charts: Truncation, interpolation, training.
        sheets: Pictures.
    """

    package: str
    task: str
    facts: Mapping[str, str]
    scores: tuple[Score, ...]
    novelty: Novelty | None
    classes: tuple[ClassFigures, ...]
    charts: tuple[Chart, ...]
    sheets: tuple[Sheet, ...]

    def score(self, name: str) -> Score | None:
        """The first score of that name, or None."""
        return next((score for score in self.scores if score.name == name), None)

    def like(self, other: Score) -> Score | None:
        """The score of the same metric in features, or in pixels, as another one."""
        in_pixels = place(other) == PIXELS
        return next(
            (
                score
                for score in self.scores
                if score.name == other.name and (place(score) == PIXELS) == in_pixels
            ),
            None,
        )

    def to_json(self) -> dict[str, Any]:
        """The content of report.json; sheets by name, since each has a file of its own."""
        value = asdict(replace(self, sheets=()))
        value["sheets"] = [
            {"name": sheet.name, "title": sheet.title, "about": sheet.about}
            for sheet in self.sheets
        ]
        return {"format": FORMAT, "version": VERSION, **value}


def place(score: Score) -> str:
    """What a score was measured in: `pixels`, or the name of an extractor."""
    return str(score.protocol.get("features", PIXELS))


def save(evaluation: Evaluation, folder: Path) -> None:
    """Writes report.json and a PNG a sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in evaluation.sheets:
        write_bytes(folder / f"{sheet.name}.png", sheet.content)
    write_json(folder / REPORT, evaluation.to_json())


def load(folder: Path) -> Evaluation:
    """Reads a report back that nobody has vouched for.

    Raises:
        DataError: There is none, it is too large, damaged, or of another version.
    """
    path = folder / REPORT
    value = parse_json(_read(path).decode("utf-8", "replace"), str(path))
    if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
        raise DataError(f"{path} is no report of Mintmark; give a folder that evaluate wrote.")
    if value.pop("version", None) != VERSION:
        raise DataError(f"{path} is of another version of Mintmark; evaluate the model again.")
    sheets = value.pop("sheets", [])
    try:
        found = _EVALUATION.validate_json(json.dumps({**value, "sheets": []}), strict=True)
        named = _SHEETS.validate_json(json.dumps(sheets), strict=True)
    except ValidationError as error:
        raise DataError(f"{path} lacks parts of itself; evaluate the model again.") from error
    if any(score.error is not None and score.error < 0 for score in found.scores):
        raise DataError(f"{path} holds impossible errors; evaluate the model again.")
    return replace(found, sheets=tuple(_sheet(folder, one) for one in named))


@dataclass(frozen=True)
class _Caption:
    """A sheet as report.json knows it."""

    name: str
    title: str
    about: str


_EVALUATION = TypeAdapter(Evaluation)
_SHEETS = TypeAdapter(list[_Caption])


def _sheet(folder: Path, caption: _Caption) -> Sheet:
    path = folder / f"{caption.name}.png"
    content = _read(path) if STEM.fullmatch(caption.name) else b""
    if not content.startswith(PNG):
        raise DataError(f"{path} is no PNG of a report; evaluate the model again.")
    return Sheet(caption.name, caption.title, caption.about, content)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} is too large for a report; evaluate the model again.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); give a folder that evaluate wrote."
        ) from error
