"""Slices of computed tomography without the noise of a low dose."""

from dataclasses import replace

from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.engines.tomography import LowDose
from mintmark.tasks._task import PICTURE, RESTORING, STRENGTH, Restoration

TASK = Restoration(
    name="low-dose-ct",
    title="Take the noise of a low dose out of CT slices",
    about=(
        "Learns from clean slices, grey from -1000 to 1000 Hounsfield units, to undo what few "
        "photons do to a filtered back projection. Without a discriminator, which would invent "
        "details. A thousand slices and a quarter of an hour on two cores. For study and "
        "research: it is no medical device, and nobody may be diagnosed by its results."
    ),
    engine=Paired(Undo(LowDose((2e4, 2e5), (0.25, 1.0))), pixel=0.0, error=0.02, adversarial=0.0),
    args={},
    # Slices are whole, of four times the pixels of the others' pieces.
    schedules={**RESTORING, "tiny": replace(RESTORING["tiny"], images=8_000, batch=8)},
    inputs=(PICTURE, STRENGTH),
    size=128,
    family="unet",
    cutting="whole",
)
