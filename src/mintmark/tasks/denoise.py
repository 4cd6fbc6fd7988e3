"""Photographs without their noise."""

from mintmark.engines.degrade import Noise
from mintmark.engines.paired import Paired
from mintmark.tasks._task import FIDELITY, PICTURE, Restoration
from mintmark.training.trainer import Cosine, Schedule

TASK = Restoration(
    name="denoise",
    title="Take the noise out of photographs",
    about=(
        "Learns from clean photographs to remove noise of 10 to 50 levels of 255 without being "
        "told how strong it is. Twenty photographs and half an hour on two cores. It knows noise "
        "that is alike at every pixel, not grain, stripes or compression."
    ),
    engine=Paired(Noise(10, 50), adversarial=0.01),
    args={"scale": 1},
    schedules={
        "tiny": Schedule(images=32_000, batch=16, learning_rate=Cosine(1e-3, 5e-5)),
        "small": Schedule(images=1_000_000, batch=32, learning_rate=Cosine(4e-4, 1e-5)),
        "base": Schedule(images=5_000_000, batch=32, learning_rate=Cosine(2e-4, 1e-5)),
    },
    inputs=(PICTURE, FIDELITY),
)
