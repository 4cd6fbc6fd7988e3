import math
from itertools import product

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray

from mintmark.core.errors import ConfigError
from mintmark.metrics.judges import Share
from mintmark.metrics.matching import BUCKETS, Matcher, fit, hashed, r_precision, ranks

Pixels = NDArray[np.uint8]

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (50, 70, 230),
    "yellow": (230, 210, 40),
    "white": (240, 240, 240),
    "cyan": (40, 210, 220),
    "pink": (240, 110, 200),
    "brown": (110, 60, 20),
}
GROUNDS = {"black": 15, "grey": 120, "bright": 200}
SHAPES = ("square", "ring", "cross")
KINDS = [*product(COLOURS, SHAPES, GROUNDS)]
UNSEEN = [("blue", "square"), ("red", "ring"), ("white", "cross")]
SEEN = [kind for kind in KINDS if kind[:2] not in UNSEEN]
TOGETHER = [kind for kind in KINDS if kind[:2] in UNSEEN]
CAPTIONS = [f"{colour} {shape} on {ground}" for colour, shape, ground in KINDS]


def picture(rng: np.random.Generator, colour: str, shape: str, ground: str) -> Pixels:
    """A coloured shape about the middle of a grey ground, (3, 12, 12)."""
    y, x = np.abs(np.mgrid[:12, :12] - 5.5 + rng.integers(-1, 2, (2, 1, 1)))
    far, near = np.maximum(x, y), np.minimum(x, y)
    figures = {"square": far < 4, "ring": (far < 5) & (far > 2), "cross": (near < 1) & (far < 5)}
    pixels = np.where(figures[shape], np.array(COLOURS[colour])[:, None, None], GROUNDS[ground])
    return (pixels + rng.integers(-15, 16, pixels.shape)).astype(np.uint8)


def drawn(seed: int, count: int, kinds: list[tuple[str, str, str]]) -> tuple[Pixels, list[str]]:
    rng = np.random.default_rng(seed)
    chosen = [kinds[i] for i in rng.integers(len(kinds), size=count)]
    captions = [f"{colour} {shape} on {ground}" for colour, shape, ground in chosen]
    return np.stack([picture(rng, *kind) for kind in chosen]), captions


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return fit(*drawn(0, 800, SEEN), seed=0, images=4000)


def small() -> Matcher:
    return fit(noise(0, 6, 1, 8, 8), ["red", "green", "blue"] * 2, seed=0, images=6)


def test_it_finds_the_caption_of_pictures_not_seen(matcher: Matcher) -> None:
    found = ranks(matcher, *drawn(1, 200, SEEN), seed=0, distractors=30, pool=CAPTIONS)
    assert r_precision(found).value >= 0.95
    assert r_precision(found, within=1).value >= 0.6


def test_it_finds_what_was_never_seen_together(matcher: Matcher) -> None:
    found = ranks(matcher, *drawn(2, 150, TOGETHER), seed=0, distractors=30, pool=CAPTIONS)
    assert r_precision(found).value >= 0.85


def test_captions_of_other_pictures_score_at_chance(matcher: Matcher) -> None:
    pixels, captions = drawn(3, 400, SEEN)
    other = np.random.default_rng(0).permutation(np.array(captions)).tolist()
    found = r_precision(ranks(matcher, pixels, other, seed=0, distractors=24, pool=CAPTIONS))
    assert abs(found.value - 5 / 25) < 4 * found.error


def test_unseen_spellings_are_near(matcher: Matcher) -> None:
    pixels, captions = drawn(4, 100, SEEN)
    misspelt = [
        caption.replace("square", "sqaure").replace("cross", "crosss") for caption in captions
    ]
    found = ranks(matcher, pixels, misspelt, seed=0, distractors=30, pool=CAPTIONS)
    assert r_precision(found).value >= 0.6


def test_ranks_count_the_captions_that_are_nearer(matcher: Matcher) -> None:
    pixels, captions = noise(5, 20, 3, 12, 12), drawn(5, 20, KINDS)[1]
    found = ranks(matcher, pixels, captions, seed=0, distractors=len(CAPTIONS) - 1, pool=CAPTIONS)
    x = torch.from_numpy(pixels / np.float32(127.5) - 1)
    with torch.no_grad():
        texts = matcher.texts([hashed(caption) for caption in CAPTIONS])
        cosines = (matcher.pictures(x) @ texts.T).numpy()
    np.testing.assert_allclose(np.linalg.norm(texts.numpy(), axis=1), 1, rtol=1e-5)
    own = cosines[np.arange(20), [CAPTIONS.index(caption) for caption in captions]]
    # Cosines are rounded, so a pair may tie that lies next to each other here.
    assert np.abs(found - 1 - (cosines > own[:, None]).sum(axis=1)).max() <= 0.5
    assert found.dtype == np.float64
    assert len(set(found.tolist())) > 3


def test_equal_captions_count_half() -> None:
    net, pixels = small(), noise(1, 3, 1, 8, 8)
    # Bags know no order.
    assert ranks(net, pixels[:2], ["red dot", "dot red"], 0, distractors=1).tolist() == [1.5] * 2
    last = net.text_head[2]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
    pool = [f"word {i}" for i in range(9)]
    assert ranks(net, pixels, pool[:3], 0, distractors=8, pool=pool).tolist() == [5] * 3


