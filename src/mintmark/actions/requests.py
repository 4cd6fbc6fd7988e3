"""The public vocabulary: one record a verb, the same for every surface."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from mintmark.core.errors import ConfigError


class Request(BaseModel):
    """Base of the requests: frozen, and unknown fields are refused with a ConfigError."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{name!r} cannot be used as given: {first['msg']}.") from error


class CheckRequest(Request):
    """Look at a data set before training."""

    data: Path
    size: int = Field(64, ge=8, description="Pixels a side that training would use.")


class TrainRequest(Request):
    """Train a task on a data set, or go on where a run stopped."""

    task: str
    data: Path
    out: Path
    preset: str | None = Field(None, description="tiny, small or base; None: by the device.")
    size: int | None = Field(None, ge=8, description="Pixels a side; None: by task and data.")
    images: int | None = Field(None, ge=1, description="Length of the run in images.")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Length of the run in minutes."
    )
    micro: int | None = Field(None, ge=1, description="Most pictures in memory at once.")
    seed: int | None = Field(None, ge=0, description="None: that of the run, 0 for a new one.")
    fork: Path | None = Field(None, description="Start from the weights of another run.")
    skip_broken: bool = False

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if self.images is not None and self.minutes is not None:
            raise ConfigError("A run has one length: give its images or its minutes, not both.")
        return self


class GenerateRequest(Request):
    """Draw pictures with a trained package."""

    package: str
    out: Path
    count: int = Field(16, ge=1)
    label: str | None = Field(None, description="Name of a class; None takes all in turn.")
    seed: int = Field(0, ge=0)
    grid: bool = Field(False, description="Also write one sheet of all the pictures.")
    like: Path | None = Field(None, description="Make this generated file again.")
    format: Literal["png", "jpg", "jpeg", "webp", "avif", "tif", "tiff"] = "png"


Features = Literal["auto", "digits", "pictures", "data", "inception"]
"""What distances are measured in: the task's shipped network, one by name, or Inception."""


class EvaluateRequest(Request):
    """Measure a package against a data set."""

    package: str
    data: Path
    held_out: Path | None = Field(None, description="Real pictures that training never saw.")
    count: int | None = Field(None, ge=10, description="Pictures to generate; None: 1,000.")
    seed: int = Field(0, ge=0)
    features: Features = "auto"
    quick: bool = Field(False, description="Leave out the curves, which draw more pictures.")
    out: Path | None = Field(None, description="Folder for the report.")


class CompareRequest(Request):
    """Set several packages side by side, measured by one protocol."""

    models: tuple[str, ...] = Field(min_length=2, description="Packages or folders of reports.")
    data: Path | None = Field(None, description="Real pictures; needed where a package is given.")
    held_out: Path | None = Field(None, description="Real pictures that training never saw.")
    count: int | None = Field(None, ge=10, description="Pictures to generate; None: 1,000.")
    seed: int = Field(0, ge=0)
    features: Features = "auto"
    out: Path | None = Field(None, description="Folder for the comparison.")


class DemoRequest(Request):
    """Learn to write digits, from nothing to a report."""

    out: Path = Path("demo")
    seed: int = Field(0, ge=0)
    images: int | None = Field(None, ge=64, description="Length of the run; None: the task's.")
