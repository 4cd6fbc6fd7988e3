"""The command line: parse, call the verb, show its progress. No logic lives here.

Verbs are imported inside the commands, because importing torch takes a second
and `--help` must not.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import looking, show
from mintmark.cli.typed import Out, margins, numbers, pairs, sides
from mintmark.core.errors import MintmarkError
from mintmark.core.threads import share_cores

app = typer.Typer(
    name="mintmark",
    help="Train GANs on your own pictures, use them, and keep every result accountable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(looking.data_app, name="data")
app.add_typer(looking.metrics_app, name="metrics")
app.add_typer(looking.package_app, name="package")

PACKAGE = "Package folder, a name of `package list`, or hf://owner/name."
FeaturesOption = Annotated[
    str, typer.Option(help="What to measure in: auto, digits, pictures, data or inception.")
]
Seed = Annotated[int, typer.Option(help="Picture i of a seed is always the same.")]


GENERATE_EXAMPLES = """Examples:

- `mintmark generate digits --class 7 --grid -o sevens`
- `mintmark generate runs/avatars/package --set hair=red --count 50 -o faces`
- `mintmark generate runs/emoji/package --text "noto red heart" --best-of 4 -o hearts`
- `mintmark generate digits --vary sevens/digits-1a2b3c4d-0-7f3e21-000003.png -o near`
- `mintmark generate runs/avatars/package --walk mp4 --count 6 --psi 0.8 -o walks`
"""

APPLY_EXAMPLES = """Examples:

