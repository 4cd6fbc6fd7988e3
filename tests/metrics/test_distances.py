import numpy as np
import pytest
from arrays import normal
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from mintmark.core.errors import ConfigError
from mintmark.metrics.distribution import distances
from mintmark.metrics.distribution.distances import blocks, kth_neighbour, nearest, within

Array = NDArray[np.float64]


def hard_pairs() -> dict[str, tuple[Array, Array]]:
    """Sets on which float32 alone decides wrongly, overflows, or knows nothing."""
    x, y = normal(0, 150, 40), normal(1, 130, 40)
    far, collapsed = x.copy(), y * 1e-7 + 3
    far[0] = 1e9
    collapsed[::2] -= 6
    minute, others = x * 1e-22, y * 1e-22
    minute[:2] = others[:2] = np.array([[1.0], [-1.0]])
    return {
        "plain": (x, y),
        "more dimensions than one chunk": (normal(2, 60, 2500), normal(3, 50, 2500)),
        "one dimension": (x[:, :1], y[:, :1]),
        "huge": (x * 1e30, y * 1e30),
        "tiny": (x * 1e-30, y * 1e-30),
        "squares underflow": (x * 1e-170, y * 1e-170),
        "squares nearly overflow": (x * 1e149, y * 1e149),
        "off centre": (x + 1e6, y + 1e6),
        "one far away": (far, y),
        "most underflow in float32": (minute, others),
        "collapsed": (x, collapsed),
        "constant": (np.full((30, 5), 3.3), np.full((20, 5), 3.3)),
        "duplicates": (np.repeat(x[:20], 7, axis=0), np.repeat(x[10:30], 5, axis=0)),
        "whole numbers": (np.round(x[:, :3]), np.round(y[:, :3])),
        "rank of two": (x[:, :2] @ normal(4, 2, 40), y[:, :2] @ normal(4, 2, 40)),
    }


@pytest.fixture(params=hard_pairs())
def pair(request: pytest.FixtureRequest) -> tuple[Array, Array]:
    return hard_pairs()[request.param]


def test_bounds_hold(pair: tuple[Array, Array]) -> None:
    for block in blocks(*pair):
        squares = np.square(cdist(pair[0][block.rows], pair[1]) / block.unit)
        assert (block.lower <= squares).all()
        assert (block.upper >= squares).all()


def test_bounds_are_narrow() -> None:
    # Else everything would be decided in float64, and slowly.
    x, y = normal(0, 100, 500) + 50, normal(1, 100, 500) + 50
    for block in blocks(x, y):
        squares = np.square(cdist(x[block.rows], y) / block.unit)
        assert (block.upper - block.lower).max() < 2e-4 * squares.min()


def test_neighbours_are_exactly_those_of_float64(pair: tuple[Array, Array]) -> None:
    x, y = pair
    for k in (1, 5, len(x) - 1):
        assert (kth_neighbour(x, k) == np.sort(cdist(x, x), axis=1)[:, k]).all()
    found, indices = nearest(x, y)
    exact = cdist(x, y)
    assert (found == exact.min(axis=1)).all()
    assert (indices == exact.argmin(axis=1)).all()


@pytest.mark.parametrize("inside", [np.less, np.less_equal])
def test_balls_are_exactly_those_of_float64(pair: tuple[Array, Array], inside: np.ufunc) -> None:
    x, y = pair
    exact = cdist(x, y)
    by_row, by_column = exact[:, 3], exact[2]  # every ball has a sample on its surface
    for block in blocks(x, y):
        rows = block.rows
        expected = inside(exact[rows], by_row[rows, None])
        assert (within(block, by_row[rows, None], inside) == expected).all()
        assert (within(block, by_column, inside) == inside(exact[rows], by_column)).all()


def test_nothing_depends_on_blocks_chunks_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.round(normal(0, 103, 6), 1), np.round(normal(1, 97, 6), 1)
    radii, (found, _) = kth_neighbour(x, 3), nearest(x, y)
    order = np.random.default_rng(2).permutation(len(x))
    assert (kth_neighbour(x[order], 3) == radii[order]).all()
    assert (nearest(x[order], y[::-1])[0] == found[order]).all()
    for block, chunk in ((1, 1), (7, 4), (103, 100)):
        monkeypatch.setattr(distances, "BLOCK", block)
        monkeypatch.setattr(distances, "CHUNK", chunk)
        assert (kth_neighbour(x, 3) == radii).all()
        assert (nearest(x, y)[0] == found).all()


def test_of_equal_references_the_first_is_named() -> None:
    references = np.array([[5.0], [1.0], [-1.0], [1.0]])
    found, indices = nearest(np.array([[0.0], [1.0]]), references)
    assert found.tolist() == [1, 0]
    assert indices.tolist() == [1, 1]


@pytest.mark.parametrize("sides", [(1e151, 1.0), (1.0, -1e151)])
def test_features_whose_squares_overflow_are_refused(sides: tuple[float, float]) -> None:
    x, y = (np.full((3, 2), side) for side in sides)
    with pytest.raises(ConfigError, match="scale them down"):
        nearest(x, y)
