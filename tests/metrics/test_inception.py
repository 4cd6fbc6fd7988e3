"""The network against torch-fidelity's, which carries the same random weights."""

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fidelity import fidelity
from numpy.typing import NDArray
from tensorboardX.proto.graph_pb2 import GraphDef
from torch import nn

from mintmark.core.errors import PackageError
from mintmark.core.files import digest_bytes
from mintmark.metrics import inception
from mintmark.metrics.inception import (
    ARCHIVE,
    DIGEST,
    GRAPH,
    PUBLISHED,
    Inception,
    load_inception,
    read_graph,
    resize,
    scaled,
)

# Scope of the graph -> name of the peer's module, as the peer's own conversion
# from this graph has it; so a convolution in the wrong place is seen.
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
POOLED = {"tower_2/conv": "branch_pool"}
MIXED_35 = {
    "conv": "branch1x1",
    "tower/conv": "branch5x5_1",
    "tower/conv_1": "branch5x5_2",
    "tower_1/conv": "branch3x3dbl_1",
    "tower_1/conv_1": "branch3x3dbl_2",
    "tower_1/conv_2": "branch3x3dbl_3",
    **POOLED,
}
REDUCED_17 = {
    "conv": "branch3x3",
    "tower/conv": "branch3x3dbl_1",
    "tower/conv_1": "branch3x3dbl_2",
    "tower/conv_2": "branch3x3dbl_3",
}
MIXED_17 = {
    "conv": "branch1x1",
    "tower/conv": "branch7x7_1",
    "tower/conv_1": "branch7x7_2",
    "tower/conv_2": "branch7x7_3",
    "tower_1/conv": "branch7x7dbl_1",
    "tower_1/conv_1": "branch7x7dbl_2",
    "tower_1/conv_2": "branch7x7dbl_3",
    "tower_1/conv_3": "branch7x7dbl_4",
    "tower_1/conv_4": "branch7x7dbl_5",
    **POOLED,
}
REDUCED_8 = {
    "tower/conv": "branch3x3_1",
    "tower/conv_1": "branch3x3_2",
    "tower_1/conv": "branch7x7x3_1",
    "tower_1/conv_1": "branch7x7x3_2",
    "tower_1/conv_2": "branch7x7x3_3",
    "tower_1/conv_3": "branch7x7x3_4",
}
MIXED_8 = {
    "conv": "branch1x1",
    "tower/conv": "branch3x3_1",
    "tower/mixed/conv": "branch3x3_2a",
    "tower/mixed/conv_1": "branch3x3_2b",
    "tower_1/conv": "branch3x3dbl_1",
    "tower_1/conv_1": "branch3x3dbl_2",
    "tower_1/mixed/conv": "branch3x3dbl_3a",
    "tower_1/mixed/conv_1": "branch3x3dbl_3b",
    **POOLED,
}
BLOCKS = [
    ("Mixed_5b", MIXED_35),
    ("Mixed_5c", MIXED_35),
    ("Mixed_5d", MIXED_35),
    ("Mixed_6a", REDUCED_17),
    ("Mixed_6b", MIXED_17),
    ("Mixed_6c", MIXED_17),
    ("Mixed_6d", MIXED_17),
    ("Mixed_6e", MIXED_17),
    ("Mixed_7a", REDUCED_8),
    ("Mixed_7b", MIXED_8),
    ("Mixed_7c", MIXED_8),
]
NORMALISATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def scopes() -> Iterator[tuple[str, str]]:
    for number, peer in enumerate(STEM):
        yield f"conv_{number}" if number else "conv", peer
    for number, (block, names) in enumerate(BLOCKS):
        for scope, peer in names.items():
            yield f"mixed_{number}/{scope}" if number else f"mixed/{scope}", f"{block}.{peer}"


def add(graph: Any, name: str, values: NDArray[np.float32], packed: bool = True) -> None:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = 1
    proto = node.attr["value"].tensor
    proto.dtype = 1
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    if packed:
        proto.tensor_content = values.astype("<f4").tobytes()
    else:
        proto.float_val.extend(values.ravel().tolist())


