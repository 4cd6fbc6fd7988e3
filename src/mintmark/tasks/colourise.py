"""Colours for grey photographs."""

from mintmark.engines.colour_damage import Grey
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, STRENGTH, WIDE, Restoration

TASK = Restoration(
    name="colourise",
    title="Colours for grey photographs",
    about=(
        "Learns from photographs to guess colours from light and dark; the luma of the picture "
        "stays. Give it hundreds of photographs of the kind that it shall colour: from twenty it "
        "learns little, and it cannot know the colour of what it has not seen. Colours may run "
        "over edges. Some minutes on a CPU."
    ),
    engine=Paired(Undo(Grey()), pixel=3.0),
    args={},
    schedules=WIDE,
    inputs=(PICTURE, FIDELITY, STRENGTH),
    family="wide",
    cutting="views",
    colours=True,
    use="colour",
)
