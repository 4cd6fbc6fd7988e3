"""The discriminator of the families that work on pictures: it scores patches."""

from torch import Tensor, nn

from mintmark.models.layers.resample import downsample
from mintmark.models.layers.residual import DenseBlock, conv

WIDTHS = (32, 48, 64)  # channels of the stages, each at half the size


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of pictures of any size (Isola et al., 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.start = conv(channels, WIDTHS[0], 1, 1.0)
        scale = len(WIDTHS) ** -0.5  # fix-up, see `ResidualArgs.fixup`
        self.stages = nn.ModuleList(DenseBlock(width, scale) for width in WIDTHS)
        ends = [*WIDTHS[1:], WIDTHS[-1]]
        self.widen = nn.ModuleList(conv(a, b, 1, 1.0) for a, b in zip(WIDTHS, ends, strict=True))
        self.finish = conv(WIDTHS[-1], 1, 3, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (N, channels, H, W), to logits, (N, patches)."""
        y = self.start(x)
        for stage, widen in zip(self.stages, self.widen, strict=True):
            y = widen(downsample(stage(y)))  # (N, next width, H / 2, W / 2)
        logits: Tensor = self.finish(y).flatten(1)
        return logits
