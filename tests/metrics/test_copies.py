from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data
from sklearn.datasets import load_digits

from mintmark.core.errors import ConfigError
from mintmark.metrics.copies import align, find_copies

Pixels = NDArray[np.uint8]
SPLITS = [  # two photographs to train on, one to set the threshold, one of new work
    ("astronaut", "coffee", "chelsea", "rocket"),
    ("astronaut", "coffee", "rocket", "chelsea"),
    ("coffee", "chelsea", "rocket", "astronaut"),
    ("chelsea", "rocket", "coffee", "astronaut"),
]


@cache
def photo(name: str, side: int = 32, stride: int = 24) -> Pixels:
    """Patches of a photograph, (N, 3, side, side)."""
    picture = getattr(data, name)()
    corners = (range(0, length - side + 1, stride) for length in picture.shape[:2])
    rows, columns = corners
    patches = [picture[y : y + side, x : x + side] for y in rows for x in columns]
    return np.stack(patches).transpose(0, 3, 1, 2)


def photos(split: tuple[str, str, str, str]) -> tuple[Pixels, Pixels, Pixels]:
    train = np.concatenate([photo(split[0]), photo(split[1])])
    return train, photo(split[2]), photo(split[3])


def digits() -> tuple[Pixels, Pixels, Pixels]:
    """Digits in blocks, by different writers, (N, 1, 8, 8)."""
    pictures = np.round(load_digits().images / 16 * 255).astype(np.uint8)[:, None]
    return pictures[:1000], pictures[1000:1400], pictures[1400:]


def moved(picture: Pixels, down: int, right: int) -> Pixels:
    """A picture, (C, H, W), moved, with its edges drawn out."""
    pad = max(abs(down), abs(right))
    wide = np.pad(picture, ((0, 0), (pad, pad), (pad, pad)), mode="edge")
    height, width = picture.shape[1:]
    return wide[:, pad - down : pad - down + height, pad - right : pad - right + width]


def noisy(pictures: Pixels, levels: float) -> Pixels:
    noise = np.random.default_rng(1).normal(0, levels, pictures.shape)
    return (pictures + noise).round().clip(0, 255).astype(np.uint8)


def contrast(pictures: Pixels) -> NDArray[np.float64]:
    spread: NDArray[np.float64] = np.sqrt(pictures.var(axis=(2, 3)).mean(axis=1))
    return spread


def planted(train: Pixels, count: int, reach: int) -> tuple[NDArray[np.int64], dict[str, Pixels]]:
    """Copies of every kind of some training pictures with contrast, and which these are."""
    rng = np.random.default_rng(0)
    sources = rng.permutation(np.flatnonzero(contrast(train) >= 6))[:count]
    shifts = rng.integers(-reach, reach + 1, (count, 2))
    shifted = np.stack([moved(train[i], *shift) for i, shift in zip(sources, shifts, strict=True)])
    both = np.where(rng.random((count, 1, 1, 1)) < 0.5, shifted, shifted[..., ::-1])
    kinds = {
        "exact": train[sources],
        "mirrored": train[sources][..., ::-1],
        "shifted": shifted,
        "shifted and mirrored, one level off": both // 2 * 2,
        "shifted and mirrored, noise": noisy(both, 2),
    }
    return sources, kinds


@pytest.mark.parametrize("split", ["digits", *SPLITS], ids=str)
def test_copies_are_found_among_new_work(split: tuple[str, str, str, str] | str) -> None:
    train, held_out, new = digits() if isinstance(split, str) else photos(split)
    sources, kinds = planted(train, count=120, reach=2)
    found = find_copies(train, held_out, np.concatenate([new, *kinds.values()]))
    assert found.copied[: len(new)].mean() <= 0.01
    copied = found.copied[len(new) :].reshape(len(kinds), -1)
    named = found.best.train[len(new) :].reshape(len(kinds), -1) == sources
    for kind, one, right in zip(kinds, copied, named, strict=True):
        assert one.mean() >= 0.99, kind
        assert right.mean() >= 0.99, kind


def test_one_copy_in_a_thousand_is_found_as_it_is_among_many() -> None:
    train, held_out, new = digits()
    _, kinds = planted(train, count=20, reach=2)
    many = np.concatenate([new[:50], *kinds.values()])
    found = find_copies(train, held_out, many)
    for i in (0, 60, 130):  # a decision depends on no other generated picture
        alone = find_copies(train, held_out, many[i : i + 1])
        assert alone.threshold == found.threshold
        assert alone.copied[0] == found.copied[i]
        assert alone.best.distance[0] == found.best.distance[i]


