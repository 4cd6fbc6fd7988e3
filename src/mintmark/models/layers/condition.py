"""From rows of a condition to a vector: classes, attributes or captions."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mintmark.core.errors import ConfigError

WIDTH = 64  # of the vectors of words
SLOPE = 0.2


class TextEncoder(nn.Module):
    """A small convolutional encoder of captions.

    Words are means of the vectors of their units, a convolution looks at three
    words at once, and mean and maximum over the words make one vector (after Kim
    2014, "Convolutional Neural Networks for Sentence Classification").
    """

    def __init__(self, buckets: int, length: int) -> None:
        super().__init__()
        self.units = nn.Embedding(buckets, WIDTH, padding_idx=0)
        self.look = nn.Conv1d(WIDTH, 2 * WIDTH, 3, padding=1)
        self.finish = nn.Linear(4 * WIDTH, length)

    def forward(self, rows: Tensor) -> Tensor:
        """Hashed captions, (N, words, grams), int64, to (N, length)."""
        count = (rows > 0).sum(2, keepdim=True)  # (N, words, 1)
        means = self.units(rows).sum(2) / count.clamp(min=1)  # (N, words, WIDTH)
        there = (count > 0).transpose(1, 2).to(means)  # (N, 1, words)
        # The root keeps the variance of a mean of independent units near that of one.
        scaled = (means * count.clamp(min=1).sqrt()).transpose(1, 2)  # (N, WIDTH, words)
        seen = F.leaky_relu(self.look(scaled), SLOPE) * there  # (N, 2 * WIDTH, words)
        mean = seen.sum(2) / there.sum(2).clamp(min=1)  # (N, 2 * WIDTH)
        vector: Tensor = self.finish(torch.cat([mean, seen.amax(2)], dim=1))  # (N, length)
        return vector


def embedding(sizes: Mapping[str, int], length: int, scale: float = 1.0) -> nn.Module | None:
    """The layer that embeds one kind of condition, or None without any.

    Args:
        sizes: `Conditions.sizes`: of one kind at most is there more than nothing.
        length: Length of the vector.
        scale: Standard deviation of its numbers at the start.

    Raises:
        ConfigError: More than one kind is there.
    """
    asked = {kind: size for kind, size in sizes.items() if size}
    if len(asked) > 1:
        raise ConfigError("A model takes classes, attributes or captions, and only one of these.")
    match [*asked.items()]:
        case [("classes", size)]:
            table = nn.Embedding(size, length)
            nn.init.normal_(table.weight, 0, scale)
            return table
        case [("attributes" | "sentence", size)]:
            linear = nn.Linear(size, length)
            nn.init.normal_(linear.weight, 0, scale)
            nn.init.normal_(linear.bias, 0, scale)  # what is left where all attributes are missing
            return linear
        case [("words", size)]:
            return TextEncoder(size, length)
    return None
