"""What every quantity costs, reckoned from sizes alone: seconds on this process's cores, bytes at the peak.

A prediction is put together as the computation is: log Z, the prior, a mixture, a table. Floats take the compiled sums
and matrix products. In a trace the same sums are made of ops, whose graph is kept for the way back; objects (rationals,
balls, symbols) are computed one Python number at a time, and for symbols, which grow, the figure is a lower one.

`tinygrad-dbn bench exact` prints predictions beside measurements. Halves and doubles of what is measured are to be
expected of seconds, on a machine like that of `budget.py`; bytes are counted, and hold anywhere.
"""

import math
from typing import Any

import numpy as np

from ..autodiff.tensor import Tensor
from ..autodiff.trees import flatten
from ..models import DBN, RBM
from . import budget
from .budget import SECONDS_PER_EXP, SECONDS_PER_FLOP, SECONDS_PER_PAIR, Cost
from .data import are_floats
from .states import BLOCK
from .sums import float64
from .sums.posteriors import STRIPS
from .sums.sizes import BATCH, CELLS, ROWS

SECONDS_PER_LOGIT = 1.2e-8  # log cosh or softplus of a logit, summed over units
SECONDS_PER_OBJECT = 3e-5  # an op on one number that is a Python object
SECONDS_PER_CELL = 1e-8  # one number of a table that is written out, read and exponentiated, where memory is new
SECONDS_PER_BATCH = 2e-4  # what a batch takes however small it is
SECONDS_PER_TABLE = 1.2e-8  # one number of a table of probabilities made by ops, with what is made of it
SECONDS_PER_READ = 5e-10  # a multiply-add with a matrix that is read from memory
SECONDS_PER_AVERAGE = 1e-8  # one number of a table, averaged over one unit's two states
SECONDS_PER_ROW = 4e-7  # one element of rows that are sorted, to find the distinct ones
BYTES_PER_OBJECT = 200.0
IN_A_TRACE = 4  # how much longer a sum made of ops takes with its way back
KEPT = 4.5  # arrays that the graph keeps for one that a sum made of ops computes
SWEEPS = 8  # of the search for the best factorial q from one start: usual ones, for it is not known before


def power_of_two(n: int) -> float:
    """2^n, or inf beyond a double: what a cost is reckoned with before it is refused."""
    return 2.0**n if n < 1000 else math.inf


# ---- Parts, for plain floats -----------------------------------------------------------------------------------------


def passes(enumerated: int, width: int, workers: int | None = None) -> Cost:
    """A function of `width` logits for every state of the enumerated units: a batch at a time, on every core."""
    states = power_of_two(enumerated)
    on = min(states / BATCH + 1, budget.cores()) if workers is None else workers
    seconds = states * width * SECONDS_PER_LOGIT + states / BATCH * SECONDS_PER_BATCH
    return Cost(seconds / on, 8 * (on * 5 * min(states, BATCH) * width + 2 * states), enumerated)


def logits(rows: float, width: int) -> Cost:
    """The same for rows, all at once."""
    return Cost(rows * width * SECONDS_PER_LOGIT, 8.0 * 4 * rows * width)


