"""A map of what stands out in pictures."""

from mintmark.engines.composites import Pasted
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PICTURE, WIDE, Restoration

TASK = Restoration(
    name="saliency",
    title="Find what stands out in pictures",
    about=(
        "Learns from objects pasted on photographs to find them, and gives a map, white where "
        "something stands out. Twenty backgrounds and a hundred objects with transparency, in two "
        "folders; a few minutes on a CPU. It is not good at telling what people look at, only at "
        "finding what does not belong; its maps are soft."
    ),
    engine=Paired(Pasted(), adversarial=0.0),
    args={"adds": False},
    schedules=WIDE,
    inputs=(PICTURE,),
    family="wide",
    cutting="views",
    colours=True,
    use="map",
)
