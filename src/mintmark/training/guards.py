"""What watches a run: numbers that must be finite, and signs of a bad game."""

import math
from collections.abc import Mapping, MutableMapping

import torch
from torch import Tensor

from mintmark.core.errors import Diverged

MEMORY = 0.99  # share of the old value that a monitor keeps a step: about 100 steps
WARM_UP = 100  # steps before a monitor may speak
WON = 0.98  # share of pairs ranked right above which the discriminator may have won
SURE = 0.1  # its loss below which it has: healthy runs with conditions rank as many, but closely
COLLAPSED = 0.35  # spread of the generated against the real below which modes are lost
ALIVE = 0.5  # spread at which the collapse alarm is armed
ARMED_BY = 0.25  # share of the run by which it is armed in any case
WATCHED = ("pairs_won", "discriminator", "spread")  # of an engine that has all of them


def require_finite(step: int, values: Mapping[str, Tensor]) -> None:
    """Raises at the first value that is NaN or Inf, with one device transfer.

    Args:
        step: The step, for the message.
        values: Scalars by what they are of.

    Raises:
        Diverged: One of them is not finite; it is named.
    """
    numbers = torch.stack([value.detach().float() for value in values.values()]).tolist()
    for name, number in zip(values, numbers, strict=True):
        if not math.isfinite(number):
            raise Diverged(step, name)


def watch(
    monitors: MutableMapping[str, float], figures: Mapping[str, float], fraction: float
) -> list[str]:
    """Follows figures of an adversarial game and says when they turn bad.

    `pairs_won` is the share of real samples that score above the generated
    sample beside them; near 1 for long, and by far (`discriminator`, the loss, is small),
    the generator gets no useful gradient.
    `spread` is the spread of generated samples over that of real ones; near 0,
    the generator has collapsed.

    Args:
        monitors: Running means, changed in place, saved with the run.
        figures: This step's figures; engines without these are not watched.
        fraction: Share of the run that is done.

    Returns:
        Alarms that begin at this step, a sentence each.
    """
    if any(name not in figures for name in WATCHED):
        return []
    monitors["steps"] = monitors.get("steps", 0.0) + 1
    for name in WATCHED:
        monitors[name] = _follow(monitors.get(name), figures[name])
    if monitors["spread"] > ALIVE or fraction > ARMED_BY:
        monitors["armed"] = 1.0
    if monitors["steps"] < WARM_UP:
        return []
    states = {
        "discriminator_won": monitors["pairs_won"] > WON and monitors["discriminator"] < SURE,
        "collapsed": bool(monitors.get("armed")) and monitors["spread"] < COLLAPSED,
    }
    return [ALARMS[name] for name, bad in states.items() if _begins(monitors, name, bad)]


ALARMS = {
    "discriminator_won": (
        "alarm: the discriminator tells nearly every pair apart by far; pictures may get worse; "
        "raise gamma or add data"
    ),
    "collapsed": (
        "alarm: the generated pictures have become alike (collapse); "
        "raise gamma or lower the learning rate"
    ),
}


def _follow(mean: float | None, value: float) -> float:
    return value if mean is None else MEMORY * mean + (1 - MEMORY) * value


def _begins(monitors: MutableMapping[str, float], name: str, bad: bool) -> bool:
    """Whether an alarm turns on now; it speaks once until it has turned off."""
    before = bool(monitors.get(name))
    monitors[name] = float(bad)
    return bad and not before
