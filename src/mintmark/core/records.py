"""Frozen records that cross rooms."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_json

Content = Literal["nce", "cycle", "both", "likeness"]
"""What keeps the content of pictures that are translated."""
Side = Literal["left", "right", "top", "bottom"]
MOST_MARGIN = 4096  # pixels that a picture may be continued by at a side


@dataclass(frozen=True)
class Rights:
    """Under what terms something may be used.

    Attributes:
        licence: An SPDX name, or "unspecified".
        attribution: Whom to name, each once.
        source: Where it came from, in words.
    """

    licence: str = "unspecified"
    attribution: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Lineage:
    """Where a model or an asset came from.

    Attributes:
        snapshot: Digest of the data set snapshot that was learned from.
        rights: The rights of that snapshot.
        code_version: The version of Mintmark that did the work.
        seed: The seed of the run.
        base: Digest of the plan of the run that it was forked from, if any.
        run: Name and size of the run, for instance its images seen.
    """

    snapshot: str
    rights: Rights
    code_version: str
    seed: int
    base: str | None = None
    run: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """What makes one generated asset again, to the last bit.

    Attributes:
        package: Digest of the package (`models.package.identity`).
        task: Name of the task.
        seed: The seed asked for.
        index: Which picture of that seed, from 0.
        inputs: The other inputs, for instance `{"class": 3}`.
        device: Class of the device, `cpu`, `cuda` or `mps`; another class may
            differ in the last bits.
        code_version: The version of Mintmark.
    """

    package: str
    task: str
    seed: int
    index: int
    inputs: Mapping[str, Any]
    device: str
    code_version: str


@dataclass(frozen=True)
class Artifact:
    """A generated asset that passed the door.

    Attributes:
        path: The file.
        sha256: Its digest.
        recipe: What makes it again; None for a sheet of several.
    """

    path: Path
    sha256: str
    recipe: Recipe | None


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        stage: What is being done, for the user: "training", "generating".
        done: Units finished.
        total: Units to do.
        unit: What is counted: "images", "pictures", "steps".
        figures: The latest numbers to show, by name.
        message: One line worth telling, or "".
    """

    stage: str
    done: int
    total: int
    unit: str
    figures: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Score:
    """A measured number that carries how it was measured.

    Attributes:
        name: The metric: "FD", "KID", "precision".
        value: The number.
        protocol: Everything that must be equal before two values may be
            compared: extractor digest, counts, sizes, seed, dtype, version.
        error: Standard error of `value`, where it is known.
        bias: What the metric shows on average for equal laws at these counts
            above its value for endless samples, where that is known.
        note: "" or, in a sentence, why the number means little at these counts.
    """

    name: str
    value: float
    protocol: Mapping[str, Any]
    error: float | None = None
    bias: float | None = None
    note: str = ""

    @property
    def meaningful_difference(self) -> float | None:
        """The least difference of two such values that is worth believing.

        Twice the standard error of a difference of two independent values.
        """
        return None if self.error is None else 2 * math.sqrt(2) * self.error

    def difference(self, other: "Score") -> float:
        """This value minus another one's.

        Raises:
            ConfigError: The two were not measured by the same protocol.
        """
        if self.name != other.name or digest_json(self.protocol) != digest_json(other.protocol):
            raise ConfigError(
                f"{self.name} and {other.name} were measured by different protocols and do not "
                "compare; measure both again with the same settings."
            )
        return self.value - other.value
