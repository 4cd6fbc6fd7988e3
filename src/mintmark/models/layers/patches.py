"""The discriminators of the families that work on pictures: they score patches."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.resample import downsample, reduce
from mintmark.models.layers.residual import DenseBlock, conv

WIDTHS = (32, 48, 64)  # channels of the stages, each at half the size


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of pictures of any size (Isola et al., 2017).

    With several kinds of pictures it scores them as each (Liu et al., "Few-Shot Unsupervised
    Image-to-Image Translation", ICCV 2019; Choi et al., "StarGAN v2", CVPR 2020).
    """

    def __init__(
        self, channels: int, kinds: int = 1, fold: int = 1, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__()
        self.channels = channels
        self.fold = fold  # pixels a side of cells that become channels
        self.start = conv(channels * fold**2, widths[0], 1, 1.0)
        scale = len(widths) ** -0.5  # fix-up, see `ResidualArgs.fixup`
        self.stages = nn.ModuleList(DenseBlock(width, scale) for width in widths)
        ends = [*widths[1:], widths[-1]]
        self.widen = nn.ModuleList(conv(a, b, 1, 1.0) for a, b in zip(widths, ends, strict=True))
        self.finish = conv(widths[-1], kinds, 3, 1.0)

    def forward(self, x: Tensor, kind: Tensor | None = None) -> Tensor:
        """Scores pictures.

        Args:
            x: In [-1, 1], (N, channels, H, W).
            kind: Numbers of the kinds that they are scored as, (N,); None for the first.

        Returns:
            Logits, (N, patches).
        """
        return self.judged(x, kind)[0]

    def judged(self, x: Tensor, kind: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """The logits of `forward`, and the features that each stage found."""
        y = self.start(F.pixel_unshuffle(x, self.fold))
        found = []
        for stage, widen in zip(self.stages, self.widen, strict=True):
            y = widen(downsample(stage(y)))  # (N, next width, H / 2, W / 2)
            found.append(y)
        logits: Tensor = self.finish(y)  # (N, kinds, h, w)
        if kind is None:
            return logits[:, 0].flatten(1), found
        return logits[torch.arange(len(x), device=x.device), kind].flatten(1), found


class ScalesDiscriminator(nn.Module):
    """Scores patches of pictures, of the halved ones, and so on, each by a judge of its own.

    Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with
    Conditional GANs" (pix2pixHD), CVPR 2018.
    """

    def __init__(self, channels: int, scales: int) -> None:
        super().__init__()
        self.judges = nn.ModuleList(of_cells(channels) for _ in range(scales))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (N, channels, H, W), to logits of all scales, (N, patches)."""
        return self.judged(x)[0]

    def judged(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits of `forward`, and the features that each stage of each judge found."""
        logits, found = [], []
        for judge in self.judges:
            assert isinstance(judge, PatchDiscriminator)
            own, maps = judge.judged(x)
            logits.append(own)
            found += maps
            x = reduce(x)
        return torch.cat(logits, 1), found


def of_cells(channels: int) -> PatchDiscriminator:
    """One that works on cells of 2 x 2 pixels, which costs a fifth; its patches are as large."""
    return PatchDiscriminator(channels, fold=2, widths=WIDTHS[:2])
