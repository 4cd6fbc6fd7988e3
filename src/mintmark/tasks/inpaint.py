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
        "cores. It begins at equations and mirrored detail, and a short run gains looks beyond "
        "those rather than truth. Holes deeper than half of what it learned from are filled at a "
        "lower resolution."
    ),
    engine=Paired(Undo(Holes(("box", "strokes", "half", "border"))), pixel=10.0, turn=0.4),
    args={},
    schedules=RESTORING,
    inputs=(PICTURE, MASK, FIDELITY),
    family="fourier",
    use="fill",
)
