"""Generated pictures that copy a training picture, also mirrored, moved or with light noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError

SIDE = 32  # pictures are searched at this side or up to twice it
REACH = 16  # a search goes to a sixteenth of the side, or to
LEAST_REACH = 2  # this many pixels
CELLS = 8  # cells along the thumbnails that candidates are found by
CANDIDATES = 8  # training pictures that are aligned with each picture
FITS = 3  # alignments of them that are refined to a pixel
QUANTILE = 0.01  # of the held-out distances
MARGIN = 0.7  # the share of that quantile below which a picture is a copy
LEFT = 0.5  # the share of a picture's contrast that a copy may leave unexplained
FLAT = 4.0  # contrast, of 255, below which held-out pictures are near to everything
SMALLEST = 8  # side below which there is no room to move
BLOCK = 256  # pictures searched for at a time

Pixels = NDArray[np.uint8]
Reduced = NDArray[np.float32]
Shift = tuple[int, int]  # pixels down and right


@dataclass(frozen=True)
class Alignments:
    """How each of M pictures lies best on a training picture.

    Attributes:
        train: Index of the training picture, (M,).
        mirrored: Whether that is mirrored, left to right, (M,).
        shift: Pixels by which it is then moved down and right, (M, 2).
        distance: Root mean squared difference where they overlap, in
            [0, 255], (M,).
    """

    train: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    shift: NDArray[np.int64]
    distance: NDArray[np.float64]


@dataclass(frozen=True)
class Copies:
    """Which generated pictures are copies.

    Attributes:
        best: The training picture next to each generated one, aligned.
        threshold: The distance below which a picture with contrast is a copy.
        copied: Which generated pictures are copies, (M,).
    """

    best: Alignments
    threshold: float
    copied: NDArray[np.bool_]


def find_copies(train: Pixels, held_out: Pixels, fake: Pixels) -> Copies:
    """Finds generated pictures that copy a training picture.

    A picture is a copy when its `align` distance is below 0.7 of the 1 % quantile
    of the held-out pictures' distances, and below half of its own contrast (the
    standard deviation over its pixels). New pictures of the held-out law are so
    flagged in clearly less than 1 % of cases. The 0.7 is a margin for held-out
    pictures by other photographers, who lie farther away than new work; the half
    is for walls and skies, which lie near to others without being copies. On
    photographs by other photographers than the held-out ones, 16 and 32 pixels
    wide, that left at most 0.8 % false alarms, where without the half there were
    18 %, and found every moved or mirrored copy with noise of 2 levels of 255, of
    pictures of a contrast of 4 or more. Noise beyond about half of a picture's
    contrast hides a copy.

    Left out of the quantile are pictures that are nearly of one colour, and exact
    repeats of training pictures. Repeats that are not exact in more than 1 % of
    the held-out pictures would hide copies: see that `threshold` is not tiny.

    Args:
        train: Training pictures, (T, C, H, W), uint8, sides of 8 or more.
        held_out: Real pictures that were not trained on, (K, C, H, W); 100 or
            more for the quantile to be one.
        fake: Generated pictures, (M, C, H, W).

    Raises:
        ConfigError: The sets are not such pictures of one size, one is empty,
            or no held-out picture has contrast and is new.
    """
    _check(train=train, held_out=held_out, generated=fake)
    distances = align(held_out, train).distance
    usable = np.sort(distances[(_contrast(held_out) >= FLAT) & (distances > 0)])
    if not len(usable):
        raise ConfigError(
            "The held-out pictures repeat the training set or are blank; give real, new ones."
        )
    rank = max(round(QUANTILE * (len(usable) + 1)), 1)
    threshold = MARGIN * float(usable[rank - 1])
    best = align(fake, train)
    copied = best.distance < np.minimum(threshold, LEFT * _contrast(fake))
    return Copies(best, threshold, copied)


def align(pictures: Pixels, train: Pixels) -> Alignments:
    """Lays each picture on the training picture that it fits best.

    Over both mirror images, and over shifts by up to a sixteenth of the side, at
    least 2 pixels, in both directions. All alignments with all training pictures
    are compared by thumbnails of their centres, and those with the 8 nearest
    training pictures then by every pixel of their overlap. Pictures of 64 pixels
    and more are searched at about half of that or less, 32 to 63, and the 3 best
    fits are refined to a pixel at full size. On one core 10,000 pictures
    against 10,000 take about a minute at 32 pixels.

    Args:
        pictures: (N, C, H, W), uint8.
        train: (T, C, H, W), uint8, of the same size.
    """
    factor = max(min(train.shape[-2:]) // SIDE, 1)
    small, references = _small(pictures, factor), _small(train, factor)
    reach = max(min(small.shape[-2:]) // REACH, LEAST_REACH)
    found = Alignments(
        train=np.empty(len(pictures), dtype=np.int64),
        mirrored=np.empty(len(pictures), dtype=np.bool_),
        shift=np.empty((len(pictures), 2), dtype=np.int64),
        distance=np.empty(len(pictures)),
    )
    thumbnails = _thumbnails(references, reach)
    for start in range(0, len(pictures), BLOCK):
        candidates = _candidates(small[start : start + BLOCK], thumbnails, reach)
        for i, near in enumerate(candidates, start):
            fits = []
            for k, mirrored, shift in _fits(small[i], references[near], reach):
                original = train[near[k], :, :, ::-1] if mirrored else train[near[k]]
                distance, moved = _refined(pictures[i], original, shift, factor)
                fits.append((distance, int(near[k]), mirrored, moved))
            found.distance[i], found.train[i], found.mirrored[i], found.shift[i] = min(fits)
    return found


def _thumbnails(references: Reduced, reach: int) -> list[Reduced]:
    """Thumbnails of the centres as they are and mirrored, (T, d) each.

    A copy that was moved by at most `reach` shows the whole centre somewhere.
    """
    centres = references[:, :, reach:-reach, reach:-reach]
    return [_thumbnail(centres), _thumbnail(centres[..., ::-1])]


def _thumbnail(windows: Reduced) -> Reduced:
    factor = max(min(windows.shape[-2:]) // CELLS, 1)
    return _reduced(windows, factor).reshape(len(windows), -1)


def _candidates(block: Reduced, thumbnails: list[Reduced], reach: int) -> NDArray[np.intp]:
    """Indices of the training pictures that some alignment brings nearest, (b, K)."""
    height, width = (side - 2 * reach for side in block.shape[-2:])
    squares = [np.einsum("td,td->t", y, y) for y in thumbnails]
    nearest = np.full((len(block), len(squares[0])), np.inf, dtype=np.float32)
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            x = _thumbnail(block[:, :, down : down + height, right : right + width])
            x_squares = np.einsum("bd,bd->b", x, x)[:, None]
            x *= -2
            for y, y_squares in zip(thumbnails, squares, strict=True):
                distances = x @ y.T  # (b, T)
                distances += y_squares
                distances += x_squares
                np.minimum(nearest, distances, out=nearest)
    kept = min(CANDIDATES, nearest.shape[1])
    return np.sort(np.argpartition(nearest, kept - 1, axis=1)[:, :kept], axis=1)


def _fits(picture: Reduced, candidates: Reduced, reach: int) -> list[tuple[int, bool, Shift]]:
    """The best fits to candidates, (K, C, h, w): which, whether mirrored, and moved by what."""
    reaches = range(-reach, reach + 1)
    transforms = [(m, (i, j)) for m in (False, True) for i in reaches for j in reaches]
    images = {False: candidates, True: np.ascontiguousarray(candidates[..., ::-1])}
    errors = np.stack([_mean_squares(picture, images[m], shift) for m, shift in transforms])
    best = np.argsort(errors, axis=None, kind="stable")[:FITS]
    return [(int(i) % len(candidates), *transforms[i // len(candidates)]) for i in best]


def _refined(picture: Pixels, original: Pixels, shift: Shift, factor: int) -> tuple[float, Shift]:
    """The best shift to a pixel next to one in steps of `factor`, after its exact distance."""
    around = range(1 - factor, factor)
    shifts = [(shift[0] * factor + i, shift[1] * factor + j) for i in around for j in around]
    one, other = picture.astype(np.float32), original.astype(np.float32)[None]
    best = shifts[int(np.argmin([_mean_squares(one, other, moved) for moved in shifts]))]
    exact = _mean_squares(picture.astype(np.float64), original[None].astype(np.float64), best)
    return float(np.sqrt(exact[0])), best


def _mean_squares(
    picture: NDArray[Any], others: NDArray[Any], shift: Shift
) -> NDArray[np.floating[Any]]:
    """Mean squared difference of a picture, (C, h, w), and moved others, (K, C, h, w)."""
    gaps = _overlap(picture, *shift) - _overlap(others, -shift[0], -shift[1])
    gaps = gaps.reshape(len(others), -1)
    means: NDArray[np.floating[Any]] = np.einsum("kp,kp->k", gaps, gaps) / gaps.shape[1]
    return means


def _overlap(pictures: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """The part of pictures that others still cover once moved down and right."""
    height, width = pictures.shape[-2:]
    rows = slice(max(down, 0), height + min(down, 0))
    return pictures[..., rows, max(right, 0) : width + min(right, 0)]


def _small(pictures: Pixels, factor: int) -> Reduced:
    """Pictures at the size they are searched at, (N, C, h, w)."""
    small = _reduced(pictures, factor)
    if factor == 1:
        return small
    # Moved by half of the factor, a sharp picture is far from itself; a soft one is near.
    half = np.float32(0.5)
    small = half * small[:, :, 1:] + half * small[:, :, :-1]
    return half * small[..., 1:] + half * small[..., :-1]


def _reduced(pictures: NDArray[Any], factor: int) -> Reduced:
    """Means over squares of `factor` pixels, (N, C, H // factor, W // factor)."""
    n, c, height, width = pictures.shape
    height, width = height // factor, width // factor
    cut = pictures[:, :, : height * factor, : width * factor]
    squares = cut.reshape(n, c, height, factor, width, factor)
    means: Reduced = squares.mean(axis=(3, 5), dtype=np.float32)
    return means


def _contrast(pictures: Pixels) -> NDArray[np.float64]:
    """Standard deviation over the pixels of a channel, root mean square of channels, (N,)."""
    contrast: NDArray[np.float64] = np.sqrt(pictures.var(axis=(2, 3)).mean(axis=1))
    return contrast


def _check(**sets: NDArray[Any]) -> None:
    for name, pictures in sets.items():
        fits = pictures.ndim == 4 and pictures.dtype == np.uint8 and len(pictures) > 0
        if not fits or min(pictures.shape[-2:]) < SMALLEST:
            raise ConfigError(
                f"The {name.replace('_', '-')} pictures must be uint8 (N, C, H, W) with sides of "
                f"{SMALLEST} or more, not {pictures.dtype} {pictures.shape}."
            )
    if len({pictures.shape[1:] for pictures in sets.values()}) > 1:
        raise ConfigError("The pictures differ in size or channels; bring them to one first.")
