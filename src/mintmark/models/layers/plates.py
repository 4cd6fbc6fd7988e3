"""Smooth fillings: thin plates over the holes of pictures, where networks that fill begin."""

from itertools import count

import torch
from torch import Tensor
from torch.nn import functional as F

STEPS, MOST = 8, 64  # of the solver at half the resolution, twice as many at the next lower, so on
LAST = 32  # at full resolution, where each helps more and costs more
ENOUGH = 1e-8  # of energy that a missing pixel can still lose: 0.05 levels of 255 from the end
COARSEST = 4  # pixels of the shorter side where it begins
TRUST = 0.3  # share of a wide spline's energy that the preconditioner reckons with: several help
TINY = 1e-20  # of a division by what may be zero


def plate(pictures: Tensor, missing: Tensor, tension: float | Tensor) -> Tensor:
    """Fills holes as smoothly as can be.

    What is missing minimises the squares of the Laplacian and, times `tension`, of the gradient;
    the picture is reflected at its borders. Without tension it is biharmonic (Damelin and Hoang,
    "On Surface Completion and Image Inpainting by Biharmonic Functions", 2018), which overshoots;
    tension (Schweikert, "An Interpolation Curve Using a Spline in Tension", 1966) takes that.

    Solved from the coarsest resolution upwards (Bornemann and Deuflhard, "The Cascadic Multigrid
    Method", 1996), until little is gained or a number of steps was made: deep holes come near to
    the solution only.

    Args:
        pictures: (N, C, H, W), float32, 0 where they are missing.
        missing: (N, 1, H, W), 1 where something is missing, else 0.
        tension: In 1 / pixels ** 2; it counts over distances above 1 / sqrt(tension). One for all,
            or one a picture, (N, 1, 1, 1).

    Returns:
        (N, C, H, W); what is known is as it was. 0 where nothing is known at all.
    """
    levels = [(pictures, 1 - missing)]  # sums of what is known, and how much of each cell is
    while min(levels[-1][0].shape[2:]) > COARSEST:
        sums, share = (F.avg_pool2d(part, 2, ceil_mode=True) for part in levels[-1])
        levels.append((sums, share))
    sums, share = (part.mean((2, 3), keepdim=True) for part in levels[-1])
    found = sums / share.clamp(min=TINY)  # (N, C, 1, 1)
    for level in reversed(range(len(levels))):
        sums, share = levels[level]
        wide = F.interpolate(found, size=sums.shape[2:], mode="bicubic")
        begun = torch.where(share > 0, sums / share.clamp(min=TINY), wide)
        hole = (share == 0).to(sums)
        holes = [hole] if level else _lower(hole)
        steps = min(STEPS * 2 ** (level - 1), MOST) if level else LAST
        found = _settled(begun, holes, tension * 4.0**level, steps)
    return found


def _settled(begun: Tensor, holes: list[Tensor], tension: float | Tensor, steps: int) -> Tensor:
    """Preconditioned conjugate gradients from `begun`, within the first of the holes."""
    shares = _shares(holes, tension)
    found, left = begun.clone(), -holes[0] * _force(begun, tension)
    along = _eased(left, holes[0], shares)
    gain = _dot(left, along)
    little = ENOUGH * holes[0].sum((2, 3), keepdim=True)
    for _ in range(steps):
        if bool((gain <= little).all()):
            break
        bent = _force(along, tension).mul_(holes[0])
        far = gain / _dot(along, bent).clamp(min=TINY)
        found.addcmul_(along, far)
        left.addcmul_(bent, far, value=-1)
        eased = _eased(left, holes[0], shares)
        former, gain = gain, _dot(left, eased)
        along.mul_(gain / former.clamp(min=TINY)).add_(eased)
    return found


def _force(plate: Tensor, tension: float | Tensor) -> Tensor:
    """Half of how fast the energy grows with each pixel."""
    return _laplacian(_laplacian(plate).sub_(tension * plate))


def _laplacian(x: Tensor) -> Tensor:
    """The four neighbours less four times the place itself, reflected at the borders."""
    wide = F.pad(x, (1, 1, 1, 1), "replicate")
    around = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1]
    around.add_(wide[..., 1:-1, :-2]).add_(wide[..., 1:-1, 2:])
    return around.sub_(x, alpha=4)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """(N, C, 1, 1)."""
    return (a * b).sum((2, 3), keepdim=True)


def _lower(hole: Tensor) -> list[Tensor]:
    """The hole, and at each lower resolution where splines lie wholly within it."""
    holes, known = [hole], 1 - hole
    while min(known.shape[2:]) > COARSEST:
        known = _weighed(known)
        holes.append((known == 0).to(hole))
    return holes


def _shares(holes: list[Tensor], tension: float | Tensor) -> list[Tensor]:
    """How far splines go at each resolution for what is left there: one over their energy."""
    energies = ((20 / 4.0**level + 4 * tension) * (TRUST if level else 1.0) for level in count())
    return [hole / energy for hole, energy in zip(holes, energies, strict=False)]


def _eased(left: Tensor, hole: Tensor, shares: list[Tensor]) -> Tensor:
    """What splines of every width would do against what is left, each as if alone.

    Source: Bramble, Pasciak, Xu, "Parallel Multilevel Preconditioners", 1990.
    """
    parts = [left]
    for _ in shares[1:]:
        parts.append(_weighed(parts[-1]))
    eased = parts.pop() * shares[-1]
    for part, share in zip(reversed(parts), reversed(shares[:-1]), strict=True):
        eased = _spread(eased, part).addcmul_(part, share)
    return eased.mul_(hole)


def _spread(x: Tensor, like: Tensor) -> Tensor:
    """The sum of wide splines, at twice the resolution; plain stays plain, as if reflected."""
    twice = F.interpolate(x, scale_factor=2, mode="bilinear")  # splines of twice the width
    odd = [like.shape[axis] - twice.shape[axis] for axis in (3, 2)]
    return F.pad(twice, (0, odd[0], 0, odd[1]), "replicate") if any(odd) else twice


def _weighed(x: Tensor) -> Tensor:
    """Its transpose: sums weighed by wide splines, at half the resolution."""
    for axis in (2, 3):
        half = x.shape[axis] // 2
        even = x.narrow(axis, 0, 2 * half)
        if x.shape[axis] > 2 * half:  # the last one is spread to as the one before it is
            even = even.clone()
            even.narrow(axis, -1, 1).add_(x.narrow(axis, -1, 1))
        sums = torch.cat([even.narrow(axis, 0, 1), even, even.narrow(axis, -1, 1)], axis)
        for length in range(2 * half + 1, 2 * half - 2, -1):  # by 1, 3, 3 and 1
            sums = sums.narrow(axis, 0, length) + sums.narrow(axis, 1, length)
        x = sums[:, :, ::2] if axis == 2 else sums[..., ::2]
    return x / 16
