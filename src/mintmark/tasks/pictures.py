"""New pictures like those in a folder, by class where the folder has classes."""

from mintmark.engines.augment import Augment
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Input, Task, short
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="pictures",
    title="Make pictures like mine",
    about=(
        "Learns from any folder of pictures of one kind, a thousand and more, cut to squares. "
        "The tiny preset takes about an hour on a CPU at 32 pixels; small and base want a GPU. "
        "It is not good at many kinds of pictures at once, or at a few dozen samples."
    ),
    engine=Synthesis(augment=Augment(kind="ada", mode="ramp", strength=0.3)),
    family="r3gan",
    schedules={
        "tiny": short(100_000),
        "small": Schedule(images=2_000_000, batch=64, learning_rate=Cosine(2e-4, 5e-5)),
        "base": Schedule(images=10_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(Input("class", "class", "Which class, where the folder had classes."), SEED),
    condition="class",
    optional=True,
)
