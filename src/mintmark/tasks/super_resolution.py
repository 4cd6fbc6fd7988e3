"""Photographs with twice as many pixels a side."""

from mintmark.engines.degrade import Downscale
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="super-resolution",
    title="Enlarge photographs",
    about=(
        "Learns from sharp photographs of any size how small ones are enlarged to twice the sides. "
        "Twenty photographs and half an hour on two cores are enough to beat bicubic. It undoes "
        "plain reduction, not blur, noise or compression, and it cannot know what is not there."
    ),
    engine=Paired(Undo(Downscale(2))),
    args={"scale": 2},
    schedules=RESTORING,
    inputs=(PICTURE, FIDELITY),
)
