"""A residual U-Net, from pictures to pictures of the same size.

Source: Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015; with residual blocks and what was
seen on the way down added on the way up as in Zhang et al., "Plug-and-Play Image Restoration
with Deep Denoiser Prior" (DRUNet), 2021. Works on 2 x 2 cells folded into channels (Wang et
al., "Real-ESRGAN", 2021), which costs a quarter.

Departures: residual blocks of this package, without normalisation; the network adds to its
input, and its last layer begins at zero, so that training starts at the picture given. Where it
is `filtered` it starts at non-local means instead, which take a network long to match, is told
how strong the noise looks (Zhang et al., "FFDNet", 2018), and what it adds is measured in that:
a network that is unsure then does little harm where there is little noise. Where it is `toned`, as
for old prints, the whole picture gets levels before, and what is added is measured in these, since
it has to paint over scratches too. The discriminator
scores patches, and sees what was given beside them where it is `conditional` (Isola et al.,
"Image-to-Image Translation with Conditional Adversarial Networks", 2017).
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError
from mintmark.models.layers import nonlocal_means, patches, presets
from mintmark.models.layers.residual import DenseBlock, conv
from mintmark.models.layers.toning import Toned

FOLD = 2  # pixels a side of a cell
LEVELS = (1, 2, 3)  # channels of each resolution, times `features`
CELL = FOLD * 2 ** (len(LEVELS) - 1)  # pixels a side of one place at the lowest resolution
SMALLEST, LARGEST = 16, 512  # pixels a side of what is learned from, in steps of the smaller


@dataclass(frozen=True)
class UNetArgs:
    """What a pair of networks is built from.

    Attributes:
        height: Rows of the pictures that it learned from; it takes any others too.
        width: Columns of those.
        channels: Of the pictures that it makes: 1 grey, 3 RGB.
        more: Channels of the input beyond those, such as a mask.
        features: Channels at the highest resolution.
        blocks: Residual blocks a resolution, each on the way down and on the way up.
        filtered: Whether it begins at non-local means of the picture instead of the picture, and is
            given both, and how strong the noise looks.
        toned: Whether it comes after levels of the whole picture.
        conditional: Whether the discriminator sees the input beside the picture.
        scales: Resolutions that the discriminator judges at, from the full one down by halves.
    """

    height: int
    width: int
    channels: int
    more: int = 0
    features: int = 32
    blocks: int = 2
    filtered: bool = False
    toned: bool = False
    conditional: bool = False
    scales: int = 1

    def __post_init__(self) -> None:
        sides = range(SMALLEST, LARGEST + 1, SMALLEST)
        allowed: dict[str, tuple[object, Container[int]]] = {
            "height": (self.height, sides),
            "width": (self.width, sides),
            "channels": (self.channels, (1, 3)),
            "more": (self.more, range(5)),
            "features": (self.features, range(8, 257)),
            "blocks": (self.blocks, range(1, 17)),
            "scales": (self.scales, (1, 2)),
        }
        presets.require("unet", allowed)
        if not all(isinstance(one, bool) for one in (self.filtered, self.toned, self.conditional)):
            raise ConfigError("filtered, toned and conditional are true or false; correct them.")
        if self.toned and self.more:
            raise ConfigError("toned takes a picture and no more; set more to 0.")


class UNet(nn.Module):
    """Changes pictures of any size."""

    def __init__(self, args: UNetArgs) -> None:
        super().__init__()
        self.channels, self.filtered = args.channels, args.filtered
        # A scratch is far more than the grain beside it.
        self.in_noise = args.filtered and not args.toned
        planes = args.channels + args.more
        if args.filtered:
            planes += args.channels + 1
        widths = [level * args.features for level in LEVELS]
        scale = (2 * len(widths) * args.blocks) ** -0.5  # fix-up, see `ResidualArgs.fixup`

        def stage(width: int) -> nn.Sequential:
            return nn.Sequential(*(DenseBlock(width, scale) for _ in range(args.blocks)))

        self.first = conv(planes * FOLD**2, widths[0], 3, 1.0)
        self.down = nn.ModuleList(stage(width) for width in widths[:-1])
        self.reduce = nn.ModuleList(conv(4 * a, b, 1, 1.0) for a, b in pairwise(widths))
        self.lowest = stage(widths[-1])
        self.enlarge = nn.ModuleList(conv(b, 4 * a, 1, 1.0) for a, b in pairwise(widths))
        self.up = nn.ModuleList(stage(width) for width in widths[:-1])
        self.last = conv(widths[0], args.channels * FOLD**2, 3, 0.0, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Changes pictures.

        Args:
            x: Pictures in [-1, 1], and what more is given, (N, channels + more, H, W).

        Returns:
            Pictures, (N, channels, H, W).
        """
        height, width = x.shape[2:]
        unit: Tensor | float = 1.0  # of what is added
        if self.filtered:
            plain, sigma = self._filtered(x[:, : self.channels])
            x = torch.cat([plain, x, sigma.expand(-1, -1, height, width)], 1)
            unit = sigma if self.in_noise else 1.0
        whole = F.pad(x, (0, -width % CELL, 0, -height % CELL), "replicate")
        y = self.first(F.pixel_unshuffle(whole, FOLD))  # (N, features, H / 2, W / 2)
        seen = []
        for stage, reduce in zip(self.down, self.reduce, strict=True):
            y = stage(y)
            seen.append(y)
            y = reduce(F.pixel_unshuffle(y, 2))  # (N, next width, h / 2, w / 2)
        y = self.lowest(y)
        for stage, enlarge in zip(self.up[::-1], self.enlarge[::-1], strict=True):
            y = stage(F.pixel_shuffle(enlarge(y), 2) + seen.pop())  # (N, former width, 2h, 2w)
        change = F.pixel_shuffle(self.last(y), FOLD)[:, :, :height, :width]
        return x[:, : self.channels] + unit * change

    def _filtered(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """A plain filter's answer, and the noise, (N, 1, 1, 1), without gradients; in float32."""
        with torch.no_grad(), torch.autocast(pictures.device.type, enabled=False):
            sigma = nonlocal_means.noise(pictures.float())
            return nonlocal_means.means(pictures.float(), sigma), sigma


PRESETS: Mapping[str, Mapping[str, int]] = {
    "tiny": {"features": 32, "blocks": 2},  # a CPU
    "small": {"features": 64, "blocks": 4},
    "base": {"features": 128, "blocks": 4},
}


def preset(name: str, shape: tuple[int, int, int], _: Mapping[str, int]) -> dict[str, Any]:
    """Arguments for `build` by the size of the wish; see `presets.of_size`."""
    return presets.of_size(name, shape, PRESETS)


def build(args: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Freshly initialised networks.

    Args:
        args: The fields of `UNetArgs`, as plain JSON values.

    Returns:
        `{"G": UNet, "D": ScalesDiscriminator}`; G is `Toned` where it is `toned`.

    Raises:
        ConfigError: An argument is missing, unknown or out of range.
    """
    checked = presets.checked(UNetArgs, args, "unet")
    beside = checked.channels + checked.more if checked.conditional else 0
    judge = patches.ScalesDiscriminator(checked.channels + beside, checked.scales)
    network = UNet(checked)
    return {"G": Toned(network, checked.channels) if checked.toned else network, "D": judge}
