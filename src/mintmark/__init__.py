"""Mintmark trains GANs on your own assets, uses them, and keeps results accountable.

    import mintmark as mm

    run = mm.train("digits", "data/digits/train", out="runs/digits")
    model = mm.load("runs/digits/package")
    model.generate("pictures", count=16, label="7")

The functions import torch when they are called, not before.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mintmark.actions.python import Model, Run

__all__ = ["load", "train"]


def train(task: str, data: str | Path, out: str | Path, **options: Any) -> "Run":
    """Trains a task to its end, or goes on where a run stopped.

    Args:
        task: What to learn; `mintmark tasks` lists them.
        data: Folder or zip of pictures.
        out: The run's folder.
        options: The other fields of `actions.requests.TrainRequest`.

    Raises:
        MintmarkError: It could not be done; the sentence says why.
    """
    from mintmark.actions import python

    return python.train(task, Path(data), Path(out), **options)


def load(source: str | Path) -> "Model":
    """Loads a package from a folder, or `hf://owner/name` from the Hugging Face Hub.

    Raises:
        PackageError: It cannot be used; the sentence says why.
    """
    from mintmark.actions import python

    return python.load(source)
