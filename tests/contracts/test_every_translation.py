"""What every translation promises; a new task file is walked without touching this one."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mintmark.actions.apply import apply
from mintmark.actions.generate import generate
from mintmark.actions.python import finish
from mintmark.actions.requests import ApplyRequest, GenerateRequest, TrainRequest
from mintmark.actions.train import train
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError
from mintmark.core.files import digest_file
from mintmark.core.media import Picture
from mintmark.data.encode import encode
from mintmark.data.pictures import decode
from mintmark.models.card import parse
from mintmark.models.families import FAMILIES
from mintmark.models.package import from_pretrained, verify
from mintmark.provenance import mark
from mintmark.tasks._task import Translation, all_tasks

TASKS = {name: task for name, task in all_tasks().items() if isinstance(task, Translation)}
SIZE, BATCH = 16, 4
KINDS = ("day", "night")


def folders_of_pictures(folder: Path, kinds: tuple[str, ...] = KINDS) -> Path:
    """Five bright pictures and three dark ones, 24 x 20."""
    rng = np.random.default_rng(0)
    for place, (kind, count) in enumerate(zip(kinds, (5, 3), strict=False)):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            array = rng.integers(120 * (1 - place), 256 - 120 * place, (20, 24, 3), dtype=np.uint8)
            (folder / kind / f"{number}.png").write_bytes(encode(Picture(array), "png"))
    return folder


def request_of(task: Translation, data: Path, out: Path) -> TrainRequest:
    """Five small steps of the smallest preset."""
    return TrainRequest(
        task=task.name, data=data, out=out, preset="tiny", size=SIZE, batch=BATCH, images=5 * BATCH
    )


@pytest.mark.parametrize("name", TASKS)
def test_a_border_is_repeated_only_where_crops_were_learned(name: str) -> None:
    assert (TASKS[name].engine.border > 0) == (TASKS[name].cutting == "crops")


@pytest.fixture(scope="module", params=list(TASKS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Translation, Path]:
    """A task, and a folder with its data and a finished run."""
    task = TASKS[request.param]
    folder = tmp_path_factory.mktemp(task.name)
    data = folders_of_pictures(folder / "data")
    finish(train(request_of(task, data, folder / "run"), open_world()))
    return task, folder


def wish(task: Translation, folder: Path, kind: str = "night") -> dict[str, object]:
    """What is asked for: a kind, or the style of a picture of it."""
    return {"to": kind} if task.kinds else {"reference": folder / "data" / kind / "0.png"}


def asked(folder: Path, out: Path, *pictures: Path, **more: object) -> list[Path]:
    """What `apply` writes with the run's package."""
    given = {"package": str(folder / "run/package"), "pictures": pictures, "out": out}
    return finish(apply(ApplyRequest.model_validate(given | more), open_world()))


def test_there_are_translations() -> None:
    assert "translate" in TASKS


def test_resumes_exactly(made: tuple[Translation, Path], tmp_path: Path) -> None:
    task, folder = made
    request = request_of(task, folder / "data", tmp_path / "run")
    with closing(train(request, open_world())) as steps:
        first = next(progress for progress in steps if progress.done)
    assert 0 < first.done < first.total
    finish(train(request, open_world()))
    for name in ("G.safetensors", "D.safetensors"):
        straight, cut = folder / "run/package" / name, tmp_path / "run/package" / name
        assert digest_file(straight) == digest_file(cut)


def test_packages_and_loads_back(made: tuple[Translation, Path]) -> None:
    task, folder = made
    package = from_pretrained(folder / "run/package", ("G", "D"))
    assert package.config.classes == (KINDS if task.kinds else ())
    assert FAMILIES[package.config.family].restores
    assert package.config.task == task.name
    assert "README.md" in verify(folder / "run/package")
    card = (folder / "run/package/README.md").read_text()
    if task.kinds:
        assert "--to KIND" in card and "2 kinds: day, night" in card
    else:
        assert "--reference PICTURE" in card
    assert parse(card)["pipeline_tag"] == "image-to-image"
    assert not list((folder / "run/package").rglob("*.png"))  # the user's own pictures
    assert list((folder / "run/samples").glob("*.png"))


