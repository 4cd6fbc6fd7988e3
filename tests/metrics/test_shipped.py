"""The two shipped networks do what their cards say, on pictures they were not trained on."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits, load_sample_image

from mintmark.data.public.digits import TRAIN
from mintmark.metrics import features
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.features import FeatureNet
from mintmark.metrics.perceptual import perceptual_distance

SHIPPED = Path(features.__file__).parent / "shipped"
COUNT = 256  # pictures in a set

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]


def pieces(seed: int) -> Pixels:
    """Random squares of the two photographs that are held out, (256, 3, 64, 64)."""
    rng = np.random.default_rng(seed)
    coffee = Image.open(Path(skimage.data.__file__).with_name("coffee.png"))
    photographs = [np.asarray(coffee), load_sample_image("china.jpg")]
    found = []
    for number in range(COUNT):
        photograph = photographs[number % 2]
        side = int(rng.integers(80, 300))
        top, left = (int(rng.integers(n - side)) for n in photograph.shape[:2])
        square = Image.fromarray(photograph[top : top + side, left : left + side])
        found.append(np.asarray(square.resize((64, 64), Image.Resampling.LANCZOS)))
    return np.stack(found).transpose(0, 3, 1, 2)


def whole(x: NDArray[np.floating[Any]]) -> Pixels:
    pixels: Pixels = np.clip(np.rint(x), 0, 255).astype(np.uint8)
    return pixels


def blurred(x: Pixels, sigma: float) -> Pixels:
    return whole(gaussian_filter(x.astype(float), (0, 0, sigma, sigma)))


def noisy(x: Pixels, deviation: float) -> Pixels:
    return whole(x + np.random.default_rng(3).normal(0, deviation, x.shape))


def warmer(x: Pixels, share: float) -> Pixels:
    return whole(x * (1 + share * np.array([1, 0, -1]).reshape(3, 1, 1)))


DAMAGES = {
    "blur": (blurred, (0.5, 1, 2)),
    "noise": (noisy, (5, 12, 30)),
    "cast": (warmer, (0.05, 0.1, 0.2)),
}


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    return features.load(SHIPPED / "pictures.safetensors")


@pytest.fixture(scope="module")
def real(net: FeatureNet) -> Features:
    return features.extract(net, pieces(1))


@pytest.fixture(scope="module")
def other(net: FeatureNet) -> Features:
    """Features of another draw of the same law."""
    return features.extract(net, pieces(2))


def chance(found: Features) -> float:
    """Expected FD of two sets of one normal law, to second order (as in zoo/judge.py)."""
    of = np.linalg.eigvalsh(np.cov(found.T)).clip(min=1e-12)
    pairs = np.outer(of, of) / np.add.outer(of, of) * (1 + np.eye(len(of)))
    return float((2 * of.sum() + pairs.sum()) / len(found))


@pytest.mark.parametrize("name", ["digits", "pictures"])
def test_the_file_is_the_one_of_its_card(name: str) -> None:
    path = SHIPPED / f"{name}.safetensors"
    card = path.with_suffix(".md").read_text("utf-8")
    assert re.findall(r"\b[0-9a-f]{64}\b", card)[0] == features.digest(features.load(path))
    assert path.stat().st_size < 1_000_000


def test_digits_names_those_held_out() -> None:
    digits = load_digits()
    pixels = np.rint(digits.images * 255 / 16).astype(np.uint8)[TRAIN:, None]
    net = features.load(SHIPPED / "digits.safetensors")
    assert features.accuracy(net, pixels, digits.target[TRAIN:].astype(np.int64)) >= 0.95


@pytest.mark.parametrize("damage", DAMAGES)
def test_distance_grows_with_damage(net: FeatureNet, real: Features, damage: str) -> None:
    apply, strengths = DAMAGES[damage]
    clean = pieces(1)
    found = [frechet_distance(real, features.extract(net, apply(clean, s))) for s in strengths]
    assert 0 < found[0] < found[1] < found[2]


def test_distance_grows_with_duplicates(real: Features, other: Features) -> None:
    some = [other[np.arange(COUNT) % (COUNT // share)] for share in (1, 2, 10, 50)]
    found = [frechet_distance(real, these) for these in some]
    assert found == sorted(found)
    assert found[-1] > 5 * found[0]


def test_two_halves_differ_by_about_chance(real: Features, other: Features) -> None:
    assert 0.5 < frechet_distance(real, other) / chance(real) < 2


def test_light_damage_is_seen_far_better_than_by_an_untrained_network(net: FeatureNet) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untrained = FeatureNet(3, 64, 2).eval()
    clean, second = pieces(1), pieces(2)
    lightly = [blurred(clean, 0.5), noisy(clean, 5)]

    def seen(by: FeatureNet) -> float:
        one = features.extract(by, clean)
        same = frechet_distance(one, features.extract(by, second))
        return min(frechet_distance(one, features.extract(by, x)) for x in lightly) / same

    assert seen(net) > 5
    assert seen(net) > 10 * seen(untrained)


def test_a_blurred_copy_is_farther_than_a_shifted_or_a_brighter_one(net: FeatureNet) -> None:
    clean = pieces(1)[:64]
    shifted = np.concatenate([clean[..., :1], clean[..., :-1]], axis=3)

    def far(copy: Pixels) -> Features:
        a, b = (torch.from_numpy(x / 127.5 - 1).float() for x in (clean, copy))
        with torch.inference_mode():
            return perceptual_distance(net.maps, a, b).numpy()

    blurry = far(blurred(clean, 1))
    assert (far(shifted) < blurry).mean() > 0.9
    assert (far(whole(clean * 1.02)) < blurry).mean() > 0.9
