"""Packages are saved whole or not at all, and come back to the last bit."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from packages import ARGS, CONFIG, LINEAGE, edit, networks

from mintmark.core.errors import PackageError
from mintmark.core.files import digest_file
from mintmark.models.contents import write_manifest
from mintmark.models.package import (
    Package,
    from_pretrained,
    identity,
    save_pretrained,
    verify,
)


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


@pytest.mark.parametrize("name", ["avatars", "digits"])  # a family each
def test_loading_and_drawing_import_nothing_slow(name: str, tmp_path: Path) -> None:
    """Weights drawn without storage imported the compiler of torch, for seconds, or sympy."""
    code = (
        f"import sys, mintmark; mintmark.load({name!r}).generate({str(tmp_path)!r}); "
        "sys.exit(str({'torch._dynamo', 'sympy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == "set()"


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
        assert (package.path / "config.json").is_file()  # its other files can be read too
        return {"a.png": package.digest.encode()}

    package = save_pretrained(tmp_path / "p", CONFIG, networks(), LINEAGE, "", samples)
    assert seen[0].digest == package.digest
    assert package.path == tmp_path / "p"
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
