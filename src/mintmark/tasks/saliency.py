"""A map of what stands out in pictures."""

from mintmark.engines.composites import Pasted
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PICTURE, WIDE, Restoration

TASK = Restoration(
    name="saliency",
    title="Find what stands out in pictures",
    about="To be told when it is measured, once the figures are there, in full sentences.",
    engine=Paired(Pasted(), adversarial=0.0),
    args={"adds": False},
    schedules=WIDE,
    inputs=(PICTURE,),
    family="wide",
    cutting="views",
    colours=True,
    use="map",
)
