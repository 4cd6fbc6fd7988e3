import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import pytest

from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_file
from mintmark.core.media import Clip, Picture
from mintmark.core.records import Lineage, Recipe, Rights
from mintmark.data.encode import ClipFormat, Format, encode, encode_clip
from mintmark.data.pictures import decode, read_xmp
from mintmark.models import r3gan
from mintmark.models.conditions import Conditions
from mintmark.models.package import Config, Package, from_pretrained, save_pretrained
from mintmark.provenance.mark import (
    CLIPS,
    FORMATS,
    MAX_PACKET,
    mark,
    mark_clip,
    read_recipe,
    source_type,
    write_marked,
    write_marked_clip,
)

ALL: tuple[Format, ...] = get_args(Format)
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
HOSTILE = "ünïcödé 😀 \"quoted\" 'single' <b>&amp; ]]> --> <!DOCTYPE x> \x00\x1b\n\t\\ end"
SHAPE = {"height": 8, "width": 8, "channels": 1}
ARGS: dict[str, Any] = {**SHAPE, **Conditions().sizes, "widths": [16, 16]}
PICTURE = Picture(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
CLIP = Clip(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8), 12)
ALL_CLIPS: tuple[ClipFormat, ...] = get_args(ClipFormat)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    config = Config("digits", "r3gan", ARGS, Conditions(), 8, 8, 1, ("G",), "0.1.0")
    rights = Rights("CC-BY-4.0", ("Ada", "Grace <g@x>"), "two & folders \x07")
    lineage = Lineage("ab" * 32, rights, "0.1.0", 3)
    folder = tmp_path_factory.mktemp("package") / "p"
    return save_pretrained(folder, config, r3gan.build(ARGS), lineage, "")


@pytest.fixture
def recipe(package: Package) -> Recipe:
    return Recipe(package.digest, "digits", 7, 2, {"class": 3, "psi": 0.7}, "cpu", "0.1.0")


def with_xmp(packet: str) -> bytes:
    return encode(PICTURE, "png", xmp=packet)


def wrapped(recipe: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:mintmark="urn:mintmark:ns:1.0#"><mintmark:recipe>{recipe}</mintmark:recipe>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


@pytest.mark.parametrize("format", ALL)
def test_the_mark_survives_every_format(package: Package, recipe: Recipe, format: Format) -> None:
    content = mark(PICTURE, package, recipe, format)
    assert read_recipe(content, "it") == recipe
    assert source_type(content) == TRAINED
    assert decode(content, "it").array.shape == (16, 16, 3)
    assert content == mark(PICTURE, package, recipe, format)


@pytest.mark.parametrize("format", ALL)
def test_hostile_inputs_come_back_as_they_were(
    package: Package, recipe: Recipe, format: Format
) -> None:
    odd = replace(recipe, inputs={HOSTILE: HOSTILE, "list": [1, None, {"a": True}]}, task=HOSTILE)
    assert read_recipe(mark(PICTURE, package, odd, format), "it") == odd


def test_pixels_are_untouched(package: Package, recipe: Recipe) -> None:
    content = mark(PICTURE, package, recipe)
    assert np.array_equal(decode(content, "it").array, PICTURE.array)


def test_the_packet_is_xmp_with_rights_and_lineage(package: Package, recipe: Recipe) -> None:
    packet = read_xmp(mark(PICTURE, package, recipe))
    assert packet is not None
    names = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "mintmark": "urn:mintmark:ns:1.0#",
    }
    root = ElementTree.fromstring(packet)

    def text(path: str) -> str:
        return root.findtext(f"rdf:RDF/rdf:Description/{path}", "", names)

    assert text("iptc:DigitalSourceType") == TRAINED
    assert text("xmp:CreatorTool").startswith("Mintmark ")
    assert text("photoshop:Credit") == "Ada; Grace <g@x>"
    assert text("dc:rights/rdf:Alt/rdf:li") == "Licence: CC-BY-4.0; source: two & folders \ufffd"
    assert json.loads(text("mintmark:lineage"))["rights"]["source"] == "two & folders \x07"
    assert json.loads(text("mintmark:recipe"))["package"] == package.digest


