import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from mintmark.core.errors import ConfigError, PackageError
from mintmark.metrics.features import (
    FeatureNet,
    accuracy,
    digest,
    extract,
    fit,
    load,
    save,
)

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


@pytest.fixture(scope="session")
def digits() -> tuple[Pixels, Labels]:
    source = load_digits()
    pixels = np.round(source.images * (255 / 16)).astype(np.uint8)[:, None]
    return pixels, source.target.astype(np.int64)


@pytest.fixture(scope="session")
def digit_net(digits: tuple[Pixels, Labels]) -> FeatureNet:
    pixels, labels = digits
    return fit(pixels[:1200], labels[:1200], seed=0)


def test_digits_by_other_writers_are_recognised(
    digits: tuple[Pixels, Labels], digit_net: FeatureNet
) -> None:
    pixels, labels = digits
    assert accuracy(digit_net, pixels[1200:], labels[1200:]) >= 0.95


def test_features_tell_digits_apart(digits: tuple[Pixels, Labels], digit_net: FeatureNet) -> None:
    pixels, labels = digits
    features = extract(digit_net, pixels[1200:])
    assert features.shape == (597, 64)
    assert features.dtype == np.float64
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    same = labels[1200:][distances.argmin(axis=1)] == labels[1200:]
    assert same.mean() >= 0.95


def test_extraction_does_not_depend_on_batch_or_order(
    digits: tuple[Pixels, Labels], digit_net: FeatureNet
) -> None:
    pixels = digits[0][:70]
    whole = extract(digit_net, pixels)
    digit_net.train()  # a network left in training mode must not change the figures
    order = np.random.default_rng(0).permutation(70)
    for batch in (1, 32):
        again = extract(digit_net, pixels[order], batch)
        np.testing.assert_allclose(again, whole[order], atol=1e-5, rtol=0)


def test_the_network_sees_pictures_from_minus_one_to_one() -> None:
    net, pixels = small_net(), noise(1, 5, 3, 12, 12)
    x = torch.from_numpy(pixels / 127.5 - 1).float()
    assert (x.min().item(), x.max().item()) == (-1, 1)
    with torch.no_grad():
        direct = net.features(x).numpy()
    np.testing.assert_allclose(extract(net, pixels), direct, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("size", "shapes"),
    [
        (8, [(64, 8), (64, 4)]),
        (17, [(30, 17), (56, 9), (64, 5), (64, 3)]),
        (32, [(16, 32), (32, 16), (64, 8), (64, 4)]),
    ],
)
def test_maps_are_those_after_each_resolution(size: int, shapes: list[tuple[int, int]]) -> None:
    net = FeatureNet(3, size, 2).eval()
    x = torch.rand(2, 3, size, size) * 2 - 1
    with torch.no_grad():
        maps = net.maps(x)
        assert [found.shape for found in maps] == [(2, c, side, side) for c, side in shapes]
        assert torch.equal(maps[0], net.trunk[0](x))
        assert torch.equal(maps[-1], net.trunk(x))
        assert torch.equal(maps[-1].mean(dim=(2, 3)), net.features(x))


def test_accuracy_counts_right_answers() -> None:
    net = fit(noise(0, 8, 1, 8, 8), np.arange(8) % 2, seed=0, epochs=1)
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.copy_(torch.tensor([0.0, 1.0]))
    assert accuracy(net, noise(1, 10, 1, 8, 8), np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])) == 0.3


def test_same_seed_same_network_and_the_global_generator_untouched() -> None:
    pixels, labels = noise(0, 80, 1, 8, 8), np.arange(80) % 3
    torch.manual_seed(1)
    first = digest(fit(pixels, labels, seed=5, epochs=2))
    untouched = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(untouched, torch.rand(1))
    torch.manual_seed(2)
    assert digest(fit(pixels, labels, seed=5, epochs=2)) == first
    assert digest(fit(pixels, labels, seed=6, epochs=2)) != first


def test_the_seed_decides_the_first_weights() -> None:
    pixels, labels = noise(0, 4, 1, 8, 8), np.arange(4) % 2
    first, again, other = (fit(pixels, labels, seed, epochs=0) for seed in (5, 5, 6))
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_without_labels_it_learns_rotations(digits: tuple[Pixels, Labels]) -> None:
    pixels = digits[0]
    net = fit(pixels[:600], None, seed=0, epochs=9)
    assert net.arguments["classes"] == 4
    turned = np.concatenate([np.rot90(pixels[1200:1400], turns, (2, 3)) for turns in range(4)])
    assert accuracy(net, turned, np.repeat(np.arange(4), 200)) >= 0.5  # chance: 0.25


