"""Drawing vector graphics as pixels."""

from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from mintmark.core.errors import ConfigError
from mintmark.data.pictures import on_white
from mintmark.data.public.parts import SIZE


def draw(
    svg: str, edges: Literal["geometric_precision", "crisp_edges"] = "geometric_precision"
) -> NDArray[np.uint8]:
    """Draws an SVG; what is wholly transparent is white.

    Args:
        svg: The graphic, square.
        edges: Whether edges are smoothed.

    Returns:
        Straight RGBA, (64, 64, 4).

    Raises:
        ConfigError: The extra `public` is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise ConfigError(
            "This public set needs the extra `public`: pip install 'mintmark[public]'."
        ) from error
    content = svg_to_bytes(
        svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True, shape_rendering=edges
    )
    return cleared(np.array(PngImageFile(BytesIO(bytes(content))).convert("RGBA")))


def draw_on_white(svg: str) -> NDArray[np.uint8]:
    """Draws an SVG on white paper, (64, 64, 3)."""
    return on_white(draw(svg))


def cleared(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with white where it is wholly transparent: there is nothing to learn."""
    clear = rgba[..., 3:] == 0
    return np.where(clear, np.array([255, 255, 255, 0], np.uint8), rgba)
