"""Toy distributions that are known completely, so that the best possible likelihood is known too.

`train` lists the whole distribution: every row is equally likely, and a row listed twice is twice as
likely. A held-out part would only be a hole in the distribution, so `heldout` is None.
"""

from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset

_MOST_VALUES = 2**27  # 1 GiB of float64


def bars_and_stripes(n: int, convention: Literal["distinct", "doubled"] = "distinct") -> Dataset:
    """n × n pictures of vertical bars or horizontal stripes: `train` is (T, n²).

    An n-bit pattern is copied along the rows or along the columns. The all-off and the all-on picture
    arise both ways: `"doubled"` lists them twice (T = 2^(n+1)), `"distinct"` once (T = 2^(n+1) − 2).
    The two conventions have different optima, so the name says which it is.
    Raises ValueError for n < 1, an n whose table would pass 1 GiB, and an unknown convention.
    Source: MacKay, Information Theory, Inference, and Learning Algorithms (2003), chapter 43.
    """
    if convention not in ("distinct", "doubled"):
        raise ValueError(f'bars_and_stripes: convention is {convention!r}; write "distinct" or "doubled"')
    _check_size("bars_and_stripes", n, rows=f"2^{n + 1}", values=2 ** (n + 1) * n * n)
    patterns = _all_states(n)
    stripes = np.repeat(patterns, n, axis=1)
    bars = np.tile(patterns, (1, n))
    # Pattern 0 is all off and the last one all on: as bars they are the same pictures again.
    rows = np.concatenate([stripes, bars if convention == "doubled" else bars[1:-1]])
    states = 2 ** (n + 1) - 2
    if convention == "distinct":
        optimum = -log(states)
    else:
        total = 2 ** (n + 1)
        optimum = ((states - 2) * log(1 / total) + 4 * log(2 / total)) / total
    source = f"All bars and stripes of {n} × {n} pixels, {convention} convention (MacKay 2003, chapter 43)."
    return Dataset(f"bars-and-stripes:{n} ({convention})", rows, None, (n, n), optimum, source)


def labelled_shifter(n: int) -> Dataset:
    """n bits, the same bits rotated by −1, 0 or +1, and a one-hot label that says which: (3·2^n, 2n + 3).

    The best mean log-likelihood is −ln(3·2^n) nats. Raises ValueError for n < 1 and for an n whose
    table would pass 1 GiB.
    Source: MacKay, Information Theory, Inference, and Learning Algorithms (2003), chapter 43.
    """
    _check_size("labelled_shifter", n, rows=f"3·2^{n}", values=3 * 2**n * (2 * n + 3))
    bits = _all_states(n)
    blocks = [
        np.concatenate([bits, np.roll(bits, turn, axis=1), np.tile(np.eye(3)[label], (2**n, 1))], axis=1)
        for label, turn in enumerate((-1, 0, 1))
    ]
    rows = np.concatenate(blocks)
    source = f"All {len(rows)} labelled shifts of {n} bits (MacKay 2003, chapter 43)."
    return Dataset(f"shifter:{n}", rows, None, None, -log(len(rows)), source)


def parity(n: int) -> Dataset:
    """The n-bit vectors with an even number of ones: (2^(n−1), n); the optimum is −(n − 1) ln 2 nats.

    Any n − 1 of the bits are independent coin flips: only all n together carry information.
    Raises ValueError for n < 1 and for an n whose table would pass 1 GiB.
    """
    _check_size("parity", n, rows=f"2^{n - 1}", values=2 ** (n - 1) * n if n >= 1 else 0)
    states = _all_states(n - 1)
    rows = np.concatenate([states, states.sum(axis=1, keepdims=True) % 2], axis=1)
    source = f"All {len(rows)} vectors of {n} bits with an even number of ones."
    return Dataset(f"parity:{n}", rows, None, None, -(n - 1) * log(2), source)


def colourings(n: int) -> Dataset:
    """Colourings of a ring of n places in three colours, neighbours different: (2^n + 2·(−1)^n, 3n).

    A place is three zeros and ones, of which that of its colour is on: a unit of three values. The optimum is minus the
    logarithm of the number of rows, nats. Raises ValueError for n < 2 and for an n whose table would pass 1 GiB.
    Source: Birkhoff, A determinant formula for the number of ways of coloring a map (1912), for the count.

    >>> colourings(3).train.reshape(-1, 3, 3).argmax(axis=2)[:2]
    array([[0, 1, 2],
           [0, 2, 1]])
    """
    if n < 2:
        raise ValueError(f"colourings: n is {n}, but it counts the places of a ring; write n >= 2")
    _check_size("colourings", n, rows=f"about 2^{n}", values=3 * 2 ** (n - 1) * 3 * n)
    colours = np.arange(3)[:, None]
    for _ in range(n - 1):
        before = np.repeat(colours, 2, axis=0)
        turn = np.tile([1, 2], len(colours))  # the two other colours
        colours = np.column_stack([before, (before[:, -1] + turn) % 3])
    ring = colours[colours[:, 0] != colours[:, -1]]
    rows = np.eye(3)[ring].reshape(len(ring), 3 * n)
    source = f"All {len(rows)} colourings of a ring of {n} places in three colours, neighbours different."
    return Dataset(f"colourings:{n}", rows, None, (n, 3), -log(len(rows)), source)


def _all_states(n: int) -> NDArray[np.float64]:
    """{0,1}^n as (2^n, n): bit j of state s is (s >> j) & 1."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.float64)


def _check_size(name: str, n: int, rows: str, values: int) -> None:
    if n < 1:
        raise ValueError(f"{name}: n is {n}, but it counts bits; write n >= 1")
    if values > _MOST_VALUES:
        raise ValueError(
            f"{name}: n = {n} makes {rows} rows, {values * 8 / 2**30:.3g} GiB as float64; "
            f"write a smaller n (at most {_MOST_VALUES * 8 // 2**30} GiB is built)"
        )
