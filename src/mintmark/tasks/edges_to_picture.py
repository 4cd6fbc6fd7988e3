"""Coloured drawings of outlines."""

from mintmark.engines.examples import Given
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PAIRING, PICTURE, Restoration

TASK = Restoration(
    name="edges-to-picture",
    title="Colour outlines",
    about=(
        "Learns from drawings as outlines and in colour to colour other outlines of that kind: a "
        "folder input and a folder target with equal names. A thousand pairs and a quarter of an "
        "hour on two cores. Works at the size that it learned at. It chooses colours that are "
        "usual for a shape, and cannot be told which."
    ),
    engine=Paired(Given(), perceptual=1.0, adversarial=0.05, turn=0.25, conditional=True),
    args={"conditional": True},
    schedules=PAIRING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
    cutting="whole",
    use="scale",
)