def test_one_class_counts_as_no_labels() -> None:
    pixels = noise(0, 20, 1, 8, 8)
    single = fit(pixels, np.zeros(20, dtype=np.int64), seed=0, epochs=1)
    assert digest(single) == digest(fit(pixels, None, seed=0, epochs=1))


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (2, 9), (3, 17), (4, 32)])
def test_any_size_and_channels(channels: int, size: int) -> None:
    pixels = noise(0, 6, channels, size, size)
    net = fit(pixels, np.arange(6) % 2, seed=0, epochs=1)
    assert extract(net, pixels).shape == (6, 64)
    assert net(torch.zeros(1, channels, size, size)).shape == (1, 2)
    assert extract(net, noise(1, 2, channels, size + 5, size + 5)).shape == (2, 64)


def test_read_only_pixels_are_enough() -> None:
    pixels = noise(0, 6, 1, 8, 8)
    pixels.flags.writeable = False
    net = fit(pixels, np.arange(6) % 2, seed=0, epochs=1)
    assert np.isfinite(extract(net, pixels)).all()


@pytest.mark.parametrize(
    ("pixels", "labels", "words"),
    [
        (noise(0, 4, 1, 8, 9), None, "uint8"),
        (noise(0, 4, 1, 8, 8).astype(np.float32), None, "uint8"),
        (noise(0, 4, 1, 7, 7), None, "8 x 8"),
        (noise(0, 4, 5, 8, 8), None, "1 to 4 channels"),
        (noise(0, 1, 1, 8, 8), None, "at least 2"),
        (noise(0, 4, 1, 8, 8), np.arange(3), "Labels"),
        (noise(0, 4, 1, 8, 8), np.arange(4) - 1, "Labels"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    pixels: Any, labels: Labels | None, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        fit(pixels, labels, seed=0, epochs=1)


def small_net() -> FeatureNet:
    return fit(noise(0, 6, 3, 12, 12), np.arange(6) % 2, seed=0, epochs=1)


def test_saved_networks_come_back_equal(tmp_path: Path) -> None:
    net, pixels = small_net(), noise(1, 5, 3, 12, 12)
    path = tmp_path / "features.safetensors"
    save(net, path)
    again = load(path)
    assert again.arguments == net.arguments
    assert not again.training
    assert digest(again) == digest(net)
    assert np.array_equal(extract(again, pixels), extract(net, pixels))
    assert [file.name for file in tmp_path.iterdir()] == ["features.safetensors"]


def test_digest_sees_every_weight_and_shape() -> None:
    net = small_net()
    seen = {digest(net)}
    for tensor in net.state_dict().values():
        tensor.view(-1)[-1] += 1
        seen.add(digest(net))
    net.head.weight = torch.nn.Parameter(net.head.weight.detach().reshape(64, 2))
    seen.add(digest(net))
    assert len(seen) == len(net.state_dict()) + 2


def test_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    save(small_net(), path)
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04 not this", whole[:9], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(PackageError, match="not a whole feature network"):
            load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "mintmark.features/2"}, "not a feature network of this version"),
        ({"size": "64"}, "do not fit its header"),
        ({"classes": "1000000000000"}, "do not fit its header"),
        ({"classes": "1" + 30 * "0"}, "not a whole feature network"),
        ({"channels": "many"}, "not a whole feature network"),
        ({"size": "-8"}, "not a whole feature network"),
        ({"size": None}, "not a whole feature network"),
    ],
)
def test_foreign_headers_are_refused(
    tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    net, path = small_net(), tmp_path / "features.safetensors"
    header = {"format": "mintmark.features/1", "channels": "3", "size": "12", "classes": "2"}
    kept = {name: value for name, value in (header | change).items() if value is not None}
    save_file(net.state_dict(), path, kept)
    with pytest.raises(PackageError, match=words):
        load(path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    net, path = small_net(), tmp_path / "features.safetensors"
    save(net, path)
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    state = net.state_dict()
    half = {**state, "head.bias": state["head.bias"].half()}
    missing = {name: tensor for name, tensor in state.items() if name != "head.bias"}
    for weights in (half, missing, {**state, "extra": torch.zeros(1)}):
        save_file(weights, path, header)
        with pytest.raises(PackageError, match="do not fit its header"):
            load(path)
    save_file(state, path)
    with pytest.raises(PackageError, match="not a feature network of this version"):
        load(path)
