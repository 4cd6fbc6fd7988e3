"""Old photographs as they may have been."""

from mintmark.engines.degrade import Chain, Fade, Noise, Scratches
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="restore",
    title="Restore old photographs",
    about=(
        "Learns from clean photographs to undo what age does to prints: scratches and dust, faded "
        "colours, grain. Twenty photographs and half an hour on two cores. Wide tears are for "
        "inpaint; colours that are gone altogether stay gone."
    ),
    engine=Paired(
        Undo(Chain((Fade(0.6), Scratches(6), Noise(2, 15)))),
        pixel=0.0,
        error=0.02,
        adversarial=0.01,
    ),
    args={},
    schedules=RESTORING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
)