def test_nothing_but_the_arguments_decides_the_bytes(package: Package, recipe: Recipe) -> None:
    loaded = from_pretrained(package.path)
    first = mark(PICTURE, package, recipe)
    time.sleep(0.01)
    assert first == mark(PICTURE, loaded, replace(recipe, inputs={"psi": 0.7, "class": 3}))
    assert first != mark(PICTURE, package, replace(recipe, seed=8))


def test_a_sheet_is_marked_too(package: Package, recipe: Recipe) -> None:
    sheet = replace(recipe, index=-1)
    content = mark(PICTURE, package, sheet, "webp")
    assert read_recipe(content, "it") == sheet
    assert source_type(content) == TRAINED


def test_a_recipe_of_another_package(package: Package, recipe: Recipe) -> None:
    with pytest.raises(ConfigError, match="names the package 'f'"):
        mark(PICTURE, package, replace(recipe, package="f"))


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG"])
def test_writing(package: Package, recipe: Recipe, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    artifact = write_marked(path, PICTURE, package, recipe)
    assert (artifact.path, artifact.recipe) == (path, recipe)
    assert artifact.sha256 == digest_file(path)
    assert path.read_bytes() == mark(PICTURE, package, recipe, FORMATS[suffix.lower()])
    assert write_marked(path, PICTURE, package, replace(recipe, index=-1)).recipe is None


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.exe"])
def test_an_unknown_suffix(package: Package, recipe: Recipe, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"use one of \.png, \.jpg"):
        write_marked(tmp_path / name, PICTURE, package, recipe)
    assert not list(tmp_path.iterdir())


def test_a_packet_too_large_for_jpeg_writes_nothing(
    package: Package, recipe: Recipe, tmp_path: Path
) -> None:
    large = replace(recipe, inputs={"text": "x" * 70_000})
    with pytest.raises(DataError, match="jpeg"):
        write_marked(tmp_path / "a.jpg", PICTURE, package, large)
    assert not list(tmp_path.iterdir())


def test_pictures_without_a_recipe() -> None:
    for content in (encode(PICTURE, "png"), with_xmp(wrapped(""))):
        with pytest.raises(DataError, match=r"^photo\.png carries no Mintmark recipe"):
            read_recipe(content, "photo.png")
        assert source_type(content) is None
    with pytest.raises(DataError):
        read_recipe(b"no picture", "photo.png")


def test_a_recipe_that_another_program_wrote_as_an_attribute(recipe: Recipe) -> None:
    text = json.dumps(
        {
            "package": "p",
            "task": "t",
            "seed": 1,
            "index": 0,
            "inputs": {},
            "device": "cpu",
            "code_version": "0",
        }
    )
    packet = wrapped("").replace(
        'rdf:about=""', f'mintmark:recipe="{escape(text, {chr(34): "&quot;"})}"'
    )
    packet = packet.replace("<mintmark:recipe></mintmark:recipe>", "")
    assert read_recipe(with_xmp(packet), "it") == Recipe("p", "t", 1, 0, {}, "cpu", "0")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "packet",
    [
        BOMB + wrapped("&b;"),
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + wrapped("{}"),
        wrapped("x" * MAX_PACKET),
        wrapped("{}")[:-5],
        wrapped("&undefined;"),
        "<a>" * 20_000,
        "",
    ],
    ids=range(7),
)
def test_hostile_xml_is_refused(packet: str) -> None:
    with pytest.raises(DataError, match=r"^it\.png carries metadata .*leave it out\.$"):
        read_recipe(with_xmp(packet), "it.png")


