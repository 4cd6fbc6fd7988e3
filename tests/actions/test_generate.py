from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mintmark.actions import again, asking, choosing, drawing
from mintmark.actions.asking import PLAIN, Mix, Vary, Wish
from mintmark.actions.clips import Walk, walk
from mintmark.actions.generate import artifacts, load, networks_for
from mintmark.actions.known import Known, recall, too_near
from mintmark.actions.requests import GenerateRequest
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, DataError, GuardError
from mintmark.core.records import Artifact
from mintmark.data.pictures import decode
from mintmark.metrics.extractors import extract, shipped
from mintmark.provenance.mark import read_recipe, source_type, write_marked
from mintmark.tasks._task import find_task


def generated(package: Path, out: Path, **options: object) -> list[Artifact]:
    request = GenerateRequest.model_validate({"package": str(package), "out": out, **options})
    return list(artifacts(load(package, open_world(), networks_for(request)), request))


def same_again(package: Path, file: Path, out: Path) -> bool:
    (again,) = generated(package, out, like=file)
    return again.path.read_bytes() == file.read_bytes()


WISHES: dict[str, dict[str, object]] = {
    "attributes": {"attributes": {"colour": "red", "round": "yes"}},
    "psi": {"psi": 0.5},
    "noise": {"noise": False},
    "mix": {"mix": 4, "scale": "coarse"},
    "seeds": {"seeds": (3, 9)},
    "best": {"best_of": 3, "grid": True, "sheet": True},
    "webp": {"walk": "webp", "frames": 3, "count": 3},
    "gif": {"walk": "gif", "frames": 2, "count": 2},
}


@pytest.mark.parametrize("name", WISHES)
def test_every_wish_is_marked_and_made_again(
    name: str, by_attributes: Path, tmp_path: Path
) -> None:
    made = generated(by_attributes, tmp_path / "out", **{"count": 3, **WISHES[name]})
    assert made
    for artifact in made:
        assert source_type(artifact.path.read_bytes())
        assert same_again(by_attributes, artifact.path, tmp_path / "again")


def test_wishes_in_one_folder_do_not_overwrite_each_other(
    by_attributes: Path, tmp_path: Path
) -> None:
    first = generated(by_attributes, tmp_path, count=2, attributes={"colour": "red"})
    second = generated(by_attributes, tmp_path, count=2, attributes={"colour": "blue"})
    plain = generated(by_attributes, tmp_path, count=2)
    assert len({a.path for a in (*first, *second, *plain)}) == 6


def test_what_is_set_is_asked_and_the_rest_varies(by_attributes: Path) -> None:
    conditions = load(by_attributes, open_world()).config.conditions
    rows = asking.rows(conditions, 0, range(200), Wish(attributes={"colour": "green"}))
    assert rows is not None
    values = conditions.values_of(rows)  # colour, round
    assert (values[:, 0] == 1).all()
    assert 60 < values[:, 1].sum() < 140


