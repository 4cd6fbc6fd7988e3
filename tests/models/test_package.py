import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch

from mintmark.core.errors import PackageError
from mintmark.core.files import digest_file
from mintmark.core.records import Lineage, Rights
from mintmark.models import r3gan
from mintmark.models.conditions import Conditions
from mintmark.models.contents import write_manifest
from mintmark.models.package import (
    Config,
    Package,
    from_pretrained,
    identity,
    save_pretrained,
    verify,
)

ARGS: dict[str, Any] = {
    "height": 8,
    "width": 8,
    "channels": 1,
    "classes": 2,
    "attributes": 0,
    "words": 0,
    "widths": [16, 16],
    "latent": 8,
}
NAMES = Conditions(classes=("zero", "öne \n---"))
CONFIG = Config("digits", "r3gan", ARGS, NAMES, 8, 8, 1, ("G", "D"), "0.1.0")
LINEAGE = Lineage(
    snapshot="ab" * 32,
    rights=Rights("CC-BY-4.0", ("Ada", "Grace"), "two folders"),
    code_version="0.1.0",
    seed=3,
    run={"images": 1000},
)


def networks(args: Mapping[str, Any] = ARGS) -> dict[str, torch.nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return r3gan.build(args)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages") / "digits"
    save_pretrained(folder, CONFIG, networks(), LINEAGE, "# Card\n", lambda _: {"a.png": b"png"})
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "digits"))


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Changes a JSON file and makes the manifest agree, as a careful forger would."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    if path.name != "manifest.json":
        write_manifest(path.parent)


def refusal(source: str | Path, **options: Any) -> str:
    with pytest.raises(PackageError) as caught:
        from_pretrained(source, **options)
    message = str(caught.value)
    assert message.endswith((".", "Mintmark.")), message
    assert ". " not in message and "\n" not in message, f"not one sentence: {message}"
    return message


def test_round_trip_is_bit_equal(original: Path) -> None:
    package = from_pretrained(original, networks=("G", "D"))
    assert package.config == CONFIG
    assert package.lineage == LINEAGE
    assert package.path == original
    for name, made in networks().items():
        loaded = package.networks[name]
        assert not loaded.training
        assert loaded.state_dict().keys() == made.state_dict().keys()
        for key, tensor in made.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], tensor)
            assert loaded.state_dict()[key].dtype == tensor.dtype
    z = torch.ones(2, 8)
    labels = torch.tensor([0, 1])
    assert torch.equal(package.networks["G"](z, labels), networks()["G"](z, labels))


def test_loads_only_what_is_asked_for(original: Path) -> None:
    assert set(from_pretrained(str(original)).networks) == {"G"}


def test_loading_draws_no_random_numbers(original: Path) -> None:
    before = torch.get_rng_state()
    from_pretrained(original, networks=("G", "D"))
    assert torch.equal(torch.get_rng_state(), before)


def test_loaded_networks_can_be_trained_on(original: Path) -> None:
    network = from_pretrained(original).networks["G"].train()
    network(torch.ones(1, 8), torch.tensor([0])).sum().backward()
    assert all(weight.requires_grad for weight in network.parameters())


def test_half_precision_weights_are_kept_as_float32(tmp_path: Path) -> None:
    halves = {name: network.bfloat16() for name, network in networks().items()}
    package = save_pretrained(tmp_path / "p", CONFIG, halves, LINEAGE, "")
    assert {weight.dtype for weight in package.networks["G"].parameters()} == {torch.float32}


def test_equal_packages_have_equal_bytes(original: Path, tmp_path: Path) -> None:
    save_pretrained(
        tmp_path / "p", CONFIG, networks(), LINEAGE, "# Card\n", lambda _: {"a.png": b"png"}
    )
    for name in (*verify(original), "manifest.json"):
        assert (original / name).read_bytes() == (tmp_path / "p" / name).read_bytes(), name


