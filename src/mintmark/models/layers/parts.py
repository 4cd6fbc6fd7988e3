"""Maps of parts, and the discriminator that says which part each pixel of a picture shows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.resample import downsample, upsample
from mintmark.models.layers.residual import DenseBlock, conv

FOLD = 2  # pixels a side of cells that become channels
WIDTHS = (32, 48, 64)  # channels of the U's levels, each at half the size
Colours = Sequence[tuple[int, int, int]]


def named(palette: Colours) -> Tensor:
    """Colours of 0 to 255 as those of pictures, in [-1, 1], (parts, 3)."""
    return torch.tensor(palette) / 127.5 - 1


def parts_of(maps: Tensor, palette: Tensor) -> Tensor:
    """Which part each place of a map shows, by the nearest colour.

    Args:
        maps: In [-1, 1], (N, 3, H, W).
        palette: The colour of each part, in [-1, 1], (parts, 3).

    Returns:
        0 or 1, (N, parts, H, W).
    """
    colours = palette.to(maps.dtype)[:, None, :, None, None]  # (parts, 1, 3, 1, 1)
    far = torch.stack([(maps - colour).square().sum(1) for colour in colours], 1)
    parts: Tensor = F.one_hot(far.argmin(1), len(palette)).permute(0, 3, 1, 2)
    return parts.to(maps.dtype)


class PartsDiscriminator(nn.Module):
    """Names the part that each pixel shows, or says that it was made; a U on cells of 2 x 2 pixels.

    Source: Sushko et al., "You Only Need Adversarial Supervision for Semantic Image Synthesis"
    (OASIS), ICLR 2021: it sees no map, so it can only be pleased by pixels that look like their
    part. Departures: two levels below the cells in the place of six; no spectral norm, since the
    game is held by penalties.
    """

    palette: Tensor

    def __init__(self, channels: int, palette: Colours) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("palette", named(palette))
        top, middle, bottom = WIDTHS
        scale = (2 * len(WIDTHS) - 1) ** -0.5  # fix-up, see `ResidualArgs.fixup`
        self.start = conv(channels * FOLD**2, top, 1, 1.0)
        self.down = nn.ModuleList(DenseBlock(width, scale) for width in (top, middle))
        self.widen = nn.ModuleList((conv(top, middle, 1, 1.0), conv(middle, bottom, 1, 1.0)))
        self.deepest = DenseBlock(bottom, scale)
        self.narrow = nn.ModuleList((conv(bottom, middle, 1, 1.0), conv(middle, top, 1, 1.0)))
        self.up = nn.ModuleList(DenseBlock(width, scale) for width in (middle, top))
        self.finish = conv(top, (len(palette) + 1) * FOLD**2, 3, 1.0)

    def forward(self, pairs: Tensor) -> Tensor:
        """Judges the pixels of pictures.

        Args:
            pairs: Maps, which are not looked at, and pictures, in [-1, 1], (N, 3 + channels, H, W);
                sides are multiples of 8.

        Returns:
            Logits of each part and at last of "made", (N, parts + 1, H, W).
        """
        y = self.start(F.pixel_unshuffle(pairs[:, -self.channels :], FOLD))
        kept = []
        for block, widen in zip(self.down, self.widen, strict=True):
            y = block(y)
            kept.append(y)
            y = widen(downsample(y))  # (N, next width, h / 2, w / 2)
        y = self.deepest(y)
        for block, narrow in zip(self.up, self.narrow, strict=True):
            y = block(upsample(narrow(y)) + kept.pop())  # (N, width above, 2h, 2w)
        return F.pixel_shuffle(self.finish(y), FOLD)

    def asked(self, pairs: Tensor) -> Tensor:
        """The parts of the maps of such pairs, (N, parts, H, W); see `parts_of`."""
        return parts_of(pairs[:, :3], self.palette)
