"""How far pictures lie apart in the maps of a network: LPIPS, and a distance of our own.

Zhang, Isola, Efros, Shechtman and Wang 2018, "The Unreasonable Effectiveness of
Deep Features as a Perceptual Metric". LPIPS is the name of their weights only,
which `load_lpips` reads from a file that the user brings. In any other network,
`perceptual_distance` compares pictures of one project with each other and is
not to be set beside published LPIPS.

Networks run in the precision of the pictures and weights; distances are float64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.errors import ConfigError, PackageError
from mintmark.core.files import digest_bytes
from mintmark.metrics.picture import require_pairs

Maps = Callable[[Tensor], Sequence[Tensor]]
Layout = dict[str, tuple[tuple[int, ...], str]]  # shape and type by name

LARGEST = 64 << 20  # bytes; the VGG16 file has 59 million
SHIFT = (-0.030, -0.088, -0.188)  # ImageNet's means and deviations for pictures in [-1, 1]
SCALE = (0.458, 0.448, 0.450)
EPS = 1e-10  # as in the lpips package
PAGE = "docs/how-to/perceptual-weights.md"


class Convolution(NamedTuple):
    """A convolution of a trunk; a ReLU follows each.

    Attributes:
        place: Its index among the layers of torchvision's `features`.
    """

    place: int
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class Trunk:
    """A network whose maps LPIPS compares, in five slices.

    Attributes:
        name: `alex` or `vgg`.
        smallest: Pixels of the smallest side that reaches the last slice.
        pool: Side of the max pooling, of stride 2.
        pooled: The slices that begin with it, counted from 0.
        slices: Their convolutions; the map of a slice is what its last ReLU gives.
    """

    name: str
    smallest: int
    pool: int
    pooled: tuple[int, ...]
    slices: tuple[tuple[Convolution, ...], ...]


ALEX = Trunk(
    name="alex",  # Krizhevsky 2014, "One weird trick", as in torchvision
    smallest=31,
    pool=3,
    pooled=(1, 2),
    slices=(
        (Convolution(0, 3, 64, kernel=11, stride=4, padding=2),),
        (Convolution(3, 64, 192, kernel=5, padding=2),),
        (Convolution(6, 192, 384),),
        (Convolution(8, 384, 256),),
        (Convolution(10, 256, 256),),
    ),
)
VGG = Trunk(
    name="vgg",  # Simonyan and Zisserman 2015, configuration D
    smallest=16,
    pool=2,
    pooled=(1, 2, 3, 4),
    slices=(
        (Convolution(0, 3, 64), Convolution(2, 64, 64)),
        (Convolution(5, 64, 128), Convolution(7, 128, 128)),
        (Convolution(10, 128, 256), Convolution(12, 256, 256), Convolution(14, 256, 256)),
        (Convolution(17, 256, 512), Convolution(19, 512, 512), Convolution(21, 512, 512)),
        (Convolution(24, 512, 512), Convolution(26, 512, 512), Convolution(28, 512, 512)),
    ),
)


@torch.no_grad()
def perceptual_distance(maps: Maps, a: Tensor, b: Tensor) -> Tensor:
    """Our own perceptual distance of each pair of pictures, in the maps of any network.

    Eq. 1 of Zhang et al. 2018 with all weights 1: maps are scaled to length 1
    over channels, their squared differences summed over channels and averaged
    over space, and the layers added. That is twice one less the cosine, a layer.
    It is not LPIPS: name the network and its digest with the number.

    Args:
        maps: Gives maps, (N, C_l, H_l, W_l) each, of pictures.
        a: Pictures, (N, C, H, W), in [-1, 1].
        b: Pictures of the same shape and range.

    Returns:
        Distances, (N,), float64, from 0 to 4 a layer (2 where maps are not negative).

    Raises:
        ConfigError: The pictures or maps are not of that form.
    """
    _check(a, b)
    first, second = maps(a), maps(b)
    if not first or any(layer.ndim != 4 for layer in first):
        raise ConfigError("The network must give at least one map (N, C, H, W) for each picture.")
    squares = torch.stack([_mean_square(x, y) for x, y in zip(first, second, strict=True)])
    return squares.sum(dim=0)


@dataclass(frozen=True)
class Lpips:
    """LPIPS v0.1: call it on two sets of pictures. `load_lpips` makes it.

    Attributes:
        trunk: The network: `ALEX` or `VGG`. Figures of the two do not compare.
        weights: All tensors by the names of the lpips package.
        digest: SHA-256 of the file they came from.
    """

    trunk: Trunk
    weights: Mapping[str, Tensor]
    digest: str

    @torch.no_grad()
    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """LPIPS of each pair: eq. 1 of Zhang et al. 2018 with the learned weights.

        Args:
            a: Pictures, (N, 3, H, W), float32 in [-1, 1], not in [0, 1], on the
                device of the weights; H and W at least `trunk.smallest`.
            b: Pictures of the same shape and range.

        Returns:
            Distances, (N,), float64, >= 0.

        Raises:
            ConfigError: The pictures are not of that form.
        """
        _check(a, b)
        if a.shape[1] != 3 or min(a.shape[2:]) < self.trunk.smallest:
            raise ConfigError(
                f"LPIPS ({self.trunk.name}) needs RGB pictures of at least {self.trunk.smallest} "
                f"pixels a side, not {tuple(a.shape)}; repeat grey three times, or enlarge them."
            )
        heads = [self.weights[f"lin{i}.model.1.weight"] for i in range(len(self.trunk.slices))]
        layers = zip(self.maps(a), self.maps(b), heads, strict=True)
        return torch.stack(list(starmap(_mean_square, layers))).sum(dim=0)

    def maps(self, x: Tensor) -> list[Tensor]:
        """The five maps, (N, C_l, H_l, W_l), of pictures in [-1, 1], (N, 3, H, W)."""
        x = (x - self.weights["scaling_layer.shift"]) / self.weights["scaling_layer.scale"]
        maps = []
        for i, convolutions in enumerate(self.trunk.slices):
            if i in self.trunk.pooled:
                x = F.max_pool2d(x, self.trunk.pool, stride=2)
            for layer in convolutions:
                name = f"net.slice{i + 1}.{layer.place}"
                weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
                x = F.relu(F.conv2d(x, weight, bias, layer.stride, layer.padding))
            maps.append(x)
        return maps


def load_lpips(path: Path, device: str = "cpu") -> Lpips:
    """Reads LPIPS v0.1 weights, of AlexNet or VGG16, from one safetensors file.

    Args:
        path: The state dict of the lpips package, heads and trunk, saved as
            docs/how-to/perceptual-weights.md says.
        device: Where the network shall run.

    Raises:
        PackageError: The file is absent, not safetensors, truncated, or differs
            in a name, shape, type or constant from both networks.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise _refusal(path, f"has more than {LARGEST} bytes")
        found = _header(path)
    except (OSError, SafetensorError) as error:
        raise _refusal(path, f"cannot be read ({error})") from error
    trunk = next((each for each in (ALEX, VGG) if _layout(each) == found), None)
    if trunk is None:
        raise _refusal(path, f"does not fit either network: {_difference(found)}")
    content = path.read_bytes()
    weights = load(content)
    _check_values(path, weights)
    placed = {name: tensor.to(device) for name, tensor in weights.items()}
    return Lpips(trunk, placed, digest_bytes(content))


