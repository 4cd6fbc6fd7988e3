"""Pictures from words, over the vocabulary of the user's own captions."""

from mintmark.engines.augment import Augment
from mintmark.engines.growth import Grow
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Input, Task, short
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="text-to-image",
    title="Draw what a few words say",
    about=(
        "Learns pictures with captions: a column text in the metadata, or a .txt file beside each. "
        "A few thousand pictures and three quarters of an hour on two cores at 32 pixels. It knows "
        "the words of its captions and spellings near them, no others; sentences, counting and "
        "'left of' are beyond it. For open vocabulary, diffusion models are the better tool."
    ),
    engine=Synthesis(
        augment=Augment("auto", colours=False), penalty_every=2, mismatched=0.5, grow=Grow()
    ),
    family="stylegan",
    schedules={
        "tiny": short(100_000),
        "small": Schedule(images=2_500_000, batch=128, learning_rate=Cosine(2e-4, 5e-5)),
        "base": Schedule(images=10_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(Input("text", "text", "What to draw, in the words of the captions."), SEED),
    condition="text",
    size=32,
)
