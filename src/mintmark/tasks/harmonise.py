"""Pasted parts in the light and colours of what lies around them."""

from mintmark.engines.colour_damage import Dull
from mintmark.engines.composites import Recoloured
from mintmark.engines.degrade import Cast, Chain, Exposure
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PASTED, PICTURE, STRENGTH, WIDE, Restoration

TASK = Restoration(
    name="harmonise",
    title="Blend in what was pasted",
    about=(
        "Learns from photographs to give pasted parts the light and colours of what lies around; "
        "a mask says where they are, and all else stays to the last bit. Twenty photographs and a "
        "few minutes on a CPU. It is not good at light from another side, shadows or bad edges, "
        "and takes a thing that is rightly dark for one that is badly lit."
    ),
    engine=Paired(Undo(Recoloured(Chain((Exposure(1), Cast(0.4), Dull(0.3, 0.5))))), adversarial=0),
    args={"more": 4},
    schedules=WIDE,
    inputs=(PICTURE, PASTED, STRENGTH),
    family="wide",
    cutting="views",
    colours=True,
    use="blend",
)
