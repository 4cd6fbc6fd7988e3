"""The log of a run: one JSON line a tick, and TensorBoard event files."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

from tensorboardX import SummaryWriter

from mintmark.core.files import write_text


class RunLog:
    """Appends figures to `log.jsonl` and `events/` of a run folder.

    Lines beyond the step that a run resumes from are dropped first, so the log
    reads as if the run had never been cut.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Opens the log of the run in `folder`, which stands at `step`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "log.jsonl"
        self._file = self._opened(step)
        self._events = SummaryWriter(str(folder / "events"), purge_step=step)

    def write(self, step: int, images: int, figures: Mapping[str, float]) -> None:
        """Adds one line of figures, and a point to each curve."""
        line = {"step": step, "images": images, **figures}
        self._put(line)
        for name, value in figures.items():
            self._events.add_scalar(name, value, step)

    def tell(self, step: int, message: str) -> None:
        """Adds one line of words, for an alarm or a roll-back; drops what lies beyond it."""
        self._file.close()
        self._file = self._opened(step)
        self._put({"step": step, "message": message})
        self._events.add_text("messages", message, step)

    def close(self) -> None:
        """Flushes and closes both files."""
        self._file.close()
        self._events.close()

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self, step: int) -> TextIO:
        """The file for appending, without lines beyond `step`."""
        if self.path.exists():
            lines = self.path.read_text().splitlines(keepends=True)
            write_text(self.path, "".join(line for line in lines if _step(line) <= step))
        return self.path.open("a", encoding="utf-8")

    def _put(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _step(line: str) -> float:
    """The step of a line; infinity for one that a crash cut short, so it is dropped."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
