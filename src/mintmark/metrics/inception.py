"""The Inception network of FID, KID and the Inception Score, from the published graph.

The network is the one of Szegedy et al. 2016, "Rethinking the Inception
Architecture for Computer Vision", in the form that Heusel et al. 2017 (FID) and
Salimans et al. 2016 (IS) measured with: the frozen TensorFlow graph of
2015-12-05. It is not the Inception of other libraries. What sets it apart:

- pictures in [0, 255] are resized by the bilinear rule of TensorFlow 1 (no
  antialias, no half-pixel centres), then (x - 128) / 128;
- means in the mixed blocks do not count the padding;
- the pool branch of the last block takes the maximum, the others the mean;
- 1008 classes, and the Inception Score takes their logits without the bias.

The weights are not part of Mintmark. They are read from the graph itself,
without TensorFlow and without pickle.
"""

import gzip
import tarfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from tensorboardX.proto.graph_pb2 import GraphDef
from torch import Tensor, nn

from mintmark.core.errors import PackageError
from mintmark.core.files import digest_bytes

SIZE = 299  # pixels a side that the first layer sees
DIMENSIONS = 2048
CLASSES = 1008

GRAPH = "classify_image_graph_def.pb"
ARCHIVE = "inception-2015-12-05.tgz"
PUBLISHED = f"https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/{GRAPH}"
# Three public projects that evaluate with this copy pin this digest. Its size is
# that of the graph in Google's archive; see docs/how-to/inception-weights.md.
DIGEST = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"
GRAPH_BYTES = 95_673_916
UNPACKED_BYTES = 100_000_000  # more than the archive holds: the graph and four small files
ENDS = ("conv_2", "conv_4", "mixed_2", "mixed_7", "mixed_10")  # last layers of a resolution
GZIP = b"\x1f\x8b"  # how such a file begins
FLOAT = 1  # DT_FLOAT of TensorFlow's types.proto
# Names of a batch normalisation's tensors in PyTorch and in the graph.
NORMALISATION = (
    ("weight", "gamma"),
    ("bias", "beta"),
    ("running_mean", "moving_mean"),
    ("running_var", "moving_variance"),
)


class Convolution(nn.Module):
    """A convolution without bias, batch normalisation and ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int] = (1, 1),
        stride: int = 1,
        padded: bool = True,
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded and stride == 1 else (0, 0)
        self.weigh = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.normalise = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H', W')."""
        normal: Tensor = self.normalise(self.weigh(x))
        return torch.relu(normal)


class Mixed(nn.Module):
    """Branches side by side, joined along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for name, branch in _named(branches):
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, sum of the branches' channels, H', W')."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)


KINDS: dict[type[nn.Module], str] = {Convolution: "conv", nn.Sequential: "tower", Mixed: "mixed"}


def _named(modules: Iterable[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Names by TensorFlow's rule: conv, conv_1, conv_2; so they are the graph's own."""
    seen: Counter[str] = Counter()
    for module in modules:
        kind = KINDS.get(type(module), "pool")
        yield f"{kind}_{seen[kind]}" if seen[kind] else kind, module
        seen[kind] += 1


class Inception(nn.Module):
    """The network, with weights of no meaning until `read_graph` fills them.

    Attributes:
        digest: SHA-256 of the graph that the weights were read from.
    """

    def __init__(self) -> None:
        super().__init__()
        self.digest = ""
        self.trunk = _trunk()
        self.head = nn.Linear(DIMENSIONS, CLASSES, bias=False)

    def features(self, x: Tensor) -> Tensor:
        """Features pool_3, (N, 2048), of `scaled` pictures, (N, 3, 299, 299)."""
        maps: Tensor = self.trunk(x)  # (N, 2048, 8, 8)
        return maps.mean(dim=(2, 3))

    def maps(self, x: Tensor) -> list[Tensor]:
        """Maps after each resolution, (N, c, s, s), of `scaled` pictures, from 147 to 8 a side."""
        found = []
        for name, layer in self.trunk.named_children():
            x = layer(x)
            if name in ENDS:
                found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits without bias, (N, 1008), of `scaled` pictures, (N, 3, 299, 299)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def scaled(pixels: Tensor) -> Tensor:
    """What the network takes of RGB pictures in [0, 255], (N, 3, H, W): (N, 3, 299, 299)."""
    return (resize(pixels, SIZE) - 128) / 128


