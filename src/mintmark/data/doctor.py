"""What is wrong with a data set, told before training. It repairs nothing."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mintmark.core.files import digest_bytes
from mintmark.core.media import CHANNELS, Picture
from mintmark.data.manifest import Item, Snapshot
from mintmark.data.pictures import decode, eight_bits, on_white, to_pillow
from mintmark.data.readers import Broken, Source, workers

FEW = 100  # pictures below which a discriminator learns them by heart
IMBALANCE = 3  # times that the largest class may exceed the smallest
LOST = 0.2  # share of a picture that the centre crop may cut off
NEAR = 2  # bits of 64 in which near copies may differ
CLOSE = 4  # levels of 255 by which their grey cells may differ on average
ROWS = 64  # pictures compared with all earlier ones at once

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing.

    Attributes:
        level: `error` stops training, `warning` spoils it, `note` is for the record.
        title: What was found.
        detail: What it means and what to do.
        names: The pictures or classes concerned.
    """

    level: Level
    title: str
    detail: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All findings, gravest first."""

    findings: tuple[Finding, ...]

    def text(self) -> str:
        """The report for a terminal, with the first five names of each finding."""
        if not self.findings:
            return "Nothing to complain about."
        return "\n".join(_paragraph(finding) for finding in self.findings)


def examine(
    source: Source,
    snapshot: Snapshot,
    broken: tuple[Broken, ...],
    size: int,
    whole: bool = True,
) -> Report:
    """Looks for what would spoil training.

    Args:
        source: Where the pictures lie.
        snapshot: Which of them are meant.
        broken: Those that could not be read.
        size: Side at which will be trained, in pixels.
        whole: Whether each picture is brought to that size whole; where pieces of it are learned
            from, its own size and shape spoil nothing.

    Returns:
        The findings, gravest first.

    Raises:
        DataError: A picture cannot be read any more.
    """
    findings = [
        *_unreadable(broken),
        *_amount(snapshot.items),
        *_copies(source, snapshot.items),
        *(_shapes(snapshot.items, size) if whole else ()),
        *_smallness(snapshot.items, size),
        *_balance(snapshot),
        *_channels(snapshot.items),
        *_rights(snapshot),
    ]
    return Report(tuple(sorted(findings, key=lambda one: LEVELS.index(one.level))))


def grey_cells(picture: Picture) -> NDArray[np.uint8]:
    """The picture shrunk to 9 x 8 grey cells in [0, 255], (8, 9)."""
    grey = to_pillow(on_white(eight_bits(picture.array))).convert("L")
    return np.asarray(grey.resize((9, 8), Image.Resampling.BOX))


def near_copies(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Finds pictures that nearly repeat an earlier one.

    A picture's difference hash has 64 bits: is a cell brighter than its right
    neighbour ("dHash", N. Krawetz, 2013)? Two pictures are near when at most
    `NEAR` bits differ; since smooth pictures share hashes without being alike,
    their cells must also be close. Compressing or resizing moves cells by less
    than 1 level and cropping 1 % by 2; the nearest two of 1,200 digits whose
    hashes match are 9 apart.

    Args:
        cells: Grey cells of each picture, (N, 8, 9).

    Returns:
        Pairs (picture, first earlier one that it is near to), (n, 2).
    """
    brighter = (cells[:, :, :-1] > cells[:, :, 1:]).reshape(len(cells), 64)
    hashes = np.packbits(brighter, axis=1).view(np.uint64)[:, 0]
    blocks = [_near_block(cells, hashes, start) for start in range(0, len(cells), ROWS)]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *blocks])


def _near_block(
    cells: NDArray[np.uint8], hashes: NDArray[np.uint64], start: int
) -> NDArray[np.int64]:
    """The pairs of `ROWS` pictures from `start` on."""
    rows = np.arange(start, min(start + ROWS, len(hashes)))
    differing = np.bitwise_count(hashes[rows, None] ^ hashes[None, : rows[-1]])  # (ROWS, earlier)
    late, early = np.nonzero(differing <= NEAR)
    late += start
    late, early = late[early < late], early[early < late]
    apart = np.abs(cells[late].astype(np.int16) - cells[early]).mean(axis=(1, 2))
    late, early = late[apart <= CLOSE], early[apart <= CLOSE]
    picture, first = np.unique(late, return_index=True)
    return np.stack([picture, early[first]], axis=1)


def _unreadable(broken: tuple[Broken, ...]) -> Iterator[Finding]:
    if broken:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in broken[:3])
        yield Finding(
            "error",
            f"{_pictures(len(broken))} cannot be read",
            f"Mend them or leave them out with --skip-broken ({reasons}).",
            tuple(one.name for one in broken),
        )


