"""Pictures of one kind made of pictures of another."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import (
    PHOTO,
    PICTURE,
    REFERENCE,
    STRENGTH,
    TO,
    TRANSLATING,
    Translation,
)

TASK = Translation(
    name="translate",
    title="Turn pictures of one kind into another kind",
    about=(
        "Learns from a folder for each kind of pictures, such as day/ and night/, without pairs, "
        "and leads from any kind to any other. Some hundred pictures of each, and ten minutes on a "
        "quiet core at 32 pixels, which is a beginning. Made for colours and textures; shapes "
        "change only a little, and it cannot know what a picture does not show."
    ),
    engine=Unpaired(),
    schedules=TRANSLATING,
    inputs=(PICTURE, TO, STRENGTH, REFERENCE, PHOTO),
)