@pytest.mark.parametrize("side", [8, 20, 32, 64, 100])
def test_alignments_are_told_exactly(side: int) -> None:
    train = np.concatenate([photo("coffee", side, 50), photo("rocket", side, 50)])[:60]
    rng = np.random.default_rng(2)
    reach = max(2, side // 16)
    shifts = rng.integers(-reach, reach + 1, (len(train), 2))
    mirrored = rng.random(len(train)) < 0.5
    pictures = np.stack(
        [
            moved(picture[..., ::-1] if flip else picture, *shift)
            for picture, flip, shift in zip(train, mirrored, shifts, strict=True)
        ]
    )
    clear = contrast(train) >= 15  # what is nearly flat fits in several ways
    assert clear.sum() > 12
    found = align(pictures, train)
    assert (found.distance[clear] == 0).all()
    assert (found.train == np.arange(len(train)))[clear].all()
    assert (found.mirrored == mirrored)[clear].all()
    assert (found.shift == shifts)[clear].all()


def brute_force(picture: Pixels, train: Pixels) -> tuple[float, int]:
    """Least root mean squared difference over all alignments of all training pictures."""
    height, width = picture.shape[1:]
    best = (np.inf, -1)
    for i, original in enumerate(train):
        for image in (original, original[..., ::-1]):
            for y in range(-2, 3):
                for x in range(-2, 3):
                    ours = [(r, c) for r in range(height) for c in range(width)
                            if 0 <= r - y < height and 0 <= c - x < width]  # fmt: skip
                    rows, columns = np.array(ours).T
                    gaps = picture[:, rows, columns] - image[:, rows - y, columns - x].astype(float)
                    best = min(best, (float(np.sqrt(np.square(gaps).mean())), i))
    return best


def test_distances_are_those_of_all_alignments() -> None:
    # With no more training pictures than candidates nothing is left out.
    rng = np.random.default_rng(3)
    train = rng.integers(0, 256, (8, 2, 9, 11), dtype=np.uint8)
    pictures = rng.integers(0, 256, (5, 2, 9, 11), dtype=np.uint8)
    found = align(pictures, train)
    for i, picture in enumerate(pictures):
        distance, index = brute_force(picture, train)
        assert found.distance[i] == pytest.approx(distance, rel=1e-6)
        assert found.train[i] == index


def test_the_threshold_is_a_part_of_the_held_out_quantile() -> None:
    train, held_out, new = digits()
    distances = np.sort(align(held_out, train).distance)
    found = find_copies(train, held_out, new[:5])
    assert found.threshold == pytest.approx(0.7 * distances[3])  # the 4th of 400
    repeats = np.concatenate([train[:100], held_out])  # exact ones say nothing of new work
    assert find_copies(train, repeats, new[:5]).threshold == found.threshold
    blank = np.repeat(np.arange(100, dtype=np.uint8)[:, None, None, None], 64, axis=1)
    blanks = np.concatenate([held_out, blank.reshape(100, 1, 8, 8)])
    assert find_copies(train, blanks, new[:5]).threshold == found.threshold


def test_blank_pictures_and_skies_are_no_copies() -> None:
    train, held_out, _ = photos(SPLITS[0])
    blue = np.array([90, 140, 200])[None, :, None, None]
    sky = (blue + np.linspace(0, 10, 32 * 32).reshape(1, 1, 32, 32)).astype(np.uint8)
    other = noisy(sky, 3)
    blank = np.full_like(sky, 255)
    found = find_copies(
        np.concatenate([train, sky, blank]), held_out, np.concatenate([other, blank])
    )
    assert found.best.distance[1] == 0
    assert found.best.distance[0] < found.threshold
    assert not found.copied.any()


def test_results_do_not_depend_on_blocks_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    train, _, new = digits()
    order = np.random.default_rng(4).permutation(len(train))
    found = align(new[:60], train)
    shuffled = align(new[:60], train[order])
    assert (shuffled.distance == found.distance).all()
    assert (order[shuffled.train] == found.train).mean() > 0.9  # but for ties
    monkeypatch.setattr("mintmark.metrics.copies.BLOCK", 7)
    assert (align(new[:60], train).distance == found.distance).all()


def test_a_training_set_of_one_and_repeats_in_it_are_fine() -> None:
    train, held_out, _ = digits()
    single = find_copies(train[:1], held_out, train[:2])
    assert single.copied.tolist() == [True, False]
    doubled = find_copies(np.repeat(train[:40], 20, axis=0), held_out, train[:60])
    assert doubled.copied.tolist() == [True] * 40 + [False] * 20


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    train, held_out, new = digits()
    scaled: Any = held_out / 255
    with pytest.raises(ConfigError, match="held-out pictures must be uint8"):
        find_copies(train, scaled, new)
    with pytest.raises(ConfigError, match="generated pictures must be"):
        find_copies(train, held_out, new[:0])
    with pytest.raises(ConfigError, match="sides of 8"):
        find_copies(train[..., :7], held_out[..., :7], new[..., :7])
    with pytest.raises(ConfigError, match="differ in size"):
        find_copies(train, held_out.repeat(2, axis=3), new)
    with pytest.raises(ConfigError, match="repeat the training set"):
        find_copies(train, train[:50], new)
