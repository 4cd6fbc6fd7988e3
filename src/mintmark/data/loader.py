"""Feeding a trainer from one memory-mapped array of decoded pictures.

Pictures are decoded once. After that a batch is a gather of rows, and which rows
is a function of (seed, step): nothing is stored, so a run that resumes sees what
it would have seen.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mintmark.core.errors import DataError
from mintmark.core.files import atomic_path, digest_bytes, digest_json, into_cache, write_json
from mintmark.core.seeds import derive
from mintmark.data.contrasts import contrasts, following
from mintmark.data.crops import VIEWS, Cut, contained, cropped, fitted, places, viewed
from mintmark.data.manifest import Snapshot
from mintmark.data.pairs import Part, Row, alone
from mintmark.data.pictures import decode
from mintmark.data.readers import Source, workers

Cutting = Literal["whole", "crops", "views", "objects"]

VERSION = 2  # of the array's making; a new one leaves old caches unused
CHUNK = 256  # pictures decoded before they are written
CUTS: dict[Cutting, Cut] = {
    "whole": fitted,
    "crops": cropped,
    "views": viewed,
    "objects": contained,
}
FEW = 8  # pictures decoded at once where each gives many pieces


@dataclass(frozen=True)
class PixelSet:
    """A decoded data set.

    Attributes:
        pixels: Samples in [0, 255], (N, channels, height, width), on disk, read-only.
        labels: Class of each picture, (N,), or None.
        snapshot: Digest of the snapshot that was decoded.
        condition: What a model shall learn that each shows, (N, ...), or None.
        groups: What shall be shown equally often, (N,) numbers, or None.
        parts: How many numbers of a condition each attribute takes, where there are some.
        beside: Other samples, (M, channels, height, width), or None; each picture gets one of
            them as its last channels, in an order of their own.
        kinds: What each of those shows, (M,), or None.
        partners: Which of those is the counterpart of each picture among those of each kind,
            (N, number of kinds), -1 where there is none; or None. Who has one, or several by
            turns, gets no other.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    snapshot: str
    condition: torch.Tensor | None = None
    groups: NDArray[np.int64] | None = None
    parts: tuple[int, ...] = ()
    beside: NDArray[np.uint8] | None = None
    kinds: torch.Tensor | None = None
    partners: NDArray[np.int64] | None = None

    def joined(
        self, ids: NDArray[np.int64], beside: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], torch.Tensor]:
        """Which samples lie beside some pictures whose kinds are known, and what they are.

        Args:
            ids: Which pictures, (n,).
            beside: Numbers of samples drawn by chance, (n,).

        Returns:
            The numbers with counterparts in the place of others, (n,), and what each shows
            beside 1 where it is a counterpart, else 0, (n, 2).
        """
        assert self.kinds is not None
        known = np.zeros(len(ids), np.bool_)
        if self.partners is not None:
            own = self.partners[ids]  # (n, kinds)
            turn = np.arange(own.shape[1]) + beside[:, None]  # any kind may come first
            own = np.take_along_axis(own, turn % own.shape[1], 1)
            first = own[np.arange(len(ids)), (own >= 0).argmax(1)]
            known = first >= 0
            beside = np.where(known, first, beside)
        kinds = self.kinds[beside]
        return beside, torch.stack([kinds, torch.from_numpy(known).to(kinds)], 1)

    def samples(self, ids: NDArray[np.int64], beside: NDArray[np.int64]) -> torch.Tensor:
        """Some pictures, and the samples beside them if there are any.

        Args:
            ids: Which pictures, (n,).
            beside: Any numbers, (n,), which choose the samples beside.

        Returns:
            Samples in [0, 255], uint8, (n, all channels, height, width).
        """
        images = torch.from_numpy(np.asarray(self.pixels)[ids])  # faster than memmap's indexing
        if self.beside is None:
            return images
        others = torch.from_numpy(np.asarray(self.beside)[beside % len(self.beside)])
        return torch.cat([images, others], 1)


@dataclass(frozen=True)
class HostBatch:
    """Rows of one step's batch, in the memory of the host.

    Attributes:
        images: Samples in [0, 255], uint8, (n, channels, height, width).
        condition: What each shows, (n, ...), or None.
        ids: Index of each row in the data set, (n,).
        other: Conditions that each row does not have, (n, K, ...), or None: those of the next
            pictures of the batch; of attributes, its own but for one. Or of the sample beside
            each, where that is known, what it shows and whether it is a counterpart, (n, 2).
    """

    images: torch.Tensor
    condition: torch.Tensor | None
    ids: NDArray[np.int64]
    other: torch.Tensor | None = None


