import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mintmark.core.errors import DataError
from mintmark.core.records import Rights
from mintmark.data.metadata import parse_csv
from mintmark.data.readers import Broken, natural, open_source, take_snapshot

Fill = Callable[..., list[Path]]


def packed(folder: Path) -> Path:
    """The same tree in a zip."""
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.fixture(params=["folder", "zip", "wrapped"])
def lay(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Gives a folder as it is, as a zip, and as a zip with a folder around everything."""

    def give(folder: Path) -> Path:
        if request.param == "folder":
            return folder
        if request.param == "zip":
            return packed(folder)
        outer = folder.parent / "outer"
        shutil.copytree(folder, outer / "inner" / "most")
        return packed(outer)

    return give


def names(path: Path) -> list[str]:
    return [entry.name.removeprefix("inner/most/") for entry in open_source(path).entries]


def test_a_plain_folder(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "b.png", "a.PNG", "sub/c.tiff", ".hidden.png", ".git/x.png")
    (data / "notes.txt").write_text("not a picture")
    source = open_source(lay(data))
    assert names(source.path) == ["a.PNG", "b.png", "sub/c.tiff"]
    assert source.classes == () and source.rights == Rights()
    assert {entry.label for entry in source.entries} == {None}
    assert source.read(source.entries[0].name) == (data / "a.PNG").read_bytes()


def test_a_folder_a_class(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "10/a.png", "9/b.png", "9/deep/c.png")
    source = open_source(lay(data))
    assert source.classes == ("9", "10")
    labels = {entry.name.removeprefix("inner/most/"): entry.label for entry in source.entries}
    assert labels == {"10/a.png": 1, "9/b.png": 0, "9/deep/c.png": 0}


def test_natural_order() -> None:
    assert sorted(["10", "9", "a10", "a9", "", "1b"], key=natural) == [
        "", "1b", "9", "10", "a9", "a10"
    ]  # fmt: skip


def test_metadata_csv(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "a.png", "s/b.png")
    (data / "metadata.csv").write_text(
        '\ufefffile_name,text,label,age,size,code,none\ns/b.png,"a, b",dog,3,0.5,007,\n'
        "./a.png,,cat,-1,1e3,NaN,\n",
        encoding="utf-8",
    )
    source = open_source(lay(data))
    first, second = source.entries
    assert source.classes == ("cat", "dog")
    assert (first.label, first.text, second.label, second.text) == (0, None, 1, "a, b")
    assert second.attributes == {"age": 3, "size": 0.5, "code": "007", "none": None}
    assert first.attributes == {"age": -1, "size": 1000.0, "code": "NaN", "none": None}


def test_metadata_jsonl(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "a.png", "b.png")
    lines = [
        {"file_name": "a.png", "text": "é", "label": 1, "box": [1, 2]},
        {"file_name": "b.png", "label": 0},
    ]
    (data / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    source = open_source(lay(data))
    assert source.classes == ("0", "1")
    assert [entry.label for entry in source.entries] == [1, 0]
    assert source.entries[0].text == "é" and source.entries[0].attributes == {"box": [1, 2]}


def test_stylegan_dataset(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "00000/a.png", "00001/b.png")
    labels = [["00000/a.png", 1], ["00001/b.png", 0]]
    (data / "dataset.json").write_text(json.dumps({"labels": labels}))
    source = open_source(lay(data))
    assert [entry.label for entry in source.entries] == [1, 0] and source.classes == ("0", "1")


def test_stylegan_without_labels_takes_no_folder_for_a_class(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path, "00000/a.png", "00001/b.png")
    (tmp_path / "dataset.json").write_text('{"labels": null}')
    assert open_source(tmp_path).classes == ()


def test_rights(tmp_path: Path, fill: Fill, lay: Callable[[Path], Path]) -> None:
    data = tmp_path / "d"
    fill(data, "a/1.png", "b/2.png")
    value = {"licence": "CC-BY-4.0", "attribution": ["A", "B"], "source": "here"}
    (data / "rights.json").write_text(json.dumps(value))
    assert open_source(lay(data)).rights == Rights("CC-BY-4.0", ("A", "B"), "here")


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_source(path)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_nothing_there(tmp_path: Path) -> None:
    assert "There is nothing at" in refused(tmp_path / "none")


def test_not_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no")
    assert "neither a folder nor a whole .zip" in refused(tmp_path / "a.zip")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert "holds no picture" in refused(tmp_path)


def test_one_picture(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path, "a.png")
    assert "at least 2" in refused(tmp_path)


def test_a_class_folder_with_no_picture(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path / "d", "cat/1.png", "dog/2.png")
    (tmp_path / "d" / "emu").mkdir()
    assert "class folder emu of" in refused(tmp_path / "d")
    assert "class folder emu of" in refused(packed(tmp_path / "d"))


METADATA = {
    "metadata.csv": "file_name\na.png\nb.png\n{}",
    "metadata.jsonl": '{{"file_name": "a.png"}}\n{{"file_name": "b.png"}}\n{}',
}


@pytest.mark.parametrize("name", METADATA)
@pytest.mark.parametrize("absent", ["none.png", "../a.png", "/etc/passwd", ".hidden.png"])
def test_metadata_names_an_absent_file(tmp_path: Path, fill: Fill, name: str, absent: str) -> None:
    fill(tmp_path, "a.png", "b.png", ".hidden.png")
    line = absent if name.endswith("csv") else json.dumps({"file_name": absent})
    (tmp_path / name).write_text(METADATA[name].format(line))
    assert f"names {absent}, which is absent" in refused(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"metadata.csv": "file_name\na.png\n"}, "does not name b.png"),
        ({"metadata.csv": "file_name\na.png\nb.png\na.png\n"}, "names a.png more than once"),
        ({"metadata.csv": "file_name,label\na.png,1\nb.png,\n"}, "no label to b.png"),
        ({"metadata.csv": "name\na.png\n"}, "file_name: Field required"),
        ({"metadata.csv": "file_name\na.png,1\n"}, "more cells than the header"),
        ({"metadata.csv": 'file_name\n"a.png'}, "metadata.csv in .* cannot be used"),
        ({"metadata.jsonl": "[1]"}, "metadata.jsonl in .* cannot be used"),
        ({"metadata.jsonl": "[" * 100_000}, "metadata.jsonl in .* cannot be used"),
        ({"metadata.jsonl": '{"file_name": "a.png", "x": NaN}'}, "NaN is not JSON"),
        ({"dataset.json": '{"labels": [["a.png", "cat"]]}'}, "dataset.json in .*labels.0"),
        ({"dataset.json": "{}"}, "labels: Field required"),
        ({"dataset.json": "{}", "metadata.csv": ""}, "keep the one that is right"),
        ({"rights.json": '{"license": "MIT"}'}, "rights.json in .* cannot be used: license"),
        ({"rights.json": '{"attribution": "A"}'}, "attribution: Input should be a valid array"),
    ],
)
def test_other_faults_of_metadata(
    tmp_path: Path, fill: Fill, files: dict[str, str], message: str
) -> None:
    fill(tmp_path, "a.png", "b.png")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        open_source(tmp_path)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse_csv(b"file_name\n\xff\n")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path, fill: Fill) -> None:
    outside, *_ = fill(tmp_path / "outside", "x.png")
    fill(tmp_path / "d", "a.png", "b.png")
    (tmp_path / "d" / "c.png").symlink_to(outside)
    with pytest.raises(DataError, match=r"c\.png \(.*through a link"):
        take_snapshot(open_source(tmp_path / "d"))
    (tmp_path / "d" / "e").symlink_to(outside.parent)
    assert "is a link, which may loop" in refused(tmp_path / "d")


def test_a_snapshot_says_what_is_there(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path / "d", "cat/1.png", "dog/2.png", size=12)
    snapshot, broken = take_snapshot(open_source(tmp_path / "d"))
    first = snapshot.items[0]
    assert broken == () and snapshot.classes == ("cat", "dog")
    assert (first.name, first.width, first.height, first.channels, first.bits, first.label) == (
        "cat/1.png", 12, 12, 3, 8, 0
    )  # fmt: skip
    moved = shutil.move(tmp_path / "d", tmp_path / "elsewhere")
    assert take_snapshot(open_source(Path(moved)))[0].digest == snapshot.digest
    assert take_snapshot(open_source(packed(Path(moved))))[0].digest == snapshot.digest


def test_broken_pictures_are_named_and_left_out_on_request(tmp_path: Path, fill: Fill) -> None:
    good = fill(tmp_path, "a.png", "b.png", "c.png", "d.png", "e.png", "f.png")
    for path in good[:4]:
        path.write_bytes(path.read_bytes()[:-30])
    source = open_source(tmp_path)
    with pytest.raises(DataError) as caught:
        take_snapshot(source)
    text = str(caught.value)
    assert text.startswith("4 of 6 pictures cannot be read: a.png (")
    assert "b.png (" in text and "c.png (" in text and "d.png" not in text
    assert text.endswith("--skip-broken leaves them out.")
    snapshot, broken = take_snapshot(source, skip_broken=True)
    assert [item.name for item in snapshot.items] == ["e.png", "f.png"]
    assert [one.name for one in broken] == ["a.png", "b.png", "c.png", "d.png"]
    assert isinstance(broken[0], Broken) and "cannot be read" not in broken[0].reason


def test_too_little_left_after_skipping(tmp_path: Path, fill: Fill) -> None:
    paths = fill(tmp_path, "cat/1.png", "cat/2.png", "dog/3.png")
    paths[2].write_bytes(b"")
    with pytest.raises(DataError, match="class dog has no whole picture"):
        take_snapshot(open_source(tmp_path), skip_broken=True)
    paths[1].write_bytes(b"")
    with pytest.raises(DataError, match="at least 2"):
        take_snapshot(open_source(tmp_path), skip_broken=True)


def test_a_file_larger_than_any_picture_is_not_read(
    tmp_path: Path, fill: Fill, limits: Callable[..., None]
) -> None:
    fill(tmp_path, "a.png", "b.png")
    with (tmp_path / "c.png").open("wb") as file:
        file.truncate(65_000_000)  # sparse
    limits(max_megapixels=1)
    with pytest.raises(DataError, match=r"c\.png \(it has 65 MB"):
        take_snapshot(open_source(tmp_path))


def test_a_text_file_beside_a_picture_is_its_caption(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path, "a.png", "b.png")
    (tmp_path / "a.txt").write_text("\ufeff a red\n heart ", encoding="utf-8")
    captions = {entry.name: entry.text for entry in open_source(tmp_path).entries}
    assert captions == {"a.png": "a red heart", "b.png": None}


def test_a_caption_that_is_no_text_is_refused(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path, "a.png", "b.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"caption a\.txt"):
        open_source(tmp_path)
    (tmp_path / "a.txt").write_text("long " * 3000)
    with pytest.raises(DataError, match="longer than 10,000 bytes"):
        open_source(tmp_path)


@pytest.mark.parametrize("number", ["1e400", "9" * 400, "2e30"])
def test_numbers_without_sense_are_no_numbers(number: str, tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path, "a.png", "b.png")
    (tmp_path / "metadata.jsonl").write_text(
        f'{{"file_name": "a.png", "age": {number}}}\n{{"file_name": "b.png", "age": 1}}'
    )
    with pytest.raises(DataError, match="too large"):
        open_source(tmp_path)
    (tmp_path / "metadata.jsonl").unlink()
    (tmp_path / "metadata.csv").write_text(f"file_name,age\na.png,{number}\nb.png,1")
    assert open_source(tmp_path).entries[0].attributes == {"age": number}
