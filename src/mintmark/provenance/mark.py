"""The only door by which generated media becomes a file.

A marked picture or clip carries an XMP packet (ISO 16684-1) with

* `Iptc4xmpExt:DigitalSourceType`, the IPTC term for media made by a trained model, or
  for a composite of such media with real pictures;
* the rights and the attribution of the data that the model learned from;
* the recipe that makes the same again, and its lineage, both as JSON.

No time enters the packet: the same recipe gives the same bytes.
"""

import json
import re
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

from mintmark.core.errors import ConfigError, DataError, InputError
from mintmark.core.files import digest_bytes, write_bytes
from mintmark.core.lineage import recipe_from_json, recipe_to_json, version
from mintmark.core.media import Clip, Picture
from mintmark.core.records import Artifact, Recipe, Rights
from mintmark.core.strict_json import parse_json
from mintmark.data.carried import NOTHING, Carried
from mintmark.data.clips import is_clip, read_clip_xmp
from mintmark.data.encode import ClipFormat, Format, encode, encode_clip
from mintmark.data.pictures import read_xmp
from mintmark.models.package import Package
from mintmark.provenance.lineage import output_lineage

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
Kind = TypeVar("Kind")
SHEET = -1  # the index of a recipe that stands for several pictures in one
MAX_PACKET = 256 << 10  # characters; ours have a few thousand
FORMATS: dict[str, Format] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
    ".tif": "tiff",
    ".tiff": "tiff",
}
# A file .webp is a picture or a clip; its content says which.
CLIPS: dict[str, ClipFormat] = {".mp4": "mp4", ".webp": "webp", ".gif": "gif"}

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mintmark": "urn:mintmark:ns:1.0#",
}
for _prefix, _uri in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
END = '<?xpacket end="r"?>'
# What XML 1.0 (section 2.2) has no place for, escaped or not.
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def mark(
    picture: Picture,
    package: Package,
    recipe: Recipe,
    format: Format = "png",
    source: str = TRAINED,
    carried: Carried = NOTHING,
) -> bytes:
    """Encodes a generated picture with its origin inside.

    Args:
        picture: What was generated.
        package: What generated it.
        recipe: What makes it again.
        format: One of `encode.Format`.
        source: `COMPOSITE` where real pictures are on it too.
        carried: Metadata of the picture that it was made from.

    Returns:
        The bytes of a file; the same for the same arguments.

    Raises:
        ConfigError: The recipe names another package.
        DataError: The picture or its packet is too large for the format.
    """
    return encode(picture, format, _packet(package, recipe, source), carried)


def mark_clip(clip: Clip, package: Package, recipe: Recipe, format: ClipFormat) -> bytes:
    """Encodes a generated clip with its origin inside.

    Args:
        clip: What was generated.
        package: What generated it.
        recipe: What makes it again.
        format: One of `encode.ClipFormat`.

    Returns:
        The bytes of a file; the same for the same arguments.

    Raises:
        ConfigError: The recipe names another package, or the extra `video` is
            not installed.
        DataError: The clip is too large or too fast for the format.
    """
    return encode_clip(clip, format, xmp=_packet(package, recipe, TRAINED))


def unmarked(real: Picture) -> bytes:
    """Encodes real pictures as PNG for a report; a mark on them would be a lie."""
    return encode(real, "png")


def write_marked(
    path: Path,
    picture: Picture,
    package: Package,
    recipe: Recipe,
    source: str = TRAINED,
    carried: Carried = NOTHING,
) -> Artifact:
    """Writes a generated picture to a file, whole or not at all.

    Args:
        path: Where; its suffix names the format, its folder must exist.
        picture: What was generated.
        package: What generated it.
        recipe: What makes it again; index -1 for a sheet of several.
        source: `COMPOSITE` where real pictures are on it too.
        carried: Metadata of the picture that it was made from.

    Returns:
        The artifact.

    Raises:
        ConfigError: The suffix is none of `FORMATS`, or the recipe names
            another package.
        DataError: The picture or its packet is too large for the format.
    """
    content = mark(picture, package, recipe, _format(path, FORMATS), source, carried)
    return _write(path, content, recipe)


def write_marked_clip(path: Path, clip: Clip, package: Package, recipe: Recipe) -> Artifact:
    """Writes a generated clip to a file, whole or not at all.

    Args:
        path: Where; its suffix names the format, its folder must exist.
        clip: What was generated.
        package: What generated it.
        recipe: What makes it again; index -1, since a clip is several pictures,
            and `inputs` says which.

    Returns:
        The artifact.

    Raises:
        ConfigError: The suffix is none of `CLIPS`, the recipe names another
            package, or the extra `video` is not installed.
        DataError: The clip is too large or too fast for the format.
    """
    content = mark_clip(clip, package, recipe, _format(path, CLIPS))
    return _write(path, content, recipe)


