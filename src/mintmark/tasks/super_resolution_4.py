"""Photographs with four times as many pixels a side."""

from mintmark.engines.degrade import Downscale
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="super-resolution-4",
    title="Enlarge photographs four times",
    about=(
        "Learns from sharp photographs of any size how small ones are enlarged to four times the "
        "sides. Twenty photographs and half an hour on two cores. Fifteen of sixteen pixels are "
        "guessed: take it for looks, and super-resolution where twice is enough."
    ),
    engine=Paired(Undo(Downscale(4))),
    args={"scale": 4},
    schedules=RESTORING,
    inputs=(PICTURE, FIDELITY),
)
