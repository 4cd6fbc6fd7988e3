"""Prints what the shipped `pictures` network finds on held-out sources: `python zoo/judge.py`.

Beside it the same network before training. FD of damaged pictures is given in
units of the FD of two clean sets of the same size, so 1 is what chance does.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from damages import DAMAGES, JUDGED, SIDE, Damage, Pixels, blur
from extractors import SEED, SHIPPED, SOURCES, Bank, banks, sample
from numpy.typing import NDArray

from mintmark.core.seeds import derive
from mintmark.metrics import features
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.features import FeatureNet
from mintmark.metrics.perceptual import perceptual_distance

STRENGTHS = (0, 0.25, 0.5, 1)


def judge(net: FeatureNet, bank: Bank, count: int = 1000) -> dict[str, list[float]]:
    """FD of damaged held-out pictures, in units of the FD of two clean sets.

    Args:
        net: Judged.
        bank: Held-out sources.
        count: Pictures in a set.

    Returns:
        By damage, a figure for each of STRENGTHS; by `collapse`, for sets of 1/2, 1/10
        and 1/50 of other pictures, repeated; by `same`, the FD of two clean sets and what
        chance lets expect of normal features, both as shares of their total variance.
    """
    real, other = (_clean(bank, count, which) for which in ("real", "other"))
    of_real, of_other = _of(net, real), _of(net, other)
    same = frechet_distance(of_real, of_other)
    variance = of_real.var(axis=0, ddof=1).sum()
    found = {"same": [same / variance, _chance(of_real) / variance]}
    for damage in JUDGED:
        found[damage.__name__] = [
            frechet_distance(of_real, _of(net, _damaged(real, damage, strength))) / same
            for strength in STRENGTHS
        ]
    few = (of_other[np.arange(count) % (count // share)] for share in (2, 10, 50))
    return found | {"collapse": [frechet_distance(of_real, these) / same for these in few]}


def _clean(bank: Bank, count: int, which: str) -> list[Pixels]:
    rng = np.random.default_rng(derive(SEED, "judge", which))
    return [sample(bank, rng)[0] for _ in range(count)]


def _damaged(pictures: list[Pixels], damage: Damage, strength: float) -> list[Pixels]:
    rng = np.random.default_rng(derive(SEED, "judge", damage.__name__))
    return [damage(picture, strength, rng) for picture in pictures]


def _of(net: FeatureNet, pictures: list[Pixels]) -> NDArray[np.float64]:
    return features.extract(net, np.stack(pictures).transpose(0, 3, 1, 2))


def _chance(found: NDArray[np.float64]) -> float:
    """Expected FD of two sets of one normal law with these features' covariance.

    The mean gives 2 tr S / N, the covariances sum_ij (1 + d_ij) l_i l_j / (l_i + l_j) / N:
    the second order of the Bures distance under the Wishart law.
    """
    of = np.linalg.eigvalsh(np.cov(found.T)).clip(min=1e-12)
    pairs = np.outer(of, of) / np.add.outer(of, of) * (1 + np.eye(len(of)))
    return float((2 * of.sum() + pairs.sum()) / len(found))


def choose(net: FeatureNet, bank: Bank, count: int = 300) -> dict[str, list[float]]:
    """The perceptual distance of blurred copies against that of copies that look the same.

    Args:
        net: Judged, by its maps.
        bank: Held-out sources.
        count: Pictures.

    Returns:
        By harmless change: its mean distance in units of that of a blur of 1 pixel, and the
        share of pictures in which it is nearer than the blurred copy.
    """
    real = np.stack(_clean(bank, count, "real"))
    far = _distances(net, real, np.stack([blur(x, 0.25, np.random.default_rng()) for x in real]))
    shifted = np.concatenate([real[:, :, :1], real[:, :, :-1]], axis=2)  # by a pixel to the right
    brighter = np.clip(np.rint(real * 1.02), 0, 255).astype(np.uint8)
    found = {}
    for name, changed in (("shifted", shifted), ("brighter", brighter)):
        near = _distances(net, real, changed)
        found[name] = [float(near.mean() / far.mean()), float((near < far).mean())]
    return found


def _distances(net: FeatureNet, a: Pixels, b: Pixels) -> NDArray[np.float64]:
    """Of pictures, (N, 64, 64, 3), from their copies, (N,)."""
    x, y = (torch.from_numpy(p.transpose(0, 3, 1, 2) / 127.5 - 1).float() for p in (a, b))
    with torch.inference_mode():
        return perceptual_distance(net.maps, x, y).numpy()


def untrained() -> FeatureNet:
    """The same network before training, for comparison."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(SEED, "weights"))
        return FeatureNet(3, SIDE, len(DAMAGES)).eval()


def main() -> None:
    """Prints what `judge` finds of the shipped network and of the untrained one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, default=SOURCES, help="see zoo/README.md")
    _, bank = banks(parser.parse_args().sources)
    for title, net in (
        ("shipped", features.load(SHIPPED / "pictures.safetensors")),
        ("untrained", untrained()),
    ):
        for name, figures in (judge(net, bank) | choose(net, bank)).items():
            sys.stdout.write(f"{title:10}{name:11}" + "".join(f"{f:10.3g}" for f in figures) + "\n")


if __name__ == "__main__":
    main()