def test_counterparts_are_shown_or_refused(made: tuple[Translation, Path], tmp_path: Path) -> None:
    task, folder = made
    request = request_of(task, folder / "data", tmp_path / "run")
    request = request.model_copy(update={"content": "likeness"})
    if not task.kinds:
        with pytest.raises(ConfigError, match="likeness compares kinds"):
            finish(train(request, open_world()))
        assert not (tmp_path / "run").exists()
        return
    told = [progress.message for progress in train(request, open_world())]
    assert any("pictures have a counterpart" in (sentence or "") for sentence in told)
    sheet = decode((tmp_path / "run/counterparts.png").read_bytes(), "counterparts.png")
    assert sheet.array.shape[1] >= 2 * SIZE
    assert "--content likeness" in (tmp_path / "run/package/README.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_makes_is_marked(made: tuple[Translation, Path], tmp_path: Path, kind: str) -> None:
    task, folder = made
    written = asked(folder, tmp_path, folder / "data/day", **wish(task, folder, kind), compare=True)
    assert [path.name for path in written] == ["0.png", "1.png", "2.png", "3.png", "4.png"]
    for path in written:
        content = path.read_bytes()
        assert mark.source_type(content) == mark.COMPOSITE
        recipe = mark.read_recipe(content, path.name)
        assert recipe.task == task.name and recipe.inputs.get("to") == (
            kind if task.kinds else None
        )
        assert recipe.inputs["parent"] == digest_file(folder / "data/day" / path.name)
        assert path.with_name(f"{path.name}.compare.png").exists()


def test_pictures_keep_their_size_or_are_brought_to_the_one_that_was_learned(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    task, folder = made
    rng = np.random.default_rng(1)
    shapes = {"wide.png": (32, 96, 3), "tall.png": (40, 20, 1), "clear.png": (32, 32, 4)}
    for name, shape in shapes.items():
        array = rng.integers(0, 256, shape, dtype=np.uint8)
        (tmp_path / name).write_bytes(encode(Picture(array), "png"))
    given = [tmp_path / name for name in shapes]
    for photo in (False, True):
        out = asked(folder, tmp_path / f"{photo}", *given, **wish(task, folder), photo=photo)
        found = {path.name: decode(path.read_bytes(), path.name).array.shape for path in out}
        small = {"wide.png": (16, 48, 3), "tall.png": (32, 16, 3), "clear.png": (16, 16, 3)}
        assert found == (shapes if photo or task.use == "restyle" else small)


def test_strength_leads_from_the_picture_to_the_other_kind(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    task, folder = made
    given = tmp_path / "given.png"
    array = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    given.write_bytes(encode(Picture(array), "png"))
    found = []
    for strength in (0.0, 0.5, 1.0):
        more = {**wish(task, folder), "strength": strength}
        (path,) = asked(folder, tmp_path / str(strength), given, **more)
        found.append(decode(path.read_bytes(), path.name).array.astype(int))
    assert np.array_equal(found[0], array) and not np.array_equal(found[2], array)
    assert np.abs(found[1] - (found[0] + found[2]) / 2).max() <= 1


def test_a_second_kind_is_made_anew_and_the_same_one_is_left(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    task, folder = made
    (first,) = asked(folder, tmp_path, folder / "data/day/0.png", **wish(task, folder))
    before = first.stat().st_mtime_ns
    asked(folder, tmp_path, folder / "data/day/0.png", **wish(task, folder))
    assert first.stat().st_mtime_ns == before
    inputs = mark.read_recipe(first.read_bytes(), first.name).inputs
    asked(folder, tmp_path, folder / "data/day/0.png", **wish(task, folder, "day"))
    assert mark.read_recipe(first.read_bytes(), first.name).inputs != inputs


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"fidelity": 0.9}, "leave --fidelity out"),
        ({"outpaint": {"left": 4}}, "fills nothing"),
        ({"reference": Path("nowhere.png")}, "no picture nowhere.png"),
        ({"mask": Path("nowhere.png"), "photo": True}, "no mask nowhere.png"),
    ],
)
def test_what_it_cannot_do_is_refused(
    made: tuple[Translation, Path], tmp_path: Path, more: dict[str, object], told: str
) -> None:
    task, folder = made
    with pytest.raises(ConfigError, match=told):
        asked(folder, tmp_path / "out", folder / "data/day", **{**wish(task, folder), **more})
    assert not (tmp_path / "out").exists()


