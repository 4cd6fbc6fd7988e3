"""New marks in the manner of a set of logos or icons."""

from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Task, short
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="logos",
    title="Sketch logos and icons",
    about=(
        "Learns shapes and colours from a few hundred logos or icons, with transparency. About "
        "half an hour on two cores at 32 pixels. What it draws are sketches to start "
        "from: it cannot write, and a mark that is close to one it learned from is turned down."
    ),
    engine=Synthesis(augment=Augment("auto"), penalty_every=2, reconstruct=0.5, grow=Grow()),
    family="stylegan",
    schedules={
        "tiny": short(80_000),
        "small": Schedule(images=2_000_000, batch=128, learning_rate=Cosine(2e-4, 5e-5)),
        "base": Schedule(images=10_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(SEED,),
    size=32,
    guard=True,
)
