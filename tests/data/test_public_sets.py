"""Each public set, small, from the real packages.

They lie in the cache of pytest and are fetched once; where they cannot be had, the
tests of that set are skipped and say so.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mintmark.core.errors import ConfigError
from mintmark.core.settings import settings
from mintmark.data.manifest import Snapshot
from mintmark.data.pictures import decode
from mintmark.data.public import (
    app_icons,
    avatars,
    drawing,
    emoji,
    fetch,
    icons,
    names,
    outlines,
    paintings,
    patches,
    photos,
    pixel_avatars,
    scenes,
)
from mintmark.data.readers import open_source, take_snapshot

SETS: dict[str, tuple[ModuleType, dict[str, int]]] = {
    "app-icons": (app_icons, {"limit": 40}),
    "avatars": (avatars, {"count": 96}),
    "pixel-avatars": (pixel_avatars, {"count": 96}),
    "emoji": (emoji, {"limit": 20}),
    "icons": (icons, {"limit": 40}),
    "outlines": (outlines, {"limit": 80}),
    "paintings": (paintings, {"limit": 2}),
    "photos": (photos, {"limit": 2}),
    "scenes": (scenes, {"limit": 8}),
}
GROUPED = ("app-icons", "emoji", "icons", "paintings", "photos", "scenes")
Build = Callable[[str], Path]


@pytest.fixture
def packages(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MINTMARK_CACHE", str(pytestconfig.cache.mkdir("public-sets")))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a set once for all tests of this file."""

    @lru_cache
    def build(name: str) -> Path | str:
        module, limits = SETS[name]
        try:
            return Path(module.build(tmp_path_factory.mktemp(name), **limits))
        except ConfigError as error:
            return str(error)

    def built(name: str) -> Path:
        found = build(name)
        if isinstance(found, str):
            pytest.skip(f"THE PUBLIC SET {name} IS NOT TESTED: {found}")
        return found

    return built


@pytest.fixture
def built(packages: None, builder: Build) -> Build:
    return builder


def snapshot(folder: Path) -> Snapshot:
    found, broken = take_snapshot(open_source(folder))
    assert not broken
    return found


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", SETS)
def test_a_second_build_gives_the_same_bytes_offline(
    name: str, built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = contents(built(name))
    module, limits = SETS[name]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").symlink_to(shutil.which("node") or "")  # no npm, no apt-get
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    module.build(tmp_path / "again", **limits)
    assert contents(tmp_path / "again") == first
    monkeypatch.setenv("PATH", "")
    module.build(tmp_path / "again", **limits)  # all of it is there


@pytest.mark.parametrize("name", [name for name in SETS if name != "scenes"])
def test_pictures_are_64_pixels_and_what_is_clear_is_white(name: str, built: Build) -> None:
    channels = 4 if name in ("app-icons", "emoji", "icons") else 3
    for item in sorted((built(name) / "train").rglob("*.png"))[:20]:
        array = decode(item.read_bytes(), item.name).array
        assert array.shape == (64, 64, channels)
        assert array.std() > 0
        if channels == 4:
            assert (array[array[..., 3] == 0] == (255, 255, 255, 0)).all()


@pytest.mark.parametrize("name", GROUPED)
def test_no_group_is_on_both_sides(name: str, built: Build) -> None:
    sides = [snapshot(built(name) / part).items for part in ("train", "held-out")]
    train, held = ({item.attributes["group"] for item in items} for items in sides)
    assert train and held and not train & held


@pytest.mark.parametrize("name", SETS)
def test_rights_hold_every_licence_and_name(name: str, built: Build) -> None:
    for part in ("train", "held-out"):
        found = snapshot(built(name) / part)
        assert found.rights.attribution and found.rights.source
        licences = found.rights.licence.split(" AND ")
        for item in found.items:
            assert item.attributes.get("licence", licences[0]) in licences
            assert "attribution" not in item.attributes or (
                item.attributes["attribution"] in found.rights.attribution
            )
    expected = {
        "app-icons": "GPL-3.0-only",
        "avatars": "LicenseRef-Avataaars-free-use",
        "pixel-avatars": "CC0-1.0",
        "emoji": "CC-BY-4.0 AND CC-BY-SA-4.0 AND OFL-1.1",
        "outlines": "CC-BY-SA-4.0",
    }
    assert found.rights.licence == expected.get(name, found.rights.licence)


def test_the_extra_that_draws_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ConfigError, match=r"pip install 'mintmark\[public\]'"):
        drawing.draw("<svg/>")


