"""Old photographs as they may have been."""

from mintmark.engines.degrade import Chain, Fade, Noise, Scratches
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PICTURE, RESTORING, STRENGTH, Restoration

TASK = Restoration(
    name="restore",
    title="Restore old photographs",
    about=(
        "Learns from clean photographs to undo what age does to prints: faded and yellowed "
        "colours, judged by the whole picture, and scratches, dust and grain. Hundreds of "
        "photographs, reduced, teach it what tones are usual; a quarter of an hour on two cores. "
        "Wide tears are for inpaint; colours that are gone altogether stay gone."
    ),
    engine=Paired(
        Undo(Chain((Fade(0.6), Scratches(6), Noise(2, 15)))),
        pixel=0.0,
        error=0.02,
        detail=0.02,
        adversarial=0.0,
    ),
    args={"filtered": True, "toned": True},
    schedules=RESTORING,
    inputs=(PICTURE, STRENGTH),
    family="unet",
    cutting="views",
)
