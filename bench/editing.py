"""Changing one attribute of avatars: is it there, and is all else as it was?

A package of `attributes` that learned the hair of the public set `avatars` gives every person of
`held-out`, whose combinations of attributes no run has seen, each colour of hair but their own.
A judge that learned from real avatars of all combinations says what it sees. Unit: a result.

Limits: the hair that was asked for in 0.9 of the results, and each other attribute kept in 0.9.

    python bench/editing.py [PACKAGE] [DATA] [PICTURE]

Without PACKAGE the shipped `avatars-hair` is judged. PICTURE is written with some people and
each of them with every colour of hair.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from runs import Pixels, cache, save_sheet
from translating import LOOKED, Labels, labels_of, way_of

from mintmark.actions import prepare, zoo
from mintmark.data.public.avatars import HAIR, SKIN
from mintmark.metrics import attributes as judges
from mintmark.metrics.attributes import Attribute
from mintmark.models.package import from_pretrained

SWITCHES = ("smile", "glasses", "beard")
ASKED = (
    Attribute("hair", tuple(sorted(HAIR))),
    Attribute("skin", tuple(sorted(SKIN))),
    *(Attribute(name, ("no", "yes")) for name in SWITCHES),
)
LIMIT = 0.9
SHOWN = 12


def read(folder: Path, shape: tuple[int, int, int]) -> tuple[Pixels, Labels]:
    """A part of the set, and what its pictures show."""
    data = prepare.read(folder)
    return np.asarray(data.pixels(shape, cache()).pixels), labels_of(data.snapshot, ASKED)


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "avatars-hair"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("data/avatars")
    prepare.get("avatars", folder)
    place = zoo.find(name)
    config = from_pretrained(place).config
    networks = from_pretrained(place, config.networks).networks
    learned, labels = read(folder / "train", config.shape)
    people, known = read(folder / "held-out", config.shape)
    half = np.arange(len(people)) % 2 == 0  # the judge sees combinations of all kinds
    judge = judges.fit(
        np.concatenate([learned, people[half]]),
        np.concatenate([labels, known[half]]),
        ASKED,
        0,
        LOOKED,
    )
    people, known = people[~half], known[~half]
    kinds, change = config.conditions.classes, way_of(networks)
    sheets = [change(people, kind) for kind in range(len(kinds))]
    wanted = known.repeat(len(kinds), axis=0).reshape(len(people), len(kinds), -1).copy()
    for kind, value in enumerate(kinds):
        wanted[:, kind, 0] = ASKED[0].values.index(value)
    other = wanted[:, :, 0] != known[:, :1]  # (N, kinds)
    results = np.stack(sheets, 1)[other]
    rates = {
        "real people": judges.agreement(judge, people, known),
        "changed": judges.agreement(judge, results, wanted[other]),
    }
    for title, found in rates.items():
        told = ", ".join(f"{key} {one.value:.3f}" for key, one in found.attributes.items())
        print(f"{title}, n = {len(people if title == 'real people' else results)}: {told}")
    if len(sys.argv) > 3:
        columns = [people[:SHOWN], *(sheet[:SHOWN] for sheet in sheets)]
        rows = [np.concatenate([*column.transpose(0, 2, 3, 1)], axis=1) for column in columns]
        save_sheet(Path(sys.argv[3]), np.concatenate(rows), times=2)
    sys.exit(int(min(one.value for one in rates["changed"].attributes.values()) < LIMIT))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
