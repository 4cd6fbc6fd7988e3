"""Handwritten digits: the smallest honest task, and the demo."""

from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Input, Task
from mintmark.training.trainer import Cosine, Schedule

TASK = Task(
    name="digits",
    title="Draw handwritten digits",
    about=(
        "Learns to write the digits 0 to 9 from scikit-learn's 1,797 real ones (8 x 8 pixels). "
        "Takes about four minutes on two cores. It knows no other handwriting than its data's."
    ),
    engine=Synthesis(gamma=Cosine(1.0, 0.1)),
    family="r3gan",
    schedules={
        "tiny": Schedule(images=120_000, batch=64),
        "small": Schedule(images=1_000_000, batch=256, learning_rate=Cosine(2e-4, 5e-5)),
    },
    inputs=(Input("class", "class", "Which digit to draw; without it, all in turn."), SEED),
    condition="class",
    size=8,
    extractor="digits",
)
