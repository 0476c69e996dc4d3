"""Python in a process of its own, and the command line in this one."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from typer.testing import CliRunner

from tinygrad_dbn.cli import app

ROOT = Path(__file__).parents[1]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def python(program, *arguments, **environment):
    """What a program prints in a fresh process that finds the package and these tests; it has to end well."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environment},
    ).stdout  # fmt: skip


def command(*words):
    """The result of `tinygrad-dbn` with these words. What it raises goes on as it is, but for its exit."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
