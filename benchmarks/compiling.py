"""How long until a compiled function is there: cold, with no machine code kept, and in a new process where it is kept.

    python benchmarks/compiling.py

Every figure is of a process of its own, from the first call until it returns: seconds of the processor, so that a busy
machine counts less. Importing the package comes before it, importing Numba and loading machine code are in it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from engine import compiled, data
from goals import mark
from tables import heading

import tinygrad_dbn as td
from tinygrad_dbn.autodiff import ops

WARM_RUNS = 5


def chain_of(count):
    """So many ops, each of what the one before it gave."""

    @td.compile
    def chain(x):
        for _ in range(count // 2):
            x = ops.tanh(x) + 0.5
        return x

    return lambda: chain(np.ones(100))


FUNCTIONS = {
    "deep": lambda: compiled(*data((64, *(64,) * 50, 10), 32)),
    "long": lambda: chain_of(10_000),
    "small": lambda: compiled(*data((16, 16, 10), 32)),
}
COLD = {"a step of a net of 50 hidden layers": ("deep", 15), "10 000 ops, one after another": ("long", 60)}


def first_call(name, cache):
    """Seconds of the processor that the first call takes in a new process, with that folder for machine code."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    return float(subprocess.check_output([sys.executable, __file__, "--function", name], env=environment))


def report():
    heading()
    print("\nseconds of the processor until the first call has returned, in a new process")
    for title, (name, goal) in COLD.items():
        with tempfile.TemporaryDirectory() as cache:
            found = first_call(name, cache)
        print(f"  cold: {title}: {found:.1f}, {mark(found, at_most=goal)}", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        cold, *warm = (first_call("small", cache) for _ in range(WARM_RUNS + 1))
    print(f"  cold: a step of a net 16-16-10: {cold:.1f}")
    print(
        f"  warm: the same: {np.median(warm):.2f} ({min(warm):.2f} to {max(warm):.2f}), "
        f"{mark(np.median(warm), at_most=0.3)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tinygrad-dbn bench compiling", description=__doc__.splitlines()[0])
    parser.add_argument("--function", choices=list(FUNCTIONS), help=argparse.SUPPRESS)
    name = parser.parse_args().function
    if name is None:
        report()
    else:
        call = FUNCTIONS[name]()
        start = time.process_time()
        call()
        print(time.process_time() - start)
