import errno
import json
import resource
from pathlib import Path

import pytest
import small
import torch

from mintmark.core.errors import CheckpointError
from mintmark.data.loader import Loader
from mintmark.training import checkpoint, trainer
from mintmark.training.checkpoint import Store
from mintmark.training.precision import Compute
from mintmark.training.trainer import RunState


def trained(steps: int = 3) -> RunState:
    state = small.state()
    with Loader(small.pixels(), small.SCHEDULE.batch, 0) as loader:
        run = trainer.train(small.ENGINE, state, loader, small.SCHEDULE, Compute())
        for _ in range(steps):
            next(run)
    return state


def test_what_is_restored_is_what_was_saved(tmp_path: Path) -> None:
    state, other = trained(), small.state(seed=9)
    Store(tmp_path).save(state)
    assert Store(tmp_path).restore(other) == 3
    assert small.fingerprint(other) == small.fingerprint(state)
    layouts = [
        {name: value.stride() for name, value in small.tensors(s).items()} for s in (state, other)
    ]
    assert layouts[0] == layouts[1]


def test_an_empty_folder_restores_nothing(tmp_path: Path) -> None:
    state = small.state()
    before = small.fingerprint(state)
    assert Store(tmp_path / "absent").restore(state) is None
    assert small.fingerprint(state) == before


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "record", "foreign"])
def test_the_newest_whole_one_wins(tmp_path: Path, damage: str) -> None:
    state, store = trained(), Store(tmp_path)
    store.save(state)
    good = small.fingerprint(state)
    state.step = 9
    path = store.save(state)
    content = bytearray(path.read_bytes())
    record = path.with_suffix(".json")
    if damage == "flip":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[:-100])
    elif damage == "remove":
        path.unlink()
    elif damage == "record":
        record.write_text(record.read_text()[:-20])
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "format": 99}))
    other = small.state()
    assert store.restore(other) == 3
    assert small.fingerprint(other) == good


def test_which_checkpoints_stay(tmp_path: Path) -> None:
    state, store = small.state(), Store(tmp_path, keep_last=2, keep_every=4)
    for step in range(11):
        state.step = step
        store.save(state)
    assert store.steps() == [0, 4, 8, 9, 10]
    assert len(list(tmp_path.glob("*.safetensors"))) == 5


def test_networks_of_another_shape_are_refused(tmp_path: Path) -> None:
    Store(tmp_path).save(trained())
    torch.manual_seed(0)
    networks = checkpoint_networks([32, 16])
    other = trainer.start(small.ENGINE, networks, 0, Compute())
    with pytest.raises(CheckpointError, match="does not fit"):
        Store(tmp_path).restore(other)


def checkpoint_networks(widths: list[int]) -> dict[str, torch.nn.Module]:
    from mintmark.models import r3gan

    return r3gan.build({**small.ARGS, "widths": widths})


@pytest.mark.parametrize("full_after", [0, 1, 2, 3])
def test_a_disk_that_fills_up_costs_one_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_after: int
) -> None:
    state, store = trained(), Store(tmp_path)
    store.save(state)
    good = small.fingerprint(state)
    calls = iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) >= full_after:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mintmark.core.files.os.fsync", full)
    state.step = 9
    with pytest.raises(CheckpointError, match="No space left on device"):
        store.save(state)
    monkeypatch.undo()
    other = small.state()
    assert store.restore(other) in (3, 9)
    if store.steps() == [3]:
        assert small.fingerprint(other) == good
    assert not list(tmp_path.glob(".*.part"))


def test_a_write_that_stops_half_way_costs_one_interval(tmp_path: Path) -> None:
    """A true short write: the kernel refuses to let the file grow beyond a limit."""
    state, store = trained(), Store(tmp_path)
    size = store.save(state).stat().st_size
    state.step = 9
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        with pytest.raises(CheckpointError, match="could not be saved"):
            store.save(state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.steps() == [3]
    assert store.restore(small.state()) == 3
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_nothing_is_pickled() -> None:
    source = Path(checkpoint.__file__).read_text()
    assert "pickle" not in source.replace("no pickle", "")
    assert "torch.save" not in source
    assert "torch.load" not in source