- `mintmark apply photo-x2 photos/ --compare -o large`
- `mintmark apply enhance photos/ --strength 0.5 -o better`
- `mintmark apply inpaint street.jpg --mask street-mask.png -o filled`
- `mintmark apply runs/wide/package street.jpg --outpaint left=256 -o wide`
- `mintmark apply avatars-hair faces/ --to pink -o pink`
"""


def main() -> None:
    """The entry point: an error is one sentence on standard error and an exit code."""
    share_cores()
    try:
        app(prog_name="mintmark")
    except MintmarkError as error:
        show.complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        show.complain(f"{error}; nothing was left half-written, so mend that and try again.")
        sys.exit(1)


@app.command(epilog="Example: `mintmark train digits data/digits/train --out runs/digits`")
def train(  # noqa: PLR0913 - a flag each
    task: Annotated[str, typer.Argument(help="What to learn; see `mintmark tasks`.")],
    data: Annotated[Path, typer.Argument(help="Folder or zip of pictures.")],
    out: Out,
    preset: Annotated[str | None, typer.Option(help="tiny, small or base.")] = None,
    size: Annotated[str | None, typer.Option(help="Pixels a side, or 96x64.")] = None,
    family: Annotated[str | None, typer.Option(help="r3gan or stylegan.")] = None,
    condition: Annotated[
        str, typer.Option(help="class, attributes, text, none, or auto: by the task.")
    ] = "auto",
    encoder: Annotated[str | None, typer.Option(help="A frozen text encoder: minilm.")] = None,
    alpha: Annotated[str | None, typer.Option(help="Transparency: keep or white.")] = None,
    augment: Annotated[str | None, typer.Option(help="auto, off, ada or diff.")] = None,
    gamma: Annotated[float | None, typer.Option(help="Weight of the penalties.")] = None,
    tune: Annotated[
        bool | None, typer.Option("--tune/--no-tune", help="Probe for gamma before the run.")
    ] = None,
    grow: Annotated[
        str | None, typer.Option(help="From a low resolution on: joint, freeze or off.")
    ] = None,
    input: Annotated[
        str | None, typer.Option(help="Folder of the inputs, where two folders hold pairs.")
    ] = None,
    target_half: Annotated[
        str | None, typer.Option(help="Of pairs side by side, the target: left or right.")
    ] = None,
    kinds: Annotated[
        str | None, typer.Option(help="Metadata column that tells kinds to translate between.")
    ] = None,
    content: Annotated[
        str | None, typer.Option(help="What translations keep by: nce, cycle, both or likeness.")
    ] = None,
    balance: Annotated[
        str | None, typer.Option(help="Show each class, or value of this attribute, as often.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step.")] = None,
    images: Annotated[int | None, typer.Option(help="Length of the run in images.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Length of the run in minutes.")] = None,
    micro: Annotated[int | None, typer.Option(help="Most pictures in memory at once.")] = None,
    seed: Annotated[int | None, typer.Option(help="0 for a new run.")] = None,
    fork: Annotated[Path | None, typer.Option(help="Start from another run's weights.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Start from a package.")] = None,
    freeze_d: Annotated[
        int, typer.Option(help="First stages of the discriminator that keep what they know.")
    ] = 0,
    skip_broken: Annotated[bool, typer.Option(help="Leave broken pictures out.")] = False,
) -> None:
    """Train a task on your data; run the same command again to go on.

    Ctrl-C saves and stops; nothing is lost.
    """
    from mintmark.actions import requests

    request = requests.TrainRequest(
        task=task,
        data=data,
        out=out,
        preset=preset,
        size=sides(size),
        family=family,
        condition=condition,
        encoder=encoder,
        alpha=alpha,
        augment=augment,
        gamma=gamma,
        tune=tune,
        grow=grow,
        input=input,
        target_half=target_half,
        kinds=kinds,
        content=content,
        balance=balance,
        batch=batch,
        images=images,
        minutes=minutes,
        micro=micro,
        seed=seed,
        fork=fork,
        start=start,
        freeze_d=freeze_d,
        skip_broken=skip_broken,
    )
    from mintmark.actions.train import train as verb
    from mintmark.actions.world import open_world

    if open_world().compute.rank > 0:
        show.hush()
    show.follow(verb(request, open_world()), go_on="Run the same command again to go on.")
    show.trained(task, out / "package")


@app.command(epilog=GENERATE_EXAMPLES)
def generate(  # noqa: PLR0913 - a flag each
    package: Annotated[str, typer.Argument(help=PACKAGE)],
    out: Out,
    count: Annotated[int, typer.Option(help="How many pictures.")] = 16,
    label: Annotated[str | None, typer.Option("--class", help="One class; else all.")] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE; others vary. Repeat for more.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What to draw, in words.")] = None,
    psi: Annotated[float, typer.Option(help="Truncation: below 1 is more typical.")] = 1.0,
    noise: Annotated[bool, typer.Option(help="Stochastic variation.")] = True,
    seed: Seed = 0,
    seeds: Annotated[str | None, typer.Option(help="Draw one picture of each seed: 1-4,9.")] = None,
    best_of: Annotated[int, typer.Option(help="Candidates for each picture kept.")] = 1,
    grid: Annotated[bool, typer.Option(help="Also write one sheet of all.")] = False,
    sheet: Annotated[bool, typer.Option(help="Also write a contact sheet with captions.")] = False,
    mix: Annotated[
        int | None, typer.Option(help="Take the style of picture 0 of another seed.")
    ] = None,
    scale: Annotated[str, typer.Option(help="Its layers: coarse, middle or fine.")] = "fine",
    vary: Annotated[
        Path | None, typer.Option(help="Draw pictures near this generated one.")
    ] = None,
    strength: Annotated[float, typer.Option(help="How far: 0 the same, 1 any.")] = 0.3,
    walk: Annotated[
        str | None, typer.Option(help="Write a clip through the pictures: mp4, webp or gif.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames of a walk between two pictures.")] = 24,
    fps: Annotated[float, typer.Option(help="Frames a second of a walk.")] = 24,
    like: Annotated[Path | None, typer.Option(help="Make this generated file again.")] = None,
    format: Annotated[str, typer.Option(help="png, jpg, webp, avif or tiff.")] = "png",
) -> None:
    """Draw pictures; every file says that it is synthetic and how to make it again."""
    from mintmark.actions.generate import generate as verb
    from mintmark.actions.requests import GenerateRequest
    from mintmark.actions.world import open_world

    request = GenerateRequest(
        package=package,
        out=out,
        count=count,
        label=label,
        attributes=pairs(attributes or []),
        text=text,
        psi=psi,
        noise=noise,
        seed=seed,
        seeds=numbers(seeds),
        best_of=best_of,
        grid=grid,
        sheet=sheet,
        mix=mix,
        scale=scale,
        vary=vary,
        strength=strength,
        walk=walk,
        frames=frames,
        fps=fps,
        like=like,
        format=format,
    )
    show.follow(verb(request, open_world()), go_on="What was drawn so far is whole.", tell=False)
    show.say(f"The pictures are in {out}.")


@app.command(epilog=APPLY_EXAMPLES)
def apply(  # noqa: PLR0913 - a flag each
    package: Annotated[str, typer.Argument(help=PACKAGE)],
    pictures: Annotated[list[Path], typer.Argument(help="Files, or folders of pictures.")],
    out: Out,
    fidelity: Annotated[float, typer.Option(help="0 looks best, 1 is nearest to the truth.")] = 0.3,
    tile: Annotated[
        int | None, typer.Option(help="Pixels a side that are worked on at once.")
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="White where to fill, or what was pasted: a file, or a folder."),
    ] = None,
    outpaint: Annotated[
        list[str] | None, typer.Option(help="Pixels to add, as in left=256; may be repeated.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="The kind that pictures shall become.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A picture whose style they shall have.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="How far pictures change: 0 same, 1 wholly.")
    ] = 1.0,
    photo: Annotated[
        bool,
        typer.Option("--photo", help="Keep every edge and the full size; change colours, light."),
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write NAME.compare.png: before and after.")
    ] = False,
) -> None:
    """Work on pictures: enlarge, clean, fill, extend or translate them."""
    from mintmark.actions.apply import apply as verb
    from mintmark.actions.requests import ApplyRequest
    from mintmark.actions.world import open_world

    request = ApplyRequest(
        package=package, pictures=tuple(pictures), out=out, fidelity=fidelity, tile=tile,
        mask=mask, outpaint=margins(outpaint or []), to=to, reference=reference,
        strength=strength, photo=photo, compare=compare,
    )  # fmt: skip
    show.follow(
        verb(request, open_world()), go_on="Run the same command again to go on.", tell=False
    )
    show.say(f"The pictures are in {out}.")


@app.command(epilog="Example: `mintmark evaluate runs/digits/package data/digits/train`")
def evaluate(
    package: Annotated[str, typer.Argument(help=PACKAGE)],
    data: Annotated[Path, typer.Argument(help="The real pictures it learned from.")],
    held_out: Annotated[
        Path | None, typer.Option(help="Real pictures it never saw; needed to look for copies.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="Pictures to generate.")] = None,
    seed: Seed = 0,
    features: FeaturesOption = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Figures only, no curves.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the report.")] = None,
) -> None:
    """Measure a package against real pictures; with --out, write a page to look at."""
    from mintmark.actions.evaluate import evaluate as verb
    from mintmark.actions.report import markdown
    from mintmark.actions.requests import EvaluateRequest
    from mintmark.actions.world import open_world

    request = EvaluateRequest(
        package=package,
        data=data,
        held_out=held_out,
        count=count,
        seed=seed,
        features=features,
        quick=quick,
        out=out,
    )
    result = show.follow(verb(request, open_world()), go_on="Run the same command again.")
    show.markdown(markdown(result))
    if out:
        show.say(f"The report is in {out / 'report.html'}.")


@app.command(epilog="Example: `mintmark compare runs/a/package runs/b/package --data photos/`")
def compare(
    models: Annotated[list[str], typer.Argument(help="Packages, or folders of reports.")],
    data: Annotated[Path | None, typer.Option(help="The real pictures to measure against.")] = None,
    held_out: Annotated[Path | None, typer.Option(help="Real pictures that none saw.")] = None,
    count: Annotated[int | None, typer.Option(help="Pictures to generate.")] = None,
    seed: Seed = 0,
    features: FeaturesOption = "auto",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the page.")] = None,
) -> None:
    """Set several models side by side, measured by one protocol."""
    from mintmark.actions.compare import compare as verb
    from mintmark.actions.requests import CompareRequest
    from mintmark.actions.world import open_world

    request = CompareRequest(
        models=models,
        data=data,
        held_out=held_out,
        count=count,
        seed=seed,
        features=features,
        out=out,
    )
    result = show.follow(verb(request, open_world()), go_on="Run the same command again.")
    show.markdown(result.text())
    if out:
        show.say(f"The comparison is in {out / 'comparison.html'}.")


@app.command(epilog="Example: `mintmark demo --out demo`")
def demo(
    out: Out = Path("demo"),
    seed: Seed = 0,
    images: Annotated[int | None, typer.Option(help="Length of the run in images.")] = None,
) -> None:
    """Learn to write digits here and now, and report on the result."""
    from mintmark.actions.demo import demo as verb
    from mintmark.actions.requests import DemoRequest
    from mintmark.actions.world import open_world

    request = DemoRequest(out=out, seed=seed, images=images)
    result = show.follow(verb(request, open_world()), go_on="Run the same command again to go on.")
    show.markdown((out / "report.md").read_text())
    show.say(
        f"Look at {out / 'grid.png'} and open {out / 'report/report.html'}. "
        f"It took {result.seconds / 60:.1f} minutes."
    )


@app.command(epilog="Examples: `mintmark tasks`, `mintmark tasks inpaint`")
def tasks(
    name: Annotated[str | None, typer.Argument(help="One of them, to be told all of it.")] = None,
) -> None:
    """List what can be learned, or tell all of one task."""
    show.tasks() if name is None else show.task(name)


@app.command(epilog="Example: `mintmark doctor`")
def doctor() -> None:
    """Show settings, device, precision and the extras that are installed."""
    from mintmark.actions.diagnose import diagnose

    show.table("Mintmark on this machine", diagnose())


if __name__ == "__main__":
    main()
