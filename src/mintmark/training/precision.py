"""Where and in what precision to compute; chosen from the machine, once.

bfloat16 and the channels-last layout pay where the chip has matrix units for them:
on CPUs with AMX and on GPUs. On a CPU whose vectors alone multiply bfloat16 both are
slower than float32 in the usual layout for small networks that draw, and faster for
those that work on whole pictures (docs/explanation/measured.md). Losses, and the norms
that penalties square, are float32 everywhere.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mintmark.core.errors import ConfigError
from mintmark.core.settings import Settings

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Compute:
    """The device, the precision, and this process's place among others.

    Attributes:
        device: Where networks and batches live.
        dtype: What convolutions and products are computed in.
        rank: Number of this process, from 0.
        world: Number of processes.
    """

    device: torch.device = CPU
    dtype: torch.dtype = torch.float32
    rank: int = 0
    world: int = 1

    def autocast(self) -> torch.autocast:
        """A context in which convolutions run in `dtype`."""
        lower = self.dtype != torch.float32
        return torch.autocast(self.device.type, torch.bfloat16, enabled=lower)

    @property
    def layout(self) -> torch.memory_format:
        """How four-dimensional arrays lie in memory."""
        matrix_units = self.dtype == torch.bfloat16 or self.device.type == "cuda"
        return torch.channels_last if matrix_units else torch.contiguous_format

    def place(self, network: nn.Module) -> nn.Module:
        """Moves a network to the device, in this layout."""
        network.to(self.device)
        for parameter in network.parameters():
            if parameter.ndim == 4:  # (out, in, height, width)
                parameter.data = parameter.data.contiguous(memory_format=self.layout)
        return network

    def moved(self, rows: Tensor | None) -> Tensor | None:
        """The same rows on the device, or None."""
        return None if rows is None else rows.to(self.device, non_blocking=True)

    def pixels(self, images: Tensor) -> Tensor:
        """Moves uint8 pictures to the device as float32 in [-1, 1].

        Args:
            images: (N, C, H, W), uint8; other batches pass through as float32.

        Returns:
            (N, C, H, W), float32, in this layout.
        """
        moved = images.to(self.device, non_blocking=True)
        if moved.dtype != torch.uint8:
            return moved.float()
        return moved.float().div_(127.5).sub_(1).contiguous(memory_format=self.layout)


def choose(settings: Settings, wide: bool = False) -> Compute:
    """The device and precision that the settings and the machine lead to.

    Args:
        settings: Of this process.
        wide: Whether maps are large, as where whole pictures are worked on: then vectors
            that multiply bfloat16 suffice.

    Raises:
        ConfigError: The device asked for is not there.
    """
    device = _device(settings.device, settings.local_rank)
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32, on every device
    if device.type == "cpu" and settings.threads:
        torch.set_num_threads(settings.threads)
    lower = settings.precision == "bfloat16" or (
        settings.precision == "auto" and multiplies_bfloat16(device, wide)
    )
    return Compute(
        device, torch.bfloat16 if lower else torch.float32, settings.rank, settings.world_size
    )


def multiplies_bfloat16(device: torch.device, vectors: bool = False) -> bool:
    """Whether the device has matrix units for bfloat16, or at least vectors where these count."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu" and CPUINFO.exists():
        flags = CPUINFO.read_text()
        return "amx_bf16" in flags or (vectors and "avx512_bf16" in flags)
    return False


def _device(name: str, local_rank: int) -> torch.device:
    if name == "cuda" or (name == "auto" and torch.cuda.is_available()):
        name = f"cuda:{local_rank}"  # each process that torchrun starts has its own
    elif name == "auto":
        name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"The device {name!r} is not available on this machine; "
            "set MINTMARK_DEVICE to auto, cpu, cuda or mps."
        ) from error
    return device
