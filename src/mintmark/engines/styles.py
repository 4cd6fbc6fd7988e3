"""Mixing styles: the coarse, middle or fine layers of one picture from another one.

Source: Karras, Laine, Aila, "A Style-Based Generator Architecture", CVPR 2019, section 3.1.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.engines import alpha
from mintmark.engines.synthesis import in_chunks
from mintmark.models.stylegan import Generator, Scale


def of(networks: Mapping[str, nn.Module]) -> Generator:
    """The generator, as one that has styles.

    Raises:
        ConfigError: It has none.
    """
    if not isinstance(networks["G"], Generator):
        raise ConfigError(
            "The package's family has no styles to mix; train the task with the family stylegan."
        )
    return networks["G"]


def layers_of(generator: Generator, scale: Scale) -> Tensor:
    """Which layers a scale covers, (layers,), bool."""
    return torch.tensor([generator.scale_of(layer) == scale for layer in range(generator.layers)])


def require_layers(generator: Generator, scale: Scale) -> None:
    """Refuses a scale that a small generator does not have.

    Raises:
        ConfigError: No layer is of that scale.
    """
    if not layers_of(generator, scale).any():
        raise ConfigError(f"The package is too small to have {scale} layers; mix another scale.")


def mixed(
    networks: Mapping[str, nn.Module],
    latents: tuple[Tensor, Tensor],
    condition: Tensor | None,
    scale: Scale,
    psi: float = 1.0,
    noise: Tensor | None = None,
) -> Tensor:
    """Pictures whose layers of one scale have the styles of other pictures.

    Args:
        networks: `G`, in evaluation mode, of a family with styles.
        latents: Of the pictures, and of those that give the scale its styles, (N, latent).
        condition: What each shall show, (N, ...), or None.
        scale: `coarse`, `middle` or `fine`.
        psi: Truncation.
        noise: As of `Synthesis.decode`.

    Returns:
        Pictures clipped to [-1, 1], (N, C, H, W), float32, on the CPU.

    Raises:
        ConfigError: The network has no styles, or no layers of that scale.
    """
    generator = of(networks)
    require_layers(generator, scale)
    chosen = layers_of(generator, scale)

    def draw(z: Tensor, giver: Tensor, condition: Tensor | None, noise: Tensor | None) -> Tensor:
        own = generator.styles(z, condition, psi)  # (N, layers, style)
        given = generator.styles(giver, condition, psi)
        styles = torch.where(chosen.to(z.device)[None, :, None], given, own)
        return generator.paint(styles, noise)

    return alpha.straight(in_chunks(draw, generator, *latents, condition, noise))
