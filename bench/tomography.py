"""What `low-dose-ct` makes of slices that it never saw: drawn ones, and one of a real scanner.

    python bench/tomography.py [IMAGES] [SEEDS] [FOLDER] [RUNS] [PICTURE]

Trains the task (tiny, 8,000 slices of 128 x 128 by default) on the public set `phantoms`. Every
slice is projected, counted with 100,000 photons a ray and reconstructed (FBP, ramp); everything
works on that, and is held against the slice itself:

* FBP with a Hann filter, of the same photons;
* non-local means and total variation (scikit-image), told the error of that very slice; how
  strong they are for an error is chosen on ten training slices;
* the network, at each seed.

Judged by PSNR (the range is the window, 2,000 Hounsfield units) on 200 held-out phantoms and
on `CT_small.dcm` of pydicom, a real slice of 128 x 128 that is taken for the truth, at its own
size (85 mm) and at ten draws of 20,000 photons: fewer, because the body around it is not there to
take any. Twelve pixels at its border, where the cut body ends, are not judged. And by lesions:

* contrast: the mean inside a lesion less that of the ring around it, over that of the truth;
* inventions: in 200 phantoms without lesions, places of even tissue where the mean of a disc of
  a lesion's middle radius differs from that of its ring by half of the least contrast of lesions,
  or more, and in the truth by less than a quarter of it. Places that touch count once. The same
  search says how many of the real lesions it sees.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from numpy.typing import NDArray
from runs import save_sheet, task_of
from scipy import ndimage
from skimage import restoration
from torch import Tensor, nn

from mintmark.actions import prepare
from mintmark.actions.requests import TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.data.public import phantoms
from mintmark.data.public.phantoms import CONTRAST, RADIUS, RING, SIDE, Lesion
from mintmark.engines.tomography import LowDose, Scanner, hounsfield, samples
from mintmark.models.package import from_pretrained
from mintmark.training.draws import Draws

TASK = "low-dose-ct"
IMAGES, SEEDS = 8_000, 3
PHOTONS, REAL_PHOTONS = 1e5, 2e4
REAL_SIZE = 128 * 0.661 / 320  # of the field of the scanner
SHARP, CALM = Scanner(), Scanner(filter="hann")
BORDER = 12  # pixels
SPOT = sum(RADIUS) / 2  # pixels
ENDLESS = 1e12
SLICES = 200
REAL_DRAWS = 10
TRIED = (0.25, 0.5, 1.0, 2.0)  # strengths of the filters, times the error that they are told
RANGE = 2000.0  # Hounsfield units
LEAST = CONTRAST[0] / 2  # Hounsfield units of an invention
GAIN, REAL_GAIN, KEPT = 5.0, 3.0, 0.1  # the limits: dB, dB, share of the contrast

Units = NDArray[np.float64]
Filter = Callable[[Units, float], Units]
"""A slice in Hounsfield units, and a strength in these, to a slice."""
Way = Callable[[list[Units]], list[Units]]


def non_local(units: Units, strength: float) -> Units:
    found: Units = restoration.denoise_nl_means(
        units, 5, 6, h=strength, sigma=strength, fast_mode=True
    )
    return found


def total_variation(units: Units, strength: float) -> Units:
    way: Callable[..., Units] = restoration.denoise_tv_chambolle
    return way(units, strength)


FILTERS: Mapping[str, Filter] = {"non-local means": non_local, "total variation": total_variation}


def trained(data: Path, out: Path, images: int, seed: int) -> nn.Module:
    """The generator of one run of the task; of a run that is there already, its own."""
    request = TrainRequest(task=TASK, data=data, out=out, preset="tiny", images=images, seed=seed)
    for _ in train(request, open_world()):
        pass
    return from_pretrained(out / "package").networks["G"]


def scanned(truth: list[Units], damage: LowDose) -> list[Units]:
    """Slices as reconstructed; of the same photons whatever the filter."""
    found = []
    for place, one in enumerate(truth):
        clean = samples(torch.from_numpy(one).float())[None, None]
        made = damage(clean, Draws(0, place, 1, 0, 1))
        found.append(hounsfield(made)[0, 0].double().numpy())
    return found


def phantom_scan(photons: float = PHOTONS, scanner: Scanner = SHARP) -> LowDose:
    return LowDose((photons, photons), scanner=scanner)


def real_scan(photons: float = REAL_PHOTONS, scanner: Scanner = SHARP) -> LowDose:
    return LowDose((photons, photons), (REAL_SIZE, REAL_SIZE), scanner)


def by_network(network: nn.Module, given: list[Units]) -> list[Units]:
    inputs = samples(torch.from_numpy(np.stack(given)).float())[:, None]
    parts: Iterator[Tensor] = (
        task_of(TASK).engine.run({"G": network}, part) for part in torch.split(inputs, 20)
    )
    made = hounsfield(torch.cat(list(parts)))[:, 0].double().numpy()
    return list(made)


def error(made: Units, truth: Units) -> float:
    """Root of the mean square, Hounsfield units."""
    return float(np.sqrt(np.square(made - truth).mean()))


def psnr(made: list[Units], truth: list[Units]) -> Units:
    """Of each slice, in dB."""
    pairs = zip(made, truth, strict=True)
    return np.array([20 * np.log10(RANGE / error(a, b)) for a, b in pairs])


def strongest() -> dict[str, tuple[Filter, float]]:
    """The filters, and how many times the error each is best told, on ten training slices."""
    truth = [phantoms.draw("train", place)[0] for place in range(10)]
    best = {}
    for name, way in FILTERS.items():
        tried = (filtered(truth, phantom_scan(), way, times) for times in TRIED)
        best[name] = way, TRIED[int(np.argmax([psnr(made, truth).mean() for made in tried]))]
    return best


def filtered(truth: list[Units], damage: LowDose, way: Filter, times: float) -> list[Units]:
    """Each slice scanned, and worked on by a filter that is told its error."""
    pairs = zip(scanned(truth, damage), truth, strict=True)
    return [way(a, times * error(a, b)) for a, b in pairs]


def contrast(units: Units, lesion: Lesion) -> float:
    """Hounsfield units of a lesion above its ring; a pixel at the edge belongs to neither."""
    y, x = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(y - lesion.y, x - lesion.x) - lesion.radius
    inside, ring = away < -1, (away > 1) & (away < RING)
    return float(units[inside].mean() - units[ring].mean())


def kept(made: list[Units], truth: list[Units], lesions: list[tuple[Lesion, ...]]) -> Units:
    """The share of each lesion's contrast that is left."""
    triples = zip(made, truth, lesions, strict=True)
    return np.array([contrast(a, one) / contrast(b, one) for a, b, some in triples for one in some])