def _header(path: Path) -> Layout:
    """Shape and type of every tensor that a file says it has; no tensor is made."""
    with safe_open(path, framework="pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}


def _layout(trunk: Trunk) -> Layout:
    """Shape and type of every tensor that the file of a network has."""
    shapes: dict[str, tuple[int, ...]] = {}
    shapes["scaling_layer.shift"] = shapes["scaling_layer.scale"] = (1, 3, 1, 1)
    for i, convolutions in enumerate(trunk.slices):
        for layer in convolutions:
            name = f"net.slice{i + 1}.{layer.place}"
            shapes[f"{name}.weight"] = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
            shapes[f"{name}.bias"] = (layer.outputs,)
        # model.0 is a dropout, which has no weights and does nothing in use.
        shapes[f"lin{i}.model.1.weight"] = (1, convolutions[-1].outputs, 1, 1)
    return {name: (shape, "F32") for name, shape in shapes.items()}


def _difference(found: Layout) -> str:
    """The first tensor that departs from the network that fits best."""
    wanted = max((_layout(ALEX), _layout(VGG)), key=lambda each: len(each.items() & found.items()))
    name = min(name for name in wanted | found if wanted.get(name) != found.get(name))
    return f"{name} is {found.get(name, 'absent')} and should be {wanted.get(name, 'absent')}"


def _check_values(path: Path, weights: Mapping[str, Tensor]) -> None:
    for name, constants in (("shift", SHIFT), ("scale", SCALE)):
        wanted = torch.tensor(constants, dtype=torch.float32)
        if not torch.equal(weights[f"scaling_layer.{name}"].flatten(), wanted):
            raise _refusal(path, f"has another {name} of its input than LPIPS v0.1")
    for name, tensor in weights.items():
        if not tensor.isfinite().all() or (name.startswith("lin") and tensor.min() < 0):
            raise _refusal(path, f"holds NaN, Inf or a negative head in {name}")


def _refusal(path: Path, why: str) -> PackageError:
    return PackageError(f"{path} {why}; save the LPIPS weights as {PAGE} says.")


def _check(a: Tensor, b: Tensor) -> None:
    require_pairs(a, b)
    if not all(x.is_floating_point() and bool((x.abs() <= 1).all()) for x in (a, b)):
        raise ConfigError("Pictures must be floats in [-1, 1] without NaN; scale or clip them.")


def _mean_square(first: Tensor, second: Tensor, head: Tensor | float = 1.0) -> Tensor:
    """Squared differences of unit maps, weighted, summed over channels, averaged over space.

    Args:
        first: Maps, (N, C, H, W).
        second: Maps of the same shape.
        head: Weights, (1, C, 1, 1).

    Returns:
        Distances of one layer, (N,), float64.
    """
    squares = (_unit(first) - _unit(second)).square() * head  # (N, C, H, W)
    return squares.sum(dim=1).mean(dim=(1, 2))


def _unit(maps: Tensor) -> Tensor:
    """Maps of length 1 over channels, (N, C, H, W), float64; 0 where all channels are."""
    maps = maps.double()
    length: Tensor = torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    return maps / (length + EPS)
