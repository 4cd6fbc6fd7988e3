"""The discriminator of the families that work on pictures: it scores patches."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.resample import downsample
from mintmark.models.layers.residual import DenseBlock, conv

WIDTHS = (32, 48, 64)  # channels of the stages, each at half the size


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of pictures of any size (Isola et al., 2017).

    With several kinds of pictures it scores them as each (Liu et al., "Few-Shot Unsupervised
    Image-to-Image Translation", ICCV 2019; Choi et al., "StarGAN v2", CVPR 2020).
    """

    def __init__(self, channels: int, kinds: int = 1, fold: int = 1) -> None:
        super().__init__()
        self.fold = fold  # pixels a side of cells that become channels
        self.start = conv(channels * fold**2, WIDTHS[0], 1, 1.0)
        scale = len(WIDTHS) ** -0.5  # fix-up, see `ResidualArgs.fixup`
        self.stages = nn.ModuleList(DenseBlock(width, scale) for width in WIDTHS)
        ends = [*WIDTHS[1:], WIDTHS[-1]]
        self.widen = nn.ModuleList(conv(a, b, 1, 1.0) for a, b in zip(WIDTHS, ends, strict=True))
        self.finish = conv(WIDTHS[-1], kinds, 3, 1.0)

    def forward(self, x: Tensor, kind: Tensor | None = None) -> Tensor:
        """Scores pictures.

        Args:
            x: In [-1, 1], (N, channels, H, W).
            kind: Numbers of the kinds that they are scored as, (N,); None for the first.

        Returns:
            Logits, (N, patches).
        """
        y = self.start(F.pixel_unshuffle(x, self.fold))
        for stage, widen in zip(self.stages, self.widen, strict=True):
            y = widen(downsample(stage(y)))  # (N, next width, H / 2, W / 2)
        logits: Tensor = self.finish(y)  # (N, kinds, h, w)
        if kind is None:
            return logits[:, 0].flatten(1)
        return logits[torch.arange(len(x), device=x.device), kind].flatten(1)
