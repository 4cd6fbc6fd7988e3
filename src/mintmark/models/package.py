"""A trained model on disk: a folder that proves what it holds.

    config.json          task, family, args, conditions, networks, picture, version
    G.safetensors        averaged weights of the generator (config in the header)
    F.safetensors        those of its first, faithful stage, where it had two
    D.safetensors        the discriminator, if it is kept for fine-tuning
    README.md            model card with front matter
    known.safetensors    what it remembers of its training pictures (`actions.known`), if kept
    lineage.json         data snapshot, rights, seed, base and run it came from
    samples/*.png        pictures at fixed seeds
    manifest.json        SHA-256 of all the others

Loading checks every digest, builds the networks from the config, and loads the
weights strictly. It runs no code from the folder and reads no pickle.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mintmark.core import files, lineage, strict_json
from mintmark.core.errors import ConfigError, InputError, PackageError
from mintmark.core.media import CHANNELS
from mintmark.core.records import Lineage
from mintmark.models import contents, hub, weights
from mintmark.models.conditions import Conditions
from mintmark.models.families import FAMILIES

FORMAT = 2
DRAWING = (
    Tensor.normal_,
    Tensor.uniform_,
    nn.init.normal_,
    nn.init.uniform_,
    nn.init.kaiming_uniform_,
)
"""What layers draw their first weights with."""

NETWORKS = (("G",), ("G", "D"), ("G", "F", "D"))
HUB = "hf://"  # only a name that says so is looked up, so a mistyped path calls nobody

CONFIG = {
    "format": int,
    "task": str,
    "family": str,
    "args": dict,
    "conditions": dict,
    "networks": list,
    "library_version": str,
    "picture": dict,
}


@dataclass(frozen=True)
class Config:
    """What a package's networks are built from and what they draw.

    Attributes:
        task: Name of the task.
        family: Key into FAMILIES.
        args: Arguments of the family, JSON values.
        conditions: What it can be asked for.
        height: Rows of the pictures, in pixels.
        width: Columns of the pictures.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        networks: Which networks the package holds, `G` first.
        library_version: The version of Mintmark that wrote it.
    """

    task: str
    family: str
    args: Mapping[str, Any]
    conditions: Conditions
    height: int
    width: int
    channels: int
    networks: tuple[str, ...]
    library_version: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of their numbers; may be empty."""
        return self.conditions.classes

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the pictures."""
        return self.channels, self.height, self.width

    def to_json(self) -> dict[str, Any]:
        """The content of config.json."""
        return {
            "format": FORMAT,
            "task": self.task,
            "family": self.family,
            "args": dict(self.args),
            "conditions": self.conditions.to_json(),
            "networks": list(self.networks),
            "library_version": self.library_version,
            "picture": {"height": self.height, "width": self.width, "channels": self.channels},
        }

    @classmethod
    def from_json(cls, value: Any) -> "Config":
        """Reads the content of config.json.

        Raises:
            InputError: A field is absent, unknown or of another type, or the
                format is newer than this version of Mintmark.
        """
        format = value.get("format") if isinstance(value, dict) else None
        if isinstance(format, int) and format > FORMAT:
            raise PackageError(
                f"The package was made by a newer Mintmark (format {format}, this one reads "
                f"{FORMAT}): upgrade Mintmark."
            )
        if format == 1:
            raise PackageError(
                "The package was made by an early Mintmark (format 1), whose networks this one "
                "does not build any more: train it again."
            )
        fields = strict_json.check_fields(value, CONFIG, "config.json")
        picture = strict_json.check_fields(
            fields["picture"],
            {"height": int, "width": int, "channels": int},
            "'picture' in config.json",
        )
        networks = strict_json.texts(fields["networks"], "'networks' in config.json")
        known = fields["format"] == FORMAT and networks in NETWORKS
        sides = min(picture["height"], picture["width"])
        if not known or sides < 1 or picture["channels"] not in CHANNELS:
            raise PackageError(
                "config.json has a format, networks or a picture size that Mintmark never wrote; "
                "restore it from where it came."
            )
        return cls(
            task=fields["task"],
            family=fields["family"],
            args=fields["args"],
            conditions=Conditions.from_json(fields["conditions"]),
            networks=networks,
            library_version=fields["library_version"],
            **picture,
        )


@dataclass(frozen=True)
class Package:
    """A loaded package.

    Attributes:
        config: What it draws and is built from.
        networks: The networks asked for, by name, float32, in eval mode.
        lineage: Where it came from.
        digest: What tells it from every other: see `identity`.
        path: The folder.
    """

    config: Config
    networks: dict[str, nn.Module]
    lineage: Lineage
    digest: str
    path: Path


def identity(digests: Mapping[str, str]) -> str:
    """The digest of a package.

    It covers config.json, G.safetensors and lineage.json: what decides the
    pictures and their rights. The samples in the package can therefore carry
    it, and a corrected model card does not change it.

    Args:
        digests: SHA-256 by file name, at least of those three.
    """
    return files.digest_json({name: digests[name] for name in contents.NEEDED})


def save_pretrained(
    folder: Path,
    config: Config,
    networks: Mapping[str, nn.Module],
    origin: Lineage,
    card: str,
    samples: Callable[[Package], Mapping[str, bytes]] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Package:
    """Writes a package, whole or not at all.

    It is written to a folder beside, read back, and then renamed; a package
    that was at `folder` stays until then.

    Args:
        folder: Where the package shall be.
        config: What it draws and is built from.
        networks: At least those that `config.networks` names; averaged weights.
        origin: Where it came from.
        card: The model card, Markdown with front matter.
        samples: Draws the sample files (name to content) from the package as
            it will be loaded, so that they can carry its digest; it still lies beside.
        extra: Other files by name; they do not change the package's identity.

    Returns:
        The package, read back from the disk.

    Raises:
        PackageError: `folder` holds something else than a whole package, or
            the networks do not fit the config.
    """
    folder = folder.resolve()
    with contents.replacing(folder) as part:
        files.write_json(part / "config.json", config.to_json())
        files.write_json(part / "lineage.json", lineage.lineage_to_json(origin))
        header = json.dumps(config.to_json(), sort_keys=True)
        for name in config.networks:
            content = weights.to_bytes(networks[name].state_dict(), header)
            files.write_bytes(part / f"{name}.safetensors", content)
        files.write_text(part / "README.md", card)
        for name, content in (extra or {}).items():
            files.write_bytes(part / name, content)
        contents.write_manifest(part)
        if samples is not None:
            _write_samples(part, samples(_load(part, ("G",), part, part)))
        return _load(part, config.networks, part, folder)


def from_pretrained(
    source: str | Path, networks: tuple[str, ...] = ("G",), revision: str | None = None
) -> Package:
    """Loads a package from a folder or from the Hugging Face Hub.

    Args:
        source: A folder; or `hf://owner/name` on the Hub, which needs the network
            where its cache is stale.
        networks: Which networks to load.
        revision: Branch, tag or commit on the Hub.

    Returns:
        The package.

    Raises:
        PackageError: It is no package, damaged, changed, foreign, from the
            future, or cannot be reached; the sentence says which.
    """
    if isinstance(source, str) and source.startswith(HUB):
        folder = hub.download(source.removeprefix(HUB), revision)
        # The Hub's cache holds links from snapshots/<commit>/ into blobs/.
        return _load(folder, networks, folder.parents[1], folder)
    folder = Path(source).resolve()
    return _load(folder, networks, folder, folder)


def read_file(package: Package, name: str) -> bytes:
    """The content of one more file of a package, proved by its digest.

    Raises:
        PackageError: The package has no such file, or it was changed.
    """
    # The Hub's cache holds links from snapshots/<commit>/ into blobs/.
    linked = (package.path / contents.MANIFEST).is_symlink()
    store = package.path.parents[1] if linked else package.path
    digests = contents.read_manifest(package.path, store)
    if name not in digests:
        raise PackageError(
            f"{package.path} has no {name}, which this needs; train the package again."
        )
    found = contents.checked(package.path, {name: digests[name]})
    return next(content for _, content in found)


def verify(path: Path) -> tuple[str, ...]:
    """Checks every file of a package folder against its digest.

    Args:
        path: The folder.

    Returns:
        The names of the files that were checked.

    Raises:
        PackageError: Something is missing, changed, unlisted or unfit.
    """
    folder = path.resolve()
    digests = contents.read_manifest(folder, folder)
    return tuple(name for name, _ in contents.checked(folder, digests))


def _load(folder: Path, names: tuple[str, ...], store: Path, path: Path) -> Package:
    """Loads a package whose files all lie in `store`, to be known as `path`."""
    digests = contents.read_manifest(folder, store)
    wanted = {"config.json", "lineage.json", *(f"{name}.safetensors" for name in names)}
    found = {name: data for name, data in contents.checked(folder, digests) if name in wanted}
    try:
        config = Config.from_json(strict_json.parse_json(found["config.json"], "config.json"))
        record = strict_json.parse_json(found["lineage.json"], "lineage.json")
        origin = lineage.lineage_from_json(record)
    except InputError as error:
        raise PackageError(f"{folder}: {error}") from error
    _check_networks(folder, config, names, digests)
    _require_consistent(folder, config)
    skeletons = _build(folder, config)
    networks = {
        name: _fill(folder, name, skeletons[name], found[f"{name}.safetensors"]) for name in names
    }
    return Package(config, networks, origin, identity(digests), path)


def _check_networks(
    folder: Path, config: Config, names: tuple[str, ...], digests: Mapping[str, str]
) -> None:
    for name in config.networks:
        if f"{name}.safetensors" not in digests:
            raise PackageError(f"{folder}: {name}.safetensors is missing; fetch the package again.")
    if absent := sorted(set(names) - set(config.networks)):
        raise PackageError(
            f"{folder} holds no network {absent[0]!r}; ask for {', '.join(config.networks)}."
        )


def _require_consistent(folder: Path, config: Config) -> None:
    """The networks' own arguments must draw the pictures and conditions that the config tells."""
    told = {
        "height": config.height,
        "width": config.width,
        "channels": config.channels,
        **config.conditions.sizes,
    }
    for name, value in told.items():
        if config.args.get(name, 0) != value:  # a kind of condition that is absent is none
            raise PackageError(
                f"{folder}: config.json contradicts itself: {name} is {config.args.get(name)!r} "
                f"for the networks and {value} for the pictures; restore it."
            )


