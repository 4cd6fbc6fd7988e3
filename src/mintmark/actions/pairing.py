"""How the pictures of a run become inputs and targets."""

from dataclasses import dataclass

from mintmark.actions.requests import TrainRequest
from mintmark.core.errors import ConfigError
from mintmark.data.manifest import Snapshot
from mintmark.data.pairs import Half, Row, halves, pairs
from mintmark.tasks._task import AnyTask, Restoration


@dataclass(frozen=True)
class Pairing:
    """Where the inputs of a data set are.

    Attributes:
        inputs: Name of their folder; None means `input`.
        half: The half of each picture that is the target, where pairs lie side by side.
    """

    inputs: str | None = None
    half: Half | None = None

    def rows(self, snapshot: Snapshot, exact: bool) -> list[Row]:
        """The pairs of a data set.

        Args:
            snapshot: The data set.
            exact: Whether colours of the inputs are names.

        Raises:
            DataError: It holds none, or some are not whole.
        """
        if self.half:
            return halves(snapshot, self.half, exact)
        return pairs(snapshot, self.inputs, exact)


def asked(request: TrainRequest, task: AnyTask) -> Pairing | None:
    """What a request says of pairs; None where the task learns from single pictures.

    Raises:
        ConfigError: It says something, and the task does not take pairs.
    """
    if isinstance(task, Restoration) and task.pairs:
        return Pairing(request.input, request.target_half)
    for name, wish in (("--input", request.input), ("--target-half", request.target_half)):
        if wish is not None:
            raise ConfigError(f"{name} is for pairs; {task.name} learns from single pictures.")
    return None
