"""Photographs with four times as many pixels a side."""

from mintmark.engines.degrade import Downscale
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, Restoration
from mintmark.training.trainer import Cosine, Schedule

TASK = Restoration(
    name="super-resolution-4",
    title="Enlarge photographs four times",
    about=(
        "Learns from sharp photographs of any size how small ones are enlarged to four times the "
        "sides. Twenty photographs and half an hour on two cores. Fifteen of sixteen pixels are "
        "guessed: take it for looks, and super-resolution where twice is enough."
    ),
    engine=Paired(Downscale(4)),
    args={"scale": 4},
    schedules={
        "tiny": Schedule(images=32_000, batch=16, learning_rate=Cosine(1e-3, 5e-5)),
        "small": Schedule(images=1_000_000, batch=32, learning_rate=Cosine(4e-4, 1e-5)),
        "base": Schedule(images=5_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5)),
    },
    inputs=(PICTURE, FIDELITY),
)
