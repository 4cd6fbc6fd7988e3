"""Better tones and colours: tables of colours on whole photographs never seen.

The public set `scenes` teaches, 326 photographs. Three groups judge: the 5 that `photos` holds
out, 4 of `photos` by people of whom none teaches, and the 30 others that `scenes` holds out. Each
photograph gets errors of exposure and white balance, as the task plants them. The unit is CIEDE2000
(1 is the least that can be seen side by side), the mean over a photograph; the figure is the mean
after over the mean before, over photographs and errors. Three seeds of the training. Told beside
it: the same when only the 36 photographs of `photos` teach, and by how much a photograph without
errors is changed.

Which of a photograph's tones are errors is not in it: a red wall is like a red cast. How
much of the guess can be learned depends on how many photographs teach. So another figure stands
beside: one error that is always the same, which asks how well tables undo what is known.

Limits: on the 5 errors at least halved (ratio 0.5) in every seed, the same error always too, and
photographs without errors changed by 0.4 of what errors do at most; in every group less than each
simple way leaves (the picture as it is, grey world at the mean light of the training photographs,
contrast by channel); no sample black or white that was not; 12 megapixels in 2 CPU seconds of one
thread, from samples to samples (decoding and encoding are apart).

    python bench/enhancing.py [IMAGES|PACKAGE] [SHEET]

A package of `enhance` is judged likewise, but for the time and the same error always, and also
when it goes part of the way.
With SHEET, say enhanced.png, it also draws the photographs of each group, with errors, made better,
true: enhanced-1.png and so on.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from runs import Networks, Pixels, packaged, save_sheet, trained, views_of
from torch import Tensor
from torch.nn import functional as F

from mintmark.core.media import Picture
from mintmark.data.loader import PixelSet
from mintmark.data.public import photos, scenes
from mintmark.engines.degrade import Damage
from mintmark.engines.examples import Undo
from mintmark.engines.paired import Paired
from mintmark.engines.piecewise import glance, recoloured
from mintmark.metrics.colour import colour_difference
from mintmark.models.families import FAMILIES
from mintmark.tasks.enhance import TASK, WRONG
from mintmark.training.draws import Draws

SIZE = 32
SEEDS = (0, 1, 2)
ERRORS = 12  # planted in each photograph
SHOWN = 2  # of them on the sheet
LONG = 320  # pixels of the longer side of what judges, for time
SAMPLED = 2  # every second pixel each way is compared
LIMIT = 0.5  # of the difference
SOUND = 0.4  # of it, by which photographs without errors may change
PARTS = (0.75, 0.5, 0.25)  # of the way
LARGE = (3000, 4000)  # rows and columns
SECONDS = 2.0

Way = Callable[[Tensor], Tensor]
Pairs = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Warm:
    """The same error always: warm light and a short exposure, as samples' powers."""

    kind: str = "warm"

    def __call__(self, clean: Tensor, draws: Draws) -> Tensor:  # noqa: ARG002 - damages take draws
        """See `degrade.Damage`."""
        gains = clean.new_tensor([0.75, 0.6, 0.4]).view(-1, 1, 1)
        return (clean + 1) * gains - 1


def as_it_is(picture: Tensor) -> Tensor:
    """No change."""
    return picture


def light(pixels: PixelSet) -> float:
    """The mean light of pictures, of 1."""
    return float((((tensor(np.array(pixels.pixels)) + 1) / 2) ** 2.2).mean())


def tensor(array: Pixels) -> Tensor:
    """Samples in [-1, 1], (..., 3, H, W), of levels."""
    return torch.from_numpy(np.array(array)).float() / 127.5 - 1


def levels(pictures: Tensor) -> Pixels:
    """As a file keeps them."""
    return pictures.add(1).mul(127.5).round().clamp(0, 255).byte().numpy()


