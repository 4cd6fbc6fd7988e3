import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray
from safetensors.torch import save_file

from mintmark.core.errors import ConfigError, PackageError
from mintmark.metrics.attributes import (
    Attribute,
    AttributeNet,
    agreement,
    fit,
    load,
    predict,
    save,
)
from mintmark.metrics.judges import Share

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

COLOURS = np.array([[230, 40, 40], [40, 200, 60], [60, 80, 230]])
FIGURES = (
    Attribute("colour", ("red", "green", "blue")),
    Attribute("shape", ("square", "ring", "cross")),
    Attribute("light", ("false", "true")),
)
PAIR = (Attribute("odd", ("no", "yes")), Attribute("third", ("a", "b", "c")))
ALL = np.array([(c, s, g) for c in range(3) for s in range(3) for g in range(2)])


def picture(rng: np.random.Generator, colour: int, shape: int, light: int) -> Pixels:
    """A coloured shape about the middle of a dark or light ground, (3, 12, 12)."""
    y, x = np.abs(np.mgrid[:12, :12] - 5.5 + rng.integers(-1, 2, (2, 1, 1)))
    far, near = np.maximum(x, y), np.minimum(x, y)
    inside = (far < 4, (far < 5) & (far > 2), (near < 1) & (far < 5))[shape]
    pixels = np.where(inside, COLOURS[colour][:, None, None], 210 if light else 20)
    return (pixels + rng.integers(-15, 16, pixels.shape)).astype(np.uint8)


def drawn(seed: int, count: int, kinds: Labels) -> tuple[Pixels, Labels]:
    rng = np.random.default_rng(seed)
    labels = kinds[rng.integers(len(kinds), size=count)]
    return np.stack([picture(rng, *row) for row in labels.tolist()]), labels


@pytest.fixture(scope="module")
def judge() -> AttributeNet:
    pixels, labels = drawn(0, 600, ALL)
    gaps = np.random.default_rng(1).random(labels.shape) < 0.6
    return fit(pixels, np.where(gaps, -1, labels), FIGURES, seed=0, images=5000)


def some_labels(count: int) -> Labels:
    return np.stack([np.arange(count) % 2, np.arange(count) % 3], axis=1)


def small_net(seed: int = 0) -> AttributeNet:
    return fit(noise(0, 24, 3, 12, 12), some_labels(24), PAIR, seed, images=24)


def constant(net: AttributeNet, *values: int) -> AttributeNet:
    """The net made to name the same value of each attribute whatever it sees."""
    with torch.no_grad():
        for head, value in zip(net.heads, values, strict=True):
            assert isinstance(head, torch.nn.Linear)
            head.weight.zero_()
            head.bias.zero_()
            head.bias[value] = 1
    return net


def weights(net: AttributeNet) -> bytes:
    return b"".join(
        tensor.numpy().tobytes() for name, tensor in net.state_dict().items() if name != "accuracy"
    )


def test_it_names_what_it_learned_with_gaps_in_the_labels(judge: AttributeNet) -> None:
    found = agreement(judge, *drawn(1, 300, ALL))
    assert list(found.attributes) == ["colour", "shape", "light"]
    assert all(one.value >= 0.97 for one in found.attributes.values()), found
    assert all(one.count == 300 for one in found.attributes.values())


def test_every_figure_comes_with_the_accuracy_on_reals_kept_out(judge: AttributeNet) -> None:
    asked = drawn(3, 50, ALL)[1]
    found = agreement(judge, noise(0, 50, 3, 12, 12), asked)
    assert found.every.value < 0.5  # noise shows nothing of it
    for one in found.judge.values():
        assert one.value >= 0.95
        assert 10 <= one.count <= 40  # a tenth of 600, less those without a label


