"""Photographs with better exposure and white balance.

How much contrast and colour a picture lacks is not undone beside that: it cannot be told from the
picture, and who learns to add some adds it to all. Some of what it learns from has no error, or it
would give every picture, also a sound one, the tones that it guesses.
"""

from mintmark.engines.degrade import Cast, Chain, Exposure, Sometimes
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.tasks._task import PICTURE, STRENGTH, Restoration
from mintmark.training.trainer import Cosine, Schedule

WRONG = Chain((Cast(0.5), Exposure(2)))

TASK = Restoration(
    name="enhance",
    title="Better tones and colours of photographs",
    about=(
        "Learns from good photographs to undo wrong exposure and colour casts, whole picture by "
        "whole picture, by a table of colours that invents nothing. Minutes on a CPU; "
        "hundreds of photographs of your own kind, since from some tens it takes less than half of "
        "the errors from new scenes. It cannot tell a red wall from a red cast, nor bring back "
        "what is wholly white."
    ),
    engine=Paired(Undo(Sometimes(WRONG, 0.85)), adversarial=0.0),
    args={},
    schedules={
        "tiny": Schedule(images=320_000, batch=16, learning_rate=Cosine(2e-3, 5e-5)),
        "small": Schedule(images=500_000, batch=32, learning_rate=Cosine(1e-3, 2e-5)),
        "base": Schedule(images=2_000_000, batch=32, learning_rate=Cosine(5e-4, 1e-5)),
    },
    inputs=(PICTURE, STRENGTH),
    size=32,
    family="lut",
    cutting="views",
)