def test_verify_names_every_file(original: Path) -> None:
    assert verify(original) == (
        "D.safetensors",
        "G.safetensors",
        "README.md",
        "config.json",
        "lineage.json",
        "samples/a.png",
    )


def test_identity_covers_weights_config_and_lineage_only(folder: Path) -> None:
    before = from_pretrained(folder).digest
    (folder / "README.md").write_text("# Corrected\n")
    write_manifest(folder)
    assert from_pretrained(folder).digest == before
    edit(folder / "lineage.json", lambda value: value.update(seed=4))
    assert from_pretrained(folder).digest != before
    names = ("G.safetensors", "config.json", "lineage.json")
    digests = {name: digest_file(folder / name) for name in names}
    assert from_pretrained(folder).digest == identity(digests | {"README.md": "0"})


def test_samples_are_drawn_from_the_weights_on_the_disk(tmp_path: Path) -> None:
    seen: list[Package] = []

    def samples(package: Package) -> dict[str, bytes]:
        seen.append(package)
        return {"a.png": package.digest.encode()}

    package = save_pretrained(tmp_path / "p", CONFIG, networks(), LINEAGE, "", samples)
    assert seen[0].digest == package.digest
    assert seen[0].path == package.path == tmp_path / "p"
    assert (tmp_path / "p/samples/a.png").read_text() == package.digest


def test_a_package_is_replaced(folder: Path) -> None:
    before = from_pretrained(folder).digest
    package = save_pretrained(folder, CONFIG, networks(), replace(LINEAGE, seed=9), "")
    assert package.digest != before
    assert from_pretrained(folder).lineage.seed == 9
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]


def test_a_failed_save_leaves_the_former_package(folder: Path) -> None:
    def samples(_: Package) -> dict[str, bytes]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_pretrained(folder, CONFIG, networks(), replace(LINEAGE, seed=9), "", samples)
    assert from_pretrained(folder).lineage == LINEAGE
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]


def test_a_save_stopped_between_the_renames_puts_the_former_package_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def stopping(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stopping)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(folder, CONFIG, networks(), replace(LINEAGE, seed=9), "")
    assert from_pretrained(folder).lineage == LINEAGE
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]


def test_saving_over_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.png").write_bytes(b"cat")
    (folder / ".git").mkdir()
    (tmp_path / "file").write_text("text")
    for place in (photos, folder, tmp_path / "file"):
        with pytest.raises(PackageError, match=place.name):
            save_pretrained(place, CONFIG, networks(), LINEAGE, "")
    assert (photos / "cat.png").read_bytes() == b"cat"
    assert (folder / ".git").is_dir()
    assert len(list(tmp_path.iterdir())) == 3


def test_weights_that_do_not_fit_are_not_saved(tmp_path: Path) -> None:
    other = networks({**ARGS, "latent": 4})
    with pytest.raises(PackageError, match="does not fit"):
        save_pretrained(tmp_path / "p", CONFIG, other, LINEAGE, "")
    assert not list(tmp_path.iterdir())


def test_a_sample_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="outside"):
        save_pretrained(tmp_path / "p", CONFIG, networks(), LINEAGE, "", lambda _: {"../x": b""})
    assert not list(tmp_path.iterdir())