def prepare(
    source: Source,
    snapshot: Snapshot,
    shape: tuple[int, int, int],
    cache: Path,
    cutting: Cutting = "whole",
    rows: Sequence[Row] | None = None,
) -> PixelSet:
    """Opens the decoded array of a snapshot, and builds it first where it is missing.

    Several processes may build at once; each writes beside and renames, and
    what they write is equal.

    Args:
        source: Where the pictures lie.
        snapshot: Which of them are meant, and what they must still be.
        shape: Channels (1 grey, 2 grey with alpha, 3 RGB, 4 RGBA, twice as many of pairs), rows and
            columns.
        cache: Folder for the array; made if missing, safe to delete.
        cutting: Whether each picture is brought to that shape whole, cut into `crops` of it at
            its own resolution, or seen in `views`, whole and in parts, each brought to it;
            of `objects` nothing is cut off but their transparent borders.
        rows: What shall lie in each sample, one part's channels after the other's; None for every
            picture alone.

    Returns:
        The decoded data set, in the order of the rows, or of the snapshot's items.

    Raises:
        DataError: A picture differs from the snapshot or cannot be read any
            more, or the cache cannot be written.
    """
    cut = CUTS[cutting]
    whole = (sum(_count(row[0], cutting, shape) for row in rows or alone(snapshot)), *shape)
    kind = [] if cutting == "whole" else [cutting]
    parts = [[[part.item.name, part.half, part.exact] for part in row] for row in rows or ()]
    key = digest_json([snapshot.digest, *shape, VERSION, *kind, *parts])[:32]
    path = cache / f"{key}.npy"
    pixels = _opened(path, whole, snapshot.digest)
    if pixels is None:
        with into_cache(cache, "The decoded pictures"):
            _build(path, source, rows or alone(snapshot), whole, cut)
            write_json(path.with_suffix(".json"), _seal(path, whole, snapshot.digest))
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    return PixelSet(pixels, _labels(snapshot, shape, cutting, rows), snapshot.digest)


def _labels(
    snapshot: Snapshot, shape: tuple[int, int, int], cutting: Cutting, rows: Sequence[Row] | None
) -> NDArray[np.int64] | None:
    """The class of each sample, or None where some picture has none, or shares its sample."""
    items = snapshot.items
    if rows is not None or any(item.label is None for item in items):
        return None
    labels = np.array([item.label for item in items], np.int64)
    counts = [_count(row[0], cutting, shape) for row in alone(snapshot)]
    return labels.repeat(counts)


def _count(part: Part, cutting: Cutting, shape: tuple[int, int, int]) -> int:
    """How many samples a picture gives."""
    if cutting == "crops":
        return len(places(*part.size, *shape[1:]))
    return sum(count**2 for count in VIEWS) if cutting == "views" else 1


def _seal(path: Path, shape: tuple[int, ...], snapshot: str) -> dict[str, object]:
    """What the file beside the array says of it."""
    facts = {"bytes": path.stat().st_size, "shape": list(shape), "snapshot": snapshot}
    return {**facts, "version": VERSION, "digest": digest_json(facts)}


def _opened(path: Path, shape: tuple[int, ...], snapshot: str) -> NDArray[np.uint8] | None:
    """The array, or None where it or its seal is missing or does not fit."""
    try:
        if json.loads(path.with_suffix(".json").read_bytes()) != _seal(path, shape, snapshot):
            return None
        pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None


def _build(
    path: Path, source: Source, rows: Sequence[Row], shape: tuple[int, ...], cut: Cut
) -> None:
    # Written in sequence: on a full disk a mapped file would kill the process.
    with atomic_path(path) as part, part.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for samples in _decoded(source, rows, shape[1:], cut):
            _write(file, samples)


def _write(file: BinaryIO, rows: list[NDArray[np.uint8]]) -> None:
    file.write(np.stack(rows).tobytes())


