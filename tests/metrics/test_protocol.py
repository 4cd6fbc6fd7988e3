import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.core.files import digest_json
from mintmark.core.records import Score
from mintmark.metrics.distribution.frechet import frechet_distance
from mintmark.metrics.distribution.kernel import kernel_distance
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.protocol import protocol, scores


def sets() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.normal(size=(50, 4)) + 0.5


def shared(**changes: Any) -> dict[str, Any]:
    known = {"extractor": "abc", "dimensions": 4, "real": 60, "fake": 50, "size": 8, "seed": 1}
    return protocol(**{**known, "code_version": "0.1.0", **changes})


def by_name(found: tuple[Score, ...]) -> dict[str, Score]:
    return {score.name: score for score in found}


def test_the_protocol_names_what_decides_a_number() -> None:
    assert shared() == {
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
    assert list(found) == ["FD", "KID", "precision", "recall", "density", "coverage"]
    kernel, overlap = kernel_distance(real, fake, 3), precision_recall_density_coverage(real, fake)
    assert found["FD"].value == frechet_distance(real, fake)
    assert (found["KID"].value, found["KID"].error) == (kernel.value, kernel.error)
    for name in ("precision", "recall", "density", "coverage"):
        assert found[name].value == getattr(overlap, name)
        assert (found[name].protocol["k"], found[name].protocol["ties"]) == (5, "<")
    assert found["KID"].protocol["subset_size"] == 25
    assert found["KID"].protocol["subset_seed"] == 3
    for score in found.values():
        assert shared().items() <= score.protocol.items()
        assert isinstance(score.value, float)
        assert json.loads(json.dumps(dict(score.protocol))) == score.protocol


def test_the_same_measurement_is_the_same_record() -> None:
    real, fake = sets()
    first, second = (scores(real, fake, shared(), seed=3) for _ in range(2))
    assert first == second
    assert [score.difference(other) for score, other in zip(first, second, strict=True)] == [0] * 6


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
