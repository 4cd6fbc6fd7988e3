"""Coloured drawings of outlines.

The game begins late and is light beside what asks for the true palette: with more of it colours are
full, but oftener those of something else.
"""

from dataclasses import replace

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
    engine=replace(
        BY_PAIRS, perceptual=0.5, palette=16.0, matching=0.1, adversarial=0.02, turn=0.8
    ),
    args={"conditional": True, "scales": 2},
    schedules=PAIRING,
    inputs=(PICTURE, FIDELITY),
    family="unet",
    cutting="whole",
    use="scale",
)
