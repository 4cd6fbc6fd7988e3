"""Pictures changed as pairs of examples show."""

from mintmark.engines.examples import Given
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PAIRING, PICTURE, Restoration

TASK = Restoration(
    name="picture-to-picture",
    title="Change pictures as pairs show",
    about=(
        "Learns from pairs, before and after, to make the one of the other: a folder input and a "
        "folder target with equal names, halves of one picture, or metadata. A thousand pairs "
        "that match pixel by pixel and a quarter of an hour on two cores. Works at the size that "
        "it learned at; what the input does not tell, it makes up from what is usual."
    ),
    engine=Paired(Given(), perceptual=1.0, adversarial=0.05, turn=0.25, conditional=True),
    args={"conditional": True},
    schedules=PAIRING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
    cutting="whole",
    use="scale",
)
