import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.metrics.latent import Generator
from mintmark.metrics.separability import (
    conditional_entropy,
    linear_separability,
    separate,
)

# A picture is its latent.
PICTURES = Generator(lambda z, _: z.reshape(-1, 1, 2, 2), latent=4)


def coordinate(i: int, pictures: Tensor) -> Tensor:
    return pictures.flatten(1)[:, i]


def flipped(share: float, seed: int, i: int, pictures: Tensor) -> Tensor:
    """A coordinate, of the wrong sign for a share of the pictures."""
    wrong = np.random.default_rng(seed).random(len(pictures)) < share
    return torch.where(torch.from_numpy(wrong), -1, 1) * coordinate(i, pictures)


def binary_entropy(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def test_separable_attributes_score_one() -> None:
    classifiers = {f"a{i}": (lambda x, i=i: 3 * coordinate(i, x)) for i in range(4)}
    found = linear_separability(PICTURES, classifiers, 2000, seed=0)
    assert set(found) == {"z"}
    assert found["z"].score == 1
    assert found["z"].held_out_score < 1.02
    assert [a.name for a in found["z"].attributes] == ["a0", "a1", "a2", "a3"]
    assert all(a.entropy == 0 and 0.4 < a.share < 0.6 for a in found["z"].attributes)
    assert found["z"].one_class == found["z"].unconverged == ()


def test_flips_of_balanced_attributes_cost_their_entropy() -> None:
    # A share e of flips on m attributes: 2^(m h2(e)), and 9.4 for the 40 of the paper at e = 0.01.
    assert 2 ** (40 * binary_entropy(0.01)) == pytest.approx(9.4, abs=0.05)
    share, count = 0.05, 20_000
    classifiers = {f"a{i}": (lambda x, i=i: flipped(share, i, i, x)) for i in range(4)}
    found = linear_separability(PICTURES, classifiers, count, seed=0, batch=count)["z"]
    # dh2/de = log2((1 - e) / e) turns the noise of the flips into that of the entropy.
    noise = math.sqrt(share * (1 - share) / (count / 2)) * math.log2((1 - share) / share)
    for score in (found.score, found.held_out_score):
        assert abs(math.log2(score) - 4 * binary_entropy(share)) < 3 * 2 * noise
    for attribute in found.attributes:
        assert abs(attribute.entropy - binary_entropy(share)) < 3 * noise
    assert found.score == pytest.approx(math.prod(2**a.entropy for a in found.attributes))
    assert found.held_out_score == pytest.approx(math.prod(2**a.held_out for a in found.attributes))


def test_what_no_plane_separates_costs_a_bit() -> None:
    found = linear_separability(
        PICTURES, {"product": lambda x: coordinate(0, x) * coordinate(1, x)}, 4000, seed=0
    )["z"]
    assert 1.95 < found.score <= 2


def test_few_samples_of_many_dimensions_separate_in_sample_only() -> None:
    wide = Generator(lambda z, _: z.reshape(-1, 1, 10, 10), latent=100)
    noise = np.random.default_rng(0).normal(size=200)
    classifiers = {"noise": lambda x: torch.from_numpy(noise[: len(x)])}
    found = linear_separability(wide, classifiers, 200, seed=0, batch=200)["z"]
    assert found.score < 1.05
    assert found.held_out_score > 1.9


def test_the_surest_half_is_kept() -> None:
    # Sure of what lies apart, and unsure of what is named at random; then the other way round.
    rng = np.random.default_rng(0)
    sides, named = rng.choice([-1.0, 1.0], size=(2, 2000))
    latents = sides[:, None] + 0.1 * rng.normal(size=(2000, 3))
    sure = np.arange(2000) % 2 == 1
    assert separate(latents, np.where(sure, 5 * sides, 2 * named), "a", 0).entropy == 0
    assert separate(latents, np.where(sure, sides, 0.1 * named), "a", 0).entropy == 0
    assert separate(latents, np.where(sure, sides, 5 * named), "a", 0).entropy > 0.9


def test_probabilities_are_as_good_as_logits() -> None:
    logits = linear_separability(PICTURES, {"a": lambda x: flipped(0.1, 0, 0, x)}, 300, 0)
    chances = linear_separability(
        PICTURES, {"a": lambda x: flipped(0.1, 0, 0, x).sigmoid()}, 300, 0, "probabilities"
    )
    assert logits["z"].attributes == chances["z"].attributes
    assert 0 < logits["z"].attributes[0].entropy < 1


def test_attributes_of_one_class_count_as_separated_and_are_named() -> None:
    classifiers = {
        "all": lambda x: coordinate(0, x).square() + 1,
        "none": lambda x: -coordinate(0, x).square() - 1,
        "rare": lambda x: torch.where(coordinate(0, x) > 2, 0.1, -1.0),  # pruned away
        "half": lambda x: coordinate(1, x),
    }
    found = linear_separability(PICTURES, classifiers, 400, seed=0)["z"]
    assert found.one_class == ("all", "none", "rare")
    assert [a.share for a in found.attributes[:3]] == [1, 0, 0]
    assert [a.entropy + a.held_out for a in found.attributes[:3]] == [0, 0, 0]


def test_a_fold_may_lack_a_class() -> None:
    latents = np.random.default_rng(0).normal(size=(40, 2))
    latents[:, 0] = -5
    latents[0, 0] = 5  # one sample has the attribute, and is in one of the folds only
    found = separate(latents, np.where(latents[:, 0] > 0, 2.0, -2.0), "a", 0)
    assert (found.entropy, found.one_class, found.share) == (0, False, 1 / 20)
    # The fold with the one is judged by samples that never had it: one error of ten.
    assert found.held_out == pytest.approx(binary_entropy(1 / 20))


def test_w_is_judged_beside_z_by_its_last_layer() -> None:
    # z0 * z1 is separable in w, which has it as a coordinate of the last of its two layers.
    def mapping(z: Tensor, labels: Tensor | None) -> Tensor:
        last = torch.stack([z[:, 0] * z[:, 1], z[:, 2]], dim=1)
        return torch.stack([torch.ones_like(last), last], dim=1).float()  # (N, 2, 2)

    generator = Generator(lambda w, _: w[:, 1, None, :, None], latent=4, mapping=mapping)
    found = linear_separability(generator, {"product": lambda x: x[:, 0, :1, 0]}, 3000, seed=0)
    assert set(found) == {"z", "w"}
    assert found["z"].score > 1.9
    assert found["w"].score == 1
    flat = replace(generator, mapping=lambda z, y: mapping(z, y)[:, 1])
    flat = replace(flat, draw=lambda w, _: w[:, None, :, None])
    again = linear_separability(flat, {"product": lambda x: x[:, 0, :1, 0]}, 3000, seed=0)
    assert again["w"].attributes == found["w"].attributes


def test_a_fit_that_does_not_end_is_named() -> None:
    # More dimensions than samples, on scales that are far apart, go to the dual solver.
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(100, 60)) * 10.0 ** rng.uniform(-3, 3, size=60)
    found = separate(latents, rng.normal(size=100), "hard", 0)
    assert not found.converged
    assert separate(latents[:, :2] / 1e3, np.sign(latents[:, 0]), "easy", 0).converged


