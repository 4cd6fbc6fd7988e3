"""New photographs in the manner of a folder of one's own."""

from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Task, short
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="stock-pictures",
    title="Make stock pictures like mine",
    about=(
        "Learns from any folder of photographs of one kind, a thousand and more. An hour on two "
        "cores gives textures and moods at 32 pixels; pictures to look at closely want a GPU and "
        "the preset small or base. It is not good at scenes of many things, at text or at hands."
    ),
    engine=Synthesis(augment=Augment("auto"), penalty_every=2, grow=Grow()),
    family="stylegan",
    schedules={
        "tiny": short(80_000),
        "small": Schedule(images=3_000_000, batch=128, learning_rate=Cosine(2e-4, 5e-5)),
        "base": Schedule(images=15_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(SEED,),
)