def test_deep_xml_does_no_harm() -> None:
    deep = "<a>" * 30_000 + "</a>" * 30_000
    with pytest.raises(DataError, match="no Mintmark recipe"):
        read_recipe(with_xmp(deep), "it")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", "NaN", "[" * 9_000, '{"package": 1}', '"\\ud800"'],
    ids=range(7),
)
def test_a_damaged_recipe(text: str) -> None:
    with pytest.raises(DataError, match=r"^it carries a damaged recipe: [^\n]*\.$"):
        read_recipe(with_xmp(wrapped(text)), "it")


@pytest.mark.parametrize("format", ALL_CLIPS)
def test_the_mark_survives_every_format_of_clips(
    package: Package, recipe: Recipe, format: ClipFormat
) -> None:
    walk = replace(recipe, index=-1, inputs={"walk": [1, 2, 1], HOSTILE: HOSTILE})
    content = mark_clip(CLIP, package, walk, format)
    assert read_recipe(content, "it") == walk
    assert source_type(content) == TRAINED
    assert content == mark_clip(CLIP, package, walk, format)
    assert content != mark_clip(CLIP, package, replace(walk, seed=8), format)


@pytest.mark.parametrize("suffix", [*CLIPS, ".GIF"])
def test_writing_clips(package: Package, recipe: Recipe, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    artifact = write_marked_clip(path, CLIP, package, replace(recipe, index=-1))
    assert (artifact.path, artifact.recipe) == (path, None)
    assert artifact.sha256 == digest_file(path)
    assert read_recipe(path.read_bytes(), "it") == replace(recipe, index=-1)
    assert write_marked_clip(path, CLIP, package, recipe).recipe == recipe


def test_a_webp_of_one_frame_carries_its_mark_too(
    package: Package, recipe: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "a.webp"
    write_marked_clip(path, Clip(CLIP.frames[:1], 12), package, recipe)
    assert read_recipe(path.read_bytes(), "it") == recipe


@pytest.mark.parametrize("name", ["a.png", "a", "a.mp4.exe"])
def test_an_unknown_suffix_of_clips(
    package: Package, recipe: Recipe, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"use one of \.mp4, \.webp, \.gif"):
        write_marked_clip(tmp_path / name, CLIP, package, recipe)
    assert not list(tmp_path.iterdir())


def test_a_clip_that_cannot_be_marked_is_not_written(
    package: Package, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in CLIPS:
        with pytest.raises(ConfigError, match="names the package 'f'"):
            write_marked_clip(tmp_path / f"a{suffix}", CLIP, package, replace(recipe, package="f"))
    with pytest.raises(DataError, match="at most 50 frames"):
        write_marked_clip(tmp_path / "a.gif", Clip(CLIP.frames, 60), package, recipe)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match="extra `video`"):
        write_marked_clip(tmp_path / "a.mp4", CLIP, package, recipe)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ALL_CLIPS)
def test_hostile_packets_in_clips_are_refused(format: ClipFormat) -> None:
    for packet in (BOMB + wrapped("&b;"), wrapped("x" * MAX_PACKET), wrapped("{}")[:-5]):
        with pytest.raises(DataError, match=r"^it carries metadata .*leave it out\.$"):
            read_recipe(encode_clip(CLIP, format, packet), "it")
    with pytest.raises(DataError, match=r"^it carries a damaged recipe: [^\n]*\.$"):
        read_recipe(encode_clip(CLIP, format, wrapped("{")), "it")


@pytest.mark.parametrize("format", ALL_CLIPS)
def test_clips_without_a_recipe_or_cut_short(
    package: Package, recipe: Recipe, format: ClipFormat
) -> None:
    plain = encode_clip(CLIP, format)
    assert source_type(plain) is None
    with pytest.raises(DataError, match=r"^it carries no Mintmark recipe"):
        read_recipe(plain, "it")
    content = mark_clip(CLIP, package, recipe, format)
    with pytest.raises(DataError):
        read_recipe(content[:100], "it")
    for length in range(0, len(content), 97):
        with suppress(DataError):  # else the packet is whole, as in a GIF before its frames
            assert read_recipe(content[:length], "it") == recipe