def read_recipe(content: bytes, name: str) -> Recipe:
    """The recipe inside a picture or a clip that nobody has vouched for.

    Args:
        content: The bytes of a file.
        name: How errors call it.

    Returns:
        The recipe as the file states it; nothing proves yet that it is true.

    Raises:
        DataError: It is neither, or carries no recipe that can be read.
    """
    root = _parse(content, name)
    text = None if root is None else _property(root, "mintmark", "recipe")
    if text is None:
        raise DataError(
            f"{name} carries no Mintmark recipe; give a file as Mintmark wrote it, since many "
            "programs drop the metadata when they save."
        )
    try:
        return recipe_from_json(parse_json(text, "its recipe"))
    except InputError as error:
        raise DataError(f"{name} carries a damaged recipe: {error}") from error


def source_type(content: bytes) -> str | None:
    """The IPTC digital source type that a picture or a clip states, or None.

    Raises:
        DataError: It is neither, or its metadata are malformed.
    """
    root = _parse(content, "The file")
    return None if root is None else _property(root, "Iptc4xmpExt", "DigitalSourceType")


def _format(path: Path, formats: dict[str, Kind]) -> Kind:
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise ConfigError(
            f"{path.name} has a suffix that Mintmark does not write; use one of "
            f"{', '.join(formats)}."
        )
    return formats[suffix]


def _write(path: Path, content: bytes, recipe: Recipe) -> Artifact:
    write_bytes(path, content)
    return Artifact(path, digest_bytes(content), None if recipe.index == SHEET else recipe)


def _packet(package: Package, recipe: Recipe, source: str) -> str:
    """The XMP packet; every text enters as a text node, never as markup."""
    if recipe.package != package.digest:
        raise ConfigError(
            f"The recipe names the package {recipe.package!r}, but {package.digest!r} made "
            "this; mark it with the recipe that made it."
        )
    rights = package.lineage.rights
    root = ElementTree.Element(_name("x", "xmpmeta"))
    rdf = ElementTree.SubElement(root, _name("rdf", "RDF"))
    about = {_name("rdf", "about"): ""}
    description = ElementTree.SubElement(rdf, _name("rdf", "Description"), about)
    texts = {
        ("xmp", "CreatorTool"): f"Mintmark {version()}",
        ("Iptc4xmpExt", "DigitalSourceType"): source,
        ("photoshop", "Credit"): "; ".join(rights.attribution),
        ("mintmark", "recipe"): _json(recipe_to_json(recipe)),
        ("mintmark", "lineage"): _json(output_lineage(package.lineage, recipe)),
    }
    for (prefix, name), text in texts.items():
        ElementTree.SubElement(description, _name(prefix, name)).text = _writable(text)
    statement = ElementTree.SubElement(description, _name("dc", "rights"))
    choices = ElementTree.SubElement(statement, _name("rdf", "Alt"))
    default = ElementTree.SubElement(choices, _name("rdf", "li"), {LANGUAGE: "x-default"})
    default.text = _writable(_rights_statement(rights))
    return f"{BEGIN}{ElementTree.tostring(root, encoding='unicode')}{END}"


def _rights_statement(rights: Rights) -> str:
    return f"Licence: {rights.licence}" + (f"; source: {rights.source}" if rights.source else "")


def _json(value: dict[str, Any]) -> str:
    # ASCII, so that every character survives XML and every encoding.
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _writable(text: str) -> str:
    return UNWRITABLE.sub("\ufffd", text)


def _name(prefix: str, name: str) -> str:
    return f"{{{NAMESPACES[prefix]}}}{name}"


def _parse(content: bytes, name: str) -> ElementTree.Element | None:
    packet = read_clip_xmp(content) if is_clip(content) else read_xmp(content)
    if packet is None:
        return None
    declares = "<!DOCTYPE" in packet or "<!ENTITY" in packet  # the way to entity bombs
    if len(packet) > MAX_PACKET or declares:
        raise DataError(f"{name} carries metadata that no honest program writes; leave it out.")
    try:
        return ElementTree.fromstring(packet)
    except ElementTree.ParseError as error:
        raise DataError(f"{name} carries metadata that are not XML; leave it out.") from error


def _property(root: ElementTree.Element, prefix: str, name: str) -> str | None:
    """A simple property, written as an element or (by other programs) as an attribute."""
    for description in root.iter(_name("rdf", "Description")):
        element = description.find(_name(prefix, name))
        text = description.get(_name(prefix, name)) if element is None else element.text
        if text:
            return text
    return None
