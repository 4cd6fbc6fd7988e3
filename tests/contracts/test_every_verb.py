"""What every verb promises: strict requests, honest progress, and one door out."""

import ast
import re
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

import mintmark
from mintmark.actions import compare as comparing
from mintmark.actions import demo as demos
from mintmark.actions import evaluate as evaluating
from mintmark.actions import generate as generating
from mintmark.actions import requests, zoo
from mintmark.actions import train as training
from mintmark.actions.requests import (
    CompareRequest,
    DemoRequest,
    EvaluateRequest,
    GenerateRequest,
    Request,
    TrainRequest,
)
from mintmark.actions.world import open_world
from mintmark.core.errors import ConfigError, PackageError
from mintmark.core.files import digest_bytes, write_bytes
from mintmark.core.media import Picture
from mintmark.core.records import Artifact, Progress, Recipe
from mintmark.data.encode import encode
from mintmark.models import contents
from mintmark.models.package import Package, from_pretrained
from mintmark.provenance import mark

REQUESTS = [
    kind
    for kind in vars(requests).values()
    if isinstance(kind, type) and issubclass(kind, Request) and kind is not Request
]
EXAMPLES: dict[str, dict[str, Any]] = {
    "CheckRequest": {"data": "photos"},
    "TrainRequest": {"task": "digits", "data": "photos", "out": "run"},
    "PackRequest": {"run": "run", "data": "photos", "step": 9, "out": "package"},
    "GenerateRequest": {"package": "run/package", "out": "pictures"},
    "EvaluateRequest": {"package": "run/package", "data": "photos"},
    "CompareRequest": {"models": ["a/package", "b/package"], "data": "photos"},
    "ApplyRequest": {"package": "run/package", "pictures": ["photos"], "out": "restored"},
    "DemoRequest": {},
}
FORMATS = get_args(GenerateRequest.model_fields["format"].annotation)
DOORS = {"provenance/mark.py", "data/public/parts.py"}
PICTURES = tuple(mark.FORMATS)
SAID = {
    "real.png": None,
    "neighbours.png": mark.COMPOSITE,
}  # of a report: what is real is not marked
every_request = pytest.mark.parametrize("kind", REQUESTS)

Steps = Generator[Progress, None, Any]


def verbs(digits: Path, trained: Path, out: Path) -> dict[str, Callable[[], Steps]]:
    """Every verb, asked for little."""
    data, package, world = digits / "train", str(trained / "package"), open_world()
    return {
        "train": lambda: training.train(
            TrainRequest(task="digits", data=data, out=out / "run", images=128), world
        ),
        "generate": lambda: generating.generate(
            GenerateRequest(package=package, out=out / "pictures", count=20, grid=True), world
        ),
        "evaluate": lambda: evaluating.evaluate(
            EvaluateRequest(package=package, data=data, count=20, out=out / "report"), world
        ),
        "compare": lambda: comparing.compare(
            CompareRequest(models=(package, package), data=data, count=20, out=out / "both"), world
        ),
        "demo": lambda: demos.demo(DemoRequest(out=out / "demo", images=192), world),
    }


def test_there_is_an_example_of_every_request() -> None:
    assert {kind.__name__ for kind in REQUESTS} == set(EXAMPLES)
    assert {"png", "jpg", "webp", "avif", "tiff"} <= set(FORMATS)


@every_request
def test_requests_refuse_unknown_keys(kind: type[Request]) -> None:
    good = EXAMPLES[kind.__name__]
    kind.model_validate(good)
    with pytest.raises(ConfigError, match="colour"):
        kind.model_validate(good | {"colour": 1})


@every_request
def test_requests_are_frozen(kind: type[Request]) -> None:
    request = kind.model_validate(EXAMPLES[kind.__name__])
    for name in kind.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(request, name, getattr(request, name))


@every_request
def test_requests_explain_in_one_sentence(kind: type[Request]) -> None:
    number = next(
        name for name in ("images", "count", "size", "step", "tile") if name in kind.model_fields
    )
    with pytest.raises(ConfigError) as caught:
        kind.model_validate(EXAMPLES[kind.__name__] | {number: 0})
    assert repr(number) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_has_one_length() -> None:
    with pytest.raises(ConfigError, match="not both"):
        TrainRequest(task="digits", data=Path("d"), out=Path("o"), images=9, minutes=1)
    with pytest.raises(ConfigError, match="finite"):
        TrainRequest(task="digits", data=Path("d"), out=Path("o"), minutes=float("inf"))


def check_progress(steps: Steps) -> None:
    stages: dict[str, int] = {}
    for progress in steps:
        assert isinstance(progress, Progress)
        assert stages.get(progress.stage, 0) <= progress.done <= progress.total
        assert progress.stage and progress.unit
        stages[progress.stage] = progress.done
        ends = progress.done == progress.total
    assert stages and ends


@pytest.mark.parametrize("verb", ["train", "generate", "evaluate"])
def test_verbs_tell_their_progress(verb: str, digits: Path, trained: Path, tmp_path: Path) -> None:
    check_progress(verbs(digits, trained, tmp_path)[verb]())


