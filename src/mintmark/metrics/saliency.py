"""How well a saliency map tells where people looked.

Bylinskii et al. 2019, "What Do Different Evaluation Metrics Tell Us About
Saliency Models?". Implementations differ in conventions; ours are said at each
function and follow pysaliency where it departs from the first Matlab code.
A picture with a handful of fixations says little: average over pictures, and
give the spread over them.

Maps are (H, W) of one size for both: none is resized here, since the way to
resize moves the figures. Fixations are (H, W) counts, how many fell on each
pixel, and each one counts; give `fixations > 0` to count a pixel once.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError

Map = NDArray[np.float64]

EPS = 2.220446049250313e-16  # of the MIT/Tübingen benchmark


def auc_judd(
    saliency: NDArray[Any],
    fixations: NDArray[Any],
    negatives: Literal["all", "unfixated"] = "all",
) -> float:
    """The chance that a fixated pixel is more salient than another; equal ones count half.

    No noise breaks ties, as it did in the first code, so a constant map scores
    .5 exactly and nothing is random.

    Args:
        saliency: Any finite numbers, (H, W).
        fixations: Counts, (H, W).
        negatives: What fixated pixels are compared with: `all` pixels
            (pysaliency), where the best score is a little below 1, or the
            `unfixated` (Judd et al. 2009).

    Raises:
        ConfigError: The maps are not of that form, or there is nothing to compare.
    """
    values, counts = _fixated(saliency, fixations)
    if negatives not in ("all", "unfixated"):
        raise ConfigError(f"Negatives must be 'all' or 'unfixated', not {negatives!r}.")
    others = np.sort(values[counts == 0] if negatives == "unfixated" else values, axis=None)
    if len(others) == 0:
        raise ConfigError("Every pixel is fixated; compare with 'all' pixels instead.")
    hits = np.repeat(values.ravel(), counts.ravel())  # one a fixation
    lower = np.searchsorted(others, hits, side="left")
    not_higher = np.searchsorted(others, hits, side="right")
    return float((lower + not_higher).mean() / 2 / len(others))


def nss(saliency: NDArray[Any], fixations: NDArray[Any]) -> float:
    """Normalised scanpath saliency: the mean z-score at fixations, 0 by chance.

    The standard deviation is that of all pixels with ddof = 0 (the Matlab code
    has 1). A constant map scores 0.

    Args:
        saliency: Any finite numbers, (H, W).
        fixations: Counts, (H, W).

    Raises:
        ConfigError: The maps are not of that form.
    """
    values, counts = _fixated(saliency, fixations)
    return float(np.average(_standardised(values), weights=counts))


def cc(saliency: NDArray[Any], density: NDArray[Any]) -> float:
    """Pearson's correlation of two maps, in [-1, 1]; 0 where one is constant.

    Args:
        saliency: Any finite numbers, (H, W).
        density: Where people looked, usually fixations under a Gaussian blur, (H, W).

    Raises:
        ConfigError: The maps are not of that form.
    """
    first, second = _checked(saliency, density)
    a, b = _standardised(first), _standardised(second)
    if not a.any() or not b.any():
        return 0.0
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def sim(saliency: NDArray[Any], density: NDArray[Any], rescale: bool = False) -> float:
    """The shared mass of two maps that are divided by their sums, in [0, 1].

    Args:
        saliency: Not negative, unless it is rescaled, (H, W).
        density: Where people looked, likewise, (H, W).
        rescale: Whether minimum and maximum are first brought to 0 and 1 (the
            Matlab code), which forgives a map that is nowhere 0.

    Raises:
        ConfigError: The maps are not of that form.
    """
    first, second = _checked(saliency, density)
    if rescale:
        first, second = first - first.min(), second - second.min()  # _law takes care of the maximum
    return float(np.minimum(_law(first), _law(second)).sum())


def kl(saliency: NDArray[Any], density: NDArray[Any], eps: float = EPS) -> float:
    """KL(density || saliency) in nats, of maps that are divided by their sums.

    `sum d log(eps + d / (s + eps))`. A map that is 0 where people looked costs
    about `-log(eps)` times that mass, so the figure depends much on eps.

    Args:
        saliency: Not negative, (H, W).
        density: Where people looked, not negative, (H, W).
        eps: 2.2e-16 in the MIT/Tübingen benchmark; 0 for the plain divergence,
            infinite where the map alone is 0.

    Raises:
        ConfigError: The maps are not of that form, or eps is negative.
    """
    first, second = _checked(saliency, density)
    if eps < 0:
        raise ConfigError(f"Eps must not be negative, and it is {eps}.")
    looked = second > 0
    s, d = _law(first)[looked], _law(second)[looked]
    with np.errstate(divide="ignore"):
        return float((d * np.log(eps + d / (s + eps))).sum())


def _checked(saliency: NDArray[Any], other: NDArray[Any]) -> tuple[Map, Map]:
    if saliency.ndim != 2 or saliency.size == 0 or saliency.shape != other.shape:
        raise ConfigError(
            f"Saliency must be two maps (height, width) of one size, not {saliency.shape} and "
            f"{other.shape}; resize the saliency map first."
        )
    first, second = np.asarray(saliency, np.float64), np.asarray(other, np.float64)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ConfigError("A saliency map holds NaN or Inf; check what made it.")
    return first, second


def _fixated(saliency: NDArray[Any], fixations: NDArray[Any]) -> tuple[Map, NDArray[np.int64]]:
    values, given = _checked(saliency, fixations)
    counts = given.astype(np.int64)
    if (counts != given).any() or (counts < 0).any() or not counts.any():
        raise ConfigError("Fixations must be whole counts a pixel with at least one fixation.")
    return values, counts


def _standardised(values: Map) -> Map:
    """Mean 0 and standard deviation 1, or all 0 where the map is constant."""
    # The spread of a constant is not always 0 in floating point; its range is.
    if values.min() == values.max():
        return np.zeros_like(values)
    centred: Map = values - values.mean()
    centred /= np.abs(centred).max()  # so that squares neither overflow nor vanish
    standardised: Map = centred / centred.std()
    return standardised


def _law(values: Map) -> Map:
    """A map divided by its sum."""
    if values.min() < 0 or values.max() == 0:
        raise ConfigError(
            "A map that is read as shares must not be negative, nor all 0 or, rescaled, constant."
        )
    scaled = values / values.max()
    law: Map = scaled / scaled.sum()
    return law
