"""Photographs as paintings, and paintings as photographs."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import (
    PART,
    PHOTO,
    PICTURE,
    REFERENCE,
    STRENGTH,
    TO,
    TRANSLATING,
    Translation,
)

TASK = Translation(
    name="photo-to-painting",
    title="Turn photographs into paintings, and back",
    about=(
        "Learns from a folder of photographs and one of paintings by one hand or school, at their "
        "own resolution, and leads both ways. Twenty large pictures of each, and a quarter of an "
        "hour on a quiet core. It paints colours and textures of the size of the pieces that it "
        "learned from; it draws nothing anew."
    ),
    engine=Unpaired(nce=1.0, border=8),
    schedules=TRANSLATING,
    inputs=(PICTURE, PART, TO, STRENGTH, REFERENCE, PHOTO),
    size=64,
    cutting="crops",
    use="restyle",
)
