from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.saliency import EPS, auc_judd, cc, kl, nss, sim

Array = NDArray[np.float64]

MAP = np.array([[0.0, 1.0], [2.0, 3.0]])
TOP = np.array([[0, 0], [0, 1]])


def drawn(seed: int) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return np.round(rng.random((9, 7)), 1), rng.integers(0, 3, (9, 7))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e5])
def test_a_constant_map_knows_nothing(value: float) -> None:
    flat, fixations = np.full((30, 20), value), np.zeros((30, 20), dtype=int)
    fixations[3, 4], fixations[7, 7] = 2, 1
    assert auc_judd(flat, fixations) == 0.5
    assert auc_judd(flat, fixations, negatives="unfixated") == 0.5
    assert nss(flat, fixations) == 0
    assert cc(flat, fixations) == 0
    assert cc(fixations, flat) == 0


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_a_map_that_is_the_density(scale: float) -> None:
    density, _ = drawn(0)
    assert cc(density * scale, density) == pytest.approx(1, abs=1e-15)
    assert sim(density * scale, density) == pytest.approx(1, abs=1e-14)
    assert sim(density * scale, density, rescale=True) == pytest.approx(1, abs=1e-14)
    assert kl(density * scale, density, eps=0) == pytest.approx(0, abs=1e-14)
    assert kl(density * scale, density) == pytest.approx(0, abs=1e-11)
    assert (cc(density, density), kl(density, density, eps=0)) == (1, 0)


def test_auc_by_hand() -> None:
    # The top pixel is above three of four and equal to itself.
    assert auc_judd(MAP, TOP) == 3.5 / 4
    assert auc_judd(MAP, TOP, negatives="unfixated") == 1
    assert auc_judd(-MAP, TOP) == 0.5 / 4
    both = np.array([[0, 0], [1, 1]])
    assert auc_judd(MAP, both) == (3.5 + 2.5) / 2 / 4
    assert auc_judd(MAP, both, negatives="unfixated") == 1


@pytest.mark.parametrize("seed", range(6))
def test_auc_counts_pairs(seed: int) -> None:
    values, fixations = drawn(seed)
    hits = np.array([v for v, n in zip(values.flat, fixations.flat, strict=True) for _ in range(n)])

    def pairs(others: Array) -> float:
        gaps = hits[:, None] - others
        return float(((gaps > 0) + (gaps == 0) / 2).mean())

    assert auc_judd(values, fixations) == pytest.approx(pairs(values.ravel()))
    assert auc_judd(values, fixations, "unfixated") == pytest.approx(pairs(values[fixations == 0]))


def test_each_fixation_counts() -> None:
    twice = np.array([[1, 0], [0, 2]])
    assert auc_judd(MAP, twice) == pytest.approx((0.5 + 2 * 3.5) / 3 / 4)
    assert auc_judd(MAP, twice > 0) == pytest.approx((0.5 + 3.5) / 2 / 4)
    assert nss(MAP, twice) == pytest.approx((-1.5 + 2 * 1.5) / 3 / np.sqrt(1.25))
    assert nss(MAP, twice > 0) == pytest.approx(0)


def test_nss_by_hand() -> None:
    assert nss(MAP, TOP) == pytest.approx(1.5 / np.sqrt(1.25))  # ddof = 0
    assert nss(MAP, np.ones((2, 2), dtype=int)) == pytest.approx(0)
    assert nss(100 - 7 * MAP, TOP) == pytest.approx(-1.5 / np.sqrt(1.25))


@pytest.mark.parametrize("seed", range(4))
def test_cc_is_pearsons(seed: int) -> None:
    (first, _), (second, _) = drawn(seed), drawn(seed + 100)
    exact = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert cc(first, second) == pytest.approx(exact)
    assert cc(1 - 2 * first, second) == pytest.approx(-exact)


def test_sim_by_hand() -> None:
    first, second = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 3.0], [0.0, 0.0]])
    assert sim(first, second) == 0.5
    assert sim(second, first) == 0.5
    assert sim(MAP + 1, MAP) == pytest.approx(0 + 1 / 6 + 0.3 + 0.4)
    assert sim(MAP + 1, MAP, rescale=True) == pytest.approx(1)
    assert sim(-MAP, MAP, rescale=True) == pytest.approx(0 + 1 / 6 + 1 / 6 + 0)
    assert sim(np.eye(2), 1 - np.eye(2)) == 0


def test_kl_by_hand() -> None:
    # Towards the map from where people looked, in nats.
    people = np.array([[0.0, 0.0], [1.0, 3.0]])
    even = np.ones((2, 2))
    exact = 0.25 * np.log(0.25 / 0.25) + 0.75 * np.log(0.75 / 0.25)
    assert kl(even, people, eps=0) == pytest.approx(exact)
    assert kl(even, people) == pytest.approx(exact)
    assert kl(people, even, eps=0) == np.inf


def test_kl_of_a_map_that_misses_costs_what_eps_says() -> None:
    even, people = np.ones((2, 2)), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert kl(people, even) == pytest.approx(0.5 * np.log(0.25 / EPS) + 0.5 * np.log(0.5))
    assert kl(people, even, eps=1e-3) == pytest.approx(
        0.5 * np.log(1e-3 + 0.25 / 1e-3) + 0.5 * np.log(1e-3 + 0.25 / 0.501)
    )


@pytest.mark.parametrize("figure", [auc_judd, nss, cc, sim, kl])
def test_maps_of_unequal_size_are_refused(figure: Any) -> None:
    for other in (np.ones((2, 3), dtype=int), np.ones((1, 2), dtype=int), np.ones(4, dtype=int)):
        with pytest.raises(ConfigError, match="one size"):
            figure(MAP, other)
    with pytest.raises(ConfigError, match="one size"):
        figure(np.ones((0, 2)), np.ones((0, 2)))
    with pytest.raises(ConfigError, match="NaN or Inf"):
        figure(MAP * np.nan, TOP)


@pytest.mark.parametrize("figure", [auc_judd, nss])
@pytest.mark.parametrize("fixations", [TOP * 0, TOP * 0.5, TOP - 1])
def test_fixations_are_counts(figure: Any, fixations: Array) -> None:
    with pytest.raises(ConfigError, match="whole counts"):
        figure(MAP, fixations)


def test_auc_refuses_what_leaves_nothing_to_compare() -> None:
    with pytest.raises(ConfigError, match="Every pixel is fixated"):
        auc_judd(MAP, TOP + 1, negatives="unfixated")
    misspelt: Any = "none"
    with pytest.raises(ConfigError, match="'all' or 'unfixated'"):
        auc_judd(MAP, TOP, negatives=misspelt)


def test_shares_need_mass() -> None:
    for bad in (-MAP, MAP * 0):
        for figure in (sim, kl):
            with pytest.raises(ConfigError, match="read as shares"):
                figure(bad, MAP)
            with pytest.raises(ConfigError, match="read as shares"):
                figure(MAP, bad)
    with pytest.raises(ConfigError, match="constant"):
        sim(np.ones((2, 2)), MAP, rescale=True)
    with pytest.raises(ConfigError, match="negative"):
        kl(MAP, MAP, eps=-1e-9)
