"""Model cards: rendered from records, and read back.

A card is Markdown with YAML front matter, so that it opens on any model hub.
Class names, sources and notes come from people's folders; they reach the YAML
as JSON strings and the text through an escape.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mintmark.core.errors import PackageError
from mintmark.core.records import Lineage
from mintmark.models.conditions import Attribute, Number
from mintmark.models.families import FAMILIES
from mintmark.models.package import Config

MARKUP = re.compile(r"([\\`*_\[\]<>~&])|^([-+#=])")  # the second only opens a line
# What YAML 1.1 (section 5.1) wants escaped or takes for a line break.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
BACKTICKS = re.compile(r"`+")


def render(
    config: Config,
    lineage: Lineage,
    figures: Mapping[str, str],
    command: str,
    hardware: str,
    notes: Sequence[str],
) -> str:
    """The model card of a package.

    Args:
        config: What the package draws and is built from.
        lineage: Where it came from.
        figures: What was measured: name to value with its protocol in words.
        command: The command that made it.
        hardware: What it was trained on, in words.
        notes: Limits worth knowing, a sentence each.

    Returns:
        Markdown with front matter; `parse` gives the front matter back.
    """
    parts = [
        f"---\n{_yaml(_front_matter(config, lineage))}\n---",
        f"# {_plain(config.task)}",
        "## What it is\n\n" + _what(config),
        "## How to use\n\n" + _use(config),
        "## Training data and rights\n\n" + _rights(lineage),
        "## Figures\n\n" + _figures(figures, command, hardware),
        "## Limits\n\n" + _limits(notes),
    ]
    return "\n\n".join(parts) + "\n"


def parse(text: str) -> dict[str, Any]:
    """The front matter of a model card.

    Raises:
        PackageError: There is none, or it is not a YAML mapping.
    """
    from huggingface_hub import RepoCard  # 0.4 s, and needed only here

    try:
        front = vars(RepoCard(text).data)
    except Exception as error:
        raise PackageError(
            "The front matter of the model card is not a YAML mapping; correct it."
        ) from error
    if not front:
        raise PackageError("The model card has no front matter; add one between two --- lines.")
    return front


def _front_matter(config: Config, lineage: Lineage) -> dict[str, Any]:
    licence = lineage.rights.licence.lower()
    return {
        "license": "unknown" if licence == "unspecified" else licence,
        "library_name": "mintmark",
        "pipeline_tag": "image-to-image" if _restores(config) else "unconditional-image-generation",
        "tags": ["gan", "mintmark", config.family, config.task],
        "mintmark": {
            "version": config.library_version,
            "condition": config.conditions.kind,
            "classes": list(config.classes),
            "width": config.width,
            "height": config.height,
            "channels": config.channels,
            "snapshot": lineage.snapshot,
            "base": lineage.base,
            "seed": lineage.seed,
        },
    }


def _yaml(value: dict[str, Any]) -> str:
    """A line a key; the values are JSON, which YAML includes once they are printable."""
    lines = [f"{key}: {json.dumps(part, ensure_ascii=False)}" for key, part in value.items()]
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", "\n".join(lines))


def _restores(config: Config) -> bool:
    return FAMILIES[config.family].restores


def _what(config: Config) -> str:
    if _restores(config) and config.classes:
        names = ", ".join(_plain(name) for name in config.classes)
        return (
            f"A network of the family {_plain(config.family)} for {_plain(config.task)}, made with "
            f"Mintmark {_plain(config.library_version)}. It learned from pictures of "
            f"{config.width} x {config.height} pixels, and turns pictures into one of "
            f"{len(config.classes)} kinds: {names}."
        )
    if _restores(config):
        return (
            f"A network of the family {_plain(config.family)} for {_plain(config.task)}, made with "
            f"Mintmark {_plain(config.library_version)}. It learned at {config.width} "
            f"x {config.height} pixels and takes pictures of any size."
        )
    shape = f"{config.width} x {config.height} pixels with {config.channels} channel(s)"
    text = (
        f"A generator of the family {_plain(config.family)} that draws pictures of {shape}, made "
        f"with Mintmark {_plain(config.library_version)}."
    )
    if config.classes:
        names = ", ".join(_plain(name) for name in config.classes)
        text += f" It knows {len(config.classes)} classes: {names}."
    for one in config.conditions.attributes:
        text += f" It can be asked for {_plain(one.name)}: {_plain(_values(one))}."
    if config.conditions.words:
        text += f" It can be asked in words, of which it knows {len(config.conditions.words):,}."
    return text


def _values(one: Attribute) -> str:
    if isinstance(one, Number):
        return f"{one.low:g} to {one.high:g}"
    return ", ".join(one.values)


def _use(config: Config) -> str:
    if _restores(config):
        translates = " --to KIND" if config.classes else " --reference PICTURE"
        to = translates if "classes" in config.args else ""
        return _fenced(f"mintmark apply PACKAGE PICTURES --out made{to}", "sh")
    asked = {"class": " --class CLASS", "attributes": " --set NAME=VALUE", "text": ' --text "..."'}
    choice = asked.get(config.conditions.kind, "")
    shell = f"mintmark generate PACKAGE --out pictures --count 16 --seed 1{choice}"
    python = (
        "import mintmark as mm\n\n"
        'model = mm.load("PACKAGE")  # this folder, or hf://owner/name on the Hub\n'
        'model.generate("pictures", count=16, seed=1)'
    )
    return f"{_fenced(shell, 'sh')}\n\n{_fenced(python, 'python')}"


def _rights(lineage: Lineage) -> str:
    rights = lineage.rights
    lines = [
        f"Licence: {_plain(rights.licence)}",
        f"Attribution: {_plain('; '.join(rights.attribution)) or 'none given'}",
        f"Source: {_plain(rights.source) or 'none given'}",
        f"Data snapshot: {_plain(lineage.snapshot)}",
        f"Forked from run: {_plain(lineage.base or 'none, trained from scratch')}",
    ]
    marks = (
        "Every picture that Mintmark draws with it carries its recipe, these rights and the "
        "IPTC source type of generated media."
    )
    return _bullets(lines) + "\n\n" + marks


def _figures(figures: Mapping[str, str], command: str, hardware: str) -> str:
    measured = _bullets([f"{_plain(name)}: {_plain(value)}" for name, value in figures.items()])
    made = f"Made on {_plain(hardware)} by:\n\n{_fenced(command, 'sh')}"
    return f"{measured or 'None were measured.'}\n\n{made}"


def _limits(notes: Sequence[str]) -> str:
    return _bullets([_plain(note) for note in notes]) or "None were recorded."


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain(text: str) -> str:
    """Text on one line that Markdown shows as it stands."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
