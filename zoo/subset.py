"""The pictures of a public set that come under given licences, as a set of their own.

A package with a guard holds small copies of what it learned from, so what is shipped learns
from free pictures alone:

    python zoo/subset.py data/icons/train data/logos CC0-1.0
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mintmark.core.records import Rights
from mintmark.data.public.parts import build_part, lines


def main() -> None:
    """Reads the arguments, writes the set."""
    source, out, *licences = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
    rows = [json.loads(row) for row in (source / "metadata.jsonl").read_text().splitlines()]
    chosen = [row for row in rows if row["licence"] in licences]
    rights = Rights(
        " AND ".join(sorted({row["licence"] for row in chosen})),
        tuple(sorted({row["attribution"] for row in chosen})),
        json.loads((source / "rights.json").read_text())["source"],
    )
    build_part(out, rights, files(source, chosen))
    sys.stdout.write(f"{out} holds {len(chosen)} of {len(rows)} pictures.\n")


def files(source: Path, rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """The pictures of rows, and their metadata."""
    for row in rows:
        yield row["file_name"], (source / row["file_name"]).read_bytes()
    yield "metadata.jsonl", lines(rows)


if __name__ == "__main__":
    main()