def test_what_is_kept_out_is_not_learned_from() -> None:
    pixels, labels = noise(0, 20, 1, 8, 8), some_labels(20)[:, :1]
    whole = fit(pixels, labels, PAIR[:1], seed=0, images=20)
    unmoved, moved = [], []
    for i in range(20):
        other = labels.copy()
        other[i] = 1 - other[i]
        net = fit(pixels, other, PAIR[:1], seed=0, images=20)
        if weights(net) == weights(whole):
            unmoved.append(i)
        if not torch.equal(net.accuracy, whole.accuracy):
            moved.append(i)
    assert len(unmoved) == 2
    assert set(unmoved) <= set(moved)


def test_batches_that_know_nothing_of_an_attribute_teach_nothing_of_it() -> None:
    labels = some_labels(200)
    labels[8:, 0] = -1
    net = fit(noise(0, 200, 1, 8, 8), labels, PAIR, seed=0, images=200)
    assert all(torch.isfinite(tensor).all() for tensor in net.state_dict().values())


def test_agreement_by_hand() -> None:
    net = constant(small_net(), 1, 2)
    net.accuracy.copy_(torch.tensor([[3, 4], [0, 0]]))
    labels = np.array([[1, 2], [1, 0], [1, -1], [0, -1], [-1, -1]])
    found = agreement(net, noise(1, 5, 3, 12, 12), labels)
    assert found.attributes["odd"] == Share(0.75, math.sqrt(0.75 * 0.25 / 4), 4)
    assert found.attributes["third"] == Share(0.5, math.sqrt(0.25 / 2), 2)
    # Right in all that was asked: the first and the third of four.
    assert found.every == Share(0.5, math.sqrt(0.25 / 4), 4)
    assert found.judge["odd"] == Share(0.75, math.sqrt(0.75 * 0.25 / 4), 4)
    assert math.isnan(found.judge["third"].value)
    assert found.judge["third"].count == 0


def test_answers_do_not_depend_on_batch_or_order(judge: AttributeNet) -> None:
    pixels = drawn(4, 70, ALL)[0]
    whole = predict(judge, pixels)
    assert whole.shape == (70, 3)
    assert whole.dtype == np.int64
    judge.train()  # a judge left in training mode must not change the answers
    order = np.random.default_rng(0).permutation(70)
    for batch in (1, 32):
        assert np.array_equal(predict(judge, pixels[order], batch), whole[order])


def test_same_seed_same_judge_and_the_global_generator_untouched() -> None:
    torch.manual_seed(1)
    first = weights(small_net(5))
    untouched = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(untouched, torch.rand(1))
    torch.manual_seed(2)
    assert weights(small_net(5)) == first
    assert weights(small_net(6)) != first


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 8, 8), (4, 100, 130), (3, 64, 9)])
def test_any_size_and_channels(channels: int, height: int, width: int) -> None:
    pixels = noise(0, 20, channels, height, width)
    pixels.flags.writeable = False
    net = fit(pixels, some_labels(20), PAIR, seed=0, images=20)
    assert predict(net, pixels).shape == (20, 2)


