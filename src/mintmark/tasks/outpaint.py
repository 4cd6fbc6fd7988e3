"""Pictures continued beyond their borders."""

from mintmark.engines.holes import Holes
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, MARGINS, PICTURE, Restoration
from mintmark.training.trainer import Cosine, Schedule

TASK = Restoration(
    name="outpaint",
    title="Continue pictures beyond their borders",
    about=(
        "Learns from whole pictures to continue them beyond any of their sides. What is known "
        "stays as it is to the last bit. Twenty photographs and half an hour on two cores. It "
        "continues sky, walls and textures by half the size that it learned from; wider margins "
        "are made at a lower resolution, and no object is invented."
    ),
    engine=Paired(Holes(("border", "half")), pixel=3.0),
    args={},
    schedules={
        "tiny": Schedule(images=32_000, batch=16, learning_rate=Cosine(1e-3, 5e-5)),
        "small": Schedule(images=1_000_000, batch=32, learning_rate=Cosine(4e-4, 1e-5)),
        "base": Schedule(images=5_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5)),
    },
    inputs=(PICTURE, MARGINS, FIDELITY),
    family="fourier",
)
