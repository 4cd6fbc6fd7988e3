"""Photographs as emoji, or any two kinds that are far apart."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import PHOTO, PICTURE, REFERENCE, STRENGTH, TO, TRANSLATING, Translation

TASK = Translation(
    name="photo-to-emoji",
    title="Turn photographs of faces into emoji",
    about=(
        "Learns from a folder of faces and one of emoji or avatars, cut alike, what one looks like "
        "as the other; kept is what a network sees in both. A thousand pictures of each, and ten "
        "minutes on a quiet core at 32 pixels. The likeness is of colours and outline, not of the "
        "person."
    ),
    engine=Unpaired(nce=0.0, constancy=10.0, guard=0.0),
    schedules=TRANSLATING,
    inputs=(PICTURE, TO, STRENGTH, REFERENCE, PHOTO),
)
