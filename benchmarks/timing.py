"""How benchmarks measure: what is compared takes turns, so that a busy machine slows all of it."""

import time

import numpy as np

REST = 0.3  # seconds


def seconds(f):
    """Of the clock, that one call takes."""
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def best(f, runs):
    """The seconds of the quickest of several calls."""
    return min(seconds(f) for _ in range(runs))


def in_turns(functions, turns, rest=0.0, measure=seconds):
    """What `measure` says of every call, (turns, functions): each function is called once a turn, after `rest` seconds.

    A BLAS keeps its threads spinning for a while after a product, on the cores of whatever is timed next: where one
    that uses several threads takes turns with threads of another kind, a rest of REST keeps them apart.
    """
    return np.array([[_after(rest, lambda f=f: measure(f)) for f in functions] for _ in range(turns)])


def _after(rest, f):
    time.sleep(rest)
    return f()
