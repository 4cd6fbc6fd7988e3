"""Colours for grey photographs."""

from mintmark.engines.colour_damage import Grey
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, WIDE, Restoration

TASK = Restoration(
    name="colourise",
    title="Colours for grey photographs",
    about="To be told when it is measured, once the figures are there, in full sentences.",
    engine=Paired(Undo(Grey()), pixel=3.0),
    args={},
    schedules=WIDE,
    inputs=(PICTURE, FIDELITY),
    family="wide",
    cutting="views",
    colours=True,
    use="colour",
)
