"""A generator from pictures of one kind to pictures of another, and the judge of all kinds.

One generator leads to every kind (Choi et al., "StarGAN v2", CVPR 2020): an encoder that does
not know the kinds, residual blocks, and a decoder in which a learned code of the wanted kind
scales and shifts every layer. The features of its encoder are compared patch by patch through
small heads (Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", ECCV
2020).

Departures: no normalisation, which would take the mean colour away and make a place depend on
the whole picture; residual blocks begin as the identity instead (Zhang et al., "Fixup
Initialization", ICLR 2019). What is made is added to the input and begins at zero, so what needs
no change can stay, and the encoder's finer maps are added to the decoder's (Ronneberger et al.,
"U-Net", 2015), so edges stay where they are. Resampling has a low-pass, as in CUT.
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers import presets
from mintmark.models.layers.patches import PatchDiscriminator
from mintmark.models.layers.resample import downsample, upsample
from mintmark.models.layers.residual import GAIN, SLOPE, DenseBlock, conv

FOLD = 4  # pixels of the input a side of a cell of the lowest stage
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of FOLD
CELL = 2  # pixels a side that the judge folds into channels, which costs a quarter


@dataclass(frozen=True)
class TranslatorArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned from; it takes any others too.
        width: Columns of those.
        channels: 1 grey, 3 RGB.
        classes: How many kinds of pictures.
        features: Channels at full size; twice as many below.
        blocks: Residual blocks at a quarter of the size; the first half of them encodes.
        code: Numbers that say which kind is wanted.
        heads: Numbers that a patch is compared by.
    """

    height: int
    width: int
    channels: int
    classes: int
    features: int = 24
    blocks: int = 4
    code: int = 32
    heads: int = 64

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, FOLD)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "classes": (self.classes, range(2, 1001)),
            "features": (self.features, range(8, 513)),
            "blocks": (self.blocks, range(2, 33, 2)),
            "code": (self.code, range(1, 513)),
            "heads": (self.heads, range(8, 513)),
        }
        presets.require("translator", allowed)


