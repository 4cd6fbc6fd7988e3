"""Photographs without their noise."""

from mintmark.engines.degrade import Noise
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PICTURE, RESTORING, STRENGTH, Restoration

TASK = Restoration(
    name="denoise",
    title="Take the noise out of photographs",
    about=(
        "Learns from clean photographs to remove noise of 10 to 50 levels of 255 without being "
        "told how strong it is; it begins at a plain filter (non-local means) and betters it. "
        "Twenty photographs and a quarter of an hour on two cores. It knows noise that is alike "
        "at every pixel, not grain, stripes or compression, and invents no texture."
    ),
    engine=Paired(Undo(Noise(10, 50)), pixel=0.0, error=0.02, adversarial=0.0),
    args={"filtered": True},
    schedules=RESTORING,
    inputs=(PICTURE, STRENGTH),
    family="unet",
)