def _decoded(
    source: Source, rows: Sequence[Row], shape: tuple[int, ...], cut: Cut
) -> Iterator[list[NDArray[np.uint8]]]:
    """Pictures or pieces in order, a chunk at a time so that memory stays bounded."""
    channels, height, width = shape

    def one(part: Part, share: int) -> list[NDArray[np.uint8]]:
        content = source.read(part.item.name)
        if digest_bytes(content) != part.item.sha256:
            raise DataError(f"{part.item.name} changed while it was being prepared; start again.")
        picture = part.of(decode(content, part.item.name))
        return cut(picture, channels // share, height, width, part.exact)

    def together(row: Row) -> list[NDArray[np.uint8]]:
        parts = (one(part, len(row)) for part in row)
        return [np.concatenate(same) for same in zip(*parts, strict=True)]

    with ThreadPoolExecutor(workers()) as pool:
        size = CHUNK if cut is fitted else FEW
        for start in range(0, len(rows), size):
            found = pool.map(together, rows[start : start + size])
            if samples := [sample for some in found for sample in some]:
                yield samples


def batch_indices(seed: int, step: int, batch: int, count: int) -> NDArray[np.int64]:
    """Which pictures the whole batch of one step holds.

    The data set is passed through in a fresh order each epoch; step `s` takes
    the positions from `s * batch` on, across the end of an epoch if need be.

    Args:
        seed: The seed of the run.
        step: From 0.
        batch: Pictures a step, over all ranks; may exceed `count`.
        count: Pictures in the data set.

    Returns:
        Indices in [0, count), (batch,).
    """
    start = step * batch
    parts = []
    while start < (step + 1) * batch:
        epoch, offset = divmod(start, count)
        part = _order(seed, epoch, count)[offset : offset + (step + 1) * batch - start]
        parts.append(part)
        start += len(part)
    return np.concatenate(parts)


def balanced_indices(
    seed: int, step: int, batch: int, groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The same with every group equally often, however few pictures it has.

    Groups take turns; each passes through its own pictures in a fresh order each time.

    Args:
        seed: The seed of the run.
        step: From 0.
        batch: Pictures a step, over all ranks.
        groups: The group of each picture, (N,); those of a negative one are left out.

    Returns:
        Indices in [0, N), (batch,).
    """
    known = np.unique(groups[groups >= 0])
    members = [np.flatnonzero(groups == number) for number in known]
    places = np.arange(step * batch, (step + 1) * batch)
    turns, rounds = places % len(members), places // len(members)
    ids = np.empty(batch, np.int64)
    for number, own in enumerate(members):
        mine = np.flatnonzero(turns == number)
        for place in mine:
            epoch, offset = divmod(int(rounds[place]), len(own))
            ids[place] = own[_order(derive(seed, "group", number), epoch, len(own))[offset]]
    return ids


@lru_cache(maxsize=1024)  # two epochs of each group, whose orders are small where there are many
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    generator = np.random.Generator(np.random.PCG64(derive(seed, "order", epoch)))
    order: NDArray[np.int64] = generator.permutation(count)
    order.flags.writeable = False
    return order


class Loader:
    """Batches of a decoded data set; close it, or use it in a `with` block.

    Args:
        pixels: The decoded data set.
        batch: Pictures a step, over all ranks.
        seed: The seed of the run.
        background: Whether a thread gathers the next step ahead of time; what
            `at` returns is the same.
    """

    def __init__(self, pixels: PixelSet, batch: int, seed: int, background: bool = False) -> None:
        self._pixels = pixels
        self._batch = batch
        self._seed = seed
        self._pool = ThreadPoolExecutor(1) if background else None
        self._ahead: tuple[tuple[int, int, int], Future[HostBatch]] | None = None

    def at(self, step: int, first: int, last: int) -> HostBatch:
        """Rows `first` to `last` (excluded) of one step's batch.

        Args:
            step: From 0; any order of steps is right, the next one is fastest.
            first: The first row of this rank.
            last: The row after its last.

        Returns:
            The rows, as fresh tensors.
        """
        wanted = (step, first, last)
        if self._ahead is not None and self._ahead[0] == wanted:
            rows = self._ahead[1].result()
        else:
            rows = self._gather(*wanted)
        if self._pool is not None:
            following = (step + 1, first, last)
            self._ahead = (following, self._pool.submit(self._gather, *following))
        return rows

    def close(self) -> None:
        """Ends the thread, if there is one."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> "Loader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _gather(self, step: int, first: int, last: int) -> HostBatch:
        whole = self._ids(step)
        ids, known = whole[first:last], self._pixels.condition
        beside = self._beside(step)[first:last]
        if known is None:
            return HostBatch(self._pixels.samples(ids, beside), None, ids)
        rows, parts = known[whole], self._pixels.parts
        if self._pixels.kinds is not None:
            beside, told = self._pixels.joined(ids, beside)
            return HostBatch(self._pixels.samples(ids, beside), rows[first:last], ids, told)
        images = self._pixels.samples(ids, beside)
        other = contrasts(rows, parts, step) if parts else following(rows)
        return HostBatch(images, rows[first:last], ids, other[first:last])

    def _ids(self, step: int) -> NDArray[np.int64]:
        groups = self._pixels.groups
        if groups is None:
            return batch_indices(self._seed, step, self._batch, len(self._pixels.pixels))
        return balanced_indices(self._seed, step, self._batch, groups)

    def _beside(self, step: int) -> NDArray[np.int64]:
        others = self._pixels.beside
        count = 1 if others is None else len(others)
        return batch_indices(derive(self._seed, "beside"), step, self._batch, count)
