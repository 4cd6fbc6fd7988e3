"""Pictures without what a mask covers."""

from mintmark.engines.holes import Holes
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, MASK, PICTURE, Restoration
from mintmark.training.trainer import Cosine, Schedule

TASK = Restoration(
    name="inpaint",
    title="Fill what is missing in pictures",
    about=(
        "Learns from whole pictures to fill holes of any shape from what lies around them. What "
        "is known stays as it is to the last bit. Twenty photographs and half an hour on two "
        "cores. It continues textures and edges across holes as wide as half of what it learned "
        "from; wider ones are filled at a lower resolution, and no object is invented."
    ),
    engine=Paired(Holes(("box", "strokes", "half", "border")), pixel=3.0),
    args={},
    schedules={
        "tiny": Schedule(images=32_000, batch=16, learning_rate=Cosine(1e-3, 5e-5)),
        "small": Schedule(images=1_000_000, batch=32, learning_rate=Cosine(4e-4, 1e-5)),
        "base": Schedule(images=5_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5)),
    },
    inputs=(PICTURE, MASK, FIDELITY),
    family="fourier",
)
