"""Pictures without what a mask covers."""

from mintmark.engines.examples import Undo
from mintmark.engines.holes import Holes
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, MASK, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="inpaint",
    title="Fill what is missing in pictures",
    about=(
        "Learns from whole pictures to fill holes of any shape from what lies around them. What "
        "is known stays as it is to the last bit. Twenty photographs and half an hour on two "
        "cores; after seven minutes it was not yet better than equations that learn nothing. "
        "Holes deeper than half of what it learned from are filled at a lower resolution."
    ),
    engine=Paired(Undo(Holes(("box", "strokes", "half", "border"))), pixel=3.0),
    args={},
    schedules=RESTORING,
    inputs=(PICTURE, MASK, FIDELITY),
    family="fourier",
    use="fill",
)
