"""From a few cells to a picture by doublings: which sizes that reaches."""

from mintmark.core.errors import ConfigError

LEAST = 4  # cells of the shorter side of the lowest stage; it has fewer than twice as many
SMALLEST = 8  # pixels
LARGEST = 1024


def stages(height: int, width: int) -> int:
    """Number of stages from the lowest one, of 4 to 7 cells, to the whole picture.

    Args:
        height: Rows of the picture.
        width: Columns.

    Raises:
        ConfigError: The sides cannot be halved that often; the nearest size is named.
    """
    if not min(height, width) >= SMALLEST or max(height, width) > LARGEST:
        raise ConfigError(
            f"Pictures are drawn from {SMALLEST} to {LARGEST} pixels a side, not "
            f"{width} x {height}; choose another size."
        )
    near = _nearest(width, height)
    if near != (width, height):
        raise ConfigError(
            f"Pictures of {width} x {height} pixels cannot be halved down to {LEAST} cells or a "
            f"few more; the nearest size that can is {near[0]}x{near[1]}."
        )
    return _doublings(width, height) + 1


def _doublings(width: int, height: int) -> int:
    return (min(width, height) // LEAST).bit_length() - 1


def _nearest(width: int, height: int) -> tuple[int, int]:
    """Sides near these that can be halved as often as the shorter one asks for."""
    step = 1 << _doublings(width, height)
    near = round(width / step) * step, round(height / step) * step
    if _doublings(*near) > _doublings(width, height):  # rounded up, it asks for one more
        near = round(width / step / 2) * step * 2, round(height / step / 2) * step * 2
    return near
