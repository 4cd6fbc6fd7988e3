"""Several processes as one: launched by torchrun, joined by all-reduce.

Gradients are averaged after the backward pass, not by hooks inside it, so that
double backward (R1, R2) works unchanged and the sum is that of one process up
to the order of additions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from mintmark.core.errors import ConfigError
from mintmark.training.precision import Compute

TIMEOUT = timedelta(minutes=30)  # the others wait while the first one checks data or draws


@contextmanager
def joined(compute: Compute) -> Iterator[None]:
    """Joins the processes that torchrun started, for the length of the block."""
    if compute.world == 1:
        yield
        return
    if compute.device.type == "cuda":
        torch.cuda.set_device(compute.device)
    backend = "nccl" if compute.device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def rows_of(compute: Compute, batch: int) -> tuple[int, int]:
    """First and one past the last row of the batch for this process.

    Raises:
        ConfigError: The batch does not divide among the processes.
    """
    if batch % compute.world:
        raise ConfigError(
            f"A batch of {batch} does not divide among {compute.world} processes; "
            f"choose a multiple of {compute.world}."
        )
    share = batch // compute.world
    return compute.rank * share, (compute.rank + 1) * share


def average(tensors: Sequence[Tensor], world: int) -> None:
    """Replaces each tensor by its mean over all processes, in one message."""
    if world == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat.div_(world)
    parts = torch.split(flat, [tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))


def wait_for_all(world: int) -> None:
    """Returns when every process has come here."""
    if world > 1:
        dist.barrier()
