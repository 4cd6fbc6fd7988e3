"""What this machine offers, and what a package is: for people who look before they leap."""

import platform
from importlib.util import find_spec
from pathlib import Path

import torch

from mintmark.actions.world import open_world
from mintmark.actions.zoo import find
from mintmark.core.lineage import version
from mintmark.metrics.extractors import Weights
from mintmark.metrics.extractors import weights as look_up
from mintmark.models.conditions import Attribute, Conditions, Number
from mintmark.models.package import from_pretrained

EXTRAS = {"tests and checks": "pytest", "documentation": "mkdocs"}
"""What an optional install adds, by a module that comes with it."""


def diagnose() -> dict[str, str]:
    """Settings, versions, device, precision and extras, by name."""
    world = open_world()
    rows = {
        "mintmark": version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": str(world.compute.device),
        "precision": str(world.compute.dtype).removeprefix("torch."),
        "threads": str(torch.get_num_threads()),
    }
    for name, module in EXTRAS.items():
        rows[name] = "installed" if find_spec(module) else "not installed"
    for name, value in world.settings.model_dump().items():
        rows[f"setting {name}"] = str(value)
    return rows


def weights() -> dict[str, dict[str, str]]:
    """Each file of published weights: what it is for, whether it is here, where it comes from."""
    folder = open_world().settings.weights
    return {known.name: _weights(known, folder) for known in look_up(folder)}


def _weights(known: Weights, folder: Path) -> dict[str, str]:
    states = {
        None: "present; your own conversion, so there is no digest to compare with",
        True: "present; the digest is the published one",
        False: "present, but the digest is not the published one: it will be refused",
    }
    missing = f"missing; put {' or '.join(known.files)} into {folder}"
    return {
        "enables": known.enables,
        "state": missing if known.path is None else f"{known.path}: {states[known.matches]}",
        "published at": known.published,
        "SHA-256": known.digest or "none: you convert this file yourself",
    }


def describe(source: str) -> dict[str, str]:
    """A package's task, networks, classes, pictures, rights and origin, by name.

    Raises:
        PackageError: It cannot be used; the sentence says why.
    """
    package = from_pretrained(find(source))
    config, origin = package.config, package.lineage
    weights = sum(p.numel() for p in package.networks["G"].parameters())
    return {
        "digest": package.digest,
        "task": config.task,
        "family": config.family,
        "pictures": f"{config.width} x {config.height}, {config.channels} channels",
        "asked by": asked_by(config.conditions),
        "weights": f"{weights:,}",
        "licence of the data": origin.rights.licence,
        "attribution": "; ".join(origin.rights.attribution) or "none",
        "data snapshot": origin.snapshot,
        "seed": str(origin.seed),
        "run": ", ".join(f"{name} {value}" for name, value in origin.run.items()),
        "made by": f"mintmark {origin.code_version}",
    }


def asked_by(conditions: Conditions) -> str:
    """What a package can be asked for, in words."""
    match conditions.kind:
        case "class":
            return f"--class: {', '.join(conditions.classes)}"
        case "attributes":
            return "--set: " + "; ".join(_values(one) for one in conditions.attributes)
        case "text":
            return f"--text, of {len(conditions.words):,} words, as in {conditions.examples[0]!r}"
        case _:
            return "nothing but a seed"


def _values(one: Attribute) -> str:
    if isinstance(one, Number):
        return f"{one.name} = {one.low:g} to {one.high:g}"
    return f"{one.name} = {', '.join(one.values)}"