def test_an_unknown_value_names_the_nearest(by_attributes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'green'"):
        generated(by_attributes, tmp_path / "out", attributes={"colour": "grene"})
    with pytest.raises(ConfigError, match="did you mean 'colour'"):
        generated(by_attributes, tmp_path / "out", attributes={"color": "green"})
    assert not (tmp_path / "out").exists()


def test_words_are_asked_for(by_text: Path, tmp_path: Path) -> None:
    made = generated(by_text, tmp_path / "out", text="a red disk", count=2)
    assert made[0].recipe is not None and made[0].recipe.inputs == {"text": "a red disk"}
    with pytest.raises(ConfigError, match=r"square|disc"):
        generated(by_text, tmp_path / "none", text="sqare")
    with pytest.raises(ConfigError, match="use --text"):
        generated(by_text, tmp_path / "none", label="red")
    assert not (tmp_path / "none").exists()


def test_a_variation_is_near_and_another_seed_is_not(by_attributes: Path) -> None:
    package = load(by_attributes, open_world())
    (origin,) = drawing.draw(package, 0, [5])
    near, far = (
        drawing.draw(package, 0, [5], Wish(vary=Vary(strength, 1)))[0] for strength in (0.05, 1.0)
    )
    (same,) = drawing.draw(package, 0, [5], Wish(vary=Vary(0.0, 7)))
    moved = [np.abs(one.array.astype(int) - origin.array.astype(int)).mean() for one in (near, far)]
    assert 0 < moved[0] < moved[1]
    assert np.array_equal(same.array, origin.array)


def test_variations_start_from_a_file(by_attributes: Path, tmp_path: Path) -> None:
    first = generated(by_attributes, tmp_path, count=2, attributes={"colour": "red"})[1]
    made = generated(by_attributes, tmp_path, vary=first.path, strength=0.2, count=3)
    assert len({artifact.sha256 for artifact in made}) == 3
    recipe = read_recipe(made[2].path.read_bytes(), "it")
    assert recipe.index == 1
    assert recipe.inputs == {
        "attributes": {"colour": "red"},
        "vary": {"strength": 0.2, "number": 2},
    }
    assert same_again(by_attributes, made[2].path, tmp_path / "again")
    with pytest.raises(ConfigError, match="itself a variation"):
        generated(by_attributes, tmp_path, vary=made[0].path)


def test_a_file_of_another_package_is_not_varied(
    by_attributes: Path, by_text: Path, tmp_path: Path
) -> None:
    (first,) = generated(by_text, tmp_path / "text", count=1)
    with pytest.raises(DataError, match="another package"):
        generated(by_attributes, tmp_path / "out", vary=first.path)


def test_styles_need_a_family_with_styles(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="family stylegan"):
        generated(trained / "package", tmp_path / "out", mix=3)
    assert not (tmp_path / "out").exists()


def test_a_mixed_picture_takes_the_other_ones_condition_from_nobody(by_attributes: Path) -> None:
    """Mixing with oneself changes nothing."""
    package = load(by_attributes, open_world())
    (plain,) = drawing.draw(package, 2, [0])
    for scale in ("coarse", "middle", "fine"):
        (mixed,) = drawing.draw(package, 2, [0], Wish(mix=Mix(2, 0, scale)))
        assert np.abs(mixed.array.astype(int) - plain.array.astype(int)).max() <= 1


def test_truncation_draws_together(by_attributes: Path) -> None:
    package = load(by_attributes, open_world())
    wish = {"attributes": {"colour": "red", "round": "yes"}, "noise": False}

    def spread(psi: float) -> float:
        wished = Wish(**wish, psi=psi)  # type: ignore[arg-type]
        # The number keeps a size drawn by chance; psi leaves conditions alone.
        rows = asking.rows(package.config.conditions, 0, [0], wished)
        assert rows is not None
        samples = drawing.samples(package, 0, range(16), rows.expand(16, -1), wished)
        return float(samples.std(0).mean())

    assert spread(0.0) < 1e-6 < spread(0.5) < spread(1.0)


def test_best_of_needs_and_uses_the_discriminator(by_attributes: Path, tmp_path: Path) -> None:
    made = generated(by_attributes, tmp_path, count=5, best_of=4)
    chosen = [artifact.recipe.index for artifact in made if artifact.recipe]
    assert len(chosen) == 5 and chosen == sorted(chosen) and chosen[-1] < 20
    assert chosen != list(range(5))


def test_a_guard_turns_down_what_is_near(guarded: Path, tmp_path: Path) -> None:
    """Marks that the package remembers are refused; they are told from what it draws."""
    package = load(guarded, open_world())
    known = recall(package, find_task(package.config.task))
    assert known.thumbnails is not None and known.thumbnails.shape == (60, 3, 16, 16)
    assert known.names[0] == "000"
    near, places = too_near(known, known.features)
    assert (places == np.arange(60)).mean() > 0.5  # equal marks are nearest to the first of them
    wide = Known(known.features, known.names, known.thumbnails, near=1.0)
    assert near.all() or (too_near(wide, known.features)[0]).all()
    far, _ = too_near(wide, known.features + 100)
    assert not far.any()


def test_what_is_turned_down_is_shown_and_made_up_for(
    guarded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = load(guarded, open_world())
    known = recall(package, find_task(package.config.task))
    drawn = extract(shipped("pictures"), drawing.pixels(package, 0, range(16), None))
    # A mark at the place of picture 3, so that this one and its like are too near.
    planted = replace(
        known,
        features=np.concatenate([known.features[1:], drawn[3:4]]),
        near=float(np.sort(np.linalg.norm(drawn - drawn[3], axis=1))[4]),
    )
    monkeypatch.setattr(choosing, "recall", lambda *_: planted)
    request = GenerateRequest(package=str(guarded), out=tmp_path, count=16)
    made = list(artifacts(package, request))
    numbers = [artifact.recipe.index for artifact in made if artifact.recipe]
    assert len(numbers) == 16 and 3 not in numbers and max(numbers) > 15
    sheet = made[-1]
    assert sheet.path.name.endswith("turned-down.png") and sheet.recipe is None
    assert "composite" in (source_type(sheet.path.read_bytes()) or "")
    with pytest.raises(DataError, match="no single call"):
        generated(guarded, tmp_path / "again", like=sheet.path)
    first = made[0]
    assert first.recipe is not None
    generated(guarded, tmp_path / "again", like=first.path)
    forged = tmp_path / "forged.png"  # says that it is the one that was turned down
    picture = decode(first.path.read_bytes(), first.path.name)
    write_marked(forged, picture, package, replace(first.recipe, index=3))
    with pytest.raises(GuardError, match="Picture 3 of seed 0 is too near"):
        generated(guarded, tmp_path / "again", like=forged)


def test_a_guard_that_refuses_everything_gives_up(
    guarded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = load(guarded, open_world())
    everything = replace(recall(package, find_task(package.config.task)), near=1e9)
    monkeypatch.setattr(choosing, "recall", lambda *_: everything)
    request = GenerateRequest(package=str(guarded), out=tmp_path, count=2)
    with pytest.raises(GuardError, match="far enough"):
        list(artifacts(package, request))


def test_transparency_is_drawn(
    shapes: Path, tmp_path: Path, trained_on: Callable[..., Path]
) -> None:
    folder = tmp_path / "clear"
    folder.mkdir()
    for file in sorted(shapes.glob("*.png"))[:20]:
        picture = Image.open(file).convert("RGBA")
        alpha = picture.convert("L").point(lambda level: 0 if level > 250 else 255)
        picture.putalpha(alpha)
        picture.save(folder / file.name)
    package = trained_on(folder, tmp_path / "run", task="logos")
    (made,) = generated(package, tmp_path / "out", count=1)
    assert decode(made.path.read_bytes(), "it").channels == 4
    request = GenerateRequest(package=str(package), out=tmp_path, best_of=2)
    judge = load(package, open_world(), networks_for(request))
    clear = torch.ones(2, *judge.config.shape)
    clear[1, :3] = 0  # where nothing shows, colours count for nothing
    clear[:, 3] = -1
    first, second = choosing.judged(judge, clear, None)
    assert first == second


def test_captions_stand_under_their_pictures(by_attributes: Path) -> None:
    package = load(by_attributes, open_world())
    plain = drawing.draw_sheet(package, 0, 4)
    told = drawing.draw_sheet(package, 0, 4, captions=True)
    assert told.height > plain.height
    line = told.array[128:144].reshape(16, -1)  # below the first row of pictures
    assert (line < 200).any()


def test_a_walk_ends_where_it_began(by_attributes: Path) -> None:
    package = load(by_attributes, open_world())
    clip = walk(package, 0, Wish(noise=False), Walk(3, 5, 12.0))
    assert clip.frames.shape == (15, 128, 128, 3)
    first = drawing.samples(
        package, 0, [0], asking.rows(package.config.conditions, 0, [0], Wish()), Wish(noise=False)
    )
    assert (
        np.abs(
            clip.frames[0, ::8, ::8].astype(int) - drawing.pictures(first)[0].array.astype(int)
        ).max()
        <= 1
    )
    steps = np.abs(np.diff(clip.frames.astype(int), axis=0, append=clip.frames[:1])).mean((1, 2, 3))
    assert steps.max() < 4 * np.median(steps) + 1  # the last step home is like the others
    with pytest.raises(ConfigError, match="at least 2 pictures"):
        walk(package, 0, Wish(), Walk(1, 5, 12.0))


def test_the_sheet_of_a_guarded_package_shows_none_that_is_refused(
    guarded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = load(guarded, open_world())
    sheet = guarded / "samples/grid.png"
    stored = read_recipe(sheet.read_bytes(), sheet.name)
    again.picture(package, stored)  # refuses what the guard turns down
    first = drawing.draw(package, 0, [0], PLAIN)
    known = recall(package, find_task(package.config.task))
    pixels = first[0].array.astype(np.uint8).transpose(2, 0, 1)[None]
    features = extract(shipped("pictures"), pixels)
    strict = replace(known, features=np.concatenate([known.features, features]), near=1e-6)
    strict = replace(strict, names=(*known.names, "it"))
    assert known.thumbnails is not None
    small = np.concatenate([known.thumbnails, known.thumbnails[:1]])
    monkeypatch.setattr(choosing, "recall", lambda *_: replace(strict, thumbnails=small))
    _, recipe = choosing.sheet(package, 0, 4)
    assert recipe.inputs["indices"] == [1, 2, 3, 4]