def test_restricted_icons_are_absent_and_the_rest_is_there(built: Build) -> None:
    built("icons")
    package = fetch.npm("simple-icons")
    every = json.loads((package / "data" / "simple-icons.json").read_bytes())
    usable = icons.usable(package)
    assert (len(every), len(every) - len(usable)) == (3470, 36)
    left = {icons.licence(entry) for entry in usable}
    assert not [one for one in left if {"NC", "ND", "custom"} & set(one.split("-"))]
    assert {"CC0-1.0", "MIT", "CC-BY-SA-4.0"} <= left


def test_car_makers_are_all_in_the_collection(built: Build) -> None:
    built("icons")
    entries = json.loads((fetch.npm("simple-icons") / "data" / "simple-icons.json").read_bytes())
    makers = {name.strip() for name in icons.CAR_MAKERS.split(",")}
    assert makers <= {entry["title"] for entry in entries} and len(makers) > 50


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("FF0000", "red"),
        ("FF0022", "red"),
        ("FF8800", "orange"),
        ("FFDD00", "yellow"),
        ("00AA33", "green"),
        ("00BBDD", "cyan"),
        ("1155DD", "blue"),
        ("6633CC", "purple"),
        ("EE44AA", "pink"),
        ("7A4A1E", "brown"),
        ("101010", "black"),
        ("888888", "grey"),
        ("FFFFFF", "white"),
    ],
)
def test_colours_have_their_words(code: str, word: str) -> None:
    assert icons.colour(code) == word


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("org.gnome.Maps", ["gnome", "maps"]),
        ("AdobeXD", ["adobe", "xd"]),
        ("7-days-to-die", ["7", "days", "to", "die"]),
        ("com", ["com"]),
        ("_", ["_"]),
    ],
)
def test_names_of_programs_become_words(name: str, said: list[str]) -> None:
    assert app_icons.words(name) == said


def test_held_out_captions_say_only_words_that_training_saw(built: Build) -> None:
    built("emoji")
    train, held = emoji.split(list(names.emoji()))
    assert 80 < len(held) < 200 and len(train) + len(held) > 1600
    assert not {one.group for one in train} & {one.group for one in held}
    seen = {word for one in train for word in names.words(one.label)}
    assert all(names.words(one.label) <= seen for one in held)
    assert not [one for one in train + held if one.label.startswith("flag: ")]


def test_all_artists_draw_the_same_side(built: Build) -> None:
    for part in ("train", "held-out"):
        by_style: dict[str, set[str]] = {}
        for item in snapshot(built("emoji") / part).items:
            by_style.setdefault(item.attributes["style"], set()).add(item.attributes["group"])
            assert item.text and item.text.startswith(item.attributes["style"])
        assert set(by_style) == {"noto", "openmoji", "twemoji"}
        assert len(set.intersection(*by_style.values())) > 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1F468-200D-1F4BB", "1F9D1-200D-1F4BB"),  # man technologist, technologist
        ("1F3C3-200D-2640-FE0F", "1F3C3"),  # woman running, person running
        ("1F468-200D-1F466", "1F9D1-200D-1F9D2"),  # families
        ("1F469-200D-2764-200D-1F48B-200D-1F468", "1F48F"),  # kisses
        ("2764-FE0F", "2764"),
    ],
)
def test_variants_of_one_drawing_are_one_group(one: str, other: str) -> None:
    assert names.base(names.plain(one)) == names.base(other)


def test_no_outline_occurs_twice_and_lines_stay_dark(built: Build) -> None:
    pairs = [
        (path.read_bytes(), (path.parents[1] / "target" / path.name).read_bytes())
        for path in built("outlines").rglob("input/*.png")
    ]
    assert len(pairs) == len({ink for ink, _ in pairs}) == 80
    kept = []
    for ink, colour in pairs:
        line = decode(ink, "input").array.mean(-1) < 64
        kept.append(float((decode(colour, "target").array.mean(-1)[line] < 96).mean()))
    assert np.mean(kept) > 0.9