def test_what_is_no_package(tmp_path: Path) -> None:
    assert "not a folder" in refusal(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    assert "not a folder" in refusal(tmp_path / "file")
    assert "not a Mintmark package" in refusal(tmp_path)


def test_truncated_weights(folder: Path) -> None:
    path = folder / "G.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "'G.safetensors' was changed or cut short" in refusal(folder)
    write_manifest(folder)
    assert "G.safetensors is truncated" in refusal(folder)


def test_one_changed_byte_anywhere_in_the_weights(folder: Path) -> None:
    path = folder / "G.safetensors"
    content = path.read_bytes()
    for place in random.Random(7).sample(range(len(content)), 20):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert "'G.safetensors' was changed" in refusal(folder)
    path.write_bytes(content)
    from_pretrained(folder)


@pytest.mark.parametrize("name", ["README.md", "D.safetensors", "samples/a.png", "lineage.json"])
def test_every_file_is_proved(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert f"'{name}' was changed" in refusal(folder)
    (folder / name).unlink()
    assert f"'{name}' is missing" in refusal(folder)


@pytest.mark.parametrize("name", ["notes.txt", "samples/b.png", "a/b/c.py"])
def test_an_unlisted_file(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    assert f"'{name}' is not in the package's manifest.json" in refusal(folder)


@pytest.mark.parametrize("name", ["G.pkl", "x.PT", "x.pth", "samples/pytorch_model.bin"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_pickle(folder: Path, name: str, listed: bool) -> None:
    (folder / name).write_bytes(b"cos\nsystem\n")
    if listed:
        digest = digest_file(folder / name)
        edit(folder / "manifest.json", lambda value: value["files"].update({name: digest}))
    assert f"'{name}' may be a pickle" in refusal(folder)


def test_hidden_files_do_not_matter(folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs")
    (folder / ".cache/huggingface").mkdir(parents=True)
    (folder / ".cache/huggingface/x.bin").write_text("")
    assert from_pretrained(folder).config == CONFIG


@pytest.mark.parametrize("name", ["G.safetensors", "README.md"])
def test_a_link(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "target")
    (folder / name).symlink_to(tmp_path / "target")
    assert f"'{name}' is a link" in refusal(folder)


def test_a_linked_folder_and_a_loop(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (folder / "more").symlink_to(tmp_path / "more")
    assert "'more' is a link" in refusal(folder)
    (folder / "more").unlink()
    (folder / "loop").symlink_to(folder / "loop")
    assert "'loop' is a link" in refusal(folder)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:/x", "a\0b", ""])
def test_a_manifest_that_points_outside(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text("secret")
    edit(folder / "manifest.json", lambda value: value["files"].update({name: "0" * 64}))
    assert "points outside its folder" in refusal(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"files": []}',
        '{"files": {"a": 1}}',
        '{"files": {"a": "AB"}}',
        "[" * 9999,
    ],
    ids=range(8),
)
def test_a_malformed_manifest(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert "manifest.json" in refusal(folder)


def test_a_manifest_without_what_is_needed(folder: Path) -> None:
    edit(folder / "manifest.json", lambda value: value["files"].pop("config.json"))
    assert "'config.json' is not in the package's manifest.json" in refusal(folder)
    (folder / "config.json").unlink()
    assert "'config.json' is missing" in refusal(folder)


def test_a_foreign_family(folder: Path) -> None:
    edit(folder / "config.json", lambda value: value.update(family="biggan"))
    assert "family 'biggan', but this Mintmark only knows fourier, lut, r3gan" in refusal(folder)


def test_a_future_format(folder: Path) -> None:
    def change(value: dict[str, Any]) -> None:
        value.update(format=7, something="new")

    edit(folder / "config.json", change)
    message = refusal(folder)
    assert "made by a newer Mintmark (format 7, this one reads 2): upgrade Mintmark" in message


@pytest.mark.parametrize("format", [1, True])
def test_an_early_format(folder: Path, format: int) -> None:
    edit(folder / "config.json", lambda value: value.update(format=format))
    assert "made by an early Mintmark (format 1)" in refusal(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "2"},
        {"format": 0},
        {"task": 3},
        {"args": []},
        {"conditions": {}},
        {"conditions": {**NAMES.to_json(), "classes": ["a", 1]}},
        {"conditions": {**NAMES.to_json(), "classes": "ab"}},
        {"networks": []},
        {"networks": ["../G"]},
        {"networks": ["D"]},
        {"extra": 1},
        {"picture": {"height": 8, "width": 8}},
        {"picture": {"height": 8.0, "width": 8, "channels": 1}},
        {"picture": {"height": 8, "width": 0, "channels": 1}},
        {"picture": {"height": 8, "width": 8, "channels": 5}},
        {"library_version": None},
    ],
    ids=repr,
)
def test_a_config_is_read_strictly(folder: Path, change: dict[str, Any]) -> None:
    edit(folder / "config.json", lambda value: value.update(change))
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize("field", ["format", "task", "family", "args", "conditions", "picture"])
def test_a_config_without_a_field(folder: Path, field: str) -> None:
    edit(folder / "config.json", lambda value: value.pop(field))
    assert f"config.json lacks '{field}'" in refusal(folder)


@pytest.mark.parametrize("text", ["NaN", '{"seed": NaN}', '"\\ud800"', "[1e999]", "1" * 5000])
def test_json_that_is_none(folder: Path, text: str) -> None:
    (folder / "lineage.json").write_text(text)
    write_manifest(folder)
    assert "lineage.json is not valid JSON" in refusal(folder)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1.5}, {"seed": True}, {"rights": {}}, {"base": 3}, {"run": []}, {"x": 1}],
    ids=repr,
)
def test_a_lineage_is_read_strictly(folder: Path, change: dict[str, Any]) -> None:
    edit(folder / "lineage.json", lambda value: value.update(change))
    assert "lineage" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent": 16}, "does not fit its config.json: embed.weight is [2, 8]"),
        ({"classes": 0}, "contradicts itself: classes is 0"),
        ({"blocks": 2}, "lacks 'stages.0.1."),
        ({"widths": [16 * 500] * 2}, "does not fit its config.json"),
        ({"height": 9}, "contradicts itself: height is 9"),
        ({"latent": -1}, "config.json does not make sense: Networks take"),
        ({"widths": [16 * 10**18] * 2}, "config.json does not make sense"),
        ({"surprise": 1}, "config.json does not make sense"),
    ],
)
def test_weights_that_do_not_fit_their_config(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    edit(folder / "config.json", lambda value: value["args"].update(change))
    assert words in refusal(folder)


def test_a_network_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    save_pretrained(alone, replace(CONFIG, networks=("G",)), networks(), LINEAGE, "")
    assert not (alone / "D.safetensors").exists()
    assert "holds no network 'D'; ask for G" in refusal(alone, networks=("G", "D"))
    (folder / "D.safetensors").unlink()
    write_manifest(folder)
    assert "D.safetensors is missing" in refusal(folder)


def hub_snapshot(original: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lays a package out as the Hub's cache does: links from a snapshot into blobs."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    repository = cache / "models--ada--digits"
    snapshot = repository / "snapshots" / ("c" * 40)
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("c" * 40)
    for path in (path for path in original.rglob("*") if path.is_file()):
        blob = repository / "blobs" / digest_file(path)
        shutil.copyfile(path, blob)
        link = snapshot / path.relative_to(original)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


def test_a_package_from_the_hubs_cache(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = hub_snapshot(original, tmp_path, monkeypatch)
    package = from_pretrained("hf://ada/digits")
    assert package.digest == from_pretrained(original).digest
    assert package.path == snapshot
    (tmp_path / "outside.md").write_text("# Card\n")
    (snapshot / "README.md").unlink()
    (snapshot / "README.md").symlink_to(tmp_path / "outside.md")
    assert "'README.md' is a link" in refusal("hf://ada/digits")


def test_a_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert "could not be fetched from the Hugging Face Hub" in refusal("hf://ada/nothing")


def test_only_a_name_that_says_so_reaches_the_hub(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(original, tmp_path / "ada/digits")
    monkeypatch.chdir(tmp_path)
    assert from_pretrained("ada/digits").path == tmp_path / "ada/digits"
    assert "not a folder" in refusal("ada/absent")
    assert "not a folder" in refusal("../ada")


def test_loading_draws_no_first_weights(folder: Path) -> None:
    """Drawing them for tensors without storage would import torch's compiler, for seconds."""
    code = (
        "import sys; from mintmark.models.package import from_pretrained; "
        f"from_pretrained({str(folder)!r}); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
