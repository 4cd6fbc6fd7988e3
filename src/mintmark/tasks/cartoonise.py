"""Photographs as cartoons: even areas and clear edges."""

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
    name="cartoonise",
    title="Turn photographs into cartoons",
    about=(
        "Learns from a folder of photographs and one of drawings with even areas and clear edges, "
        "and leads both ways; blurred drawings are shown to it as wrong. Twenty large "
        "photographs, some hundred drawings, and a quarter of an hour on a quiet core. It "
        "simplifies what is there; faces do not become characters."
    ),
    engine=Unpaired(nce=1.0, edges=0.5, border=8),
    schedules=TRANSLATING,
    inputs=(PICTURE, PART, TO, STRENGTH, REFERENCE, PHOTO),
    size=64,
    cutting="crops",
    use="restyle",
)
