"""What the games have in common that adapt nothing while they are played."""

from collections.abc import Mapping

from torch import nn


class Steady:
    """The parts of `trainer.Engine` that do nothing."""

    def controls(self) -> dict[str, float]:
        """Nothing adapts."""
        return {}

    def prepare(self, networks: Mapping[str, nn.Module], fraction: float) -> None:
        """Networks need not know the moment."""

    def resting(self, name: str, network: nn.Module) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's
        """Everything learns."""
        return ()

    def adapt(
        self,
        controls: Mapping[str, float],
        figures: Mapping[str, float],  # noqa: ARG002 - the protocol's
        batch: int,  # noqa: ARG002 - the protocol's
    ) -> dict[str, float]:
        """Nothing adapts."""
        return dict(controls)
