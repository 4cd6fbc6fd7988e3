"""What benches of tasks share: runs outside of the command line, packages, photographs, sheets.

No bench by itself: `make bench` leaves it out.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from mintmark.actions.requests import ApplyRequest
from mintmark.actions.world import open_world
from mintmark.core.media import Picture
from mintmark.data.crops import viewed
from mintmark.data.loader import Loader, PixelSet
from mintmark.data.public import photos, scenes
from mintmark.engines.perception import perceptual_loss
from mintmark.metrics.colour import lab
from mintmark.models.families import FAMILIES
from mintmark.models.package import from_pretrained
from mintmark.tasks._task import Restoration, Translation, find_task
from mintmark.training import trainer

DEFAULT: float = ApplyRequest.model_fields["fidelity"].default
"""The balance that `apply` takes."""

Networks = Mapping[str, nn.Module]
Pixels = NDArray[np.uint8]


def task_of(name: str) -> Restoration:
    task = find_task(name)
    assert isinstance(task, Restoration)
    return task


def trained(
    task: Restoration | Translation, pixels: PixelSet, images: int, seed: int = 0
) -> tuple[Networks, float]:
    """The averages of a run of a task's `tiny` preset, of another length, and its CPU minutes."""
    began = time.process_time()
    torch.manual_seed(seed)
    family, schedule = FAMILIES[task.family], replace(task.schedules["tiny"], images=images)
    own = dict(task.args)
    if pixels.kinds is not None:
        own["classes"] = int(pixels.kinds.max()) + 1
    height, width = pixels.pixels.shape[2:]
    networks = family.build({**family.preset("tiny", (3, height, width), {}), **own})
    compute = open_world().for_given_pictures().compute
    state = trainer.start(task.engine, networks, seed, compute)
    with Loader(pixels, schedule.batch, seed, background=True) as loader:
        for _ in trainer.train(task.engine, state, loader, schedule, compute):
            pass
    return state.averages, (time.process_time() - began) / 60


def packaged(folder: Path) -> tuple[Restoration, Networks]:
    """The task of a package, and both ends of its balance."""
    config = from_pretrained(folder).config
    return task_of(config.task), both(from_pretrained(folder, config.networks).networks)


def both(networks: Networks) -> Networks:
    """The ends of the balance; where there was no game, one network is both."""
    return {"F": networks["G"], **networks}


def cache() -> Path:
    """Where decoded pictures are kept."""
    return open_world().settings.cache / "pixels"


def views(size: int, held_out: bool = False) -> Pixels:
    """Views of the public photographs, (N, 3, size, size)."""
    return views_of(photos.whole(held_out).values(), size)


def views_of(whole: Iterable[Pixels], size: int) -> Pixels:
    """Views of photographs, (H, W, 3) each, (N, 3, size, size)."""
    return np.stack([view for one in whole for view in viewed(Picture(one), 3, size, size)])


def reduced(long: int) -> dict[str, Pixels]:
    """Held-out photographs by name, whole, of so many pixels on the longer side."""
    return {name: small(photo, long) for name, photo in photos.whole(held_out=True).items()}


def reduced_scenes(long: int) -> dict[str, Pixels]:
    """Likewise what `scenes` holds out beside them."""
    others = scenes.whole_part("held-out").items()
    return {name: small(photo, long) for name, photo in others if name not in photos.PHOTOS}


def small(photo: Pixels, long: int) -> Pixels:
    """A photograph, (H, W, 3), brought to so many pixels on the longer side."""
    factor = long / max(photo.shape)
    size = (round(factor * photo.shape[1]), round(factor * photo.shape[0]))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def levels(samples: Tensor) -> Pixels:
    """Samples in [-1, 1], (..., C, H, W), as a file keeps them, (..., H, W, C)."""
    found = samples.add(1).mul(127.5).round().clamp(0, 255).byte().movedim(-3, -1)
    return np.ascontiguousarray(found.numpy())


def in_lab(photo: Pixels) -> NDArray[np.float64]:
    """CIELAB of levels, (H, W, 3) to the same."""
    return lab(np.moveaxis(photo / 255.0, 2, 0))


def perceptual(made: Tensor, target: Tensor) -> float:
    """Distance in the shipped feature network."""
    with torch.no_grad():
        return float(perceptual_loss(made, target))


def save_sheet(path: Path, sheet: Pixels, times: int = 1) -> None:
    """A sheet of pictures, each pixel enlarged."""
    picture = Image.fromarray(sheet)
    size = (times * picture.width, times * picture.height)
    picture.resize(size, Image.Resampling.NEAREST).save(path)
