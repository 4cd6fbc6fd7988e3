import json
from pathlib import Path

from mintmark.training.runlog import RunLog


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_log_reads_as_if_the_run_had_never_been_cut(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in (1, 2, 3, 4):
            log.write(step, step * 8, {"loss": step / 2})
        log.tell(4, "alarm")
    with (tmp_path / "log.jsonl").open("a") as cut_short:
        cut_short.write('{"step": 5, "los')
    with RunLog(tmp_path, 2) as log:
        log.write(3, 24, {"loss": 9.0})
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]
    assert lines(tmp_path)[-1] == {"step": 3, "images": 24, "loss": 9.0}


def test_a_roll_back_drops_the_steps_that_were_undone(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in (1, 2, 3):
            log.write(step, step * 8, {})
        log.tell(1, "went back")
        log.write(2, 16, {})
    assert [line["step"] for line in lines(tmp_path)] == [1, 1, 2]


def test_event_files_hold_every_figure(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        log.write(7, 56, {"generator": 0.5, "r1": 2.0})
    content = b"".join(path.read_bytes() for path in (tmp_path / "events").iterdir())
    assert b"generator" in content
    assert b"r1" in content
