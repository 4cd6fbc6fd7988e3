"""Photographs without the traces of compression."""

from mintmark.engines.degrade import Jpeg
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, RESTORING, STRENGTH, Restoration

TASK = Restoration(
    name="decompress",
    title="Take blocks and ringing out of JPEGs",
    about=(
        "Learns from clean photographs to undo JPEG at qualities of 10 to 60 without being told "
        "which. Twenty photographs and half an hour on two cores. It undoes one compression at the "
        "photograph's own size; one that was reduced or saved again afterwards it does not know."
    ),
    engine=Paired(Undo(Jpeg(10, 60)), pixel=0.0, error=0.02, adversarial=0.01),
    args={},
    schedules=RESTORING,
    inputs=(PICTURE, FIDELITY, STRENGTH),
    family="unet",
)
