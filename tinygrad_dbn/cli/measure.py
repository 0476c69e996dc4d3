"""tinygrad-dbn measure: the lecture's empirical claims, over seeds."""

from pathlib import Path
from typing import Annotated

import typer

from .terminal import listed, refuse, refusing, say


def measure(
    name: Annotated[
        str,
        typer.Argument(
            help="vanishing, fitting, regions, width, dropout, autoencoder, newton, documents, clamped, updown, "
            "schedule, embedding or subspaces."
        ),
    ] = "",
    seeds: Annotated[int | None, typer.Option(min=1, help="How many; each experiment has its own number.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny nets and few epochs: to see that it runs.")] = False,
    out: Annotated[Path | None, typer.Option(help="The folder; figures that are in it are kept, and used.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="documents: your own texts, a folder with a subfolder of text files for each label."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Runs at once.")] = 2,
) -> None:
    """Measure one empirical claim of the lecture: every condition from the same seeds, all of which are shown.

    Run it again with the same --out to go on after Ctrl-C.
    """
    place = f"measure-{name}{f'-{folder.resolve().name}' if folder else ''}{'-quick' if quick else ''}"
    out = out or Path("runs") / place
    with refusing(f"--out {out} goes on with what is missing"):
        from ..lab.claims import EXPERIMENTS, as_text, run, write_all
        from ..lab.terminal import progress, show

        if not name:
            listed("experiments", {name: f"{e.title} (claim {e.claim})" for name, e in EXPERIMENTS.items()})
        if name not in EXPERIMENTS:
            refuse(f"there is no experiment {name!r}; known are {', '.join(EXPERIMENTS)}")
        experiment = EXPERIMENTS[name]
        if folder is not None:
            if experiment.own is None:
                refuse(f"{name} has data of its own, so that nothing is read from --folder {folder}; leave it out")
            experiment = experiment.own(folder)
        with progress(len(experiment.conditions) * (seeds or experiment.seeds)) as bar:
            results = run(experiment, out, seeds=seeds, quick=quick, processes=processes, watch=bar)
        written = write_all(experiment, results, out)
    show(as_text(experiment, results))
    for comparison in experiment.comparisons:
        print(comparison.outcome(results))
    for path in written:
        say(str(path))