def test_what_pictures_shall_become_must_be_said(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    task, folder = made
    wrong = {
        "--to day or --to night": {},
        "did you mean 'night'": {"to": "nigth"},
    }
    if not task.kinds:
        wrong = {"add --reference": {}, "leave --to out": {"to": "night"}}
    for told, more in wrong.items():
        with pytest.raises(ConfigError, match=told):
            asked(folder, tmp_path / "out", folder / "data/day", **more)
    assert not (tmp_path / "out").exists()


def test_a_reference_gives_its_style_and_photo_mode_keeps_lines(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    """Colours of the photo mode are a mixture of the picture's own, so what is even stays so."""
    task, folder = made
    array = np.full((64, 96, 3), 70, np.uint8)
    array[:, 48:] = 180
    given, model = tmp_path / "given.png", tmp_path / "model.png"
    given.write_bytes(encode(Picture(array), "png"))
    model.write_bytes(encode(Picture(np.full((64, 64, 3), (250, 10, 10), np.uint8)), "png"))
    more: dict[str, object] = {"to": "night"} if task.kinds else {}
    found = []
    for reference in (model, folder / "data/day/0.png"):
        out = tmp_path / reference.stem
        (path,) = asked(folder, out, given, **more, reference=reference, photo=True)
        found.append(decode(path.read_bytes(), path.name).array.astype(int))
        assert "reference" in mark.read_recipe(path.read_bytes(), path.name).inputs
    assert np.abs(np.diff(found[0], axis=1)).max(axis=(0, 2)).argmax() == 47
    assert not np.array_equal(found[0], found[1])


@pytest.mark.parametrize("photo", [False, True])
def test_a_mask_says_what_alone_changes(
    made: tuple[Translation, Path], tmp_path: Path, photo: bool
) -> None:
    task, folder = made
    array = np.random.default_rng(3).integers(0, 256, (40, 56, 4), dtype=np.uint8)
    part = np.zeros((40, 56, 1), np.uint8)
    part[10:30, 8:40] = 255
    given, mask = tmp_path / "given.png", tmp_path / "mask.png"
    given.write_bytes(encode(Picture(array), "png"))
    mask.write_bytes(encode(Picture(part), "png"))
    more = {**wish(task, folder), "mask": mask, "photo": photo}
    if task.use == "translate" and not photo:
        with pytest.raises(ConfigError, match="add --photo to --mask"):
            asked(folder, tmp_path / "out", given, **more)
        return
    (path,) = asked(folder, tmp_path / "out", given, **more)
    found = decode(path.read_bytes(), path.name).array
    inside = part[..., 0] > 0
    assert np.array_equal(found[~inside], array[~inside])
    assert not np.array_equal(found[inside], array[inside])


def test_kinds_may_stand_in_a_column(tmp_path: Path) -> None:
    task = TASKS["translate"]
    data, rows = tmp_path / "data", ["file_name,light,mood"]
    for kind in KINDS:
        for path in sorted((folders_of_pictures(tmp_path / "sorted") / kind).iterdir()):
            data.mkdir(exist_ok=True)
            path.rename(data / f"{kind}-{path.name}")
            rows.append(f"{kind}-{path.name},{kind},good")
        (tmp_path / "sorted").rename(tmp_path / f"was-{kind}")
    (data / "metadata.csv").write_text("\n".join(rows))
    request = request_of(task, data, tmp_path / "run")
    for column, told in {"ligth": "it has: light, mood", "mood": "two or more"}.items():
        with pytest.raises(DataError, match=told):
            finish(train(request.model_copy(update={"kinds": column}), open_world()))
    with pytest.raises(ConfigError, match="digits does not take it"):
        finish(train(request.model_copy(update={"kinds": "light", "task": "digits"}), open_world()))
    finish(train(request.model_copy(update={"kinds": "light"}), open_world()))
    package = from_pretrained(tmp_path / "run/package")
    assert package.config.classes == KINDS
    assert "--kinds light" in (tmp_path / "run/package/README.md").read_text()


def test_it_draws_nothing_by_itself(made: tuple[Translation, Path], tmp_path: Path) -> None:
    _, folder = made
    request = GenerateRequest(package=str(folder / "run/package"), out=tmp_path / "out")
    with pytest.raises(ConfigError, match="mintmark apply"):
        finish(generate(request, open_world()))


@pytest.mark.parametrize("kinds", [("day",), ("", "night")])
@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.kinds])
def test_one_kind_is_not_enough(name: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    data = folders_of_pictures(tmp_path / "data", kinds)
    with pytest.raises(DataError, match="two or more"):
        finish(train(request_of(TASKS[name], data, tmp_path / "run"), open_world()))
    assert not (tmp_path / "run").exists()


def test_what_is_for_new_pictures_is_refused(
    made: tuple[Translation, Path], tmp_path: Path
) -> None:
    task, folder = made
    request = request_of(task, folder / "data", tmp_path / "run")
    with pytest.raises(ConfigError, match="--balance is for new pictures"):
        finish(train(request.model_copy(update={"balance": "class"}), open_world()))
    strange = request.model_copy(update={"task": "denoise", "content": "cycle"})
    with pytest.raises(ConfigError, match="--content is for translations"):
        finish(train(strange, open_world()))


def test_a_run_starts_from_a_package(made: tuple[Translation, Path], tmp_path: Path) -> None:
    task, folder = made
    start = str(folder / "run/package")
    request = request_of(task, folder / "data", tmp_path / "run")
    finish(train(request.model_copy(update={"start": start, "images": BATCH}), open_world()))
    began, before = from_pretrained(tmp_path / "run/package"), from_pretrained(start)
    assert began.lineage.base == before.digest
    if not task.kinds:
        return
    others = folders_of_pictures(tmp_path / "others", ("dawn", "dusk"))
    strange = request_of(task, others, tmp_path / "strange").model_copy(update={"start": start})
    with pytest.raises(ConfigError, match="knows the kinds day, night"):
        finish(train(strange, open_world()))


@pytest.mark.parametrize("name", TASKS)
def test_tells_the_user_what_it_is(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert task.title[0].isupper() and not task.title.endswith(".")
    assert len(task.about) > 60 and task.about.endswith(".")
    told = {entry.name for entry in task.inputs}
    assert told == {"picture", "mask", "reference", "strength", "photo"} | (
        {"to"} if task.kinds else set()
    )
    assert all(entry.about.endswith(".") for entry in task.inputs)
    assert "tiny" in task.schedules  # what a CPU trains
