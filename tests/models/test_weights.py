import json
import struct
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mintmark.core.errors import PackageError
from mintmark.models import weights


def made(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


WHOLE = made({"a": entry("F32", [2], 0, 8)}, bytes(8))

HOSTILE = {
    "empty": b"",
    "short": WHOLE[:-1],
    "trailing": WHOLE + b"\0",
    "length beyond the file": struct.pack("<Q", 1 << 62) + b"{}",
    "header too long": made(b"{}" + b" " * weights.MAX_HEADER),
    "not JSON": made(b"{"),
    "not UTF-8": made(b'{"\xff": 1}'),
    "a list": made([]),
    "deep": made(b"[" * 100_000),
    "tensor is a text": made({"a": "b"}),
    "no shape": made({"a": {"dtype": "F32"}}),
    "hole": made({"a": entry("F32", [2], 4, 12)}, bytes(12)),
    "overlap": made({"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 0, 8)}, bytes(8)),
    "size overflows": made({"a": entry("F32", [2**62, 4], 0, 0)}),
    "negative": made({"a": entry("F32", [-2], 0, 8)}, bytes(8)),
    "wrong size": made({"a": entry("F32", [3], 0, 8)}, bytes(8)),
    "empty tensor": made({"a": entry("F32", [0, 2**62], 0, 0)}),
    "float64": made({"a": entry("F64", [1], 0, 8)}, bytes(8)),
    "unknown type": made({"a": entry("X1", [1], 0, 8)}, bytes(8)),
    "unhashable type": made({"a": {"dtype": [], "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
    "many": made(
        {f"{i}": entry("I64", [1], 8 * i, 8 * i + 8) for i in range(20_001)}, bytes(160_008)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    with pytest.raises(PackageError, match=r"^G\.safetensors (is|has|holds) [^\n]*\.$"):
        weights.from_bytes(HOSTILE[name], "G.safetensors")


def test_the_control_is_read() -> None:
    assert torch.equal(weights.from_bytes(WHOLE, "x")["a"], torch.zeros(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64])
def test_round_trip(dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(dtype).T
    content = weights.to_bytes({"a": tensor}, "config")
    loaded = weights.from_bytes(content, "x")["a"]
    assert loaded.dtype == (torch.int64 if dtype == torch.int64 else torch.float32)
    assert torch.equal(loaded, tensor.to(loaded.dtype))
    assert b'{"mintmark":"config"}' in content


@given(place=st.integers(0, len(WHOLE) - 1), bits=st.integers(1, 255))
def test_any_changed_byte_is_refused_or_read_whole(place: int, bits: int) -> None:
    content = bytearray(WHOLE)
    content[place] ^= bits
    try:
        loaded = weights.from_bytes(bytes(content), "G.safetensors")
    except PackageError:
        return
    assert sum(tensor.numel() for tensor in loaded.values()) in (0, 1, 2, 4)
