"""How benchmarks measure: what is compared takes turns, so that a busy machine slows all of it."""

import time

import numpy as np


def seconds(f):
    """Of the clock, that one call takes."""
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def best(f, runs):
    """The seconds of the quickest of several calls."""
    return min(seconds(f) for _ in range(runs))


def in_turns(functions, turns):
    """The seconds of every call, (turns, functions): each function is called once a turn."""
    return np.array([[seconds(f) for f in functions] for _ in range(turns)])
