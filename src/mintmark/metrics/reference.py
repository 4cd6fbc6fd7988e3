"""Features of the real pictures, kept, because every evaluation needs the same ones."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mintmark.core.files import atomic_path, digest_file, digest_json, into_cache, write_json
from mintmark.core.lineage import version
from mintmark.metrics.extractors import CHUNK, Extractor, extract


def features_of(
    extractor: Extractor, pixels: NDArray[np.uint8], key: str, folder: Path
) -> NDArray[np.float64]:
    """Features of pictures, extracted once for each (pictures, extractor, version).

    An entry that is damaged or says that it is of something else is made anew.
    Several processes may build at once; each writes beside and renames.

    Args:
        extractor: The network.
        pixels: Pictures, (N, C, H, W), in [0, 255].
        key: Where they come from: the snapshot's digest. Their samples decide as
            well, so a choice of some of them is another entry.
        folder: Where entries lie; made if missing, safe to delete.

    Returns:
        Features, (N, d), equal to the last bit to those of `extract`.

    Raises:
        ConfigError: The pictures have another shape or type than `extract` takes.
        DataError: The entry cannot be written.
    """
    facts = _facts(extractor, pixels, key)
    path = folder / f"{digest_json(facts)[:32]}.npy"
    found = _opened(path, facts)
    if found is None:
        found = extract(extractor, pixels)
        with into_cache(folder, "Features"):
            _write(path, found, facts)
    return found


def _facts(extractor: Extractor, pixels: NDArray[np.uint8], key: str) -> dict[str, Any]:
    """All that decides the features."""
    return {
        "snapshot": key,
        "shape": list(pixels.shape),
        "samples": _digest(pixels),
        "extractor": extractor.digest,
        "dimensions": extractor.dimensions,
        "size": extractor.size,
        "channels": extractor.channels,
        "resize": extractor.resize,
        "scaling": extractor.scaling,
        "code_version": version(),
    }


def _digest(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of the samples, in constant memory: they may be mapped from a file."""
    total = hashlib.sha256()
    for first in range(0, len(pixels), CHUNK):
        total.update(pixels[first : first + CHUNK].tobytes())
    return total.hexdigest()


def _write(path: Path, found: NDArray[np.float64], facts: dict[str, Any]) -> None:
    with atomic_path(path) as part, part.open("wb") as file:
        # They were computed in float32, so nothing is lost.
        np.save(file, found.astype(np.float32), allow_pickle=False)
    write_json(path.with_suffix(".json"), _seal(path, facts))


def _seal(path: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """What the file beside the array says of it."""
    return {**facts, "sha256": digest_file(path)}


def _opened(path: Path, facts: dict[str, Any]) -> NDArray[np.float64] | None:
    """The features, or None where they or their seal are missing or do not fit."""
    try:
        if json.loads(path.with_suffix(".json").read_bytes()) != _seal(path, facts):
            return None
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    wanted = (facts["shape"][0], facts["dimensions"])
    return found.astype(np.float64) if found.shape == wanted else None
