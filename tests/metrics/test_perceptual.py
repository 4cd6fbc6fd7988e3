import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mintmark.core.errors import ConfigError, PackageError
from mintmark.metrics.perceptual import PAGE, Lpips, load_lpips, perceptual_distance

Weights = dict[str, Tensor]

# The layers of torchvision's `features`: outputs, kernel, stride, padding; or a pooling's side.
SIXTEEN = [64, 64, 2, 128, 128, 2, 256, 256, 256, 2, 512, 512, 512, 2, 512, 512, 512]
LAYERS: dict[str, list[tuple[int, int, int, int] | int]] = {
    "alex": [(64, 11, 4, 2), 3, (192, 5, 1, 2), 3, (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1)],
    "vgg": [width if width == 2 else (width, 3, 1, 1) for width in SIXTEEN],
}
TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}  # where a slice ends, in `features`
SMALLEST = {"alex": 31, "vgg": 16}


def features(net: str) -> nn.Sequential:
    """The trunk as torchvision lays it out, with random weights."""
    layers: list[nn.Module] = []
    width = 3
    for layer in LAYERS[net]:
        if isinstance(layer, int):
            layers.append(nn.MaxPool2d(layer, stride=2))
            continue
        outputs, kernel, stride, padding = layer
        layers += [nn.Conv2d(width, outputs, kernel, stride, padding), nn.ReLU()]
        width = outputs
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(len(net))
        for module in layers:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
    return nn.Sequential(*layers)


def state(net: str) -> Weights:
    """Random weights under the names that the lpips package gives them."""
    trunk, rng = features(net), np.random.default_rng(1)
    weights = {
        "scaling_layer.shift": torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1),
        "scaling_layer.scale": torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1),
    }
    for name, tensor in trunk.state_dict().items():
        place = int(name.split(".")[0])
        part = next(i for i, last in enumerate(TAPS[net], 1) if place <= last)
        weights[f"net.slice{part}.{name}"] = tensor
    for i, last in enumerate(TAPS[net]):
        conv = trunk[last - 1]
        assert isinstance(conv, nn.Conv2d)
        head = torch.tensor(rng.exponential(size=(1, conv.out_channels, 1, 1)))
        weights[f"lin{i}.model.1.weight"] = head.float()
    return weights


def reference(net: str, weights: Weights, a: Tensor, b: Tensor) -> NDArray[np.float64]:
    """LPIPS in float64, one layer of `features` after another, pixel by pixel."""
    trunk = features(net).double()
    total = np.zeros(len(a))
    x, y = ((p.double() - weights["scaling_layer.shift"]) for p in (a, b))
    x, y = (p / weights["scaling_layer.scale"] for p in (x, y))
    for place, layer in enumerate(trunk):
        with torch.no_grad():
            x, y = layer(x), layer(y)
        if place in TAPS[net]:
            head = weights[f"lin{TAPS[net].index(place)}.model.1.weight"].flatten().numpy()
            for i in range(len(a)):
                first, second = x[i].flatten(1).numpy().T, y[i].flatten(1).numpy().T  # (HW, C)
                first = first / (np.sqrt((first**2).sum(1, keepdims=True)) + 1e-10)
                second = second / (np.sqrt((second**2).sum(1, keepdims=True)) + 1e-10)
                total[i] += np.mean([d @ head for d in (first - second) ** 2])
    return total


def pictures(seed: int, n: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, (n, 3, height, width))
    b = (a + rng.normal(0, 0.3, a.shape)).clip(-1, 1)
    return torch.tensor(a).float(), torch.tensor(b).float()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("lpips")
    for net in TAPS:
        save_file(state(net), folder / f"{net}.safetensors")
    return {net: folder / f"{net}.safetensors" for net in TAPS}


@pytest.fixture(scope="module")
def nets(files: dict[str, Path]) -> dict[str, Lpips]:
    return {net: load_lpips(path) for net, path in files.items()}


