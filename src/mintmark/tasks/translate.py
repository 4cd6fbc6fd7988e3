"""Pictures of one kind made of pictures of another."""

from mintmark.engines.unpaired import Unpaired
from mintmark.tasks._task import PICTURE, STRENGTH, TO, Translation
from mintmark.training.trainer import Cosine, Schedule

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
    schedules={
        "tiny": Schedule(images=24_000, batch=8, learning_rate=Cosine(1e-3, 1e-4)),
        "small": Schedule(images=1_000_000, batch=16, learning_rate=Cosine(4e-4, 2e-5)),
        "base": Schedule(images=5_000_000, batch=16, learning_rate=Cosine(2e-4, 1e-5)),
    },
    inputs=(PICTURE, TO, STRENGTH),
)