class _WithoutValues(TorchFunctionMode):
    """Leaves first weights undrawn: of tensors without storage that takes seconds of imports."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _build(folder: Path, config: Config) -> dict[str, nn.Module]:
    """Networks without storage: no memory is spent and nothing random drawn."""
    if config.family not in FAMILIES:
        raise PackageError(
            f"{folder} is of the family {config.family!r}, but this Mintmark only knows "
            f"{', '.join(sorted(FAMILIES))}: upgrade Mintmark."
        )
    try:
        with torch.device("meta"), _WithoutValues():
            networks = FAMILIES[config.family].build(config.args)
            return {**networks, "F": copy.deepcopy(networks["G"])}
    except ConfigError as error:
        raise PackageError(f"{folder}: config.json does not make sense: {error}") from error
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:  # torch refuses
        raise PackageError(
            f"{folder}: config.json describes networks that cannot be built; restore it."
        ) from error


def _fill(folder: Path, name: str, network: nn.Module, content: bytes) -> nn.Module:
    file = f"{folder}: {name}.safetensors"
    loaded = weights.from_bytes(content, file)
    expected = network.state_dict()
    if odd := sorted(set(loaded) ^ set(expected)):
        state = "lacks" if odd[0] in expected else "has the unknown tensor"
        raise PackageError(f"{file} does not fit its config.json: it {state} {odd[0]!r}.")
    for key, tensor in sorted(loaded.items()):  # the library gives them in random order
        if _form(tensor) != _form(expected[key]):
            raise PackageError(
                f"{file} does not fit its config.json: {key} is {list(tensor.shape)} in the file "
                f"but {list(expected[key].shape)} by the config."
            )
    network.load_state_dict(loaded, strict=True, assign=True)
    return network.eval()


def _form(tensor: Tensor) -> tuple[torch.Size, bool]:
    return tensor.shape, tensor.is_floating_point()


def _write_samples(folder: Path, samples: Mapping[str, bytes]) -> None:
    (folder / "samples").mkdir()
    for name, content in samples.items():
        files.write_bytes(files.safe_join(folder / "samples", name), content)
    files.sync(folder / "samples")
    contents.write_manifest(folder)
