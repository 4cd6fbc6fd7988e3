"""The commands that look at data sets, weights and packages."""

from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import show
from mintmark.cli.typed import Out

data_app = typer.Typer(no_args_is_help=True, help="Look at data sets, and get public ones.")
metrics_app = typer.Typer(no_args_is_help=True, help="What measurements need.")
package_app = typer.Typer(no_args_is_help=True, help="Look into trained packages.")


@data_app.command("check", epilog="Example: `mintmark data check photos/`")
def data_check(
    data: Annotated[Path, typer.Argument(help="Folder or zip of pictures.")],
    size: Annotated[int, typer.Option(help="Pixels a side for training.")] = 64,
) -> None:
    """Look for trouble before training: broken, doubled, tiny, unbalanced. Changes nothing."""
    from mintmark.actions.prepare import check
    from mintmark.actions.requests import CheckRequest

    report = check(CheckRequest(data=data, size=size))
    show.say(report.text())
    raise typer.Exit(int(any(finding.level == "error" for finding in report.findings)))


@data_app.command("get", epilog="Example: `mintmark data get digits --out data/digits`")
def data_get(
    name: Annotated[
        str,
        typer.Argument(
            help="digits, icons, app-icons, emoji, outlines, avatars, pixel-avatars, photos, "
            "scenes, paintings, phantoms."
        ),
    ],
    out: Out,
) -> None:
    """Build a public data set; what it needs is fetched once, and kept."""
    from mintmark.actions.prepare import get

    show.say(f"The data is in {get(name, out)}.")


@metrics_app.command("weights", epilog="Example: `mintmark metrics weights`")
def metrics_weights() -> None:
    """Show which published weights are here, where the others are, and their digests."""
    from mintmark.actions.diagnose import weights

    for name, rows in weights().items():
        show.table(name, rows)


@package_app.command("list", epilog="Example: `mintmark package list`")
def package_list() -> None:
    """List the packages that come with Mintmark; use them by name."""
    from mintmark.actions.zoo import listing

    show.table("Packages that come with Mintmark", listing())


@package_app.command("show", epilog="Example: `mintmark package show runs/digits/package`")
def package_show(
    package: Annotated[str, typer.Argument(help="Package folder or Hub name.")],
) -> None:
    """Show what a package draws and where it came from."""
    from mintmark.actions.diagnose import describe

    show.table(package, describe(package))


@package_app.command(
    "make",
    epilog="Example: `mintmark package make runs/logos icons/ --step 4200 --out logos`",
)
def package_make(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    data: Annotated[Path, typer.Argument(help="What it learns from, unchanged.")],
    step: Annotated[int, typer.Option(help="Of a checkpoint that the run has kept.")],
    out: Out,
) -> None:
    """Make a package of an earlier moment of a run, such as one before it got worse.

    A run keeps its newest two checkpoints and one a quarter; samples/ and log.jsonl tell steps.
    """
    from mintmark.actions import requests
    from mintmark.actions.python import finish
    from mintmark.actions.train import pack
    from mintmark.actions.world import open_world

    request = requests.PackRequest(run=run, data=data, step=step, out=out)
    finish(pack(request, open_world()))
    show.say(f"The package is in {out}. Try: mintmark package show {out}")


@package_app.command("verify", epilog="Example: `mintmark package verify runs/digits/package`")
def package_verify(
    package: Annotated[str, typer.Argument(help="Package folder, or a shipped name.")],
) -> None:
    """Check every file of a package against its digest."""
    from mintmark.actions import zoo
    from mintmark.models.package import verify

    show.say(f"{len(verify(Path(zoo.find(package))))} files are as they were written.")
