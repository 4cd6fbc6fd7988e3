"""A process whose children are killed; run by the tests, prints one line of JSON.

Torch is imported once and the children are forked, so a kill costs no start.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

import small

from mintmark.data.loader import Loader
from mintmark.training import distributed, durable
from mintmark.training.checkpoint import Store
from mintmark.training.precision import Compute
from mintmark.training.trainer import RunState

SAVE_EVERY = 3
MIDWAY = 6  # kills at least that must fall between the first step and the last


def run_to_end(folder: Path, background: bool, compute: Compute) -> None:
    """Trains the small run durably and writes its outcome beside the checkpoints."""
    state = small.state(compute)
    store = Store(folder)
    with (
        distributed.joined(compute),
        Loader(small.pixels(), small.SCHEDULE.batch, 0, background=background) as loader,
    ):
        steps = durable.run(small.ENGINE, state, loader, small.SCHEDULE, compute, store, SAVE_EVERY)
        for place, _ in enumerate(steps):
            if place == 0:
                with (folder / "began.txt").open("a") as began:
                    began.write(f"{state.step - 1}\n")
    if compute.rank == 0:
        # Rows are of one process from here on, so the future needs no partners.
        (folder / "outcome.tmp").write_text(json.dumps(small.outcome(state)))
        (folder / "outcome.tmp").replace(folder / "outcome.done")


def save_for_ever(folder: Path, report: int) -> None:
    """Saves state after state, telling each step that was saved."""
    state = small.state()
    store = Store(folder, keep_last=2)
    state.step = (store.restore(state) or 0) + 1
    while True:
        for parameter in state.networks["G"].parameters():
            parameter.data.fill_(float(state.step))
        store.save(state)
        os.write(report, f"{state.step}\n".encode())
        state.step += 1


def come_late() -> None:
    """This process looks for checkpoints long after the others."""
    restore = Store.restore

    def late(self: Store, state: RunState, step: int | None = None) -> int | None:
        time.sleep(1.5)
        return restore(self, state, step)

    Store.restore = late  # type: ignore[method-assign]


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a child must never return into the parent
        sys.stderr.write(repr(error))
        os._exit(1)


def cut(root: Path, background: bool, kills: int, seed: int) -> dict[str, object]:
    """Runs straight once, then cut at random instants until `kills` children died."""
    dice = random.Random(seed)
    small.state()  # what torch imports late, it imports here, not in each child
    straight = root / "straight"
    straight.mkdir()
    began = time.monotonic()
    os.waitpid(fork(partial(run_to_end, straight, background, Compute())), 0)
    span = time.monotonic() - began
    died = 0
    outcomes: list[dict[str, object]] = []
    while died < kills or len(resumed(root)) < MIDWAY:
        folder = root / f"cut-{len(outcomes)}"
        folder.mkdir()
        while not (folder / "outcome.done").exists():
            before = len(begun(folder))
            child = fork(partial(run_to_end, folder, background, Compute()))
            if died < kills or len(resumed(root)) < MIDWAY:
                give_up = time.monotonic() + span  # a run that is complete begins no step
                while len(begun(folder)) == before and time.monotonic() < give_up:
                    time.sleep(0.001)
                time.sleep(dice.uniform(0, span / 3))
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            died += os.WIFSIGNALED(status)
        outcomes.append(json.loads((folder / "outcome.done").read_text()))
    wanted = json.loads((straight / "outcome.done").read_text())
    return {"kills": died, "resumed": resumed(root), "equal": [o == wanted for o in outcomes]}


def resumed(root: Path) -> list[int]:
    """The steps, beyond the first, at which runs went on after a kill."""
    return [step for folder in root.glob("cut-*") for step in begun(folder) if step > 0]


def begun(folder: Path) -> list[int]:
    """The steps at which the children of a folder began."""
    path = folder / "began.txt"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def kill_saves(root: Path, kills: int, seed: int) -> dict[str, object]:
    """Kills a saving child again and again; what it told as saved must be there."""
    dice = random.Random(seed)
    lost, unreadable, mixed, told = 0, 0, 0, 0
    for _ in range(kills):
        read, write = os.pipe()
        child = fork(partial(save_for_ever, root, write))
        os.close(write)
        rest = os.read(read, 16)  # it is under way; now at any instant of its saves
        time.sleep(dice.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while block := os.read(read, 4096):
            rest += block
        os.close(read)
        told = max([told, *(int(line) for line in rest.split(b"\n")[:-1])])
        state = small.state()
        step = Store(root).restore(state)
        values = {float(p.flatten()[0]) for p in state.networks["G"].parameters()}
        unreadable += step is None
        lost += step is not None and step < told
        mixed += step is not None and values != {float(step)}
    return {"kills": kills, "unreadable": unreadable, "lost": lost, "mixed": mixed, "saved": told}


def main() -> None:
    torch.set_num_threads(1)
    mode, root = sys.argv[1], Path(sys.argv[2])
    if mode == "cut":
        result = cut(root, sys.argv[3] == "background", int(sys.argv[4]), seed=7)
    elif mode == "saves":
        result = kill_saves(root, int(sys.argv[3]), seed=7)
    else:
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        if "LATE" in os.environ and rank == 1:
            come_late()
        run_to_end(root, False, Compute(rank=rank, world=world))
        result = {"rank": rank}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
