"""What `import mintmark` offers: the verbs as plain calls."""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mintmark.actions import generate as generating
from mintmark.actions.requests import ApplyRequest, EvaluateRequest, GenerateRequest, TrainRequest
from mintmark.actions.world import open_world
from mintmark.core.records import Artifact
from mintmark.models.package import Package

if TYPE_CHECKING:
    from mintmark.actions.evaluation import Evaluation

Result = TypeVar("Result")


@dataclass(frozen=True)
class Model:
    """A package that can be used.

    Attributes:
        package: What was loaded.
    """

    package: Package

    def generate(self, out: str | Path, **options: Any) -> list[Artifact]:
        """Writes marked pictures.

        Args:
            out: Folder to write to.
            options: The other fields of `actions.requests.GenerateRequest`:
                count, label, seed, grid, like, format.

        Returns:
            A record a file.
        """
        request = GenerateRequest(package=str(self.package.path), out=Path(out), **options)
        return list(generating.artifacts(self.package, request))

    def apply(
        self, pictures: str | Path | Sequence[str | Path], out: str | Path, **options: Any
    ) -> list[Path]:
        """Works on pictures, with a package that takes pictures.

        Args:
            pictures: A file or folder, or several.
            out: Folder to write to.
            options: The other fields of `actions.requests.ApplyRequest`: fidelity, tile,
                mask, outpaint, to, reference, strength, photo, compare.

        Returns:
            The files.
        """
        from mintmark.actions.apply import apply as applying  # scipy, and needed only here

        given = [pictures] if isinstance(pictures, str | Path) else pictures
        request = ApplyRequest(
            package=str(self.package.path),
            pictures=tuple(map(Path, given)),
            out=Path(out),
            **options,
        )
        return finish(applying(request, open_world()))

    def evaluate(self, data: str | Path, **options: Any) -> "Evaluation":
        """Measures the model against real pictures.

        Args:
            data: What it learned from.
            options: The other fields of `actions.requests.EvaluateRequest`.
        """
        request = EvaluateRequest(package=str(self.package.path), data=Path(data), **options)
        from mintmark.actions.evaluate import measure  # half a second, and needed only here

        evaluation, _ = finish(measure(self.package, request, open_world()))
        return evaluation


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Its plan, log, samples, checkpoints and package.
        model: The trained model.
    """

    folder: Path
    model: Model


def train(task: str, data: Path, out: Path, **options: Any) -> Run:
    """See `mintmark.train`."""
    from mintmark.actions.train import train as training  # half a second, and needed only here

    request = TrainRequest(task=task, data=data, out=out, **options)
    deque(training(request, open_world()), maxlen=0)
    return Run(out, load(out / "package"))


def load(source: str | Path) -> Model:
    """See `mintmark.load`."""
    return Model(generating.load(source, open_world()))


def finish(steps: Generator[object, None, Result]) -> Result:
    """What a verb returns, without its progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
