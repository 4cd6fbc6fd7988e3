"""What a package does between and beyond its latents: smoothness, ways, truncation."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mintmark.actions import asking, drawing, sheets
from mintmark.actions.evaluation import Chart, Line, Sheet
from mintmark.core.lineage import version
from mintmark.core.records import Score
from mintmark.engines.synthesis import latents
from mintmark.metrics.distribution.neighbours import precision_recall_density_coverage
from mintmark.metrics.extractors import Extractor, extract, maps
from mintmark.metrics.interpolation import interpolation_curve
from mintmark.metrics.latent import Distance, Generator, slerp
from mintmark.metrics.path_length import PathProtocol, path_length
from mintmark.metrics.perceptual import perceptual_distance
from mintmark.models.package import Package
from mintmark.tasks._task import find_synthesis

PSI = (0.3, 0.5, 0.7, 0.85, 1.0, 1.15)
PATH = PathProtocol(space="z", sampling="full", samples=200)
PAIRS = 32  # of latents, for the interpolation curve
STEPS = 8  # of a way
STRIPS = 6  # ways shown


def smoothness(
    package: Package,
    extractor: Extractor,
    rows: Tensor | None,
    snapshot: str,
    seed: int,
) -> Score:
    """The perceptual path length of a package in z, by our own distance.

    Args:
        package: What draws.
        extractor: Whose maps the distance compares.
        rows: Conditions that the samples take theirs from, (n, ...), or None.
        snapshot: Digest of the data that decided those.
        seed: Of the latents.
    """
    found = path_length(generator_of(package, rows), distance_of(extractor), PATH, seed)
    measured: dict[str, Any] = {
        "features": extractor.name,
        "extractor": extractor.digest,
        "distance": "perceptual, uniform weights",
        "resize": extractor.resize,
        "scaling": extractor.scaling,
        "pictures": list(package.config.shape),
        "labels": 0 if rows is None else len(rows),
        "snapshot": snapshot,
        "code_version": version(),
    }
    return Score("PPL", found.value, {**found.protocol, **measured}, found.error)


def interpolation(
    package: Package, extractor: Extractor, rows: Tensor | None, seed: int
) -> tuple[Chart, Sheet]:
    """How evenly pictures change between two latents, as a chart and as strips."""
    generator = generator_of(package, rows)
    curve = interpolation_curve(generator, distance_of(extractor), "z", seed, PAIRS, STEPS)
    lines = (
        Line("mean", curve.positions, curve.mean),
        Line("10 % of ways below", curve.positions, curve.low),
        Line("10 % of ways above", curve.positions, curve.high),
    )
    chart = Chart(
        "interpolation",
        "Interpolation",
        "How much the picture changes in each step between two latents. Flat is even; a peak "
        "means that pictures jump.",
        "place on the way",
        "perceptual distance of a step",
        lines,
    )
    return chart, sheets.ways(package, _strips(package, seed), seed)


def truncation(
    package: Package,
    extractor: Extractor,
    real: NDArray[np.float64],
    rows: Tensor | None,
    seed: int,
) -> Chart:
    """Precision and recall of pictures whose latents are scaled by psi.

    Args:
        package: What draws.
        extractor: What the pictures are compared in.
        real: Features of real pictures, (N, d), as many as shall be drawn for each psi.
        rows: Conditions that the pictures take theirs from in turn, (n, ...), or None.
        seed: Of the latents.
    """
    engine = find_synthesis(package.config.task).engine
    z = latents(seed, range(len(real)), _latent_length(package))
    chosen = None if rows is None else rows[torch.arange(len(real)) % len(rows)]
    found = []
    for psi in PSI:
        drawn = drawing.to_pixels(engine.decode(package.networks, z, chosen, psi))
        found.append(precision_recall_density_coverage(real, extract(extractor, drawn)))
    return Chart(
        "truncation",
        "Truncation",
        f"Precision and recall of {len(real)} pictures whose latents are scaled by psi. Below 1 "
        "pictures become more typical and less varied.",
        "psi",
        "share",
        (
            Line("precision", PSI, tuple(one.precision for one in found)),
            Line("recall", PSI, tuple(one.recall for one in found)),
            Line("coverage", PSI, tuple(one.coverage for one in found)),
        ),
    )


def generator_of(package: Package, rows: Tensor | None) -> Generator:
    """A package as metrics of latents see it: in float64, on the CPU, clipped as people see it."""
    network = copy.deepcopy(package.networks["G"]).double().cpu()
    exact = None if rows is None else rows.double() if rows.is_floating_point() else rows

    def draw(z: Tensor, places: Tensor | None) -> Tensor:
        condition = None if exact is None or places is None else exact[places]
        pictures: Tensor = network(z, condition)
        return pictures.clamp(-1, 1)

    column = () if rows is None else range(len(rows))
    return Generator(draw=draw, latent=_latent_length(package), labels=column)


def distance_of(extractor: Extractor) -> Distance:
    """Our own perceptual distance by the feature maps of an extractor, in float64."""
    exact = replace(extractor, net=copy.deepcopy(extractor.net).double().cpu())
    return lambda a, b: perceptual_distance(lambda x: maps(exact, x), a, b)


def _strips(package: Package, seed: int) -> Tensor:
    """Pictures along ways, (STRIPS, STEPS + 1, C, H, W), each way within one class."""
    engine = find_synthesis(package.config.task).engine
    ends = latents(seed, range(2 * STRIPS), _latent_length(package)).reshape(2, STRIPS, -1)
    places = torch.linspace(0, 1, STEPS + 1)
    ways = [slerp(ends[0], ends[1], place.expand(STRIPS)) for place in places]
    z = torch.stack(ways, dim=1)  # (STRIPS, STEPS + 1, latent)
    shown = asking.rows(package.config.conditions, seed, range(STRIPS), asking.PLAIN)
    repeated = None if shown is None else shown.repeat_interleave(STEPS + 1, dim=0)
    drawn = engine.decode(package.networks, z.flatten(0, 1).float(), repeated)
    return drawn.reshape(STRIPS, STEPS + 1, *drawn.shape[1:])


def _latent_length(package: Package) -> int:
    length: int = package.config.args["latent"]
    return length
