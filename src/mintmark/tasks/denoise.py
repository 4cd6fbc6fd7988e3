"""Photographs without their noise."""

from mintmark.engines.degrade import Noise
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="denoise",
    title="Take the noise out of photographs",
    about=(
        "Learns from clean photographs to remove noise of 10 to 50 levels of 255 without being "
        "told how strong it is. Twenty photographs and half an hour on two cores. After five "
        "minutes it was far behind plain filters that are told the strength. It knows noise "
        "that is alike at every pixel, not grain, stripes or compression."
    ),
    engine=Paired(Undo(Noise(10, 50)), pixel=0.0, error=0.02, adversarial=0.01, turn=0.8),
    args={"filtered": True},
    schedules=RESTORING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
)