def spots(units: Units) -> Units:
    """At each place the mean of a small disc less that of its ring."""
    reach = int(np.ceil(SPOT + RING))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    away = np.hypot(y, x) - SPOT
    disc, ring = (away < -1).astype(float), ((away > 1) & (away < RING)).astype(float)
    found: Units = ndimage.correlate(units, disc / disc.sum() - ring / ring.sum())
    return found


def even(truth: Units) -> NDArray[np.bool_]:
    """Where a spot could be: one soft tissue, but for its texture, all over disc and ring."""
    reach = int(np.ceil(SPOT + RING))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    around = np.hypot(y, x) <= reach
    smooth = ndimage.gaussian_filter(truth, 1)
    spread = ndimage.maximum_filter(smooth, footprint=around) - ndimage.minimum_filter(
        smooth, footprint=around
    )
    found: NDArray[np.bool_] = (spread < CONTRAST[0]) & (np.abs(truth) < 250)
    return found


def invented(made: list[Units], truth: list[Units]) -> int:
    """Spots that are not in the truth."""
    count = 0
    for one, right in zip(made, truth, strict=True):
        calm = even(right) & (np.abs(spots(right)) < LEAST / 2)
        found = (np.abs(spots(one)) >= LEAST) & calm
        count += int(ndimage.label(found)[1])
    return count


def seen(made: list[Units], lesions: list[tuple[Lesion, ...]]) -> float:
    """The share of the lesions that the search for inventions finds."""
    pairs = [(spots(units), one) for units, some in zip(made, lesions, strict=True) for one in some]
    hits = [abs(found[round(one.y), round(one.x)]) >= LEAST for found, one in pairs]
    return float(np.mean(hits))


def real_slice() -> Units:
    """The slice that comes with pydicom, in Hounsfield units."""
    import pydicom
    from pydicom.data import get_testdata_file

    file = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    units = file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept)
    found: Units = np.clip(units.astype(np.float64), *phantoms.WINDOW)
    return found


