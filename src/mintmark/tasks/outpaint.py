"""Pictures continued beyond their borders."""

from mintmark.engines.examples import Undo
from mintmark.engines.holes import Holes
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, MARGINS, PICTURE, RESTORING, Restoration

TASK = Restoration(
    name="outpaint",
    title="Continue pictures beyond their borders",
    about=(
        "Learns from whole pictures to continue them beyond any of their sides. What is known "
        "stays as it is to the last bit. Twenty photographs and half an hour on two cores. So "
        "short a run continues tones and grain rather than shapes. Margins wider than half of "
        "what it learned from are made at a lower resolution."
    ),
    engine=Paired(Undo(Holes(("border", "half"))), pixel=10.0, turn=0.4),
    args={},
    schedules=RESTORING,
    inputs=(PICTURE, MARGINS, FIDELITY),
    family="fourier",
    use="fill",
)
