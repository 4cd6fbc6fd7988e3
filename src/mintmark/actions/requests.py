"""The public vocabulary: one record a verb, the same for every surface."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from mintmark.core.errors import ConfigError
from mintmark.core.records import MOST_MARGIN, Content, Side


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
    size: int | tuple[int, int] | None = Field(
        None, description="Pixels a side, or width and height; None: by task and data."
    )
    family: str | None = Field(None, description="r3gan or stylegan; None: the task's.")
    condition: Literal["auto", "class", "attributes", "text", "none"] = Field(
        "auto", description="What the model can be asked for; auto: by the task."
    )
    encoder: str | None = Field(None, description="A frozen text encoder: minilm.")
    alpha: Literal["keep", "white"] | None = Field(
        None, description="Learn transparency, or lay it on white; None: as all pictures have it."
    )
    augment: Literal["auto", "off", "ada", "diff"] | None = Field(
        None, description="Augmentation; None: the task's."
    )
    gamma: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Weight of the penalties; None: by size."
    )
    tune: bool | None = Field(
        None, description="Probe for gamma before the run; None: where it is worth the time."
    )
    grow: Literal["off", "joint", "freeze"] | None = Field(
        None,
        description="Begin at a low resolution, and as it rises let all stages learn on or freeze "
        "the former ones; None: the task's.",
    )
    input: str | None = Field(None, description="Folder of the inputs of pairs; None: input.")
    target_half: Literal["left", "right"] | None = Field(
        None, description="The half that is the target, where pairs lie side by side."
    )
    kinds: str | None = Field(
        None, description="Column of the metadata whose values are the kinds; None: the folders."
    )
    content: Content | None = Field(
        None,
        description="What translations keep by: patches (nce), the way back (cycle), both, or "
        "counterparts that look alike (likeness).",
    )
    balance: str | None = Field(None, description="Show each class, or value of this, as often.")
    batch: int | None = Field(None, ge=2, description="Pictures a step; None: the task's.")
    images: int | None = Field(None, ge=1, description="Length of the run in images.")
    minutes: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Length of the run in minutes."
    )
    micro: int | None = Field(None, ge=1, description="Most pictures in memory at once.")
    seed: int | None = Field(None, ge=0, description="None: that of the run, 0 for a new one.")
    fork: Path | None = Field(None, description="Start from the weights of another run.")
    start: str | None = Field(None, description="Start from a package: a folder or hf:// name.")
    freeze_d: int = Field(0, ge=0, le=8, description="First stages of D that keep what they know.")
    skip_broken: bool = False

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if self.images is not None and self.minutes is not None:
            raise ConfigError("A run has one length: give its images or its minutes, not both.")
        if self.fork is not None and self.start is not None:
            raise ConfigError("A run starts from one place: give --fork or --from, not both.")
        if self.freeze_d and self.fork is None and self.start is None:
            raise ConfigError("--freeze-d keeps what a start knew; give --from or --fork with it.")
        if self.sides is not None and min(self.sides) < 8:
            raise ConfigError("Pictures are drawn from 8 pixels a side up; choose a larger --size.")
        return self

    @property
    def sides(self) -> tuple[int, int] | None:
        """Width and height, or None."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size


class PackRequest(Request):
    """Make a package of an earlier moment of a run."""

    run: Path
    data: Path
    step: int = Field(ge=1, description="Of a checkpoint that the run has kept.")
    out: Path


class GenerateRequest(Request):
    """Draw pictures with a trained package."""

    package: str
    out: Path
    count: int = Field(16, ge=1)
    label: str | None = Field(None, description="Name of a class; None takes all in turn.")
    attributes: dict[str, str] = Field({}, description="Values by name; others are drawn.")
    text: str | None = Field(None, description="A caption; None takes examples in turn.")
    seed: int = Field(0, ge=0)
    psi: float = Field(1.0, ge=0, le=2, allow_inf_nan=False, description="Truncation.")
    noise: bool = Field(True, description="Stochastic variation, where the family has any.")
    seeds: tuple[int, ...] = Field((), description="Draw picture 0 of each of these instead.")
    best_of: int = Field(1, ge=1, le=64, description="Candidates for each picture kept.")
    grid: bool = Field(False, description="Also write one sheet of all the pictures.")
    sheet: bool = Field(False, description="Also write a contact sheet with captions.")
    mix: int | None = Field(None, ge=0, description="Seed whose picture 0 gives its style.")
    scale: Literal["coarse", "middle", "fine"] = Field("fine", description="Layers it gives.")
    vary: Path | None = Field(None, description="Draw pictures near this generated one.")
    strength: float = Field(0.3, ge=0, le=1, description="How far from it: 0 same, 1 any.")
    walk: Literal["mp4", "webp", "gif"] | None = Field(
        None, description="Write one clip that passes the pictures and returns."
    )
    frames: int = Field(24, ge=1, le=3000, description="Frames from one picture to the next.")
    fps: float = Field(24, ge=0.1, le=120, description="Frames a second.")
    like: Path | None = Field(None, description="Make this generated file again.")
    format: Literal["png", "jpg", "jpeg", "webp", "avif", "tif", "tiff"] = "png"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        """Refuses options that would be ignored."""
        asked = {
            "--like": self.like is not None,
            "--seeds": bool(self.seeds),
            "--vary": self.vary is not None,
            "--walk": self.walk is not None,
        }
        ways = [name for name, there in asked.items() if there]
        if len(ways) > 1:
            raise ConfigError(f"{ways[0]} and {ways[1]} are two ways to draw; give one of them.")
        without = {
            "--grid": self.grid,
            "--sheet": self.sheet,
            "--best-of": self.best_of > 1,
        }
        if self.vary is not None:  # the file says what else it was asked
            without |= {
                "--class": self.label is not None,
                "--set": bool(self.attributes),
                "--text": self.text is not None,
                "--psi": self.psi != 1.0,
                "--mix": self.mix is not None,
            }
        if self.walk is not None:
            without["--mix"] = self.mix is not None
        odd = [name for name, there in without.items() if there]
        if ways and ways[0] != "--like" and odd:
            raise ConfigError(f"{odd[0]} does not go with {ways[0]}; leave one of them out.")
        return self


class ApplyRequest(Request):
    """Work on pictures with a trained package."""

    package: str
    pictures: tuple[Path, ...] = Field(min_length=1, description="Files, or folders of them.")
    out: Path
    fidelity: float = Field(
        0.3, ge=0, le=1, allow_inf_nan=False, description="0 looks best, 1 is nearest to the truth."
    )
    tile: int | None = Field(
        None, ge=64, le=4096, description="Pixels a side at once; None: as is fastest."
    )
    mask: Path | None = Field(
        None, description="White where to fill, or what was pasted: a file, or a folder."
    )
    outpaint: dict[Side, Annotated[int, Field(ge=0, le=MOST_MARGIN)]] = Field(
        {}, description="Pixels to add at each side."
    )
    to: str | None = Field(None, description="The kind of pictures that they shall become.")
    strength: float = Field(
        1.0, ge=0, le=1, allow_inf_nan=False, description="How far: 0 same, 1 wholly."
    )
    reference: Path | None = Field(None, description="A picture whose style they shall have.")
    photo: bool = Field(
        False, description="Keep every edge and the full size; change only colours and light."
    )
    compare: bool = Field(
        False, description="Also write NAME.compare.png: before on the left, after on the right."
    )


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
