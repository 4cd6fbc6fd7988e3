"""Weights of one network as safetensors, checked before a tensor is made.

The safetensors library itself refuses truncation, trailing bytes, holes,
overlaps and shapes whose size overflows. It takes headers of 100 MB, any
number of tensors, any type, and empty tensors of absurd shape; these are
refused here.
"""

import json
from collections.abc import Mapping

from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from mintmark.core.errors import PackageError

MAX_HEADER = 4 << 20  # bytes
MAX_TENSORS = 20_000
DTYPES = {"F32", "F16", "BF16", "I64"}
LENGTH = 8  # bytes of the little-endian header length in front


def to_bytes(weights: Mapping[str, Tensor], metadata: str) -> bytes:
    """Weights as the content of a safetensors file.

    Args:
        weights: Tensors by name, any device; kept as float32 or int64.
        metadata: A text for the header.

    Returns:
        The same bytes for the same weights: the header has one entry, since
        the library writes several in random order.
    """
    plain = {name: _plain(tensor) for name, tensor in weights.items()}
    return safetensors.save(plain, metadata={"mintmark": metadata})


def from_bytes(content: bytes, name: str) -> dict[str, Tensor]:
    """Weights from the content of a safetensors file that nobody trusts yet.

    Args:
        content: The whole file.
        name: The file's name, for the message.

    Returns:
        Tensors by name on the CPU, float32 or int64.

    Raises:
        PackageError: The file is truncated, malformed or beyond the limits.
    """
    _check_header(content, name)
    try:
        weights = safetensors.load(content)
    except SafetensorError as error:
        raise PackageError(
            f"{name} is truncated or damaged; fetch or train the package again."
        ) from error
    return {key: _plain(tensor) for key, tensor in weights.items()}


def _plain(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.float() if tensor.is_floating_point() else tensor


def _check_header(content: bytes, name: str) -> None:
    size = int.from_bytes(content[:LENGTH], "little")
    if len(content) < LENGTH + size:
        raise PackageError(f"{name} is truncated; fetch or train the package again.")
    if size > MAX_HEADER:
        raise PackageError(f"{name} has a header of {size} bytes, more than {MAX_HEADER}.")
    try:
        header = json.loads(content[LENGTH : LENGTH + size])
        tensors = [entry for key, entry in header.items() if key != "__metadata__"]
        fits = all(entry["dtype"] in DTYPES and 0 not in entry["shape"] for entry in tensors)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise PackageError(
            f"{name} is not a safetensors file; fetch or train the package again."
        ) from error
    if len(tensors) > MAX_TENSORS or not fits:
        raise PackageError(
            f"{name} holds more than {MAX_TENSORS} tensors, an empty one, or one that is not "
            f"float32, float16, bfloat16 or int64; Mintmark writes no such file."
        )
