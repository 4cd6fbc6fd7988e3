"""Every error that Mintmark raises on purpose.

MintmarkError                what was wrong, and what to do next, in one sentence
├── InputError               something the user gave cannot be used (exit code 2)
│   ├── DataError            a folder, picture, archive or metadata file
│   ├── PackageError         a trained model on disk
│   ├── ConfigError          an argument or a setting
│   └── ResumeError          a run folder that does not fit what was asked
├── CheckpointError          the state of a run could not be written or read back
├── GuardError               nearly all that was drawn came too near the data
├── Diverged                 training met NaN or Inf
└── GaveUp                   it diverged once more after every retry
"""


class MintmarkError(Exception):
    """Base of the tree; its text is shown to the user as it stands."""

    exit_code = 1


class InputError(MintmarkError):
    """Something the user gave cannot be used; nothing was written."""

    exit_code = 2


class DataError(InputError):
    """A folder, picture, archive or metadata file cannot be used."""


class PackageError(InputError):
    """A model package is truncated, changed, foreign or from the future."""


class ConfigError(InputError):
    """An argument or a setting is out of range or does not fit the others."""


class ResumeError(InputError):
    """A run folder holds a run that differs from the one asked for."""


class CheckpointError(MintmarkError):
    """The state of a run could not be written or read back."""


class GuardError(MintmarkError):
    """Nearly everything that was drawn came too near a picture that was learned from."""


class Diverged(MintmarkError):
    """Training met a number that is not finite.

    Attributes:
        step: The step in which it was seen; no update of that step was kept.
        where: `data`, `loss`, `gradient` or `weights`, with the name of the part.
    """

    def __init__(self, step: int, where: str) -> None:
        super().__init__(f"Training met NaN or Inf in {where} at step {step}.")
        self.step = step
        self.where = where


class GaveUp(MintmarkError):
    """Training diverged once more after every retry; the last good state is kept."""
