import copy
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from arrays import noise
from numpy.typing import NDArray
from PIL import Image

from mintmark.core.errors import ConfigError, PackageError
from mintmark.core.files import digest_bytes
from mintmark.metrics import features, inception
from mintmark.metrics.extractors import (
    CHUNK,
    SHIPPED,
    Extractor,
    extract,
    find_inception,
    from_inception,
    from_net,
    logits,
    maps,
    prepared,
    shipped,
    weights,
    with_channels,
)
from mintmark.metrics.features import FeatureNet
from mintmark.metrics.inception import ARCHIVE, DIGEST, GRAPH, PUBLISHED, Inception

Pixels = NDArray[np.uint8]


def fitted(channels: int, size: int) -> FeatureNet:
    return features.fit(noise(0, 8, channels, size, size), np.arange(8) % 3, seed=0, epochs=1)


@pytest.fixture(scope="module")
def colour() -> Extractor:
    return from_net(fitted(3, 16), "colour")


@pytest.fixture(scope="module")
def random_inception() -> Extractor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Inception().eval()
    net.digest = "random"
    return from_inception(net)


def seen(extractor: Extractor, pixels: Pixels) -> NDArray[np.float64]:
    return prepared(extractor, torch.from_numpy(pixels)).double().numpy()


def test_the_record_says_what_the_network_is() -> None:
    net = fitted(2, 12)
    extractor = from_net(net, "mine")
    assert (extractor.name, extractor.dimensions) == ("mine", 64)
    assert (extractor.size, extractor.channels) == (12, 2)
    assert extractor.digest == features.digest(net)
    assert "bicubic" in extractor.resize
    assert "alpha over grey 128" in extractor.resize
    assert extractor.scaling == "x / 127.5 - 1"


def test_training_that_goes_on_does_not_change_the_record() -> None:
    net, pixels = fitted(1, 8), noise(1, 4, 1, 8, 8)
    extractor, digest = from_net(net, "mine"), features.digest(net)
    before = extract(extractor, pixels)
    net.train()
    with torch.no_grad():
        net.trunk.get_parameter("0.0.weight").mul_(2)
    assert np.array_equal(extract(extractor, pixels), before)
    assert extractor.digest == digest != features.digest(net)


def test_the_record_says_what_inception_is(random_inception: Extractor) -> None:
    assert random_inception.name == "inception"
    assert random_inception.digest == "random"
    assert (random_inception.dimensions, random_inception.size) == (2048, 299)
    assert random_inception.channels == 3
    assert "TensorFlow 1" in random_inception.resize
    assert random_inception.scaling == "(x - 128) / 128"


def test_pictures_that_fit_are_only_scaled(colour: Extractor) -> None:
    pixels = noise(1, 40, 3, 16, 16)
    x = torch.from_numpy(pixels).float() / 127.5 - 1
    assert torch.equal(prepared(colour, torch.from_numpy(pixels)), x)
    with torch.no_grad():
        direct = colour.net.features(x).numpy()
    found = extract(colour, pixels)
    assert found.shape == (40, 64)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, direct, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [16, 21])
def test_neither_order_nor_neighbours_nor_number_change_a_bit(colour: Extractor, side: int) -> None:
    pixels = noise(1, 2 * CHUNK + 5, 3, side, side)
    whole = extract(colour, pixels)
    order = np.random.default_rng(0).permutation(len(pixels))
    assert np.array_equal(extract(colour, pixels[order]), whole[order])
    for count in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1):
        assert np.array_equal(extract(colour, pixels[:count]), whole[:count])
    singly = [extract(colour, pixels[index : index + 1]) for index in range(len(pixels))]
    assert np.array_equal(np.concatenate(singly), whole)
    shuffled = logits(colour, whole[order])
    assert np.array_equal(shuffled, logits(colour, whole)[order])
    assert np.array_equal(logits(colour, whole[:3]), logits(colour, whole)[:3])


def test_nor_of_inception(random_inception: Extractor) -> None:
    pixels = noise(1, CHUNK, 3, 24, 40)
    whole = extract(random_inception, pixels)
    assert whole.shape == (CHUNK, 2048)
    assert np.array_equal(extract(random_inception, pixels[[9, 3]]), whole[[9, 3]])
    values = logits(random_inception, whole)
    assert values.shape == (CHUNK, 1008)
    assert np.array_equal(logits(random_inception, whole[::-1]), values[::-1])


def test_inception_sees_what_its_module_makes(random_inception: Extractor) -> None:
    pixels = noise(1, 2, 3, 24, 40)
    direct = inception.scaled(torch.from_numpy(pixels).float())
    assert torch.equal(prepared(random_inception, torch.from_numpy(pixels)), direct)


