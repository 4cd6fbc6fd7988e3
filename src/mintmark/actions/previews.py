"""What to look at while what works on pictures learns: sheets, and the PSNR of crops."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mintmark.actions import drawing, layout
from mintmark.core.media import Picture
from mintmark.core.seeds import derive
from mintmark.data.loader import PixelSet
from mintmark.engines.paired import Paired
from mintmark.engines.tones import toning
from mintmark.engines.unpaired import Unpaired, Wanted
from mintmark.models.package import Package
from mintmark.training.draws import Draws

SHOWN = 8  # crops on a sheet
WATCHED = 48  # crops whose PSNR is followed


def shown(engine: Paired, pixels: PixelSet, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Some inputs of the network and their targets, always the same, (n, C, H, W) in [-1, 1]."""
    draw = np.random.Generator(np.random.PCG64(derive(seed, "shown")))
    chosen = np.sort(draw.choice(len(pixels.pixels), min(count, len(pixels.pixels)), False))
    real = pixels.samples(chosen, np.arange(len(chosen))).float() / 127.5 - 1
    return engine.examples(real, Draws(seed, 0, len(real), 0, len(real)))


def sheet(engine: Paired, package: Package, pixels: PixelSet, seed: int) -> Picture:
    """Crops in rows: what the network gets, what it makes of it, and what it should be."""
    given, target = shown(engine, pixels, seed, SHOWN)
    made = engine.run(package.networks, given)
    colours = given[:, : target.shape[1]]  # a mask may follow them
    seen = F.interpolate(colours, size=target.shape[2:], mode="nearest")
    return _rows([seen, made, target])


def kinds(engine: Unpaired, package: Package, pixels: PixelSet, seed: int) -> Picture:
    """Pictures in rows, each as it is and as it becomes of every kind; always the same."""
    assert pixels.labels is not None
    draw = np.random.Generator(np.random.PCG64(derive(seed, "shown")))
    places = [draw.permutation(np.flatnonzero(pixels.labels == one))[:SHOWN]
              for one in range(len(package.config.classes))]  # fmt: skip
    real = _pictures(pixels, np.sort(np.concatenate(places)))
    codes = [engine.code(package.networks, kind) for kind in range(len(places))]
    return _rows([real, *(engine.run(package.networks, Wanted(real, code)) for code in codes)])


def styles(engine: Unpaired, package: Package, pixels: PixelSet, seed: int) -> Picture:
    """Pictures in rows, each as it is and in the styles of others, which stand above."""
    draw = np.random.Generator(np.random.PCG64(derive(seed, "shown")))
    chosen = draw.choice(len(pixels.pixels), min(2 * SHOWN, len(pixels.pixels)), False)
    real, models = _pictures(pixels, chosen).chunk(2)
    columns = [torch.cat([torch.ones_like(real[:1]), real])]
    for model in models:
        code = engine.code(package.networks, 0, model[None])
        tones = toning(real, model.expand_as(real)) if engine.tone else None
        made = Wanted(real, code, tones)
        columns.append(torch.cat([model[None], engine.run(package.networks, made)]))
    return _rows(columns)


def _pictures(pixels: PixelSet, chosen: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.array(pixels.pixels[chosen])).float() / 127.5 - 1


def _rows(columns: Sequence[Tensor]) -> Picture:
    tiles = [drawing.pictures(column) for column in columns]
    return layout.sheet([tile for row in zip(*tiles, strict=True) for tile in row], len(tiles))


def fidelity(engine: Paired, package: Package, pixels: PixelSet, seed: int) -> Mapping[str, float]:
    """PSNR of some training crops in dB, and of the plain way: to compare along the run only."""
    given, target = shown(engine, pixels, seed, WATCHED)
    colours = given[:, : target.shape[1]]
    plain = F.interpolate(colours, size=target.shape[2:], mode="bicubic").clamp(-1, 1)
    made = engine.run(package.networks, given)
    return {"psnr": psnr(made, target), "plain_psnr": psnr(plain, target)}


def psnr(made: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in [-1, 1], in dB."""
    return cast(float, (-10 * ((made - clean) / 2).square().mean().log10()).item())