def test_other_captions_are_different_ones_and_the_seed_draws_them(matcher: Matcher) -> None:
    pixels, captions = noise(6, 60, 3, 12, 12), drawn(6, 60, SEEN)[1]
    first = ranks(matcher, pixels, captions, seed=0, distractors=10)
    again = ranks(matcher, pixels, captions, seed=0, distractors=10, pool=[*captions, *captions])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, ranks(matcher, pixels, captions, seed=1, distractors=10))
    with pytest.raises(ConfigError, match="too few to draw"):
        ranks(matcher, pixels, captions, seed=0, distractors=len(set(captions)))
    assert first.min() >= 1
    assert first.max() <= 11


def test_ranks_do_not_depend_on_the_mode_or_what_else_is_judged(matcher: Matcher) -> None:
    pixels, captions = noise(7, 300, 3, 12, 12), drawn(7, 300, SEEN)[1]
    whole = ranks(matcher, pixels, captions, seed=0, distractors=20, pool=CAPTIONS)
    matcher.train()
    few = ranks(matcher, pixels[:30], captions[:30], seed=0, distractors=20, pool=CAPTIONS)
    assert np.array_equal(few, whole[:30])


def test_ninety_nine_others_are_the_default() -> None:
    net, pool = small(), [f"word {i}" for i in range(100)]
    last = net.text_head[2]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
    assert ranks(net, noise(1, 1, 1, 8, 8), pool[:1], 0, pool=pool).tolist() == [50.5]


def test_r_precision_by_hand() -> None:
    places = np.array([1, 5, 5.5, 6, 100])
    assert r_precision(places) == Share(0.4, math.sqrt(0.4 * 0.6 / 5), 5)
    assert r_precision(places, within=1) == Share(0.2, math.sqrt(0.2 * 0.8 / 5), 5)


def test_words_and_parts_of_words_are_hashed_the_same_everywhere() -> None:
    # The first 32 bits of SHA-256 of "<red>", "<re", "red" and "ed>", modulo 8192.
    assert hashed("red").tolist() == [2171, 2315, 3731, 6737]
    assert hashed("  RED. ").tolist() == hashed("red").tolist()
    assert set(hashed("red")) < set(hashed("blue red"))
    assert hashed("red on blue").tolist() == hashed("blue on red").tolist()
    assert set(hashed("\N{FULLWIDTH LATIN SMALL LETTER A}")) == set(hashed("a"))
    assert BUCKETS == 8192
    # Half of the 3-grams of a misspelt word are those of the right one.
    assert len(set(hashed("triangel")) & set(hashed("triangle"))) >= 5


def test_same_seed_same_matcher_and_the_global_generator_untouched() -> None:
    def weights(seed: int) -> bytes:
        net = fit(noise(0, 40, 1, 8, 8), ["red", "green"] * 20, seed, images=80)
        return b"".join(tensor.numpy().tobytes() for tensor in net.state_dict().values())

    torch.manual_seed(1)
    first = weights(5)
    untouched = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(untouched, torch.rand(1))
    torch.manual_seed(2)
    assert weights(5) == first
    assert weights(6) != first


def test_two_captions_for_many_pictures_are_told_apart() -> None:
    pixels = np.repeat(np.array([20, 230] * 32, dtype=np.uint8), 64).reshape(64, 1, 8, 8)
    net = fit(pixels, ["dark", "light"] * 32, seed=0, images=1600)
    found = ranks(net, pixels[:2], ["dark", "light"], seed=0, distractors=1)
    assert found.tolist() == [1, 1]
    with torch.no_grad():
        texts = net.texts([hashed("dark"), hashed("light")])
    assert (texts[0] @ texts[1]).item() < 0


@pytest.mark.parametrize(
    ("pixels", "captions", "words"),
    [
        (noise(0, 4, 1, 8, 8).astype(np.float32), ["a", "b"] * 2, "uint8"),
        (noise(0, 1, 1, 8, 8), ["a"], "At least 2"),
        (noise(0, 4, 1, 8, 8), ["a", "b"], "4 pictures and 2 captions"),
        (noise(0, 4, 1, 8, 8), ["a"] * 4, "one caption"),
        (noise(0, 4, 1, 8, 8), ["a", "b", "c", "..."], "holds no word"),
        (noise(0, 4, 5, 8, 8), ["a", "b"] * 2, "1 to 4 channels"),
        (noise(0, 4, 1, 7, 8), ["a", "b"] * 2, "8 x 8"),
        (noise(0, 4, 1, 8, 80), ["a", "b"] * 2, "narrow"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    pixels: Pixels, captions: list[str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        fit(pixels, captions, seed=0, images=4)


def test_what_cannot_be_judged_is_refused() -> None:
    net = small()
    with pytest.raises(ConfigError, match="bring them to its size"):
        ranks(net, noise(0, 2, 1, 16, 16), ["a", "b"], 0, distractors=1)
    with pytest.raises(ConfigError, match="2 pictures and 1 captions"):
        ranks(net, noise(0, 2, 1, 8, 8), ["a"], 0, distractors=1)
    with pytest.raises(ConfigError, match="1 captions beside 'a', too few to draw 99"):
        ranks(net, noise(0, 2, 1, 8, 8), ["a", "b"], 0)
    with pytest.raises(ConfigError, match="too few to draw 0"):
        ranks(net, noise(0, 2, 1, 8, 8), ["a", "b"], 0, distractors=0)
    with pytest.raises(ConfigError, match="R-precision needs"):
        r_precision(np.array([]))
    with pytest.raises(ConfigError, match="R-precision needs"):
        r_precision(np.array([1.0]), within=0)
