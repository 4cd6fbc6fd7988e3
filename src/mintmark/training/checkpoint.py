"""Checkpoints: the whole state of a run, whole on the disk or not there.

A checkpoint is two files: `<step>.safetensors` with every tensor, and
`<step>.json` with the counters and the digest of the first. The JSON is renamed
into place last, so it commits the pair; a crash at any instant leaves at most
an unfinished pair that is never read. Reading takes the newest pair whose
digest holds.
"""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mintmark.core.errors import CheckpointError
from mintmark.core.files import atomic_path, digest_file, write_json
from mintmark.core.log import get_logger
from mintmark.training.trainer import RunState, spoilt

logger = get_logger("training")

FORMAT = 1


@dataclass(frozen=True)
class Store:
    """A folder of checkpoints of one run.

    Attributes:
        folder: Where they lie; made on the first save.
        keep_last: How many of the newest stay.
        keep_every: Steps whose number is a multiple of this stay for good; 0 for none.
    """

    folder: Path
    keep_last: int = 2
    keep_every: int = 0

    def steps(self) -> list[int]:
        """Steps that have a committed checkpoint, oldest first, not yet verified."""
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]*.json"))

    def save(self, state: RunState) -> Path:
        """Writes the state, then removes checkpoints that need not stay.

        Raises:
            CheckpointError: The disk is full or the state holds NaN or Inf; the
                older checkpoints are untouched.
        """
        bad = spoilt(state)
        if bad:
            raise CheckpointError(
                f"The weights of {bad} hold NaN or Inf, so step {state.step} was not saved; "
                "the run goes on from the checkpoint before."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self._write(state)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"Step {state.step} could not be saved in {self.folder} ({error}); free some "
                "space and run the same command again, it resumes from the checkpoint before."
            ) from error
        self._prune(state.step)
        return path

    def restore(self, state: RunState, step: int | None = None) -> int | None:
        """Loads the newest whole checkpoint into `state`, or that of a step.

        Args:
            state: A state of the same networks; changed in place.
            step: Which one; None takes the newest that is whole.

        Returns:
            The step restored, or None where the folder holds no such whole checkpoint.

        Raises:
            CheckpointError: The checkpoint is whole but does not fit the networks.
        """
        for one in reversed(self.steps()) if step is None else (step,):
            record = self._verified(one)
            if record is not None:
                _unpack(load_file(self._tensors(one)), record, state)
                _warn_of_another_build(record)
                return one
        return None

    def _write(self, state: RunState) -> Path:
        path = self._tensors(state.step)
        tensors = {name: value.contiguous() for name, value in _pack(state).items()}
        with atomic_path(path) as part:
            save_file(tensors, part)
            digest = digest_file(part)
        record = {
            "format": FORMAT,
            "step": state.step,
            "images_seen": state.images_seen,
            "seed": state.seed,
            "controls": state.controls,
            "monitors": state.monitors,
            "sha256": digest,
            "build": _build(),
        }
        write_json(self.folder / f"{state.step:010d}.json", record)
        return path

    def _tensors(self, step: int) -> Path:
        return self.folder / f"{step:010d}.safetensors"

    def _verified(self, step: int) -> dict[str, Any] | None:
        """The record of a checkpoint whose tensors are what was written, else None."""
        try:
            text = (self.folder / f"{step:010d}.json").read_text()
            record: dict[str, Any] = json.loads(text)
            whole = digest_file(self._tensors(step)) == record["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if whole and record.get("format") == FORMAT else None

    def _prune(self, newest: int) -> None:
        """Removes old checkpoints, damaged ones beyond the newest, and what crashes left."""
        steps = [step for step in self.steps() if step <= newest]
        milestones = {s for s in steps if self.keep_every and s % self.keep_every == 0}
        stay = milestones | set(steps[-self.keep_last :])
        for step in set(self.steps()) - stay:
            # The record goes first: tensors without a record are never read.
            (self.folder / f"{step:010d}.json").unlink(missing_ok=True)
        for path in self.folder.glob("*.safetensors"):
            if int(path.stem) not in stay:
                path.unlink(missing_ok=True)
        for path in self.folder.glob(".*.part"):
            path.unlink(missing_ok=True)


def _build() -> dict[str, str | int]:
    """What the last bits of a run depend on besides its state."""
    return {
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }


def _warn_of_another_build(record: dict[str, Any]) -> None:
    if record["build"] != _build():
        logger.warning(
            "the run was saved elsewhere, so its last bits may differ from here on",
            saved_by=record["build"],
            now=_build(),
        )


def _pack(state: RunState) -> dict[str, Tensor]:
    """Every tensor of the state under a name that says what it is."""
    tensors: dict[str, Tensor] = {}
    for group, modules in (("networks", state.networks), ("averages", state.averages)):
        for name, module in modules.items():
            for key, value in module.state_dict().items():
                tensors[f"{group}/{name}/{key}"] = value
    for name, optimizer in state.optimizers.items():
        for index, slots in optimizer.state_dict()["state"].items():
            for key, value in slots.items():
                tensors[f"optimizers/{name}/{index}/{key}"] = value
    return tensors


def _unpack(tensors: dict[str, Tensor], record: dict[str, Any], state: RunState) -> None:
    """Copies saved tensors and counters into `state`, keeping its memory layout."""
    try:
        for group, modules in (("networks", state.networks), ("averages", state.averages)):
            for name, module in modules.items():
                module.load_state_dict(_below(tensors, f"{group}/{name}/"))
        for name, optimizer in state.optimizers.items():
            _fill(optimizer, _below(tensors, f"optimizers/{name}/"))
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"The checkpoint of step {record['step']} does not fit these networks; "
            "train with the settings of the run, or into another folder."
        ) from error
    state.step = int(record["step"])
    state.images_seen = int(record["images_seen"])
    state.seed = int(record["seed"])
    state.controls = dict(record["controls"])
    state.monitors = dict(record["monitors"])


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _fill(optimizer: torch.optim.Adam, saved: dict[str, Tensor]) -> None:
    """Sets Adam's moments; each takes the layout of its parameter, as Adam makes it."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.state.clear()
    for name, value in saved.items():
        index, key = name.split("/")
        parameter = parameters[int(index)]
        optimizer.state[parameter][key] = _laid_out(value, parameter)


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """The value where its parameter is, with its strides; a step counter has none."""
    if value.shape != parameter.shape:
        return value.to(parameter.device)
    return torch.empty_like(parameter, requires_grad=False).copy_(value)