def graph_of(peer: nn.Module) -> bytes:
    """The peer's weights in the layout of the published graph."""
    state = {name: tensor.numpy() for name, tensor in peer.state_dict().items()}
    graph = GraphDef()
    graph.node.add(name="DecodeJpeg/contents", op="Placeholder")
    for number, (scope, name) in enumerate(scopes()):
        kernel = state[f"{name}.conv.weight"].transpose(2, 3, 1, 0)  # OIHW to HWIO
        add(graph, f"{scope}/conv2d_params", kernel)
        for ours, theirs in NORMALISATION.items():
            add(graph, f"{scope}/batchnorm/{theirs}", state[f"{name}.bn.{ours}"], number % 2 == 0)
    add(graph, "softmax/weights", state["fc.weight"].T)
    add(graph, "softmax/biases", state["fc.bias"])
    add(graph, "mixed/join/concat_dim", np.array([3], np.float32))
    content: bytes = graph.SerializeToString()
    return content


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    """torch-fidelity's network with random weights that keep the signal alive."""
    kind = fidelity("feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    rng = torch.Generator().manual_seed(1)
    state = {}
    with torch.device("meta"):
        blank = Inception()
    inner = dict(blank.trunk.named_modules())
    for scope, name in scopes():
        layer = inner[scope.replace("/", ".")]
        shape = layer.get_submodule("weigh").weight.shape
        spread = (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        state[f"{name}.conv.weight"] = torch.randn(shape, generator=rng) * spread
        state[f"{name}.bn.weight"] = torch.rand(shape[0], generator=rng) + 0.5
        state[f"{name}.bn.bias"] = torch.randn(shape[0], generator=rng) * 0.2
        state[f"{name}.bn.running_mean"] = torch.randn(shape[0], generator=rng) * 0.2
        state[f"{name}.bn.running_var"] = torch.rand(shape[0], generator=rng) + 0.5
    state["fc.weight"] = torch.randn(1008, 2048, generator=rng) * 0.02
    state["fc.bias"] = torch.randn(1008, generator=rng)
    path = tmp_path_factory.mktemp("peer") / "weights.pth"
    torch.save(state, path)
    wanted = ["2048", "logits_unbiased"]
    made: nn.Module = kind("inception", wanted, feature_extractor_weights_path=str(path))
    return made


@pytest.fixture(scope="session")
def graph(peer: nn.Module) -> bytes:
    return graph_of(peer)


@pytest.fixture(scope="session")
def net(graph: bytes) -> Inception:
    return read_graph(graph)


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)).byte()


def graph_without(graph: bytes, *names: str) -> Any:
    """A parsed graph that lacks these nodes."""
    parsed = GraphDef.FromString(graph)
    kept = [node for node in parsed.node if node.name not in names]
    assert len(kept) == len(parsed.node) - len(names)
    smaller = GraphDef()
    smaller.node.extend(kept)
    return smaller


@pytest.mark.parametrize(("height", "width"), [(40, 64), (350, 301)])
def test_features_and_logits_are_the_peers(
    peer: nn.Module, net: Inception, height: int, width: int
) -> None:
    pixels = noise(height, 2, 3, height, width)
    with torch.no_grad():
        theirs, their_logits = peer(pixels)
        ours = net.features(scaled(pixels.float()))
        our_logits = net(scaled(pixels.float()))
    assert theirs.std(dim=1).min() > 0.1  # the signal is alive, and so the comparison says much
    assert (theirs[0] - theirs[1]).abs().max() > 0.01
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(our_logits, their_logits, rtol=1e-5, atol=1e-5)


def test_maps_are_those_after_each_resolution(net: Inception) -> None:
    x = scaled(noise(0, 1, 3, 32, 32).float())
    with torch.no_grad():
        maps = net.maps(x)
        features = net.features(x)
    sides = [(64, 147), (192, 71), (288, 35), (768, 17), (2048, 8)]
    assert [found.shape for found in maps] == [(1, width, side, side) for width, side in sides]
    assert torch.equal(maps[-1].mean(dim=(2, 3)), features)


def test_every_layer_reads_its_own_constants(peer: nn.Module, net: Inception) -> None:
    state = peer.state_dict()
    theirs = {scope: state[f"{name}.conv.weight"] for scope, name in scopes()}
    ours = {
        name.replace(".", "/"): layer.weigh.weight.detach()
        for name, layer in net.trunk.named_modules()
        if isinstance(layer, inception.Convolution)
    }
    assert len(ours) == 94
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[scope], theirs[scope]) for scope in ours)


def test_the_bias_of_the_classes_is_not_asked_for(graph: bytes, net: Inception) -> None:
    again = read_graph(graph_without(graph, "softmax/biases").SerializeToString())
    assert torch.equal(again.head.weight, net.head.weight)
    assert again.head.bias is None


def test_the_digest_is_that_of_the_graph(graph: bytes, net: Inception) -> None:
    assert net.digest == digest_bytes(graph)
    assert not net.training


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(32, 32, 299), (299, 299, 299), (512, 300, 299), (1, 1, 5), (7, 3, 10), (31, 17, 4)],
)
def test_the_resize_is_that_of_tensorflow_1(height: int, width: int, size: int) -> None:
    peer = fidelity("interpolate_compat_tensorflow").interpolate_bilinear_2d_like_tensorflow1x
    x = noise(0, 2, 3, height, width).float()
    assert torch.equal(resize(x, size), peer(x, (size, size), align_corners=False))


def test_samples_lie_at_whole_multiples_of_the_ratio() -> None:
    row = torch.tensor([0.0, 100.0, 40.0, 20.0])
    x = row.expand(1, 1, 4, 4)
    larger = torch.tensor([0.0, 50.0, 100.0, 70.0, 40.0, 30.0, 20.0, 20.0])
    assert torch.equal(resize(x, 8)[0, 0, 0], larger)
    assert torch.equal(resize(x, 2)[0, 0, 0], torch.tensor([0.0, 40.0]))  # nothing is smoothed
    assert torch.equal(resize(x.mT, 8)[0, 0, :, 0], larger)
    torch.testing.assert_close(resize(x, 3)[0, 0, 0], torch.tensor([0.0, 80.0, 80 / 3]))


