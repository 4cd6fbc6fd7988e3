"""Levels of a whole picture, a gain and an offset for each channel, before a local network.

What age takes from a print is nearly that, contrast and a tint, so that is what gives it back.
Where the darkest, the lightest and what is between them lie tells most about it, hence the
quantiles; the look of `lut`, at colours and means, learned less (docs/explanation/measured.md).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.models.layers.residual import SLOPE

THUMBNAIL = 32  # pixels a side that are looked at, whatever the shape of the picture
SHARES = (0.0, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.995, 1.0)
FEATURES = 64


class Look(nn.Module):
    """What the tones of pictures ask for, wherever they lie in them; at first no change."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Linear((channels + 2) * len(SHARES) + channels, FEATURES)
        self.second = nn.Linear(FEATURES, FEATURES)
        self.last = nn.Linear(FEATURES, 2 * channels)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures in [-1, 1], (N, channels, H, W), to gains and offsets, (N, channels, 1, 1)."""
        y = F.leaky_relu(self.first(self._seen(x)), SLOPE)
        y = F.leaky_relu(self.second(y), SLOPE)
        gains, offsets = self.last(y).float().view(len(x), 2, self.channels, 1, 1).unbind(1)
        return gains.exp(), offsets

    def _seen(self, x: Tensor) -> Tensor:
        """Quantiles of each channel, of the lightness and of the saturation, and deviations."""
        small = F.interpolate(x.float(), (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True)
        saturation = small.amax(1, keepdim=True) - small.amin(1, keepdim=True)
        planes = torch.cat([small, small.mean(1, keepdim=True), saturation], 1).flatten(2)
        found = torch.quantile(planes, planes.new_tensor(SHARES), dim=2)  # (SHARES, N, planes)
        return torch.cat([found.permute(1, 2, 0).flatten(1), small.flatten(2).std(2)], 1)


class Levelled(nn.Module):
    """A local network after the levels of one picture.

    Attributes:
        detail: The network.
        gain: (1, channels, 1, 1).
        offset: Likewise.
    """

    def __init__(self, detail: nn.Module, gain: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.detail = detail
        self.gain, self.offset = gain, offset

    def forward(self, x: Tensor) -> Tensor:
        """Pictures or parts of the picture in [-1, 1], (N, channels, H, W)."""
        changed: Tensor = self.detail(x * self.gain + self.offset)
        return changed


class Toned(nn.Module):
    """Gives pictures levels, and then what a local network makes of them."""

    def __init__(self, detail: nn.Module, channels: int) -> None:
        super().__init__()
        self.detail = detail
        self.look = Look(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], (N, channels, H, W)."""
        changed: Tensor = Levelled(self.detail, *self.look(x))(x)
        return changed

    def looked(self, picture: Tensor) -> Levelled:
        """What changes parts of one picture, each by the levels of the whole.

        Args:
            picture: In [-1, 1], (channels, H, W); a thumbnail of 32 pixels a side or more will do.
        """
        with torch.no_grad():
            return Levelled(self.detail, *self.look(picture[None].to(self.look.last.weight)))
