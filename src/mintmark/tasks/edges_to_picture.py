"""Coloured drawings of outlines."""

from mintmark.tasks._task import BY_PAIRS, FIDELITY, PAIRING, PICTURE, Restoration

TASK = Restoration(
    name="edges-to-picture",
    title="Colour outlines",
    about=(
        "Learns from drawings as outlines and in colour to colour other outlines of that kind: a "
        "folder input and a folder target with equal names. A thousand pairs and a quarter of an "
        "hour on two cores. Works at the size that it learned at. It chooses colours that are "
        "usual for a shape, and cannot be told which."
    ),
    engine=BY_PAIRS,
    args={"conditional": True, "scales": 2},
    schedules=PAIRING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
    cutting="whole",
    use="scale",
)
