"""Random numbers as a function of (seed, step, name), never of a process.

Numbers are drawn for the whole batch and then sliced, so a process that trains
rows 32 to 64 sees what a lone process sees there, and a run that resumes at
step n draws what it would have drawn. They are drawn on the CPU, because only
the CPU generator gives the same numbers on every device.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mintmark.core.seeds import derive
from mintmark.training.precision import CPU


@dataclass(frozen=True)
class Draws:
    """The random numbers of one step for rows `first` to `last`.

    Attributes:
        seed: The seed of the run.
        step: The step, from 0.
        total: Rows of the whole batch, over all processes.
        first: First row of this part.
        last: One past the last row of this part.
        device: Where the numbers go.
    """

    seed: int
    step: int
    total: int
    first: int
    last: int
    device: torch.device = CPU

    def rows(self, first: int, last: int) -> "Draws":
        """The same draws for other rows of the same batch."""
        return replace(self, first=first, last=last)

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal numbers, (rows, *shape), float32."""
        return self._cut(torch.randn(self.total, *shape, generator=self._generator(name)))

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (rows, *shape), float32."""
        return self._cut(torch.rand(self.total, *shape, generator=self._generator(name)))

    def _cut(self, whole: Tensor) -> Tensor:
        return whole[self.first : self.last].to(self.device, non_blocking=True)

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(derive(self.seed, "draw", self.step, name))
