"""Writes the catalogue that help and forms are made from: `python -m mintmark.tasks`."""

from pathlib import Path

from mintmark.core.files import write_json
from mintmark.tasks._task import catalogue

if __name__ == "__main__":
    write_json(Path(__file__).with_name("catalogue.json"), catalogue())