@pytest.mark.parametrize(
    ("pixels", "labels", "attributes", "words"),
    [
        (noise(0, 20, 1, 8, 8).astype(np.float32), some_labels(20), PAIR, "uint8"),
        (noise(0, 20, 64), some_labels(20), PAIR, "uint8"),
        (noise(0, 19, 1, 8, 8), some_labels(19), PAIR, "At least 20 pictures"),
        (noise(0, 20, 5, 8, 8), some_labels(20), PAIR, "1 to 4 channels"),
        (noise(0, 20, 1, 7, 8), some_labels(20), PAIR, "8 x 8"),
        (noise(0, 20, 1, 8, 80), some_labels(20), PAIR, "narrow"),
        (noise(0, 20, 1, 8, 8), some_labels(20), (), "1 to 256 attributes"),
        (noise(0, 20, 1, 8, 8), some_labels(20), (PAIR[0],) * 2, "names of their own"),
        (noise(0, 20, 1, 8, 8), some_labels(20), (Attribute("odd", ("no",)),), "2 or more"),
        (noise(0, 20, 1, 8, 8), some_labels(20), (Attribute("o", ("a", "a")),), "different"),
        (noise(0, 20, 1, 8, 8), some_labels(19), PAIR, "one a picture and attribute"),
        (noise(0, 20, 1, 8, 8), some_labels(20)[:, :1], PAIR, "one a picture and attribute"),
        (noise(0, 20, 1, 8, 8), some_labels(20) / 1, PAIR, "must be integers"),
        (noise(0, 20, 1, 8, 8), np.full((20, 2), 2), PAIR, "no index"),
        (noise(0, 20, 1, 8, 8), some_labels(20) - 2, PAIR, "no index"),
        (noise(0, 20, 1, 8, 8), some_labels(20) * [1, 0], PAIR, "'third' as 'b'"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    pixels: Pixels, labels: Labels, attributes: tuple[Attribute, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        fit(pixels, labels, attributes, seed=0, images=20)


def test_what_cannot_be_judged_is_refused() -> None:
    net = small_net()
    with pytest.raises(ConfigError, match="trained on pictures of 3 channels and 12 x 12"):
        predict(net, noise(0, 4, 3, 24, 24))
    with pytest.raises(ConfigError, match="At least 1"):
        predict(net, noise(0, 0, 3, 12, 12))
    with pytest.raises(ConfigError, match="no index"):
        agreement(net, noise(0, 4, 3, 12, 12), np.full((4, 2), 2))


def test_saved_judges_come_back_equal(tmp_path: Path, judge: AttributeNet) -> None:
    path = tmp_path / "judge.safetensors"
    save(judge, path)
    again = load(path)
    assert again.attributes == FIGURES
    assert not again.training
    assert weights(again) == weights(judge)
    asked = drawn(5, 40, ALL)
    assert agreement(again, *asked) == agreement(judge, *asked)
    assert [file.name for file in tmp_path.iterdir()] == ["judge.safetensors"]


def test_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "judge.safetensors"
    save(small_net(), path)
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04 not this", whole[:9], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(PackageError, match="not a whole judge"):
            load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "mintmark.attributes/2"}, "not a judge of attributes of this version"),
        ({"width": "64", "height": "64"}, "do not fit its header"),
        ({"height": "1" + 30 * "0"}, "not a whole judge"),
        ({"channels": "many"}, "not a whole judge"),
        ({"height": None}, "not a whole judge"),
        ({"attributes": "["}, "not a whole judge"),
        ({"attributes": "{}"}, "not a whole judge"),
        ({"attributes": "[[]]"}, "not a whole judge"),
        ({"attributes": '[["odd", "no", 1]]'}, "not a whole judge"),
        ({"attributes": '[["odd", "no"]]'}, "not a whole judge"),
        ({"attributes": '[["odd", "no", "yes"]]'}, "do not fit its header"),
        ({"attributes": json.dumps([[str(i), "a", "b"] for i in range(257)])}, "not a whole judge"),
    ],
)
def test_foreign_headers_are_refused(
    tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    net, path = small_net(), tmp_path / "judge.safetensors"
    header = {"format": "mintmark.attributes/1", "channels": "3", "height": "12", "width": "12"}
    header["attributes"] = '[["odd", "no", "yes"], ["third", "a", "b", "c"]]'
    save_file(net.state_dict(), path, header)
    assert load(path).attributes == PAIR
    kept = {name: value for name, value in (header | change).items() if value is not None}
    save_file(net.state_dict(), path, kept)
    with pytest.raises(PackageError, match=words):
        load(path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    net, path = small_net(), tmp_path / "judge.safetensors"
    save(net, path)
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    state = net.state_dict()
    half = {**state, "heads.0.bias": state["heads.0.bias"].half()}
    missing = {name: tensor for name, tensor in state.items() if name != "heads.0.bias"}
    boast = {**state, "accuracy": torch.tensor([[3, 2], [0, 0]])}
    less = {**state, "accuracy": torch.tensor([[-1, 2], [0, 0]])}
    for changed in (half, missing, {**state, "extra": torch.zeros(1)}, boast, less):
        save_file(changed, path, header)
        with pytest.raises(PackageError, match="do not fit its header"):
            load(path)
    save_file(state, path)
    with pytest.raises(PackageError, match="not a judge of attributes of this version"):
        load(path)