def test_photographs_are_whole_on_one_side_and_so_are_the_authors_of_others() -> None:
    parts = {part: photos.names_of(part) for part in photos.PARTS}
    assert {part: len(names) for part, names in parts.items()} == {
        "train": 36, "held-out": 5, "held-out-others": 4,
    }  # fmt: skip
    assert sorted(name for names in parts.values() for name in names) == sorted(photos.PHOTOS)
    packages = {photos.PHOTOS[name].package for name in photos.HELD_OUT}
    assert packages == {photos.MATE, photos.PLASMA}
    rest = {photos.PHOTOS[name].author for name in (*parts["train"], *photos.HELD_OUT)}
    assert not rest & {photos.PHOTOS[name].author for name in photos.OTHERS}


def test_held_out_photographs_stay_the_bytes_that_figures_were_measured_on(built: Build) -> None:
    found = photos.whole(held_out=True)
    assert tuple(found) == photos.HELD_OUT
    known = {  # shape, and sum of all samples
        "ColorfulCups": ((800, 1280, 3), 389578096),
        "LadyBird": ((800, 1280, 3), 322262034),
    }
    built("photos")
    assert {name: (found[name].shape, int(found[name].sum())) for name in known} == known


def test_scenes_are_photographs_whole_on_one_side_as_photos_has_them(built: Build) -> None:
    built("scenes")
    train, held_out = (scenes.scenes(part) for part in scenes.PARTS)
    assert (len(train), len(held_out)) == (326, 35)
    assert len({name.lower() for name in (*train, *held_out)}) == 361
    assert set(photos.names_of("train")) < set(train) and set(photos.HELD_OUT) < set(held_out)
    assert not set(photos.OTHERS) & {*train, *held_out}
    assert not set(scenes.NO_PHOTOGRAPHS) & {*train, *held_out}
    for name in ("Aqua", "badlands0", "baseball-field"):  # one of each source
        shape = (train | held_out)[name].read().shape
        assert shape[2] == 3 and 200 <= max(shape) <= scenes.LONGEST


@pytest.mark.parametrize(
    ("name", "licence", "author"),
    [
        ("bwerner8", "CC-BY-SA-3.0", "Berthold Werner"),
        ("valley15-harro", "CC-BY-SA-4.0", "harro.eu"),
        ("station4", "LicenseRef-public-domain", "NASA"),
        ("lava5", "CC-BY-SA-4.0", "Michael Zahniser"),
        ("space2", "LicenseRef-public-domain", "somebody on unsplash.com"),
        ("city9", "LicenseRef-public-domain", "somebody on morguefile.com or unsplash.com"),
    ],
)
def test_each_landscape_is_credited_as_its_package_says(
    name: str, licence: str, author: str
) -> None:
    assert scenes.credit(name) == (licence, f"{author}, in Endless Sky")


def test_paintings_are_whole_on_one_side_and_wide_enough(built: Build) -> None:
    assert set(paintings.HELD_OUT) < set(paintings.PAINTINGS) and len(paintings.PAINTINGS) == 19
    for part, groups in (("train", 2), ("held-out", 2)):
        names = [item.name for item in snapshot(built("paintings") / part).items]
        assert len({name.partition("-")[0] for name in names}) == groups
        lefts = {int(name[-8:-4]) for name in names}
        assert max(lefts) == patches.LONGEST - 64  # each reaches from edge to edge


def test_the_metadata_of_paintings_says_what_the_table_says(built: Build) -> None:
    built("paintings")
    package = fetch.debian("plasma-workspace-wallpapers", paintings.FOLDER)
    for name, (_, licence, author) in paintings.PAINTINGS.items():
        (file,) = (package / name).glob("metadata.*")
        said = file.read_text("utf-8")
        short = "LGPLv3" if licence == paintings.LGPL else licence
        assert author in said and short in said, name


def test_the_held_out_combinations_are_never_trained_on(built: Build) -> None:
    seen, unseen = avatars.combinations()
    assert (len(seen), len(unseen)) == (192, 48) and not set(seen) & set(unseen)
    told = {
        part: {item.text for item in snapshot(built("avatars") / part).items}
        for part in ("train", "held-out", "held-out-seen")
    }
    assert told["train"] <= {one.caption for one in seen}
    assert told["held-out"] <= {one.caption for one in unseen}
    assert told["held-out-seen"] <= told["train"]