@pytest.mark.parametrize("side", [16, 24])
def test_maps_are_the_networks_of_the_same_pictures(colour: Extractor, side: int) -> None:
    pixels = torch.from_numpy(noise(1, 2, 3, side, side))
    found = maps(colour, pixels.float() / 127.5 - 1)
    expected = colour.net.maps(prepared(colour, pixels))
    assert len(found) == len(expected) == 3
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_maps_may_be_of_double_precision(colour: Extractor, random_inception: Extractor) -> None:
    for extractor in (colour, random_inception):
        exact = replace(extractor, net=copy.deepcopy(extractor.net).double())
        found = maps(exact, torch.rand(1, 1, 20, 20, dtype=torch.float64) * 2 - 1)
        assert {layer.dtype for layer in found} == {torch.float64}


def test_logits_follow_from_features(colour: Extractor) -> None:
    pixels = noise(1, 20, 3, 16, 16)
    values = logits(colour, extract(colour, pixels))
    assert values.shape == (20, 3)
    with torch.no_grad():
        direct = colour.net(torch.from_numpy(pixels).float() / 127.5 - 1).numpy()
    np.testing.assert_allclose(values, direct, atol=1e-5, rtol=0)


def test_logits_of_inception_have_no_bias(random_inception: Extractor) -> None:
    assert not logits(random_inception, np.zeros((1, 2048))).any()
    features = np.random.default_rng(0).random((3, 2048))
    weight = random_inception.net.head.weight.detach().double().numpy()
    np.testing.assert_allclose(
        logits(random_inception, features), features @ weight.T, atol=1e-12, rtol=0
    )


@pytest.mark.parametrize(("height", "width"), [(40, 40), (7, 7), (64, 9), (17, 16), (16, 1)])
def test_the_resize_is_pillows_bicubic_in_float(colour: Extractor, height: int, width: int) -> None:
    pixels = noise(2, 2, 3, height, width)
    expected = np.empty((2, 3, 16, 16))
    for index in np.ndindex(2, 3):
        plane = Image.fromarray(pixels[index].astype(np.float32))
        resized = plane.resize((16, 16), Image.Resampling.BICUBIC)
        expected[index] = np.asarray(resized).clip(0, 255)
    found = (seen(colour, pixels) + 1) * 127.5
    np.testing.assert_allclose(found, expected, atol=0.002, rtol=0)


def test_resized_samples_are_not_rounded(colour: Extractor) -> None:
    found = (seen(colour, noise(2, 2, 3, 40, 40)) + 1) * 127.5
    assert np.abs(found - np.round(found)).max() > 0.4


def test_an_edge_does_not_leave_the_range(colour: Extractor) -> None:
    edge = np.zeros((1, 3, 32, 32), dtype=np.uint8)
    edge[..., 15:] = 255
    found = seen(colour, edge)
    assert (found.min(), found.max()) == (-1, 1)


def test_fine_patterns_are_smoothed_not_sampled(colour: Extractor) -> None:
    board = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = seen(colour, np.broadcast_to(board, (1, 3, 128, 128)).copy())
    assert np.abs(found[..., 2:-2, 2:-2]).max() < 0.01


def test_grey_is_repeated(colour: Extractor) -> None:
    grey = noise(3, 4, 1, 20, 20)
    assert np.array_equal(extract(colour, grey), extract(colour, grey.repeat(3, axis=1)))


def test_colour_becomes_grey_as_pillow_does_it() -> None:
    rgb = noise(3, 2, 3, 9, 9)
    found = with_channels(torch.from_numpy(rgb).float(), 1).numpy()
    assert found.shape == (2, 1, 9, 9)
    for picture, grey in zip(rgb, found[:, 0], strict=True):
        theirs = np.asarray(Image.fromarray(picture.transpose(1, 2, 0)).convert("L"))
        assert np.abs(grey - theirs).max() < 0.51


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_laid_over_mid_grey(channels: int) -> None:
    x = torch.full((1, channels, 1, 3), 228.0)
    x[0, -1, 0] = torch.tensor([0.0, 51.0, 255.0])
    for wanted in (1, 3):
        found = with_channels(x, wanted)
        assert found.shape == (1, wanted, 1, 3)
        expected = torch.tensor([128.0, 148.0, 228.0]).expand(1, wanted, 1, 3)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("given", "wanted"), [(1, 2), (1, 4), (3, 2), (3, 4)])
