"""What every verb needs of the machine: made once a process."""

from dataclasses import dataclass, replace
from functools import lru_cache

from mintmark.core import log
from mintmark.core.settings import Settings, settings
from mintmark.training.precision import Compute, choose


@dataclass(frozen=True)
class World:
    """Settings, and the device and precision that follow from them."""

    settings: Settings
    compute: Compute

    def for_given_pictures(self) -> "World":
        """The same for networks that work on whole pictures, in another precision on some CPUs."""
        return replace(self, compute=choose(self.settings, wide=True))


@lru_cache(maxsize=1)
def open_world() -> World:
    """The world of this process; its log is set up on the way."""
    log.set_up()
    return World(settings(), choose(settings()))