def judges() -> dict[str, list[Tensor]]:
    """The photographs of each group, reduced, (3, H, W)."""
    more = [one for name, one in scenes.whole_part("held-out").items() if name not in photos.PHOTOS]
    groups = {
        "5 held out": photos.whole(held_out=True).values(),
        "4 of others": photos.whole_part("held-out-others").values(),
        f"{len(more)} of scenes": more,
    }
    return {name: [small(one) for one in group] for name, group in groups.items()}


def small(photo: Pixels) -> Tensor:
    """A photograph brought to LONG, (H, W, 3) to (3, H, W)."""
    image = Image.fromarray(photo)
    factor = LONG / max(image.size)
    size = (round(factor * image.width), round(factor * image.height))
    return tensor(np.asarray(image.resize(size, Image.Resampling.BOX))).permute(2, 0, 1)


def planted(damage: Damage, clean: list[Tensor]) -> Pairs:
    """Photographs with all their errors, and as they should be, (ERRORS, 3, H, W) each.

    Some of both are mirrored, as in training.
    """
    examples, pairs = Undo(damage), []
    for index, truth in enumerate(clean):
        draws = Draws(1, index, ERRORS, 0, ERRORS)
        pairs.append(examples(truth.expand(ERRORS, -1, -1, -1), draws))
    return pairs


def learned(engine: Paired, averages: Networks) -> Way:
    """What a trained network makes of one picture, as `apply` does."""
    networks = {"G": averages["G"].eval()}
    return lambda picture: engine.on(networks, lambda: picture)(picture[None])[0]


def grey_world(mean: float) -> Way:
    """Every channel brought to one mean in linear light."""

    def balanced(picture: Tensor) -> Tensor:
        linear = ((picture + 1) / 2) ** 2.2
        return (linear * mean / linear.mean((1, 2), keepdim=True)).clamp(0, 1) ** (1 / 2.2) * 2 - 1

    return balanced


def stretched(picture: Tensor) -> Tensor:
    """Each channel from its darkest to its brightest half percent."""
    samples = picture.flatten(1)
    low, high = (samples.quantile(part, 1)[:, None, None] for part in (0.005, 0.995))
    return ((picture - low) / (high - low).clamp(min=0.05) * 2 - 1).clamp(-1, 1)


def far(made: Tensor, clean: Tensor) -> float:
    """Mean CIEDE2000."""
    a, b = (levels(x)[None, :, ::SAMPLED, ::SAMPLED].astype(np.float64) for x in (made, clean))
    return float(colour_difference(a, b, 255).mean[0])


def clipped(made: Tensor, given: Tensor) -> float:
    """Share of the samples that are black or white and were not."""
    after, before = levels(made), levels(given)
    return float(np.mean(np.isin(after, (0, 255)) & ~np.isin(before, (0, 255))))


def judged(pairs: Pairs, way: Way) -> tuple[float, float]:
    """Mean CIEDE2000 and share of newly clipped samples, over photographs and errors."""
    scores = []
    for errors, truths in pairs:
        for given, truth in zip(errors, truths, strict=True):
            made = way(given)
            scores.append((far(made, truth), clipped(made, given)))
    distance, share = np.mean(scores, axis=0)
    return float(distance), float(share)


def left(pairs: Pairs, way: Way) -> float:
    """The share of the difference that a way leaves."""
    return judged(pairs, way)[0] / judged(pairs, as_it_is)[0]


def taught(pixels: PixelSet, images: int, seeds: Iterable[int]) -> list[Way]:
    """What a run of each seed learns."""
    return [learned(TASK.engine, trained(TASK, pixels, images, seed)[0]) for seed in seeds]


def listed(ratios: list[float]) -> str:
    """Their mean, and each."""
    return f"{np.mean(ratios):.2f} ({', '.join(f'{one:.3f}' for one in ratios)})"


def seconds(engine: Paired, networks: Networks, photo: Tensor) -> float:
    """CPU seconds of one thread for a large picture, the best of three."""
    samples = levels(F.interpolate(photo[None], size=LARGE, mode="bilinear")[0])
    large = Picture(samples.transpose(1, 2, 0))
    times = []
    for _ in range(3):
        began = time.process_time()
        change = engine.on({"G": networks["G"]}, lambda: glance(large, 3))
        for _ in recoloured(change, large, 3, FAMILIES["lut"].tile):
            pass
        times.append(time.process_time() - began)
    return min(times)


