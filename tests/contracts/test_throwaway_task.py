"""Adding a task touches one file: its contract tests appear by themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mintmark

CONTRACT = Path(__file__).with_name("test_every_task.py")
TASK = """
from mintmark.engines.synthesis import Synthesis
from mintmark.tasks._task import SEED, Task
from mintmark.training.trainer import Schedule

TASK = Task(
    name="throwaway",
    title="Make throw-away pictures",
    about="Learns nothing of use from any folder; it is here to show that a task is one file.",
    engine=Synthesis(),
    family="r3gan",
    schedules={"tiny": Schedule(images=64, batch=4)},
    inputs=(SEED,),
)
"""


def test_a_new_task_file_is_walked_by_the_contract(tmp_path: Path) -> None:
    source = Path(mintmark.__file__).parent
    copy = tmp_path / "src/mintmark"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = {path.relative_to(copy) for path in copy.rglob("*.py")}
    (copy / "tasks/throwaway.py").write_text(TASK)
    assert {path.relative_to(copy) for path in copy.rglob("*.py")} == {
        *before,
        Path("tasks/throwaway.py"),
    }
    # Runs those of the new task and of the whole catalogue.
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(CONTRACT),
        "-vv",
        "-rA",
        "-p",
        "no:cacheprovider",
    ]
    chosen = ["-k", "throwaway or stale", f"--basetemp={tmp_path / 'base'}"]
    path = os.pathsep.join([str(tmp_path / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command + chosen,
        env=os.environ | {"PYTHONPATH": path},
        cwd=CONTRACT.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    passed = {line.split("::")[1].split(" ")[0] for line in lines if line.startswith("PASSED")}
    failed = {line.split("::")[1].split(" ")[0] for line in lines if line.startswith("FAILED")}
    assert passed == {
        "test_trains_the_same_from_the_same_seed[throwaway-tiny]",
        "test_another_seed_gives_other_weights[throwaway]",
        "test_resumes_exactly[throwaway]",
        "test_packages_and_loads_back[throwaway]",
        "test_what_it_generates_is_marked[throwaway]",
        "test_tells_the_user_what_it_is[throwaway]",
    }, done.stdout + done.stderr
    # The generated file is stale until it is generated again; nothing else is.
    assert failed == {"test_the_catalogue_is_not_stale", "test_is_in_the_catalogue[throwaway]"}
