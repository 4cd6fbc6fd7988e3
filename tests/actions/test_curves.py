import json
from pathlib import Path

from mintmark.actions.curves import MOST_POINTS, training


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_run_without_a_log_has_no_curves(tmp_path: Path) -> None:
    assert training(tmp_path / "log.jsonl") == ()


def test_figures_become_lines_over_images(tmp_path: Path) -> None:
    log = write(
        tmp_path / "log.jsonl",
        [
            {"step": 1, "images": 64, "discriminator": 0.5, "generator": 1.0},
            {"step": 1, "images": 64, "fd": 9.0, "coverage": 0.1},
            {"step": 2, "message": "alarm: something"},
            {"step": 2, "images": 128, "discriminator": 0.25, "generator": 2.0},
            {"step": 2, "images": 128, "fd": 4.0, "coverage": 0.5},
        ],
    )
    charts = {chart.name: chart for chart in training(log)}
    assert set(charts) == {"losses", "distance", "coverage"}
    losses = {line.name: line for line in charts["losses"].lines}
    assert losses["discriminator"].x == (64.0, 128.0)
    assert losses["discriminator"].y == (0.5, 0.25)
    assert charts["distance"].lines[0].y == (9.0, 4.0)


def test_long_runs_are_thinned_by_means(tmp_path: Path) -> None:
    count = 3 * MOST_POINTS
    lines: list[dict[str, object]] = [
        {"step": i, "images": i, "generator": float(i)} for i in range(count)
    ]
    line = training(write(tmp_path / "log.jsonl", lines))[0].lines[0]
    assert len(line.x) == MOST_POINTS
    assert line.x[0] == line.y[0] == 1.0


def test_a_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    good = '{"step": 1, "images": 1, "fd": 1.0}\n{"step": 2, "images": 2, "fd": 2.0}\n'
    log.write_text(good + '{"step": 3, "images": 3, "f')
    assert training(log)[0].lines[0].y == (1.0, 2.0)
