"""Pictures of maps that say where which part is."""

from dataclasses import replace

from mintmark.engines.contests import Segments
from mintmark.tasks._task import BY_PAIRS, FIDELITY, PAIRING, PICTURE, Restoration

TASK = Restoration(
    name="layout-to-picture",
    title="Paint maps of parts",
    about=(
        "Learns from pictures and their maps, in which each part has a colour of its own, to "
        "paint other maps of those parts: a folder of maps and one of pictures with equal names. "
        "Five hundred pairs and five to ten minutes on two cores. A map has one picture; what "
        "it does not say, such as the colour of hair, comes out as is usual."
    ),
    engine=replace(BY_PAIRS, game=Segments(), matching=0.0, adversarial=0.3, turn=0.7),
    args={"segments": True},
    schedules={**PAIRING, "tiny": replace(PAIRING["tiny"], images=10_000)},  # as measured
    inputs=(PICTURE, FIDELITY),
    family="spade",
    cutting="whole",
    use="scale",
    maps=True,
)