@pytest.mark.parametrize("net", TAPS)
@pytest.mark.parametrize("more", [(0, 0), (17, 30)])
def test_lpips_is_the_published_formula(
    net: str, more: tuple[int, int], nets: dict[str, Lpips]
) -> None:
    a, b = pictures(0, 2, SMALLEST[net] + more[0], SMALLEST[net] + more[1])
    exact = reference(net, state(net), a, b)
    found = nets[net](a, b)
    assert found.dtype == torch.float64
    assert found.numpy() == pytest.approx(exact, rel=1e-5)
    assert (found > 0).all()


@pytest.mark.parametrize("net", TAPS)
def test_lpips_is_a_distance_of_each_pair(net: str, nets: dict[str, Lpips]) -> None:
    a, b = pictures(1, 3, 40, 33)
    found = nets[net](a, b)
    assert nets[net](a, a).tolist() == [0, 0, 0]
    assert nets[net](b, a).tolist() == pytest.approx(found.tolist(), rel=1e-12)
    alone = torch.cat([nets[net](a[i : i + 1], b[i : i + 1]) for i in range(3)])
    assert alone.tolist() == pytest.approx(found.tolist(), rel=1e-5)


def test_lpips_knows_its_network_and_file(files: dict[str, Path], nets: dict[str, Lpips]) -> None:
    for net, path in files.items():
        assert nets[net].trunk.name == net
        assert nets[net].digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(nets["vgg"].maps(torch.zeros(1, 3, 16, 16))) == 5


def test_lpips_without_any_activation_is_zero(nets: dict[str, Lpips]) -> None:
    still = {name: tensor * 0 for name, tensor in nets["alex"].weights.items()}
    still["scaling_layer.scale"] = torch.ones(1, 3, 1, 1)
    assert Lpips(nets["alex"].trunk, still, "")(*pictures(2, 1, 31, 31)).tolist() == [0]


@pytest.mark.parametrize("net", TAPS)
def test_pictures_that_do_not_fit_are_refused(net: str, nets: dict[str, Lpips]) -> None:
    a, b = pictures(3, 2, 40, SMALLEST[net])
    with pytest.raises(ConfigError, match=f"at least {SMALLEST[net]} pixels"):
        nets[net](a[..., 1:], b[..., 1:])
    with pytest.raises(ConfigError, match="RGB"):
        nets[net](a[:, :1], b[:, :1])
    with pytest.raises(ConfigError, match="one shape"):
        nets[net](a, b[:1])
    with pytest.raises(ConfigError, match="one shape"):
        nets[net](a[:0], b[:0])
    for wrong in (a * 127.5 + 127.5, a * np.nan, (a * 255).to(torch.uint8)):
        with pytest.raises(ConfigError, match=r"\[-1, 1\]"):
            nets[net](b, wrong)


def changed(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[Weights], Weights]:
    return lambda weights: weights | {name: change(weights[name])}


def renamed(weights: Weights) -> Weights:
    weights["net.slice1.1.weight"] = weights.pop("net.slice1.0.weight")
    return weights


FAULTS: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "name": (renamed, "net.slice1.0.weight is absent"),
    "copies of the heads": (
        lambda weights: weights | {"lins.0.model.1.weight": weights["lin0.model.1.weight"] + 0},
        "lins.0.model.1.weight .* should be absent",
    ),
    "no trunk": (
        lambda weights: {name: weights[name] for name in weights if name.startswith("lin")},
        "net.slice1.0.bias is absent",
    ),
    "shape": (changed("net.slice5.10.bias", lambda t: t[1:]), r"slice5.10.bias is \(\(255,\)"),
    "type": (changed("lin3.model.1.weight", lambda t: t.half()), "F16.*should be .*F32"),
    "shift": (changed("scaling_layer.shift", lambda t: -t), "another shift"),
    "scale": (changed("scaling_layer.scale", lambda t: t / 2), "another scale"),
    "nan": (changed("net.slice2.3.weight", lambda t: t.log()), "NaN.*net.slice2.3.weight"),
    "head": (changed("lin1.model.1.weight", lambda t: -t), "negative head in lin1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_weights_of_anything_else_are_refused(
    fault: str, files: dict[str, Path], tmp_path: Path
) -> None:
    change, why = FAULTS[fault]
    save_file(change(load_file(files["alex"])), tmp_path / "bad.safetensors")
    refuse(tmp_path / "bad.safetensors", why)