def test_people_of_both_styles_have_the_same_attributes(built: Build) -> None:
    _, unseen = avatars.combinations()
    drawn = [snapshot(built("pixel-avatars") / part).items for part in ("train", "held-out")]
    held = {item.text for item in snapshot(built("avatars") / "held-out").items}
    assert {item.text for item in drawn[1]} <= {one.caption for one in unseen}
    assert not {item.text for item in drawn[0]} & (held | {one.caption for one in unseen})


def test_pixel_people_show_the_colours_that_they_are_said_to_have(built: Build) -> None:
    folder = built("pixel-avatars") / "train"
    for item in snapshot(folder).items:
        array = decode((folder / item.name).read_bytes(), item.name).array
        known = item.attributes
        hair, skin = avatars.HAIR[str(known["hair"])], avatars.SKIN[str(known["skin"])]
        lit = [0.9 * level + 25.5 for level in bytes.fromhex(skin)]  # the head is drawn lighter
        for colour, least in (
            ([*bytes.fromhex(avatars.BACKGROUND)], 400),
            ([*bytes.fromhex(hair)], 100),
            (lit, 40),
        ):
            shown = (np.abs(array.astype(float) - colour) <= 2).all(2).sum()
            assert shown >= least, (item.name, colour)


def test_captions_say_the_attributes(built: Build) -> None:
    bare = avatars.Attributes(smile=False, hair="red", skin="tan", glasses=False, beard=False)
    full = avatars.Attributes(smile=True, hair="red", skin="tan", glasses=True, beard=True)
    assert bare.caption == "serious person with red hair and tan skin"
    assert full.caption == "smiling person with red hair, tan skin, glasses and a beard"


def test_edit_pairs_differ_where_the_attribute_is_and_nowhere_else(built: Build) -> None:
    folder = built("avatars") / "pairs"
    rows = [
        json.loads(line) for line in (folder / "metadata-of-pairs.jsonl").read_bytes().splitlines()
    ]
    assert len(rows) == 6 and {"id", "attribute", "from", "to"} == set(rows[0])
    for row in rows:
        before, after = (
            decode((folder / side / f"{row['id']}.png").read_bytes(), side).array.astype(int)
            for side in ("before", "after")
        )
        changed = (before != after).any(-1)
        assert row["from"] != row["to"] and changed.any()
        assert not changed[:, :2].any() or row["attribute"] == "hair"
        if row["attribute"] in ("smile", "glasses"):
            assert changed.mean() < 0.15


def test_every_attribute_changes_in_some_pair() -> None:
    seen, _ = avatars.combinations()
    people = list(avatars._people("pairs", seen, 500))
    rows = [avatars._change(person, avatars._changed(person, seen)) for person in people]
    counts = Counter(row["attribute"] for row in rows)
    assert set(counts) == {"smile", "hair", "skin", "glasses", "beard"}
    assert all(60 < count < 160 for count in counts.values())


def test_part_maps_name_the_pixels_of_their_pictures(built: Build) -> None:
    folder = built("avatars") / "parts"
    seen, _ = avatars.combinations()
    found, between = set(), 0
    for person in avatars._people("parts", seen, 6):
        name = f"{person.id}.png"
        parts = decode((folder / "map" / name).read_bytes(), name).array[..., 0]
        picture = decode((folder / "picture" / name).read_bytes(), name).array
        found |= set(np.unique(parts).tolist())
        known = person.attributes
        colours = (avatars.BACKGROUND, avatars.SKIN[known.skin], avatars.HAIR[known.hair])
        for number, colour in enumerate(colours):
            middle = np.median(picture[parts == number], axis=0)
            assert np.abs(middle - list(bytes.fromhex(colour))).max() < 16
        # What mixes skin and hair at a smoothed edge is near to neither paint.
        left, right = parts[:, :-2], parts[:, 2:]
        ends = (left == 1) & (right == 2) | (left == 2) & (right == 1)
        between += int((ends & (parts[:, 1:-1] == 4)).sum())
    assert between < 60
    assert found == set(range(len(avatars.PARTS)))