class Modulation(nn.Module):
    """Scales and shifts channels by a code; it begins as the identity."""

    def __init__(self, code: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(code, 2 * width)
        nn.init.normal_(self.linear.weight, 0, 0.5 / math.sqrt(code))
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(N, width, H, W) and (N, code) to the shape of the first."""
        scale, shift = self.linear(code)[:, :, None, None].chunk(2, 1)  # (N, width, 1, 1)
        modulated: Tensor = x * (1 + scale) + shift
        return modulated


class Stage(nn.Module):
    """A convolution, modulated, and an activation."""

    def __init__(self, code: int, into: int, out: int) -> None:
        super().__init__()
        self.conv = conv(into, out, 3, GAIN)
        self.modulate = Modulation(code, out)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(N, into, H, W) and (N, code) to (N, out, H, W)."""
        return F.leaky_relu(self.modulate(self.conv(x), code), SLOPE)


class ModulatedBlock(nn.Module):
    """Two convolutions of modulated features, added to their input."""

    def __init__(self, code: int, width: int, scale: float) -> None:
        super().__init__()
        self.modulate1 = Modulation(code, width)
        self.conv1 = conv(width, width, 3, scale * GAIN)
        self.modulate2 = Modulation(code, width)
        self.conv2 = conv(width, width, 3, 0.0)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(N, width, H, W) and (N, code) to the shape of the first."""
        y: Tensor = self.conv1(F.leaky_relu(self.modulate1(x, code), SLOPE))
        y = self.conv2(F.leaky_relu(self.modulate2(y, code), SLOPE))
        return x + y


class Encoder(nn.Module):
    """Features of a picture of any kind."""

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        fine, deep, scale = args.features, 2 * args.features, args.blocks**-0.5
        self.first = conv(args.channels, fine, 3, GAIN, bias=True)
        self.second = conv(fine, deep, 3, GAIN, bias=True)
        self.third = conv(deep, deep, 3, GAIN, bias=True)
        self.blocks = nn.Sequential(*(DenseBlock(deep, scale) for _ in range(args.blocks // 2)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps of (N, channels, H, W), the finest first, the last of a quarter of the sides."""
        first = F.leaky_relu(self.first(x), SLOPE)  # (N, fine, H, W)
        second = F.leaky_relu(self.second(downsample(first)), SLOPE)  # (N, deep, H / 2, W / 2)
        third = F.leaky_relu(self.third(downsample(second)), SLOPE)  # (N, deep, H / 4, W / 4)
        return [first, second, third, self.blocks(third)]


class Decoder(nn.Module):
    """What is added to a picture, from its maps and the code of a kind."""

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        fine, deep = args.features, 2 * args.features
        scale, count = args.blocks**-0.5, args.blocks // 2
        self.blocks = nn.ModuleList(ModulatedBlock(args.code, deep, scale) for _ in range(count))
        self.third = Stage(args.code, deep, deep)
        self.second = Stage(args.code, deep, fine)
        self.first = Stage(args.code, fine, fine)
        self.last = conv(fine, args.channels, 3, 0.0, bias=True)

    def forward(self, maps: list[Tensor], code: Tensor) -> Tensor:
        """Four maps and (N, code) to (N, channels, H, W)."""
        first, second, _, y = maps
        for block in self.blocks:
            y = block(y, code)
        y = second + upsample(self.third(y, code))  # (N, deep, H / 2, W / 2)
        y = first + upsample(self.second(y, code))  # (N, fine, H, W)
        change: Tensor = self.last(self.first(y, code))
        return change


class Translator(nn.Module):
    """Makes pictures of one kind of pictures of any other, of any size."""

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        self.code = nn.Embedding(args.classes, args.code)
        self.encoder = Encoder(args)
        self.decoder = Decoder(args)
        widths = (args.features, *[2 * args.features] * 3)
        self.heads = nn.ModuleList(_head(width, args.heads) for width in widths)

    def forward(self, x: Tensor, kind: Tensor) -> Tensor:
        """Translates pictures.

        Args:
            x: In [-1, 1], (N, channels, H, W).
            kind: Numbers of the kinds that they shall become, (N,).

        Returns:
            Pictures, (N, channels, H, W).
        """
        height, width = x.shape[2:]
        whole = F.pad(x, (0, -width % FOLD, 0, -height % FOLD), "replicate")
        return self.decode(whole, self.encode(whole), kind)[:, :, :height, :width]

    def encode(self, x: Tensor) -> list[Tensor]:
        """Maps of pictures whose sides are multiples of 4, the finest first."""
        maps: list[Tensor] = self.encoder(x)
        return maps

    def decode(self, x: Tensor, maps: list[Tensor], kind: Tensor) -> Tensor:
        """Pictures as those of the kinds asked for, from the maps that `encode` found."""
        change: Tensor = self.decoder(maps, self.code(kind))
        return x + change


def _head(width: int, out: int) -> nn.Sequential:
    """From the features of a patch to what it is compared by."""
    return nn.Sequential(nn.Linear(width, out), nn.ReLU(), nn.Linear(out, out))


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 24, "blocks": 4, "heads": 64},  # a CPU
    "small": {"features": 64, "blocks": 8, "heads": 256},
    "base": {"features": 128, "blocks": 12, "heads": 256},
}


def preset(name: str, shape: tuple[int, int, int], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS) | {"classes": sizes.get("classes", 0)}


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `TranslatorArgs`, as plain JSON values.

    Returns:
        `{"G": Translator, "D": PatchDiscriminator}`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(TranslatorArgs, args, "translator")
    judge = PatchDiscriminator(checked.channels, checked.classes, CELL)
    return {"G": Translator(checked), "D": judge}