def refuse(path: Path, why: str) -> None:
    with pytest.raises(PackageError, match=why) as caught:
        load_lpips(path)
    text = str(caught.value)
    assert text.endswith(f"save the LPIPS weights as {PAGE} says.")  # one sentence, what to do
    assert (Path(__file__).parents[2] / PAGE).exists()


class Trap:
    """A pickle that leaves a trace when it is opened."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


def test_files_that_are_not_whole_safetensors_are_refused(
    files: dict[str, Path], tmp_path: Path
) -> None:
    whole = files["alex"].read_bytes()
    path, trace = tmp_path / "alex.pth", tmp_path / "trace"
    torch.save(state("alex"), path)
    refuse(path, "cannot be read")
    for content in (pickle.dumps(Trap(trace)), whole[:-1], whole[:1000], b"", whole + b"0"):
        path.write_bytes(content)
        refuse(path, "cannot be read")
    assert not trace.exists()
    refuse(tmp_path / "absent.safetensors", "cannot be read")
    refuse(tmp_path, "cannot be read")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    refuse(path, "more than")


def plain(x: Tensor) -> list[Tensor]:
    return [x]


def test_own_distance_of_opposite_and_of_square_channels() -> None:
    red = torch.zeros(1, 2, 4, 4)
    red[:, 0] = 0.5
    green = red.flip(1)
    assert perceptual_distance(plain, red, green).tolist() == pytest.approx([2])  # at a right angle
    assert perceptual_distance(plain, red, -red).tolist() == pytest.approx([4])
    assert perceptual_distance(plain, red, red / 3).tolist() == pytest.approx([0])  # length is lost
    half = red.clone()
    half[:, :, :2] = green[:, :, :2]
    assert perceptual_distance(plain, red, half).tolist() == pytest.approx([1])  # mean over space


def test_own_distance_is_twice_one_less_the_cosine_summed_over_layers() -> None:
    a, b = pictures(4, 3, 12, 10)

    def maps(x: Tensor) -> list[Tensor]:
        return [x, nn.functional.avg_pool2d(x, 2), torch.cat([x, x**2], dim=1)]

    layers = [
        2 - 2 * nn.functional.cosine_similarity(x.double(), y.double()).mean(dim=(1, 2))
        for x, y in zip(maps(a), maps(b), strict=True)
    ]
    found = perceptual_distance(maps, a, b)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(torch.stack(layers).sum(dim=0).tolist(), rel=1e-9)


def test_own_distance_where_a_map_is_zero_everywhere() -> None:
    a, b = pictures(5, 1, 6, 6)
    assert perceptual_distance(lambda x: [x * 0], a, b).tolist() == [0]
    assert not perceptual_distance(plain, a.requires_grad_(), b).requires_grad


def test_own_distance_refuses_what_is_no_picture_or_map() -> None:
    a, b = pictures(6, 2, 6, 6)
    with pytest.raises(ConfigError, match="one shape"):
        perceptual_distance(plain, a[0], b[0])
    with pytest.raises(ConfigError, match=r"\[-1, 1\]"):
        perceptual_distance(plain, a + 1, b)
    for maps in (lambda _: [], lambda x: [x.flatten(1)]):
        with pytest.raises(ConfigError, match="at least one map"):
            perceptual_distance(maps, a, b)
