"""The files of an evaluation: JSON for programs, Markdown to paste, a page to look at."""

from pathlib import Path

from mintmark.actions.evaluation import Evaluation, place, save
from mintmark.actions.page import render
from mintmark.actions.verdict import copied
from mintmark.core.files import write_text
from mintmark.core.records import Score


def write(evaluation: Evaluation, folder: Path) -> None:
    """Writes report.json, report.md, report.html and the sheets into a folder."""
    page = render(evaluation)
    save(evaluation, folder)
    title = f"# {evaluation.task}: package {evaluation.package[:12]}\n\n"
    pictures = "".join(f"\n![{sheet.about}]({sheet.name}.png)\n" for sheet in evaluation.sheets)
    write_text(folder / "report.md", title + markdown(evaluation) + pictures)
    write_text(folder / "report.html", page)


def markdown(evaluation: Evaluation) -> str:
    """The figures as Markdown tables and sentences."""
    lines = ["| metric | measured in | value | |", "| --- | --- | ---: | --- |"]
    lines += [_row(score) for score in evaluation.scores]
    found = copied(evaluation.novelty, evaluation.score("copies"))
    lines += ["", f"{found.label}: {found.figure} {found.text}"]
    if evaluation.classes:
        lines += ["", "| class | generated | found by a classifier | coverage |"]
        lines += ["| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {cell(one.name)} | {one.generated} | {_share(one.agreement)} | "
            f"{_share(one.coverage)} |"
            for one in evaluation.classes
        ]
    return "\n".join(lines) + "\n"


def _row(score: Score) -> str:
    error = "" if score.error is None else f" ± {score.error:.4f}"
    return f"| {score.name} | {place(score)} | {score.value:.4f}{error} | {score.note} |"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())
