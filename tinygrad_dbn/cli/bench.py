"""tinygrad-dbn bench: the repository's benchmarks, run with this interpreter."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .terminal import listed, refuse

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = {
    "engine": "engine.py",
    "exact": "exact_sums.py",
    "gradient": "exact_gradient.py",
    "kernels": "kernels.py",
    "learning": "learning.py",
    "compiling": "compiling.py",
}

# What it does not know goes to the script, which has options of its own.
PASSING = {"allow_extra_args": True, "ignore_unknown_options": True}


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"{', '.join(SCRIPTS)}.")] = "",
) -> None:
    """Measure this machine: the engine beside its peers, the exact sums beside the machine's limits.

    `bench learning` has epochs beside scikit-learn and PyTorch; `bench compiling`, how long one waits for a step.
    Other options go to the script: `bench engine --quick --threads 1 --python OTHER/bin/python`, where OTHER is an
    environment that has PyTorch, JAX, autograd and MyGrad; `bench exact --quick`. `bench engine -- --help` lists them.
    """
    if not name:
        listed("benchmarks", {name: f"benchmarks/{script}" for name, script in SCRIPTS.items()})
    if name not in SCRIPTS:
        refuse(f"there is no benchmark {name!r}; known are {', '.join(SCRIPTS)}")
    script = FOLDER / SCRIPTS[name]
    if not script.exists():
        refuse(
            f"{script} is missing: the benchmarks are in the repository, not in the installed package; "
            f"clone it, and there write: pip install -e ."
        )
    try:
        status = subprocess.run([sys.executable, str(script), *context.args]).returncode
    except KeyboardInterrupt:
        status = 130
    raise typer.Exit(status)