def _amount(items: tuple[Item, ...]) -> Iterator[Finding]:
    if len(items) < 2:
        yield Finding("error", f"{_pictures(len(items))} in all", "Training needs at least 2.")
    elif len(items) < FEW:
        yield Finding(
            "warning",
            f"only {_pictures(len(items))} in all",
            f"With fewer than {FEW} a model mostly repeats what it has seen; add more, and look "
            "at the novelty figures before you believe a sample.",
        )


def _copies(source: Source, items: tuple[Item, ...]) -> Iterator[Finding]:
    with ThreadPoolExecutor(workers()) as pool:
        prints = list(pool.map(lambda item: _fingerprint(source, item), items))
    first: dict[str, Item] = {}
    exact = [
        f"{item.name} = {first[digest].name}"
        for item, (digest, _) in zip(items, prints, strict=True)
        if first.setdefault(digest, item) is not item
    ]
    if exact:
        yield Finding(
            "warning",
            f"{_pictures(len(exact))} repeated exactly",
            "Copies count double and hide memorisation; remove them.",
            tuple(exact),
        )
    singles = list(first.values())
    cells = dict(prints)
    near = near_copies(np.array([cells[digest] for digest in first], dtype=np.uint8))
    if len(near):
        yield Finding(
            "warning",
            f"{_pictures(len(near))} nearly alike an earlier one",
            "They may be copies at another size or quality; remove them, or at least never let "
            "such a pair span training and held-out data.",
            tuple(f"{singles[late].name} ~ {singles[early].name}" for late, early in near),
        )


def _fingerprint(source: Source, item: Item) -> tuple[str, NDArray[np.uint8]]:
    """Digest of the samples (not of the file), and the grey cells."""
    picture = decode(source.read(item.name), item.name)
    shape = f"{picture.array.shape}{picture.array.dtype}".encode()
    return digest_bytes(shape + picture.array.tobytes()), grey_cells(picture)


def _shapes(items: tuple[Item, ...], size: int) -> Iterator[Finding]:
    sizes = Counter((item.width, item.height) for item in items)
    if len(sizes) > 1:
        (width, height), count = sizes.most_common(1)[0]
        yield Finding(
            "note",
            f"{len(sizes)} different sizes",
            f"The commonest is {width} x {height} ({_pictures(count)}); all are brought to "
            f"{size} x {size}.",
        )
    cut = [item for item in items if 1 - _short(item) / max(item.width, item.height) > LOST]
    if cut:
        yield Finding(
            "warning",
            f"{_pictures(len(cut))} far from square",
            f"The centre crop cuts off more than {LOST:.0%} of each; crop them yourself if the "
            "subject is not in the middle.",
            tuple(item.name for item in cut),
        )


def _smallness(items: tuple[Item, ...], size: int) -> Iterator[Finding]:
    small = [item for item in items if _short(item) < size]
    if small:
        yield Finding(
            "warning",
            f"{_pictures(len(small))} smaller than {size} x {size}",
            "They would be enlarged and teach blur; train smaller or leave them out.",
            tuple(item.name for item in small),
        )


def _short(item: Item) -> int:
    return min(item.width, item.height)


def _balance(snapshot: Snapshot) -> Iterator[Finding]:
    if not snapshot.classes:
        return
    counts = np.bincount(
        [item.label for item in snapshot.items if item.label is not None],
        minlength=len(snapshot.classes),
    )
    if counts.max() > IMBALANCE * counts.min():
        largest, smallest = int(counts.argmax()), int(counts.argmin())
        names = (snapshot.classes[largest], snapshot.classes[smallest])
        yield Finding(
            "warning",
            "the classes are unbalanced",
            f"{names[0]} has {_pictures(int(counts.max()))}, {names[1]} has {int(counts.min())}; "
            "small classes are learned badly, so add to them.",
            names,
        )


def _channels(items: tuple[Item, ...]) -> Iterator[Finding]:
    counts = Counter(item.channels for item in items)
    if len(counts) > 1:
        mix = ", ".join(f"{number} {CHANNELS[kind]}" for kind, number in sorted(counts.items()))
        yield Finding(
            "note",
            "grey, colour or transparent pictures are mixed",
            f"There are {mix}; all are brought to the kind that keeps every colour and alpha.",
        )


def _rights(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.rights.licence == "unspecified":
        yield Finding(
            "note",
            "the rights are unspecified",
            'Put a rights.json beside the data: {"licence": ..., "attribution": [...], '
            '"source": ...}.',
        )


def _pictures(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"


def _paragraph(finding: Finding) -> str:
    lines = [f"{finding.level}: {finding.title}. {finding.detail}"]
    lines += [f"    {name}" for name in finding.names[:5]]
    if len(finding.names) > 5:
        lines.append(f"    … and {len(finding.names) - 5} more")
    return "\n".join(lines)