def resize(x: Tensor, size: int) -> Tensor:
    """Bilinear resize as TensorFlow 1 did it, with `align_corners=False`.

    Sample i of the result lies at i * in / out of the source, not at
    (i + 0.5) * in / out - 0.5, and a smaller result is not smoothed first.

    Args:
        x: Pictures, (N, C, H, W), float32.
        size: Side of the result, in pixels.

    Returns:
        Pictures, (N, C, size, size).
    """
    for dim in (3, 2):  # along rows first, as the original kernel does
        last = x.shape[dim] - 1
        # The ratio is rounded to float32 before it is multiplied, as in the original.
        at = torch.arange(size, device=x.device) * torch.tensor(x.shape[dim] / size)
        low = at.long()
        share = (at - low).reshape([-1 if axis == dim else 1 for axis in range(4)])
        left = x.index_select(dim, low)
        right = x.index_select(dim, (low + 1).clamp(max=last))
        x = left + (right - left) * share
    return x


def load_inception(path: Path) -> Inception:
    """Reads the published graph, or the archive that it is published in.

    Args:
        path: `classify_image_graph_def.pb`, or `inception-2015-12-05.tgz`.

    Returns:
        The network, in evaluation mode.

    Raises:
        PackageError: The file is missing or is anything but that graph.
    """
    return read_graph(published_graph(path))


def published_graph(path: Path) -> bytes:
    """The graph of a file or archive, proved by its digest.

    Raises:
        PackageError: The file cannot be read, or holds another graph.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            content = _member(file) if packed else file.read(GRAPH_BYTES + 1)
    except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
        raise PackageError(f"{path} cannot be read ({error}); {_advice()}") from error
    if digest_bytes(content) != DIGEST:
        raise PackageError(f"{path} does not hold the graph of 2015-12-05; {_advice()}")
    return content


def _member(file: BinaryIO) -> bytes:
    """The graph inside the archive; no more is unpacked than the true one holds."""
    with gzip.open(file) as stream:
        unpacked = BytesIO(stream.read(UNPACKED_BYTES))
    with tarfile.open(fileobj=unpacked, mode="r:") as archive:
        member = archive.getmember(GRAPH)
        content = archive.extractfile(member) if member.isreg() else None  # no links
        return b"" if content is None else content.read(GRAPH_BYTES + 1)


def _advice() -> str:
    return f"fetch {PUBLISHED}, whose SHA-256 is {DIGEST}."


def read_graph(content: bytes) -> Inception:
    """Reads the network from a frozen graph, whatever its digest.

    Args:
        content: A serialised GraphDef with the constants of the graph of 2015.

    Returns:
        The network, in evaluation mode, its `digest` that of `content`.

    Raises:
        PackageError: It is no graph, or a constant is missing or misshapen.
    """
    with torch.device("meta"):  # draws no first weights
        net = Inception()
    try:
        graph = GraphDef.FromString(content)
        constants = {node.name: node.attr["value"].tensor for node in graph.node}
        net.load_state_dict(dict(_state(net, constants)), assign=True)
    except Exception as error:  # whatever protobuf raises on hostile bytes
        raise PackageError(f"The graph is not Inception's ({error}); {_advice()}") from error
    net.digest = digest_bytes(content)
    return net.eval()


def _state(net: Inception, constants: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The state dict in the layout of PyTorch, tensor by tensor."""
    for name, layer in net.trunk.named_modules():
        if isinstance(layer, Convolution):
            scope = name.replace(".", "/")
            outputs, inputs, height, width = layer.weigh.weight.shape
            kernel = _tensor(constants, f"{scope}/conv2d_params", (height, width, inputs, outputs))
            yield f"trunk.{name}.weigh.weight", kernel.permute(3, 2, 0, 1).contiguous()
            for ours, theirs in NORMALISATION:
                vector = _tensor(constants, f"{scope}/batchnorm/{theirs}", (outputs,))
                yield f"trunk.{name}.normalise.{ours}", vector
    yield "head.weight", _tensor(constants, "softmax/weights", (DIMENSIONS, CLASSES)).T.contiguous()


