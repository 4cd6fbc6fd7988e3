from pathlib import Path

import pytest
import torch
from torch import nn

from mintmark.core.errors import ConfigError
from mintmark.core.settings import Settings
from mintmark.training import precision
from mintmark.training.precision import Compute


def settings(**values: object) -> Settings:
    return Settings().model_copy(update=values)


@pytest.mark.parametrize(
    ("flags", "wanted", "wide"),
    [
        ("avx512f avx2", torch.float32, torch.float32),
        ("avx512_bf16 avx2", torch.float32, torch.bfloat16),
        ("amx_bf16 amx_tile", torch.bfloat16, torch.bfloat16),
    ],
)
def test_bfloat16_needs_matrix_units_or_on_large_maps_vectors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: str,
    wanted: torch.dtype,
    wide: torch.dtype,
) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags}\n")
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    assert precision.choose(settings(device="cpu")).dtype == wanted
    assert precision.choose(settings(device="cpu"), wide=True).dtype == wide
    plain = settings(device="cpu", precision="float32")
    assert precision.choose(plain, wide=True).dtype == torch.float32


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="'cuda:63'"):
        precision.choose(settings(device="cuda:63"))
    with pytest.raises(ConfigError, match="'abacus'"):
        precision.choose(settings(device="abacus"))


def test_pictures_arrive_in_the_range_of_the_networks() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    assert Compute().pixels(images).flatten().tolist() == [-1.0, 1.0]
    points = torch.tensor([[5.0, -3.0]])
    assert torch.equal(Compute().pixels(points), points)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_matrix_units_get_channels_last(dtype: torch.dtype) -> None:
    conv = nn.Conv2d(8, 8, 3)
    compute = Compute(dtype=dtype)
    compute.place(conv)
    assert conv.weight.is_contiguous(memory_format=compute.layout)
    assert (compute.layout == torch.channels_last) == (dtype == torch.bfloat16)
    images = compute.pixels(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    assert images.is_contiguous(memory_format=compute.layout)


def test_autocast_lowers_products_only_when_asked() -> None:
    a = torch.ones(4, 4)
    with Compute().autocast():
        assert (a @ a).dtype == torch.float32
    with Compute(dtype=torch.bfloat16).autocast():
        assert (a @ a).dtype == torch.bfloat16
