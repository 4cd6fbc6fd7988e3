import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_json
from mintmark.core.records import Score
from mintmark.metrics.distribution.bins import different_bins
from mintmark.metrics.distribution.frechet import (
    frechet_bias,
    frechet_distance,
    frechet_error,
)
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.modes import inception_score
from mintmark.metrics.distribution.moments import moments_of
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.distribution.sliced import sliced_wasserstein
from mintmark.metrics.protocol import inception_scores, protocol, scores


def sets() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.normal(size=(50, 4)) + 0.5


def shared(**changes: Any) -> dict[str, Any]:
    names = {"features": "digits", "extractor": "abc", "code_version": "0.1.0"}
    counts = {"dimensions": 4, "real": 60, "fake": 50, "size": 8, "seed": 1}
    return protocol(**{**names, **counts, **changes})


def by_name(found: tuple[Score, ...]) -> dict[str, Score]:
    return {score.name: score for score in found}


def test_the_protocol_names_what_decides_a_number() -> None:
    assert shared() == {
        "features": "digits",
        "extractor": "abc",
        "dimensions": 4,
        "real": 60,
        "fake": 50,
        "size": 8,
        "seed": 1,
        "dtype": "float64",
        "ddof": 1,
        "resize": "none",
        "code_version": "0.1.0",
    }
    assert shared(resize="area")["resize"] == "area"


def test_scores_are_the_metrics_with_their_protocol() -> None:
    real, fake = sets()
    found = by_name(scores(real, fake, shared(), seed=3))
    assert list(found) == ["FD", "KID", "MIND", "precision", "recall", "density", "coverage"]
    kernel, overlap = kernel_distance(real, fake, 3), precision_recall_density_coverage(real, fake)
    assert found["FD"].value == frechet_distance(real, fake)
    assert (found["KID"].value, found["KID"].error) == (kernel.value, kernel.error)
    for name in ("precision", "recall", "density", "coverage"):
        assert found[name].value == getattr(overlap, name)
        assert (found[name].protocol["k"], found[name].protocol["ties"]) == (5, "<")
    assert found["KID"].protocol["subset_size"] == 25
    sliced = sliced_wasserstein(real, fake, 3)
    assert (found["MIND"].value, found["MIND"].error) == (sliced.value, sliced.error)
    assert found["FD"].error == frechet_error(real, fake)
    assert found["FD"].bias == frechet_bias(moments_of(real), moments_of(fake))
    assert found["precision"].error == overlap.errors.precision
    assert found["KID"].protocol["subset_seed"] == 3
    for score in found.values():
        assert shared().items() <= score.protocol.items()
        assert isinstance(score.value, float)
        assert json.loads(json.dumps(dict(score.protocol))) == score.protocol


def test_the_same_measurement_is_the_same_record() -> None:
    real, fake = sets()
    first, second = (scores(real, fake, shared(), seed=3) for _ in range(2))
    assert first == second
    assert [score.difference(other) for score, other in zip(first, second, strict=True)] == [0] * 7


@pytest.mark.parametrize(
    "change", [{"extractor": "abd"}, {"fake": 51}, {"seed": 2}, {"code_version": "0.2.0"}]
)
def test_unequal_protocols_do_not_compare(change: dict[str, Any]) -> None:
    real, fake = sets()
    first, second = scores(real, fake, shared(), 3), scores(real, fake, shared(**change), 3)
    for score, other in zip(first, second, strict=True):
        with pytest.raises(ConfigError, match="different protocols"):
            score.difference(other)


def test_k_and_the_subset_seed_are_part_of_the_protocol() -> None:
    real, fake = sets()
    first = by_name(scores(real, fake, shared(), seed=3))
    k_changed = by_name(scores(real, fake, shared(), seed=3, k=3))
    assert k_changed["coverage"].value == precision_recall_density_coverage(real, fake, 3).coverage
    reseeded = by_name(scores(real, fake, shared(), seed=4))
    for score, other in (
        (first["coverage"], k_changed["coverage"]),
        (first["KID"], reseeded["KID"]),
        (first["precision"], first["recall"]),
    ):
        with pytest.raises(ConfigError, match="different protocols"):
            score.difference(other)
    assert digest_json(first["FD"].protocol) == digest_json(reseeded["FD"].protocol)


def normal(seed: int, n: int, d: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_only_a_distance_in_inception_is_called_fid() -> None:
    real, fake = sets()
    assert "FID" in by_name(scores(real, fake, shared(features="inception"), seed=3))
    assert "FID" not in by_name(scores(real, fake, shared(), seed=3))


def test_a_distance_that_is_mostly_sample_size_says_so() -> None:
    same = by_name(scores(normal(0, 600, 8), normal(1, 600, 8), shared(), seed=0))["FD"]
    assert same.note.startswith("mostly sample size: equal laws would show about")
    apart = by_name(scores(normal(0, 600, 8), normal(1, 600, 8) + 1, shared(), seed=0))["FD"]
    assert apart.note == ""


def test_too_few_samples_are_not_meaningful() -> None:
    found = by_name(scores(normal(0, 30, 40), normal(1, 700, 40) + 9, shared(), seed=0))
    assert found["FD"].note == "not meaningful: 30 samples do not fill 40 dimensions"
    assert found["coverage"].note == "not meaningful: 30 samples, fewer than 500"
    enough = by_name(scores(normal(0, 500, 4), normal(1, 500, 4), shared(), seed=0))
    assert enough["coverage"].note == ""


def test_two_values_differ_only_beyond_their_errors() -> None:
    score = Score("FD", 1.0, {}, error=0.5)
    assert score.meaningful_difference == pytest.approx(2**1.5 * 0.5)
    assert Score("FD", 1.0, {}).meaningful_difference is None


def test_bins_come_where_there_are_enough_samples() -> None:
    real, fake = normal(0, 1000, 4), normal(1, 500, 4) + 1
    found = by_name(scores(real, fake, shared(), seed=5))
    expected = different_bins(real, fake, 5, bins=100)
    assert (found["NDB"].value, found["JS"].value) == (expected.ndb, expected.js)
    assert found["NDB"].protocol["bins"] == 100
    assert "NDB" not in by_name(scores(real[:199], fake, shared(), seed=5))


def test_the_inception_score_says_how_it_was_split() -> None:
    logits = normal(0, 600, 12)
    (score,) = inception_scores(logits, shared(features="inception"), seed=4)
    expected = inception_score(logits, 4)
    assert (score.name, score.value) == ("IS", expected.value)
    assert score.error == pytest.approx(expected.deviation / 3)
    assert (score.protocol["splits"], score.protocol["split_seed"]) == (10, 4)
    assert score.note == "not meaningful: 600 samples, fewer than 5000"