def draw(path: Path, pairs: Pairs, way: Way) -> None:
    """A sheet: with errors, made better, true; a row for each photograph and error."""
    rows = []
    for errors, truths in pairs:
        for given, truth in zip(errors[:SHOWN], truths, strict=False):
            row = F.interpolate(torch.stack([given, way(given), truth]), (150, 240), mode="area")
            rows.append(torch.cat(list(row), 2))
    sheet = levels(torch.cat(rows, 1)).transpose(1, 2, 0)
    save_sheet(path, sheet)


def enhanced(ways: Sequence[Way], simple: Mapping[str, Way], sheet: Path | None) -> bool:
    """Tells what is left of the errors; whether it is little enough."""
    kept = True
    for place, (group, clean) in enumerate(judges().items()):
        pairs = planted(WRONG, clean)
        plain = {key: left(pairs, way) for key, way in simple.items()}
        own = [left(pairs, way) for way in ways]
        new = max(judged(pairs, way)[1] for way in ways)
        changed = float(np.mean([far(way(one), one) for way in ways for one in clean]))
        before = judged(pairs, as_it_is)[0]
        print(f"{group}, CIEDE2000 {before:.1f}: times {listed(own)}; "
              f"{', '.join(f'{key} {value:.2f}' for key, value in plain.items())}; newly clipped "
              f"{new:.2g}; without errors changed by {changed:.1f}", flush=True)  # fmt: skip
        kept = kept and max(own) < min(1.0, *plain.values()) and new == 0
        if place == 0:
            kept = kept and max(own) <= LIMIT and changed <= SOUND * before
        if sheet is not None:
            draw(sheet.with_stem(f"{sheet.stem}-{place + 1}"), pairs, ways[0])
    return kept


def partly(way: Way) -> None:
    """Tells what a way does that goes part of the way, as with `apply --strength`."""
    for name, clean in judges().items():
        pairs = planted(WRONG, clean)
        for strength in PARTS:

            def part(picture: Tensor, strength: float = strength) -> Tensor:
                return torch.lerp(picture, way(picture), strength)

            changed = np.mean([far(part(one), one) for one in clean])
            print(f"{name}, strength {strength:g}: times {left(pairs, part):.2f}; without errors "
                  f"changed by {changed:.1f}", flush=True)  # fmt: skip


def known(teaching: PixelSet, images: int) -> bool:
    """Whether an error that is always the same is undone, and fast."""
    clean = judges()["5 held out"]
    task = replace(TASK, engine=replace(TASK.engine, examples=Undo(Warm())))
    networks, minutes = trained(task, teaching, images)
    share = left(planted(Warm(), clean), learned(task.engine, networks))
    took = seconds(task.engine, networks, clean[0])
    print(f"the same error always: times {share:.2f}, after {minutes:.1f} CPU minutes; "
          f"12 megapixels in {took:.2f} CPU s (limit {SECONDS:g})")  # fmt: skip
    return share <= LIMIT and took <= SECONDS


def main() -> None:
    first = sys.argv[1] if len(sys.argv) > 1 else str(TASK.schedules["tiny"].images)
    sheet = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    teaching = PixelSet(views_of(scenes.whole_part("train").values(), SIZE), None, "scenes")
    simple = {"grey world": grey_world(light(teaching)), "contrast by channel": stretched}
    if first.isdigit():
        few = PixelSet(views_of(photos.whole(held_out=False).values(), SIZE), None, "photos")
        simple["learned from photos alone"] = taught(few, int(first), SEEDS[:1])[0]
        kept = enhanced(taught(teaching, int(first), SEEDS), simple, sheet)
        kept = known(teaching, int(first) // 4) and kept
    else:
        way = learned(TASK.engine, packaged(Path(first))[1])
        kept = enhanced([way], simple, sheet)
        partly(way)
    sys.exit(int(not kept))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