def test_samples_are_scaled_around_128() -> None:
    x = torch.tensor([0.0, 128.0, 255.0]).reshape(3, 1, 1, 1).expand(3, 3, 2, 2)
    found = scaled(x)
    assert found.shape == (3, 3, 299, 299)
    for picture, value in zip(found, (-1, 0, 127 / 128), strict=True):
        assert (picture == value).all()


def test_reading_draws_no_random_numbers(graph: bytes) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    read_graph(graph)
    assert torch.equal(torch.rand(1), expected)


def test_what_is_no_graph_is_refused() -> None:
    for content in (b"", b"\x80\x02}q\x00.", b"\x0a\xff\xff\xff\xff\x0f", b"PK\x03\x04" * 40):
        with pytest.raises(PackageError, match="not Inception's") as caught:
            read_graph(content)
        assert PUBLISHED in str(caught.value)
        assert DIGEST in str(caught.value)


LAST = "mixed_10/tower_2/conv/batchnorm/moving_variance"


@pytest.mark.parametrize("name", ["conv/conv2d_params", LAST, "softmax/weights"])
def test_a_missing_constant_is_named(graph: bytes, name: str) -> None:
    with pytest.raises(PackageError, match=f"it has no {name}"):
        read_graph(graph_without(graph, name).SerializeToString())


def wrong_shape(proto: Any) -> None:
    proto.tensor_shape.dim[0].size += 1


def flattened(proto: Any) -> None:
    del proto.tensor_shape.dim[:]


def wrong_type(proto: Any) -> None:
    proto.dtype = 19  # DT_HALF


@pytest.mark.parametrize("change", [wrong_shape, flattened, wrong_type])
def test_a_misshapen_constant_is_named(graph: bytes, change: Callable[[Any], None]) -> None:
    smaller = graph_without(graph)
    for node in smaller.node:
        if node.name == LAST:
            change(node.attr["value"].tensor)
    with pytest.raises(PackageError, match=f"{LAST} is not float32"):
        read_graph(smaller.SerializeToString())


@pytest.mark.parametrize("values", [b"\x00" * 4, b"\x00" * 767])
def test_a_constant_of_too_few_values_is_refused(graph: bytes, values: bytes) -> None:
    smaller = graph_without(graph)
    for node in smaller.node:
        if node.name == LAST:
            node.attr["value"].tensor.ClearField("float_val")
            node.attr["value"].tensor.tensor_content = values
    with pytest.raises(PackageError, match="not Inception's"):
        read_graph(smaller.SerializeToString())


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=0) as file:
        for info, content in members:
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def test_the_published_file_is_read_bare_and_from_its_archive(
    graph: bytes, net: Inception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The published graph cannot lie here; the random one takes its place.
    monkeypatch.setattr(inception, "DIGEST", digest_bytes(graph))
    bare = tmp_path / GRAPH
    bare.write_bytes(graph)
    licence = tarfile.TarInfo("LICENSE"), b"words"
    packed = archive(tmp_path / ARCHIVE, licence, (tarfile.TarInfo(GRAPH), graph))
    for path in (bare, packed):
        assert load_inception(path).digest == net.digest


def test_another_graph_is_refused_unparsed(
    graph: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "read_graph", None)  # would fail, were it called
    path = tmp_path / GRAPH
    for content in (graph, graph[:-1], b"", b"\x0a\x00" * 1000):
        path.write_bytes(content)
        with pytest.raises(PackageError, match="not hold the graph of 2015-12-05"):
            load_inception(path)


def test_what_cannot_be_read_says_where_the_right_file_is(tmp_path: Path) -> None:
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(gzip.compress(b"x" * 10_000)[:-20])
    damaged = tmp_path / "damaged.tgz"
    damaged.write_bytes(b"\x1f\x8b\x08\x00" + b"\xff" * 100)
    other = archive(tmp_path / "other.tgz", (tarfile.TarInfo("LICENSE"), b"words"))
    for path in (tmp_path / "none.pb", tmp_path, cut, damaged, other):
        with pytest.raises(PackageError, match="cannot be read") as caught:
            load_inception(path)
        assert PUBLISHED in str(caught.value)
        assert DIGEST in str(caught.value)


def test_an_archive_of_links_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo(GRAPH)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE):
        info.type, info.linkname = kind, GRAPH
        with pytest.raises(PackageError, match="not hold the graph"):
            load_inception(archive(tmp_path / ARCHIVE, (info, b"")))


def test_an_archive_bomb_takes_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / ARCHIVE
    path.write_bytes(gzip.compress(bytes(10_000_000)) * 1000)  # 10 GB unpacked
    tracemalloc.start()
    try:
        with pytest.raises(PackageError):
            load_inception(path)
        assert tracemalloc.get_traced_memory()[1] < 400_000_000
    finally:
        tracemalloc.stop()


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / GRAPH
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PackageError, match="not hold the graph"):
        load_inception(path)
