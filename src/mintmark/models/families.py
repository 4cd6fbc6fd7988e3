"""The network architectures by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from mintmark.models import fourier, lut, r3gan, rrdb, spade, stylegan, translator, unet, wide
from mintmark.models.layers import presets


@dataclass(frozen=True)
class Family:
    """A network architecture.

    Attributes:
        build: Makes the networks by name from the config's args; raises
            ConfigError where the args make no sense. Every tensor of a network
            is in its state dict.
        preset: Args by preset name, shape of the pictures (channels, rows, columns)
            and `Conditions.sizes`.
        grows: Whether its networks can begin at a low resolution.
        restores: Whether they work on given pictures instead of drawing new ones.
        pointwise: Whether each pixel changes by itself, once the whole was looked at.
        tile: Pixels a side of large pictures that they work on at once, where that is fastest: the
            more, the less is computed twice, until it fits no cache.
    """

    build: Callable[[Mapping[str, Any]], dict[str, nn.Module]]
    preset: Callable[[str, tuple[int, int, int], Mapping[str, int]], dict[str, Any]]
    grows: bool = False
    restores: bool = False
    pointwise: bool = False
    tile: int = 256


FAMILIES: dict[str, Family] = {
    "fourier": Family(fourier.build, fourier.preset, restores=True, tile=512),
    "lut": Family(lut.build, lut.preset, restores=True, pointwise=True),
    "r3gan": Family(r3gan.build, presets.preset),
    "rrdb": Family(rrdb.build, rrdb.preset, restores=True),
    "spade": Family(spade.build, spade.preset, restores=True),
    "stylegan": Family(stylegan.build, stylegan.preset, grows=True),
    "translator": Family(translator.build, translator.preset, restores=True),
    "unet": Family(unet.build, unet.preset, restores=True, tile=512),
    "wide": Family(wide.build, wide.preset, restores=True),
}