def pictures_below(folder: Path, real: Path | None = None) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES and not (real and path.is_relative_to(real)):
            yield path


def check_marked(folder: Path, least: int, real: Path | None = None) -> None:
    """Every picture below `folder`, except real data, says that it is synthetic."""
    found = list(pictures_below(folder, real))
    assert len(found) >= least
    for path in found:
        said = mark.source_type(path.read_bytes())
        assert said == SAID.get(path.name, mark.TRAINED), path


def test_no_unmarked_path_out_of_train(trained: Path) -> None:
    check_marked(trained, least=1 + 10)
    assert (trained / "package/samples/grid.png").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_no_unmarked_path_out_of_generate(format: str, trained: Path, tmp_path: Path) -> None:
    request = GenerateRequest.model_validate(
        {
            "package": str(trained / "package"),
            "out": tmp_path,
            "count": 2,
            "grid": True,
            "format": format,
        }
    )
    deque(generating.generate(request, open_world()), maxlen=0)
    check_marked(tmp_path, least=3)
    assert len(list(tmp_path.iterdir())) == 3


def test_no_unmarked_path_out_of_demo(digits: Path, trained: Path, tmp_path: Path) -> None:
    check_progress(verbs(digits, trained, tmp_path)["demo"]())
    out = tmp_path / "demo"
    check_marked(out, least=1 + 1 + 3 + len(zoo.drawing()), real=out / "data")
    parts = {"grid.png", "report.md", "figures.json", "report", "data", "run", "zoo"}
    assert parts == {path.name for path in out.iterdir()}


def test_no_unmarked_path_out_of_evaluate(digits: Path, trained: Path, tmp_path: Path) -> None:
    steps = evaluating.evaluate(
        EvaluateRequest(
            package=str(trained / "package"),
            data=digits / "train",
            held_out=digits / "held-out",
            count=20,
            out=tmp_path,
        ),
        open_world(),
    )
    deque(steps, maxlen=0)
    check_marked(tmp_path, least=4)
    page = (tmp_path / "report.html").read_text()
    inside = [b64decode(found) for found in re.findall(r'"data:image/png;base64,([^"]+)"', page)]
    assert sorted(inside) == sorted(path.read_bytes() for path in pictures_below(tmp_path))


def importers_of_encode(source: Path) -> set[str]:
    """Files that can turn a picture into bytes without its mark."""
    return {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if any(_imports_encode(node) for node in ast.walk(ast.parse(path.read_text())))
    }


def _imports_encode(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name == "mintmark.data.encode" for alias in names)
        case ast.ImportFrom(module="mintmark.data.encode"):
            return True
        case ast.ImportFrom(module="mintmark.data", names=names):
            return any(alias.name == "encode" for alias in names)
        case ast.Attribute(attr="save", value=ast.Name(id="image")):
            return True  # Pillow's own way to a file
    return False


def test_only_the_door_and_the_public_sets_encode() -> None:
    assert importers_of_encode(Path(mintmark.__file__).parent) == DOORS


def check_tamper_refused(package: Path) -> None:
    """One bit of the weights is flipped: the package must not load."""
    path = package / "G.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    try:
        from_pretrained(package)
    except PackageError:
        return
    raise AssertionError("a tampered package was loaded")


def test_a_tampered_package_is_refused(trained: Path, tmp_path: Path) -> None:
    check_tamper_refused(copy_of(trained, tmp_path))


def copy_of(run: Path, folder: Path) -> Path:
    for path in (run / "package").rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder / "package"


# Faults, each planted where it could slip in: the suite must notice.


def test_fault_unchecked_digest(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchecked(folder: Path, digests: dict[str, str]) -> Iterator[tuple[str, bytes]]:
        for name in sorted(digests):
            yield name, (folder / name).read_bytes()

    monkeypatch.setattr(contents, "checked", unchecked)
    with pytest.raises(AssertionError, match="tampered"):
        check_tamper_refused(copy_of(trained, tmp_path))


def test_fault_unmarked_path(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(path: Path, picture: Picture, package: Package, recipe: Recipe) -> Artifact:
        content = encode(picture, mark.FORMATS[path.suffix])
        write_bytes(path, content)
        return Artifact(path, digest_bytes(content), recipe)

    monkeypatch.setattr(generating, "write_marked", plain)
    with pytest.raises(AssertionError):
        test_no_unmarked_path_out_of_generate("png", trained, tmp_path)


def test_fault_a_second_door(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from mintmark.data.encode import encode\n")
    (tmp_path / "two.py").write_text("from mintmark.data import encode as e, loader\n")
    (tmp_path / "three.py").write_text("import mintmark.data.encode\n")
    (tmp_path / "none.py").write_text("from mintmark.data import loader\n")
    assert importers_of_encode(tmp_path) == {"one.py", "two.py", "three.py"}


def test_fault_progress_beyond_its_total() -> None:
    good = Progress("training", 1, 2, "images")
    with pytest.raises(AssertionError):
        check_progress(one for one in (good, replace(good, done=3)))
