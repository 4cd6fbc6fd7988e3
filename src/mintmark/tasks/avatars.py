"""Faces and other pictures that are described by attributes."""

from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Input, Task, short
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="avatars",
    title="Draw what a list of attributes says",
    about=(
        "Learns pictures that have columns of attributes in their metadata, such as smile or hair; "
        "yes or no, a choice, or a number, and some may be missing. A few thousand pictures and "
        "half an hour on two cores at 32 pixels. It is not good at values "
        "that the data shows a few dozen times."
    ),
    engine=Synthesis(
        augment=Augment("auto", colours=False), penalty_every=2, mismatched=1.0, grow=Grow()
    ),
    family="stylegan",
    schedules={
        "tiny": short(80_000),
        "small": Schedule(images=2_000_000, batch=128, learning_rate=Cosine(2e-4, 5e-5)),
        "base": Schedule(images=10_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(
        Input("attributes", "attributes", "Values by name; those not given are drawn by chance."),
        SEED,
    ),
    condition="attributes",
    size=32,
)
