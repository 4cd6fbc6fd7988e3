"""Perceptual path length: how much pictures change along a short step between latents."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.core.seeds import derive
from mintmark.metrics.latent import (
    SIZE,
    Distance,
    Generator,
    Space,
    batches,
    box_downsampled,
    measured,
    path,
    require_fine,
    samples,
)


@dataclass(frozen=True)
class PathProtocol:
    """How a path length is measured; the defaults are StyleGAN2's.

    Attributes:
        space: `z`, arcs between latents, or `w`, lines between mapped ones.
        sampling: `full` measures anywhere between the two, `end` at the first.
        samples: How many pairs, >= 2.
        epsilon: Length of the step, as a share of the path, in (0, 1).
        trim: Percent of the values left out at either end, in [0, 50).
        crop: `face` keeps the middle that StyleGAN1 takes of its faces.
        size: Larger pictures are box-downsampled towards this side; in pixels.
    """

    space: Space = "w"
    sampling: Literal["full", "end"] = "end"
    samples: int = 50_000
    epsilon: float = 1e-4
    trim: float = 1.0
    crop: Literal["none", "face"] = "none"
    size: int = SIZE

    def __post_init__(self) -> None:
        """Refuses what cannot be measured.

        Raises:
            ConfigError: A field is out of range.
        """
        words = self.sampling in ("full", "end") and self.crop in ("none", "face")
        numbers = self.samples >= 2 and 0 < self.epsilon < 1 and 0 <= self.trim < 50
        if not (words and numbers and self.size >= 1):
            raise ConfigError(
                "A path length needs sampling 'full' or 'end', crop 'none' or 'face', at least 2 "
                "samples, a step in (0, 1), a trim in [0, 50) and a size of at least 1, not "
                f"{asdict(self)}."
            )


PUBLISHED: dict[str, PathProtocol] = {
    "ppl2_wend": PathProtocol(),  # StyleGAN2, Karras et al. 2020
    # StyleGAN1, Karras et al. 2019, section 4.1
    "ppl_zfull": PathProtocol("z", "full", 100_000, crop="face"),
    "ppl_zend": PathProtocol("z", "end", 100_000, crop="face"),
    "ppl_wfull": PathProtocol("w", "full", 100_000, crop="face"),
    "ppl_wend": PathProtocol("w", "end", 100_000, crop="face"),
}


@dataclass(frozen=True)
class PathLength:
    """A measured path length.

    Attributes:
        value: The trimmed mean of the squared lengths; small is smooth. Its
            unit is that of the distance.
        error: Its standard error.
        protocol: What must be equal before two values may be compared, but for
            what the caller alone knows: generator, distance and its weights.
    """

    value: float
    error: float
    protocol: dict[str, Any]


def path_length(
    generator: Generator, distance: Distance, how: PathProtocol, seed: int, batch: int = 32
) -> PathLength:
    """Perceptual path length (Karras et al. 2019, section 4.1; PPL).

    The trimmed mean of `distance(x(t), x(t + epsilon)) / epsilon^2`. With the
    squared L2 distance and `x = A z`, w = z and no trimming it is
    `2 |A|_F^2`; on arcs between z it is `E[angle^2] |A|_F^2`. Pictures are not
    quantised: the step would vanish. Networks in float64 give one value for
    every small epsilon; in float32 it is right to about 1e-3 at 1e-4 and 1e-5,
    and rounding adds a twentieth at 1e-6 and several times the value at 1e-7.

    Args:
        generator: What draws. For a published value its noise varies from path
            to path; here it is fixed, for both ends and all paths.
        distance: (N,) of two batches of pictures, (N, C, H, W) each, quadratic
            for small differences, as LPIPS is. Given pictures as they are drawn:
            grey ones are not repeated.
        how: The protocol, for instance `PUBLISHED["ppl2_wend"]`.
        seed: Decides latents, labels and positions, of each path by its number.
        batch: Paths at a time; changes rounding only.

    Raises:
        ConfigError: The generator lacks the space, rounds its pictures or draws
            with fresh noise, or the distance is not finite.
    """
    dtype = require_fine(generator, seed)
    lengths = path_lengths(generator, distance, how, seed, batch)
    value, error = trimmed_mean(lengths, how.trim)
    arithmetic = {"noise": "fixed", "drawn_in": dtype, "seed": seed}
    line = {"interpolation": "slerp" if how.space == "z" else "lerp", "downsampling": "box"}
    return PathLength(value, error, {**asdict(how), **line, **arithmetic})


def path_lengths(
    generator: Generator, distance: Distance, how: PathProtocol, seed: int, batch: int = 32
) -> NDArray[np.float64]:
    """The squared length of each path by itself, (samples,); see `path_length`.

    Raises:
        ConfigError: As for `path_length`.
    """
    parts = []
    for chosen in batches(how.samples, batch):
        z, labels = samples(generator, seed, chosen, points=2)
        t = _positions(how, seed, chosen)
        with torch.no_grad():
            at = path(generator, how.space, z, labels)
            near, far = (generator.draw(at(t + step), labels) for step in (0.0, how.epsilon))
            parts.append(measured(distance, _seen(near, how), _seen(far, how)))
    return np.concatenate(parts) / how.epsilon**2


def _positions(how: PathProtocol, seed: int, indices: range) -> Tensor:
    """Where on each path the step starts, (N,)."""
    if how.sampling == "end":
        return torch.zeros(len(indices), dtype=torch.float64)
    streams = [np.random.default_rng(derive(seed, "path position", i)) for i in indices]
    return torch.tensor([rng.random() for rng in streams], dtype=torch.float64)


def _seen(pictures: Tensor, how: PathProtocol) -> Tensor:
    """What the distance sees of pictures, (N, C, H, W)."""
    if how.crop == "face":
        eighth = pictures.shape[2] // 8
        pictures = pictures[:, :, 3 * eighth : 7 * eighth, 2 * eighth : 6 * eighth]
    return box_downsampled(pictures, how.size)


def trimmed_mean(values: NDArray[np.float64], trim: float) -> tuple[float, float]:
    """The mean of what lies within two percentiles, and its standard error.

    The percentiles are values of the sample, the lower one rounded down and the
    upper one up, and are kept themselves, as in StyleGAN. The error is that of
    a trimmed mean, from the winsorised deviation (Tukey and McLaughlin 1963):
    the spread of the kept values alone would promise too much.

    Args:
        values: (N,), N >= 2.
        trim: Percent to leave out at either end, in [0, 50).
    """
    low = np.percentile(values, trim, method="lower")
    high = np.percentile(values, 100 - trim, method="higher")
    kept = values[(values >= low) & (values <= high)]
    spread = values.clip(low, high).std(ddof=1)
    return float(kept.mean()), float(spread * np.sqrt(len(values)) / len(kept))
