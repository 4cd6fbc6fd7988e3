"""A generator from pictures of one kind to pictures of another, and the judge of all kinds.

One generator leads to every kind (Choi et al., "StarGAN v2", CVPR 2020): an encoder that does
not know the kinds, residual blocks, and a decoder in which a code scales and shifts every layer.
The code is one that is learned of each kind, and to it comes, if there is a picture whose style
is wanted, what a style encoder reads from that. So there is a code of the structure, with places,
and one of the texture, without (Park et al., "Swapping Autoencoder", NeurIPS 2020). The features
of the encoder are compared patch by patch through small heads (Park et al., "Contrastive Learning
for Unpaired Image-to-Image Translation", ECCV 2020). Where only a part shall change, the decoder
says which (Pumarola et al., "GANimation", ECCV 2018).

Departures: no normalisation, which would take the mean colour away and make a place depend on
the whole picture; residual blocks begin as the identity instead (Zhang et al., "Fixup
Initialization", ICLR 2019). What is made is added to the input and begins at zero, so what needs
no change can stay, and the encoder's finer maps are added to the decoder's (Ronneberger et al.,
"U-Net", 2015), so edges stay where they are. Resampling has a low-pass, as in CUT.
"""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers import presets
from mintmark.models.layers.patches import PatchDiscriminator
from mintmark.models.layers.resample import downsample, upsample
from mintmark.models.layers.residual import GAIN, SLOPE, DenseBlock, conv

FOLD = 4  # pixels of the input a side of a cell of the lowest stage
STYLE_FOLD = 8  # the same of the style encoder
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of FOLD
CELL = 2  # pixels a side that the judge folds into channels, which costs a quarter


@dataclass(frozen=True)
class TranslatorArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned from; it takes any others too.
        width: Columns of those.
        channels: 1 grey, 3 RGB.
        classes: How many kinds of pictures, 0 where all are of one.
        features: Channels at full size; twice as many below.
        blocks: Residual blocks at a quarter of the size; the first half of them encodes.
        code: Numbers that say which kind or style is wanted.
        heads: Numbers that a patch is compared by.
        local: Whether it says how far each place changes.
        cooccurrence: Whether the judge sees beside a picture another of the same texture (Park
            et al., "Swapping Autoencoder").
    """

    height: int
    width: int
    channels: int
    classes: int
    features: int = 24
    blocks: int = 4
    code: int = 32
    heads: int = 64
    local: bool = False
    cooccurrence: bool = False

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, FOLD)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "classes": (self.classes, range(1001)),
            "features": (self.features, range(8, 513)),
            "blocks": (self.blocks, range(2, 33, 2)),
            "code": (self.code, range(1, 513)),
            "heads": (self.heads, range(8, 513)),
        }
        presets.require("translator", allowed)
        if not all(isinstance(one, bool) for one in (self.local, self.cooccurrence)):
            raise ConfigError("local and cooccurrence are true or false; correct them.")


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


class StyleEncoder(nn.Module):
    """The texture of a picture, wherever in it things are."""

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        fine, deep = args.features, 2 * args.features
        widths = (args.channels, fine, deep, deep, deep)
        self.stages = nn.ModuleList(conv(a, b, 3, GAIN, bias=True) for a, b in pairwise(widths))
        self.last = nn.Linear(deep, args.code)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures, (N, channels, H, W), sides multiples of 8, to (N, code)."""
        for place, stage in enumerate(self.stages):
            x = F.leaky_relu(stage(downsample(x) if place else x), SLOPE)
        code: Tensor = self.last(x.mean((2, 3)))
        return code


class Decoder(nn.Module):
    """What is added to a picture, from its maps and a code.

    Attributes:
        open: How far the share of a `local` one is held at 1, while it learns what to add; 0 in
            use. A share that is free from the beginning goes to 0 before there is anything worth
            adding, and from there no gradient leads back.
    """

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        fine, deep = args.features, 2 * args.features
        scale, count = args.blocks**-0.5, args.blocks // 2
        self.blocks = nn.ModuleList(ModulatedBlock(args.code, deep, scale) for _ in range(count))
        self.third = Stage(args.code, deep, deep)
        self.second = Stage(args.code, deep, fine)
        self.first = Stage(args.code, fine, fine)
        self.last = conv(fine, args.channels, 3, 0.0, bias=True)
        self.share = conv(fine, 1, 3, 0.1, bias=True) if args.local else None
        self.open = 0.0

    def forward(self, maps: list[Tensor], code: Tensor) -> tuple[Tensor, Tensor | None]:
        """Four maps and (N, code) to a change, (N, channels, H, W), and its share, (N, 1, H, W)."""
        first, second, _, y = maps
        for block in self.blocks:
            y = block(y, code)
        y = second + upsample(self.third(y, code))  # (N, deep, H / 2, W / 2)
        y = first + upsample(self.second(y, code))  # (N, fine, H, W)
        y = self.first(y, code)
        if self.share is None:
            return self.last(y), None
        share = torch.sigmoid(self.share(y))  # (N, 1, H, W)
        return self.last(y), share + self.open * (1 - share)


class Translator(nn.Module):
    """Makes pictures of one kind or style of pictures of any other, of any size."""

    def __init__(self, args: TranslatorArgs) -> None:
        super().__init__()
        self.kinds = nn.Embedding(max(1, args.classes), args.code)
        self.styles = StyleEncoder(args)
        self.encoder = Encoder(args)
        self.decoder = Decoder(args)
        widths = (args.features, *[2 * args.features] * 3)
        self.heads = nn.ModuleList(_head(width, args.heads) for width in widths)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Translates pictures.

        Args:
            x: In [-1, 1], (N, channels, H, W).
            code: What they shall become, (N, code); see `code`.

        Returns:
            Pictures, (N, channels, H, W).
        """
        height, width = x.shape[2:]
        whole = _padded(x, FOLD)
        return self.decode(whole, self.encode(whole), code)[0][:, :, :height, :width]

    def code(self, kind: Tensor, reference: Tensor | None = None) -> Tensor:
        """What pictures shall become.

        Args:
            kind: Numbers of kinds, (N,).
            reference: Pictures whose style they shall have, (N, channels, H, W), or None.

        Returns:
            (N, code).
        """
        code: Tensor = self.kinds(kind)
        return code if reference is None else code + self.styles(_padded(reference, STYLE_FOLD))

    def encode(self, x: Tensor) -> list[Tensor]:
        """Maps of pictures whose sides are multiples of 4, the finest first."""
        maps: list[Tensor] = self.encoder(x)
        return maps

    def decode(self, x: Tensor, maps: list[Tensor], code: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pictures as asked for, from the maps that `encode` found.

        Returns:
            Pictures, and where it is `local` how far each place was changed, from 0 to 1,
            (N, 1, H, W).
        """
        change, share = self.decoder(maps, code)
        return x + (change if share is None else share * change), share


def _padded(x: Tensor, fold: int) -> Tensor:
    """Pictures whose sides are multiples, by repeating the border."""
    return F.pad(x, (0, -x.shape[3] % fold, 0, -x.shape[2] % fold), "replicate")


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
    seen = (2 if checked.cooccurrence else 1) * checked.channels
    judge = PatchDiscriminator(seen, max(1, checked.classes), CELL)
    return {"G": Translator(checked), "D": judge}