def test_scores_depend_on_the_seed_only() -> None:
    classifiers = {"a": lambda x: coordinate(0, x) + coordinate(1, x) ** 2 - 1}
    first = linear_separability(PICTURES, classifiers, 301, seed=0, batch=7)
    assert first == linear_separability(PICTURES, classifiers, 301, seed=0, batch=301)
    assert first != linear_separability(PICTURES, classifiers, 301, seed=1)
    assert first["z"].protocol == {
        "samples": 301,
        "kept": 150,
        "svm": "LinearSVC",
        "downsampling": "box",
        "size": 256,
        "seed": 0,
        "space": "z",
        "attributes": ["a"],
    }


def test_large_pictures_are_downsampled() -> None:
    sides: list[int] = []

    def classifier(pictures: Tensor) -> Tensor:
        sides.append(pictures.shape[3])
        return pictures.mean(dim=(1, 2, 3))

    large = replace(PICTURES, draw=lambda z, _: z[:, :1, None, None].expand(-1, 1, 512, 512))
    linear_separability(large, {"a": classifier}, 8, seed=0)
    assert sides == [256]


def test_entropy_given_the_side_by_hand() -> None:
    side = np.array([True] * 4 + [False] * 4)
    y = np.array([True, True, True, False, False, False, False, False])
    assert conditional_entropy(side, y) == pytest.approx(0.5 * binary_entropy(0.25))
    assert conditional_entropy(y, side) == pytest.approx(5 / 8 * binary_entropy(0.2))
    assert conditional_entropy(np.ones(8, bool), side) == 1  # one side tells nothing
    assert conditional_entropy(~side, side) == 0  # which side is which does not matter


def test_entropy_is_what_the_information_leaves() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        y = rng.random(50) < rng.random()
        side = y ^ (rng.random(50) < 0.3)
        whole = conditional_entropy(np.ones(50, bool), y)
        information = mutual_info_score(side, y) / math.log(2)
        assert conditional_entropy(side, y) == pytest.approx(whole - information, abs=1e-12)


def test_refusals() -> None:
    good = {"a": lambda x: coordinate(0, x)}
    wrong: Any
    for wrong in (({}, 100, 0), (good, 7, 0), (good, 9, 0, "odds")):
        with pytest.raises(ConfigError, match="needs a classifier"):
            linear_separability(PICTURES, *wrong)
    for wrong in (lambda x: x.flatten(1), lambda x: coordinate(0, x) / 0):
        with pytest.raises(ConfigError, match="one finite number a picture"):
            linear_separability(PICTURES, {"a": wrong}, 8, 0)
    with pytest.raises(ConfigError, match="no probability"):
        linear_separability(PICTURES, good, 100, 0, "probabilities")