def _tensor(constants: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Tensor:
    """One constant, whose values lie packed in bytes or in a list of numbers."""
    if name not in constants:
        raise ValueError(f"it has no {name}")
    proto = constants[name]
    found = tuple(axis.size for axis in proto.tensor_shape.dim)
    if proto.dtype != FLOAT or found != shape:
        raise ValueError(f"{name} is not float32 {shape}")
    packed = proto.tensor_content
    values = np.frombuffer(packed, "<f4") if packed else np.fromiter(proto.float_val, np.float32)
    return torch.from_numpy(values.reshape(shape).astype(np.float32))  # a copy: bytes are read-only


def _trunk() -> nn.Sequential:
    """All layers before the mean; the sides of the maps stand behind them."""
    return _series(
        Convolution(3, 32, (3, 3), stride=2),  # 149
        Convolution(32, 32, (3, 3), padded=False),  # 147
        Convolution(32, 64, (3, 3)),
        nn.MaxPool2d(3, 2),  # 73
        Convolution(64, 80),
        Convolution(80, 192, (3, 3), padded=False),  # 71
        nn.MaxPool2d(3, 2),  # 35
        _mixed_35(192, 32),
        _mixed_35(256, 64),
        _mixed_35(288, 64),
        _reduced_17(288),  # 17
        *(_mixed_17(768, width) for width in (128, 160, 160, 192)),
        _reduced_8(768),  # 8
        _mixed_8(1280, _mean()),
        _mixed_8(2048, nn.MaxPool2d(3, 1, padding=1)),
    )


def _series(*modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(_named(modules)))


def _mean() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


def _mixed_35(inputs: int, pooled: int) -> Mixed:
    return Mixed(
        Convolution(inputs, 64),
        _series(Convolution(inputs, 48), Convolution(48, 64, (5, 5))),
        _series(Convolution(inputs, 64), Convolution(64, 96, (3, 3)), Convolution(96, 96, (3, 3))),
        _series(_mean(), Convolution(inputs, pooled)),
    )


def _reduced_17(inputs: int) -> Mixed:
    return Mixed(
        Convolution(inputs, 384, (3, 3), stride=2),
        _series(
            Convolution(inputs, 64),
            Convolution(64, 96, (3, 3)),
            Convolution(96, 96, (3, 3), stride=2),
        ),
        nn.MaxPool2d(3, 2),
    )


def _mixed_17(inputs: int, width: int) -> Mixed:
    return Mixed(
        Convolution(inputs, 192),
        _series(
            Convolution(inputs, width),
            Convolution(width, width, (1, 7)),
            Convolution(width, 192, (7, 1)),
        ),
        _series(
            Convolution(inputs, width),
            Convolution(width, width, (7, 1)),
            Convolution(width, width, (1, 7)),
            Convolution(width, width, (7, 1)),
            Convolution(width, 192, (1, 7)),
        ),
        _series(_mean(), Convolution(inputs, 192)),
    )


def _reduced_8(inputs: int) -> Mixed:
    return Mixed(
        _series(Convolution(inputs, 192), Convolution(192, 320, (3, 3), stride=2)),
        _series(
            Convolution(inputs, 192),
            Convolution(192, 192, (1, 7)),
            Convolution(192, 192, (7, 1)),
            Convolution(192, 192, (3, 3), stride=2),
        ),
        nn.MaxPool2d(3, 2),
    )


def _mixed_8(inputs: int, pool: nn.Module) -> Mixed:
    return Mixed(
        Convolution(inputs, 320),
        _series(Convolution(inputs, 384), _crossed()),
        _series(Convolution(inputs, 448), Convolution(448, 384, (3, 3)), _crossed()),
        _series(pool, Convolution(inputs, 192)),
    )


def _crossed() -> Mixed:
    return Mixed(Convolution(384, 384, (1, 3)), Convolution(384, 384, (3, 1)))
