"""What an exact gradient costs beside the likelihood it differentiates.

    python benchmarks/exact_gradient.py

Both run in turns; the ratio is the median over the turns.
"""

import itertools

import numpy as np
from goals import mark
from tables import show
from timing import in_turns

import tinygrad_dbn as td

TURNS, EXAMPLES = 15, 1000
GOAL = 2.5  # times the likelihood
RBMS, DBNS = ((20, 24), (24, 32)), ((64, 12, 12), (64, 16, 16), (64, 16, 16, 16))  # visible units first


def random_rbm(hidden, visible, scale=0.5):
    rng = np.random.default_rng(0)
    return td.RBM(rng.normal(0, scale, (hidden, visible)), rng.normal(size=visible), rng.normal(size=hidden))


def random_dbn(*sizes, scale=0.5):
    return td.DBN.from_rbms([random_rbm(hidden, visible, scale) for visible, hidden in itertools.pairwise(sizes)])


def beside_likelihood(rbms, dbns):
    """Show a table of models, given by their sizes."""
    models = {f"RBM {n} × {m}": (random_rbm(m, n), n) for n, m in rbms}
    models |= {f"DBN {'-'.join(map(str, sizes))}": (random_dbn(*sizes), sizes[0]) for sizes in dbns}
    rows = []
    for name, (model, width) in models.items():
        X = np.random.default_rng(1).integers(0, 2, (EXAMPLES, width)).astype(float)
        functions = [lambda f=f, given=(model, X): f(*given) for f in (td.exact.log_likelihood, td.exact.gradient)]
        in_turns(functions, 1)  # what is compiled, is compiled now
        found = in_turns(functions, TURNS)
        ratios = found[:, 1] / found[:, 0]
        cells = [f"{1000 * t:.1f}" for t in np.median(found, axis=0)]
        ratio = np.median(ratios)
        rows.append(
            (name, *cells, f"{ratio:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}", mark(ratio, at_most=GOAL))
        )
    show(f"exact gradient, {EXAMPLES} examples", ("", "likelihood, ms", "gradient, ms", "ratio", "range", ""), rows)


if __name__ == "__main__":
    beside_likelihood(RBMS, DBNS)