def test_pictures_without_alpha_are_opaque(given: int, wanted: int) -> None:
    x = torch.from_numpy(noise(4, 2, given, 5, 5)).float()
    found = with_channels(x, wanted)
    assert found.shape == (2, wanted, 5, 5)
    assert (found[:, -1] == 255).all()
    assert torch.equal(found[:, :-1], with_channels(x, wanted - 1))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_that_fit_are_left_alone(channels: int) -> None:
    x = torch.from_numpy(noise(4, 2, channels, 5, 5)).float()
    assert torch.equal(with_channels(x, channels), x)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("wanted", [1, 2, 4])
def test_any_channels_go_into_any_network(channels: int, wanted: int) -> None:
    extractor = from_net(fitted(wanted, 8), "mine")
    found = extract(extractor, noise(5, 3, channels, 11, 6))
    assert found.shape == (3, 64)
    assert np.isfinite(found).all()


def test_no_pictures_have_no_features(colour: Extractor) -> None:
    assert extract(colour, noise(0, 0, 3, 16, 16)).shape == (0, 64)
    assert logits(colour, np.empty((0, 64))).shape == (0, 3)


def test_mapped_and_read_only_pictures_are_enough(colour: Extractor, tmp_path: Path) -> None:
    pixels = noise(1, 18, 3, 16, 16)
    np.save(tmp_path / "pixels.npy", pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    assert np.array_equal(extract(colour, mapped), extract(colour, pixels))


@pytest.mark.parametrize(
    "pixels",
    [
        noise(0, 3, 16, 16),
        noise(0, 2, 5, 16, 16),
        noise(0, 2, 0, 16, 16),
        noise(0, 2, 3, 16, 16).astype(np.float32),
        noise(0, 2, 3, 16, 16).astype(bool),
    ],
)
def test_what_are_no_pictures_is_refused(colour: Extractor, pixels: Any) -> None:
    with pytest.raises(ConfigError, match="uint8"):
        extract(colour, pixels)


@pytest.mark.parametrize("pixels", [noise(0, 2, 3, 0, 16), noise(0, 2, 3, 16, 0)])
def test_pictures_without_area_are_refused(colour: Extractor, pixels: Pixels) -> None:
    with pytest.raises(ConfigError, match="uint8"):
        extract(colour, pixels)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_extractors_tell_pictures_apart(name: str) -> None:
    try:
        extractor = shipped(name)
    except PackageError as error:
        pytest.skip(f"THE SHIPPED EXTRACTOR IS NOT THERE YET: {error}")
    assert extractor.name == name
    assert len(extractor.digest) == 64
    found = extract(extractor, noise(0, 6, 3, 40, 30))
    assert found.shape == (6, 64)
    assert np.isfinite(found).all()
    distances = np.linalg.norm(found[:, None] - found[None], axis=2)
    assert distances[np.triu_indices(6, 1)].min() > 1e-3


def test_other_names_are_not_shipped() -> None:
    with pytest.raises(ConfigError, match="digits, pictures"):
        shipped("../digits")


def planted_graph(path: Path) -> None:
    path.write_bytes(b"the graph")


def planted_archive(path: Path) -> None:
    graph = path.parent / GRAPH
    graph.write_bytes(b"the graph")
    with tarfile.open(path, "w:gz") as file:
        file.add(graph, GRAPH)
    graph.unlink()


def test_an_empty_folder_lacks_all_weights(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        found = weights(folder)
        assert [known.name for known in found] == ["inception", "lpips-alex", "lpips-vgg"]
        assert all(known.path is None and known.matches is None for known in found)
        assert all(known.published.startswith("http") and known.enables for known in found)
        assert found[0].digest == DIGEST


@pytest.mark.parametrize(("name", "plant"), [(GRAPH, planted_graph), (ARCHIVE, planted_archive)])
def test_weights_are_found_and_compared(
    name: str, plant: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / name)
    assert weights(tmp_path)[0].path == tmp_path / name
    assert weights(tmp_path)[0].matches is False
    # The published graph cannot lie here; a short one takes its place.
    monkeypatch.setattr(inception, "DIGEST", digest_bytes(b"the graph"))
    assert weights(tmp_path)[0].matches is True


def test_converted_weights_have_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "lpips-vgg.safetensors").write_bytes(b"")
    _, alex, vgg = weights(tmp_path)
    assert (alex.path, alex.matches) == (None, None)
    assert (vgg.path, vgg.matches) == (tmp_path / "lpips-vgg.safetensors", None)


@pytest.mark.parametrize("name", [None, GRAPH, ARCHIVE])
def test_inception_is_refused_without_its_weights(tmp_path: Path, name: str | None) -> None:
    if name:
        (tmp_path / name).write_bytes(b"not it")
    with pytest.raises(PackageError, match=name or GRAPH) as caught:
        find_inception(tmp_path)
    assert PUBLISHED in str(caught.value)