def products(hidden: int, examples: float) -> Cost:
    """A vector over the 2^hidden states between products of factors of each example's, high half and low half."""
    states, halves = power_of_two(hidden), power_of_two(hidden - hidden // 2)
    workers = min(examples / ROWS + 1, budget.cores())
    seconds = examples * (2 * states * SECONDS_PER_FLOP + 3 * halves * SECONDS_PER_EXP + hidden * SECONDS_PER_LOGIT)
    held = 8 * workers * min(examples, ROWS) * (3 * halves + 4 * hidden)
    return Cost((seconds + examples / ROWS * SECONDS_PER_BATCH) / workers, held, hidden)


def product_of_odds(rbm: RBM) -> Cost:
    """log Z over the smaller side's 2^n states, by products of odds."""
    from .sums import sizes

    W, c = (rbm.W, rbm.b) if rbm.W.shape[1] <= rbm.W.shape[0] else (rbm.W.T, rbm.c)
    m, n = W.shape
    count = power_of_two(max(0, n - sizes.LOW - sizes.MIDDLE))
    workers = min(count, budget.cores())
    tables = 16.0 * m * (2**sizes.LOW + 2**sizes.MIDDLE)
    return Cost(float64.seconds_per_block(W, c) * count / workers, workers * tables, n)


def mixture(hidden: int, visible: int, examples: float) -> Cost:
    """log Σ_h p(x | h) p(h) for so many examples, from the 2^hidden states of h (`matrices.mixture`)."""
    states = power_of_two(hidden)
    products_ = products(hidden, examples).beside(states * 2 + 4 * examples + 3 * min(examples, ROWS) * visible)
    return (passes(hidden, visible) + products_).beside(states)


def floats_marginal(dbn: DBN, at: int) -> Cost:
    """log p(h_k) for k = `at`, from the top down."""
    below, above = dbn.top.W.shape[::-1] if at < len(dbn.sizes) - 1 else dbn.top.W.shape
    states = power_of_two(below)
    total = product_of_odds(dbn.top) + passes(below, above, workers=1).beside(states)
    for k in range(at, len(dbn.layers)):
        total += mixture(dbn.sizes[k + 1], dbn.sizes[k], power_of_two(dbn.sizes[k]))
    return total


# ---- Parts, for sums made of ops -------------------------------------------------------------------------------------


def by_ops(values: Any, cells: float, units: int, results: float) -> Cost:
    """So many (state, unit) or (state, example) pairs, in a trace or one object at a time."""
    if any(isinstance(leaf, Tensor) for leaf in flatten(values)[0]):
        return Cost(IN_A_TRACE * cells * SECONDS_PER_PAIR, 8 * KEPT * cells, units)
    return Cost(cells * SECONDS_PER_OBJECT, BYTES_PER_OBJECT * (results + min(cells, BLOCK * 100.0)), units)


def cells_of_log_partition(rbm: RBM) -> float:
    return power_of_two(min(rbm.W.shape)) * float(max(rbm.W.shape))


def cells_of_marginal(dbn: DBN, at: int) -> float:
    below, above = dbn.top.W.shape[::-1] if at < len(dbn.sizes) - 1 else dbn.top.W.shape
    sizes = dbn.sizes
    inner = (power_of_two(sizes[k + 1]) * (power_of_two(sizes[k]) + sizes[k]) for k in range(at, len(dbn.layers)))
    return cells_of_log_partition(dbn.top) + power_of_two(below) * float(above) + sum(inner)


# ---- The quantities: each is the cost of the function of its name in `td.exact` --------------------------------------


def log_partition(rbm: RBM) -> Cost:
    if are_floats(rbm):
        return product_of_odds(rbm)
    return by_ops(rbm, cells_of_log_partition(rbm), min(rbm.W.shape), 0)


def log_marginal(dbn: DBN, at: int) -> Cost:
    states = power_of_two(dbn.sizes[at])
    if are_floats(dbn):
        return floats_marginal(dbn, at).beside(states) + Cost(units=dbn.sizes[at])
    return by_ops(dbn, cells_of_marginal(dbn, at), dbn.sizes[at], states)


def log_prior(dbn: DBN) -> Cost:
    return log_marginal(dbn, min(1, len(dbn.layers)))


def unit_means(dbn: DBN, at: int) -> Cost:
    states = power_of_two(dbn.sizes[at])
    cells = states * dbn.sizes[at]
    return log_marginal(dbn, at) + Cost(cells * SECONDS_PER_CELL / 2, 8 * (cells + 2 * states), dbn.sizes[at])


def log_likelihood(model: RBM | DBN, X: Any) -> Cost:
    T, rbm = len(X), model if isinstance(model, RBM) else model.top
    if isinstance(model, RBM) or not model.layers:
        if are_floats(model, X):
            return product_of_odds(rbm) + logits(T, rbm.W.shape[0])
        cells = cells_of_log_partition(rbm) + T * rbm.W.shape[0]
        return by_ops((model, X), cells, min(rbm.W.shape), T)
    if are_floats(model, X):
        return log_prior(model) + mixture(model.sizes[1], model.sizes[0], T)
    return by_ops((model, X), *_cells_of_joint(model, T), T)


def kl_from_data(model: RBM | DBN, X: Any) -> Cost:
    return log_likelihood(model, X) + _distinct(X)


def gradient(model: RBM | DBN, X: Any) -> Cost:
    T = len(X)
    if not are_floats(model, X):
        return log_likelihood(model, X)
    if isinstance(model, RBM) or not model.layers:
        return _expectations(model if isinstance(model, RBM) else model.top, T)
    total, rows = product_of_odds(model.top), float(T)
    kept = 0.0
    for layer in model.layers:
        hidden, visible = layer.W.shape
        states = power_of_two(hidden)
        kept += 3 * states + rows * (hidden - hidden // 2 + 3)
        once = passes(hidden, visible) + products(hidden, rows)
        back = products(hidden, 2 * rows).beside(min(STRIPS, rows / ROWS + 1) * states)
        total += once + back + passes(hidden, visible)
        rows = states
    return (total + passes(model.sizes[-2], 3 * len(model.top.W)).beside(4 * rows)).beside(kept)


def _expectations(rbm: RBM, T: int) -> Cost:
    """Those of an RBM, whose sums take about four times as long as log Z."""
    m, n = max(rbm.W.shape), min(rbm.W.shape)
    once, wide = product_of_odds(rbm), Cost(held=8.0 * T * (2 * rbm.W.shape[0] + rbm.W.shape[1]))
    return Cost(4 * once.seconds, 2 * once.held + 8.0 * 8 * m * n, once.units) + wide


def posterior(dbn: DBN, X: Any) -> Cost:
    T, states = len(X), power_of_two(dbn.sizes[1])
    if not are_floats(dbn, X):
        return _by_tables(dbn, X, T * states, tables=0.9)
    table = Cost(T * states * SECONDS_PER_CELL / min(T, budget.cores()), 8 * states)
    return log_prior(dbn) + (passes(dbn.sizes[1], dbn.sizes[0]) + table).beside(states * (T + 1))


def bound(dbn: DBN, X: Any, q: Any = None) -> Cost:
    T, states = len(X), power_of_two(dbn.sizes[1])
    if not are_floats(dbn, X, q):
        return _by_tables(dbn, X, T)
    terms = passes(dbn.sizes[1], dbn.sizes[0]).beside(states)
    return log_prior(dbn) + (terms + _expectation(dbn, T, q).beside(states)).beside(states)


def audit(dbn: DBN, X: Any, q: Any = None) -> Cost:
    T, states = len(X), power_of_two(dbn.sizes[1])
    if not are_floats(dbn, X, q):
        return _by_tables(dbn, X, 3 * T)
    own = mixture(dbn.sizes[1], dbn.sizes[0], T).beside(4 * states) + products(dbn.sizes[1], T).beside(5 * states)
    return bound(dbn, X, q).beside(3 * states) + own + _expectation(dbn, T, q)


def deep_bound(dbn: DBN, X: Any) -> Cost:
    if not are_floats(dbn, X):
        return _by_tables(dbn, X, len(X))
    total, rows = log_marginal(dbn, len(dbn.layers)), float(len(X))
    for layer in dbn.layers:
        hidden, visible = layer.W.shape
        states = power_of_two(hidden)
        terms = passes(hidden, visible).beside(states)
        total += (terms + products(hidden, rows)).beside(2 * states + rows * (4 * hidden + 2 * visible))
        rows = states
    return total


def audit_layers(dbn: DBN, X: Any) -> Cost:
    once = deep_bound(dbn, X)
    if not are_floats(dbn, X):
        return once + once + log_likelihood(dbn, X)
    total, rows = once + log_likelihood(dbn, X), float(len(X))
    for k, layer in enumerate(dbn.layers):
        hidden, visible = layer.W.shape
        times, states = 2 + len(dbn.layers) - k, power_of_two(hidden)
        mixed = mixture(hidden, visible, rows) + products(hidden, times * rows)
        total += mixed.beside(2 * states + rows * (4 * hidden + visible + times))
        rows = states
    return total


def best_factorial(dbn: DBN, X: Any, starts: int, sweeps: int) -> Cost:
    T, n = len(X), dbn.sizes[1]
    states = power_of_two(n)
    search = starts * min(sweeps, SWEEPS) * T * states * (n + 3) * SECONDS_PER_AVERAGE
    return posterior(dbn, X) + Cost(search, 8 * T * states * 4)


def log_aggregated_posterior(dbn: DBN, X: Any) -> Cost:
    T, states = len(X), power_of_two(dbn.sizes[1])
    if not are_floats(dbn, X):
        return _by_tables(dbn, X, T * states, tables=0.9)
    workers = min(states / BATCH + 1, budget.cores())
    per_state = T * (2 * dbn.sizes[1] * SECONDS_PER_FLOP + 5e-9) + SECONDS_PER_BATCH / BATCH
    seconds = states * per_state / workers
    return Cost(seconds, 8 * (workers * 3 * T * min(BATCH, states) + 2 * states), dbn.sizes[1])


def prior_divergence(dbn: DBN, X: Any) -> Cost:
    states = power_of_two(dbn.sizes[1])
    return log_aggregated_posterior(dbn, X) + log_prior(dbn).beside(2 * states)


def ceiling(dbn: DBN, X: Any) -> Cost:
    mixed = mixture(dbn.sizes[1], dbn.sizes[0], len(X)) if are_floats(dbn, X) else log_likelihood(dbn, X)
    twice = log_aggregated_posterior(dbn, X) + prior_divergence(dbn, X) + mixed
    return (twice + bound(dbn, X)).beside(2 * power_of_two(dbn.sizes[1]))


def bound_gain(before: DBN, after: DBN, X: Any) -> Cost:
    one, other = (bound(dbn, X) + prior_divergence(dbn, X) for dbn in (before, after))
    return one + other


def conditional_likelihood(dbn: DBN, X: Any) -> Cost:
    once = log_likelihood(dbn, X)
    if not are_floats(dbn, X):
        return once + once
    return once + mixture(dbn.sizes[1], dbn.sizes[0], len(X)).beside(power_of_two(dbn.sizes[1]))


def log_joint(dbn: DBN, X: Any) -> Cost:
    return log_partition(dbn.top) + logits(len(X), sum(dbn.sizes))


def fisher_information(rbm: RBM) -> Cost:
    hidden, visible = rbm.W.shape
    P, states = hidden * visible + hidden + visible, power_of_two(visible)
    seconds = states * (2 * P * P * SECONDS_PER_FLOP + 2 * P * SECONDS_PER_EXP)
    tables = Cost(seconds, 8 * (3 * P * P + 4.0 * min(states, BATCH) * P + 2 * states), visible)
    return log_marginal(DBN((), rbm), 0) + tables


def expected_cd(rbm: RBM, X: Any, k: int) -> Cost:
    return gibbs(rbm, len(X), k) + _distinct(X)


def expected_pcd(rbm: RBM, X: Any) -> Cost:
    hidden, visible = rbm.W.shape
    states = power_of_two(visible)
    moments = Cost(states * (hidden + visible) * SECONDS_PER_CELL, 8 * states * (3 * hidden + visible + 1), visible)
    return log_marginal(DBN((), rbm), 0) + moments + logits(len(X), hidden) + _distinct(X)


def gibbs(rbm: RBM, rows: float, rounds: int) -> Cost:
    """A Gibbs chain's matrices, up and down, written out; `rows` states to begin with, and the moments of its end."""
    hidden, visible = rbm.W.shape
    above, below = power_of_two(hidden), power_of_two(visible)
    seconds = (2 * above * below + rows * above) * SECONDS_PER_TABLE
    seconds += max(0, rounds - 1) * 2 * above * below * 2 * SECONDS_PER_READ
    held = 8 * (4 * above * below + rows * above + below * (2 * visible + 3 * hidden) + above * hidden)
    return Cost(seconds, held, max(hidden, visible))


def expected_wake(dbn: DBN, X: Any, k: int | None) -> Cost:
    end = expected_pcd(dbn.top, X) if k is None else gibbs(dbn.top, power_of_two(dbn.top.W.shape[1]), k)
    return _upward(dbn, X) + end


def expected_sleep(dbn: DBN, X: Any, k: int | None) -> Cost:
    if X is None or k is None:
        total = expected_pcd(dbn.top, np.zeros((0, 1)))
    else:
        total = _upward(dbn, X) + gibbs(dbn.top, power_of_two(dbn.top.W.shape[1]), k)
    for layer in dbn.layers:
        total += _table(power_of_two(layer.W.shape[0]), layer.W.shape[1])
    return total


def recognition_gradient(dbn: DBN, X: Any) -> Cost:
    cells, units = _cells_of_tables(dbn, len(X))
    return Cost(2 * cells * SECONDS_PER_PAIR, 8 * KEPT * cells, units)


def sample(dbn: DBN, count: int) -> Cost:
    side = power_of_two(min(dbn.top.W.shape))
    numbers = count * float(sum(dbn.sizes))
    drawn = Cost(
        numbers * SECONDS_PER_CELL, 8 * (numbers + 3.0 * count * max(dbn.sizes) + 2 * side), min(dbn.top.W.shape)
    )
    return log_marginal(DBN((), dbn.top), int(dbn.top.W.shape[0] <= dbn.top.W.shape[1])) + drawn


def annealed(rbm: RBM, chains: int, temperatures: int) -> Cost:
    hidden, visible = rbm.W.shape
    flops, exps = 8.0 * hidden * visible, 8 * hidden + 6 * visible
    seconds = chains * temperatures * (flops * SECONDS_PER_FLOP + exps * SECONDS_PER_EXP) + temperatures * 1e-4
    return Cost(seconds, 8.0 * chains * 2.2 * (hidden + visible))


# ---- What several of them share --------------------------------------------------------------------------------------


def _expectation(dbn: DBN, T: int, q: Any) -> Cost:
    """E_q of a vector, by the recognition model or by a table that is given."""
    n = dbn.sizes[1]
    if q is None:
        return products(n, T).beside(T * (4 * n + 2 * dbn.sizes[0]))
    states = power_of_two(n)
    return Cost(T * states * SECONDS_PER_CELL / budget.cores(), 8 * budget.cores() * 4 * max(CELLS, states), n)


def _table(rows: float, units: int) -> Cost:
    """exp of a table of all states of some units for each of `rows` logits, and what is made of it."""
    cells = rows * power_of_two(units)
    return Cost(cells * SECONDS_PER_TABLE, 8 * (3 * cells + power_of_two(units) * units), units)


def _distinct(X: Any) -> Cost:
    T, D = np.shape(X)
    return Cost(T * D * SECONDS_PER_ROW, 8.0 * 4 * T * D)


def _upward(dbn: DBN, X: Any) -> Cost:
    total, rows = _distinct(X), float(len(X))
    for layer in dbn.layers:
        total += _table(rows, layer.W.shape[0])
        rows = power_of_two(layer.W.shape[0])
    return total


def _cells_of_joint(dbn: DBN, T: float) -> tuple[float, int]:
    states = power_of_two(dbn.sizes[1])
    return cells_of_marginal(dbn, 1) + states * (T + dbn.sizes[0]), dbn.sizes[1]


def _cells_of_tables(dbn: DBN, T: float, tables: float = 1.8) -> tuple[float, int]:
    cells, rows = cells_of_marginal(dbn, 1), T
    for layer in dbn.layers:
        states = power_of_two(layer.W.shape[0])
        cells += states * (tables * rows + 1.5 * layer.W.shape[1] + 0.5 * layer.W.shape[0])
        rows = states
    return cells, max(dbn.sizes[1:-1])


def _by_tables(dbn: DBN, X: Any, results: float, tables: float = 1.8) -> Cost:
    """Tables of every (example, state), made of ops."""
    return by_ops((dbn, X), *_cells_of_tables(dbn, len(X), tables), results)