@dataclass(frozen=True)
class Cases:
    """What is judged, in Hounsfield units.

    Attributes:
        truth: Held-out phantoms.
        free: Held-out phantoms without lesions.
        real: The real slice, as often as photons are drawn.
        lesions: Those of `truth`.
    """

    truth: list[Units]
    free: list[Units]
    real: list[Units]
    lesions: list[tuple[Lesion, ...]]

    def each(self, way: Way, real: Way | None = None) -> "Cases":
        """What a way makes of all slices, or another of the real one."""
        return Cases(way(self.truth), way(self.free), (real or way)(self.real), self.lesions)

    def scanned(self, scanner: Scanner = SHARP) -> "Cases":
        """All slices as reconstructed, at a low dose."""
        return self.each(
            partial(scanned, damage=phantom_scan(scanner=scanner)),
            partial(scanned, damage=real_scan(scanner=scanner)),
        )


def cases() -> Cases:
    drawn = [phantoms.draw("held-out", place) for place in range(SLICES)]
    free = [phantoms.draw("held-out-lesion-free", place)[0] for place in range(SLICES)]
    real = [real_slice()] * REAL_DRAWS
    return Cases([units for units, _ in drawn], free, real, [found for _, found in drawn])


def inner(slices: list[Units]) -> list[Units]:
    return [one[BORDER:-BORDER, BORDER:-BORDER] for one in slices]


def judged(name: str, made: Cases, right: Cases) -> dict[str, float]:
    """The figures of a way, which are also told."""
    of_slices = psnr(made.truth, right.truth)
    of_real = psnr(inner(made.real), inner(right.real))
    left = kept(made.truth, right.truth, right.lesions)
    count, found = invented(made.free, right.free), seen(made.truth, right.lesions)
    print(
        f"{name}: PSNR {of_slices.mean():.2f} dB (SD {of_slices.std():.2f}, n {len(of_slices)}), "
        f"real slice {of_real.mean():.2f} dB (SD {of_real.std():.2f}, n {len(of_real)}); contrast "
        f"kept {left.mean():.3f} (SD {left.std():.3f}, n {len(left)}); lesions seen {found:.2f}; "
        f"inventions {count}", flush=True,
    )  # fmt: skip
    return {
        "phantoms": float(of_slices.mean()),
        "real": float(of_real.mean()),
        "kept": float(left.mean()),
        "invented": count,
    }


def kept_limits(found: Mapping[str, float], plain: Mapping[str, float]) -> bool:
    return (
        found["phantoms"] - plain["phantoms"] >= GAIN
        and found["real"] - plain["real"] >= REAL_GAIN
        and abs(found["kept"] - 1) <= KEPT
        and found["invented"] == 0
    )


def write(path: Path, columns: list[Cases]) -> None:
    """Some slices in rows, as radiologists look at soft tissue: -160 to 240 units."""
    shown = [np.vstack([*one.truth[:3], one.real[0]]) for one in columns]
    grey = np.clip((np.hstack(shown) + 160) / 400 * 255, 0, 255)
    save_sheet(path, grey.astype(np.uint8), times=2)


def main() -> None:
    arguments = dict(enumerate(sys.argv))
    images, seeds = int(arguments.get(1, IMAGES)), int(arguments.get(2, SEEDS))
    folder = prepare.get("phantoms", Path(arguments.get(3, "data/phantoms")))
    runs = Path(arguments.get(4, mkdtemp()))
    right = cases()
    given, calm = right.scanned(), right.scanned(CALM)
    plain = judged("FBP", given, right)
    judged("FBP, Hann", calm, right)
    endless = [partial(scanned, damage=scan(ENDLESS)) for scan in (phantom_scan, real_scan)]
    judged("FBP of endless photons", right.each(*endless), right)
    for name, (way, times) in strongest().items():
        ways = [
            partial(filtered, damage=scan(), way=way, times=times)
            for scan in (phantom_scan, real_scan)
        ]
        judged(f"{name}, {times:g} of the error", right.each(*ways), right)
    fine = []
    for seed in range(seeds):
        began = time.process_time()
        network = trained(folder / "train", runs / f"seed-{seed}", images, seed)
        minutes = (time.process_time() - began) / 60
        made = given.each(partial(by_network, network))
        name = f"{TASK}, seed {seed}, {images} slices, {minutes:.1f} CPU minutes"
        fine.append(kept_limits(judged(name, made, right), plain))
        if 5 in arguments:
            write(Path(arguments[5]), [given, calm, made, right])
    sys.exit(int(not all(fine)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
