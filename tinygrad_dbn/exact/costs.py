"""What every quantity costs, predicted from sizes: seconds on this process's cores, bytes at the peak.

A prediction is put together as the computation is, from a few shapes of work. Each shape says what it takes for floats,
in compiled sums and matrix products, and how many pairs the same sum visits where it is made of ops: in a trace, whose
graph is kept for the way back, or for objects (rationals, balls, symbols), one Python number at a time. Symbols grow,
so for them the figure is a lower one. `of` chooses between the two.

`tinygrad-dbn bench exact` prints predictions beside measurements. Seconds may be off by a factor of two, on a machine
like that of `budget.py`; bytes are counted, and hold anywhere.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autodiff.tensor import Tensor
from ..autodiff.trees import flatten
from ..models import DBM, DBN, RBM, AnyRBM, DirectedLayer
from ..models.classes import of_class
from . import budget
from .budget import SECONDS_PER_EXP, SECONDS_PER_FACTOR, SECONDS_PER_FLOP, SECONDS_PER_PAIR, Cost
from .data import are_floats, have_compiled_sums
from .distributions import as_dbn, parts
from .states import BLOCK
from .sums import sizes
from .sums.enumeration import INNER, MOMENTS, seconds_per_block, smaller_side
from .sums.posteriors import STRIPS
from .sums.sizes import BATCH, CELLS, ROWS, STATES

SECONDS_PER_LOGIT = 1.2e-8  # log cosh or softplus of a logit, summed over units
SECONDS_PER_OBJECT = 3e-5  # an op on one number that is a Python object
SECONDS_PER_CELL = 1e-8  # one number of a table that is written out, read and exponentiated, where memory is new
SECONDS_PER_BATCH = 2e-4  # what a batch takes however small it is
SECONDS_PER_TABLE = 1.2e-8  # one number of a table of probabilities made by ops, with what is made of it
SECONDS_PER_READ = 5e-10  # a multiply-add with a matrix that is read from memory
SECONDS_PER_AVERAGE = 1e-8  # one number of a table, averaged over one unit's two states
SECONDS_PER_ROW = 4e-7  # one element of rows that are sorted, to find the distinct ones
SECONDS_PER_TEMPERATURE = 1e-4  # of annealed chains, however few
BYTES_PER_OBJECT = 200.0
IN_A_TRACE = 4  # how much longer a sum made of ops takes with its way back
KEPT = 4.5  # arrays that the graph keeps for one that a sum made of ops computes
PER_EXPECTATION = 1.8  # pairs for each state of E_q[log p − log q], where a mixture has one
MEAN_FIELD_SWEEPS = 50  # of a DBM's layers: the usual number
SWEEPS = 8  # of the search for the best factorial q from one start: the usual number, as it is not known before


Work = Callable[..., Cost]


def of(work: Work, *arguments: Any) -> Cost:
    """The cost of a quantity of this file for its arguments, in the arithmetic of their arrays."""
    cost = work(*arguments)
    if have_compiled_sums(*arguments):
        return cost
    if any(isinstance(leaf, Tensor) for leaf in flatten(arguments)[0]):
        return in_a_trace(cost)
    if are_floats(*arguments):
        return Cost(max(cost.seconds, cost.pairs * SECONDS_PER_PAIR), cost.held + at_once(cost.pairs), cost.units)
    return Cost(max(cost.seconds, cost.pairs * SECONDS_PER_OBJECT), cost.held * BYTES_PER_OBJECT / 8, cost.units)


def at_once(pairs: float) -> float:
    """Bytes of what sums made of ops hold at a time where nothing is kept: some rows beside a block of states."""
    return 8 * KEPT * min(pairs, ROWS * BLOCK)


def in_a_trace(cost: Cost, times: float = IN_A_TRACE) -> Cost:
    """The cost of the same work where it is differentiated."""
    return Cost(times * cost.pairs * SECONDS_PER_PAIR, max(cost.held, 8 * KEPT * cost.pairs), cost.units)


# ---- Shapes of work --------------------------------------------------------------------------------------------------


def states(n: int) -> float:
    """2^n, or inf beyond a double: what a cost is predicted with before it is refused."""
    return 2.0**n if n < 1000 else math.inf


def logits(rows: float, width: int) -> Cost:
    """A function of `width` logits for each of so many rows, all at once."""
    return Cost(rows * width * SECONDS_PER_LOGIT, 8.0 * 4 * rows * width, pairs=rows * width)


def log_weights(units: int, width: int) -> Cost:
    """A logarithm of `width` odds' product for every state of so many units, and what is made of it."""
    S = states(units)
    on = min(S / 2.0**INNER + 1, budget.cores())
    seconds = S * ((width + 8) * SECONDS_PER_FACTOR / on + 2 * SECONDS_PER_EXP)
    return Cost(seconds, 8 * (S + 2.0 * width * (2**sizes.LOW + 2**sizes.MIDDLE)), units, S * width)


def moments(units: int, width: int) -> Cost:
    """The moments of `width` units beside so many others, under weights of all states of these."""
    S = states(units)
    on = min(S / 2.0**INNER + 1, budget.cores())
    return Cost(MOMENTS * S * (width + 8) * SECONDS_PER_FACTOR / on, 8 * S, units, S * width)


def products(units: int, examples: float, per_state: float = 1.0, per_batch: int = ROWS) -> Cost:
    """A vector over the 2^n states between products of factors of each example's, high half and low half."""
    S, half = states(units), states(units - units // 2)
    workers = min(examples / per_batch + 1, budget.cores())
    seconds = examples * (2 * S * SECONDS_PER_FLOP + half * SECONDS_PER_EXP + units * SECONDS_PER_LOGIT)
    held = 8 * workers * min(examples, per_batch) * (2 * half + 4 * units)
    return Cost((seconds + examples / per_batch * SECONDS_PER_BATCH) / workers, held, units, per_state * examples * S)


def enumerated(rbm: AnyRBM) -> tuple[int, int]:
    """The numbers of units of the side whose states are summed, and of the other."""
    hidden, visible = rbm.W.shape
    return (hidden, visible) if rbm.hidden_is_smaller else (visible, hidden)


def log_partition(rbm: Any) -> Cost:
    """log Z over the smaller side's 2^n states: by a product of odds, where x is of zeros and ones."""
    n, m = enumerated(rbm)
    count = states(max(0, n - sizes.LOW - sizes.MIDDLE))
    workers = min(count, budget.cores())
    seconds = 0.0
    if have_compiled_sums(rbm):
        small = smaller_side(rbm)
        seconds = seconds_per_block(small.W, small.b) * count / workers
    return Cost(seconds, workers * 16.0 * m * (2**sizes.LOW + 2**sizes.MIDDLE), n, states(n) * m)


def mixture(layer: DirectedLayer, examples: float | None = None) -> Cost:
    """log Σ_h p(x | h) p(h) for so many examples x, or for every state, from log p(h) of every state of h."""
    (hidden, visible), S = layer.W.shape, states(layer.W.shape[0])
    T, per_batch = (states(visible), STATES) if examples is None else (examples, ROWS)
    batches = products(hidden, T, per_batch=per_batch).beside(2 * S + 4 * T + 3 * min(T, per_batch) * visible)
    return (log_weights(hidden, visible).beside(2 * S) + batches).beside(S)


def expectation(layer: DirectedLayer, examples: float, q: Any = None) -> Cost:
    """E_q of a vector over the states of h, by the recognition model or by a table that is given."""
    (hidden, visible), S = layer.W.shape, states(layer.W.shape[0])
    if q is None:
        return products(hidden, examples, PER_EXPECTATION).beside(examples * (4 * hidden + 2 * visible))
    seconds, pairs = examples * S * SECONDS_PER_CELL, examples * S * PER_EXPECTATION
    return Cost(seconds / budget.cores(), 8 * budget.cores() * 4 * max(CELLS, S), hidden, pairs)


def table(rows: float, units: int) -> Cost:
    """Probabilities of all states of some units for each of `rows` logits, and what is made of them."""
    cells = rows * states(units)
    return Cost(cells * SECONDS_PER_TABLE, 8 * (3 * cells + states(units) * units), units)


def gibbs(rbm: RBM, rows: float, rounds: int) -> Cost:
    """A Gibbs chain's matrices, up and down, written out; `rows` states to begin with, and the moments of its end."""
    hidden, visible = rbm.W.shape
    above, below = states(hidden), states(visible)
    seconds = (2 * above * below + rows * above) * SECONDS_PER_TABLE
    seconds += max(0, rounds - 1) * 2 * above * below * 2 * SECONDS_PER_READ
    held = 8 * (4 * above * below + rows * above + below * (2 * visible + 3 * hidden) + above * hidden)
    return Cost(seconds, held, max(hidden, visible))


def distinct(X: Any) -> Cost:
    """The distinct rows of X (T, D)."""
    T, D = np.shape(X)
    return Cost(T * D * SECONDS_PER_ROW, 8.0 * 4 * T * D)


def upward(dbn: DBN, X: Any) -> Cost:
    """The distribution of every hidden layer but the last, sampled from the recognition model."""
    below = [float(len(X)), *map(states, dbn.sizes[1:])]
    return sum((table(rows, len(layer.W)) for rows, layer in zip(below, dbn.layers, strict=False)), distinct(X))


# ---- The quantities: each is the cost of the function of its name in `td.exact` --------------------------------------

log_prior: Work = lambda dbn: log_marginal(dbn, min(1, len(dbn.layers)))
log_joint: Work = lambda dbn, X: log_partition(dbn.top) + logits(len(X), sum(dbn.sizes))
kl_from_data: Work = lambda model, X: log_likelihood(model, X) + distinct(X)
prior_divergence: Work = lambda dbn, X: log_aggregated_posterior(dbn, X) + log_prior(dbn)
bound_gain: Work = lambda before, after, X: sum(
    (bound(dbn, X) + prior_divergence(dbn, X) for dbn in (before, after)), Cost()
)
expected_cd: Work = lambda rbm, X, k: gibbs(rbm, len(X), k) + distinct(X)
# Its tables are matrix products, without a softplus for each pair: less than a trace takes otherwise.
recognition_gradient: Work = lambda dbn, X: in_a_trace(deep_bound(dbn, X), times=3)


def log_marginal(dbn: DBN, at: int) -> Cost:
    below, above = dbn.top.W.shape[::-1] if at < len(dbn.sizes) - 1 else dbn.top.W.shape
    total = log_partition(dbn.top) + log_weights(below, above).beside(states(below))
    for layer in dbn.layers[at:]:
        total += mixture(layer)
    return total.beside(states(dbn.sizes[at])) + Cost(units=dbn.sizes[at])


def log_smaller_side(rbm: AnyRBM) -> Cost:
    n, m = enumerated(rbm)
    return log_partition(rbm) + log_weights(n, m).beside(2 * states(n)) + Cost(units=n)


def unit_means(dbn: DBN, at: int) -> Cost:
    cells = states(dbn.sizes[at]) * dbn.sizes[at]
    return log_marginal(dbn, at) + Cost(cells * SECONDS_PER_CELL / 2, 8 * (cells + 2 * states(dbn.sizes[at])))


def log_likelihood(model: Any, X: Any) -> Cost:
    layers, top = parts(model)
    if not layers:
        return log_partition(top) + logits(len(X), len(top.W))
    return log_prior(as_dbn(model)) + mixture(layers[0], len(X))


def log_conditional_likelihood(dbn: DBN, X: Any) -> Cost:
    twice_cut = 2.0 * len(X) * dbn.sizes[0]  # the columns of some units: as they come, and as they are summed
    return (log_likelihood(dbn, X) + mixture(dbn.layers[0], len(X))).beside(twice_cut)


def log_class(dbn: DBN, X: Any, classes: int) -> Cost:
    each = log_likelihood(of_class(dbn, 0, classes), X)
    return sum((each for _ in range(classes)), Cost()).beside(2.0 * classes * len(X))


def gradient(model: Any, X: Any) -> Cost:
    if model.units != "binary":
        return in_a_trace(log_likelihood(model, X))
    dbn, rows, kept = as_dbn(model), float(len(X)), 0.0
    hidden, visible = dbn.top.W.shape
    once = log_partition(dbn.top)
    if not dbn.layers:
        data = Cost(held=8.0 * rows * (2 * hidden + visible), pairs=rows * hidden)
        return Cost(MOMENTS * once.seconds, 2 * once.held + 8.0 * 8 * hidden * visible, once.units, once.pairs) + data
    for layer in dbn.layers:
        n, width = layer.W.shape
        S = states(n)
        kept += 3 * S + rows * (n - n // 2 + 3)
        back = products(n, 2 * rows).beside(min(STRIPS, rows / ROWS + 1) * S)
        once += log_weights(n, width) + products(n, rows) + back + moments(n, width)
        rows = S
    top = moments(visible, hidden)
    return (once + (top + top).beside(4 * rows)).beside(kept)


def posterior(dbn: DBN, X: Any) -> Cost:
    (n, width), cells = dbn.layers[0].W.shape, len(X) * states(dbn.sizes[1])
    written = Cost(cells * SECONDS_PER_CELL / min(len(X), budget.cores()), 8 * states(n), n, cells)
    return log_prior(dbn) + (log_weights(n, width) + written).beside(states(n) + cells)


def bound(dbn: DBN, X: Any, q: Any = None) -> Cost:
    (n, width), S = dbn.layers[0].W.shape, states(dbn.sizes[1])
    return log_prior(dbn) + (log_weights(n, width) + expectation(dbn.layers[0], len(X), q)).beside(2 * S)


def audit(dbn: DBN, X: Any, q: Any = None) -> Cost:
    layer, S = dbn.layers[0], states(dbn.sizes[1])
    divergence = products(dbn.sizes[1], len(X)).beside(5 * S) + expectation(layer, len(X), q)
    return bound(dbn, X, q).beside(3 * S) + mixture(layer, len(X)).beside(4 * S) + divergence


def deep_bound(dbn: DBN, X: Any) -> Cost:
    total, rows = log_marginal(dbn, len(dbn.layers)), float(len(X))
    for layer in dbn.layers:
        n, width = layer.W.shape
        S = states(n)
        total += (log_weights(n, width) + expectation(layer, rows)).beside(3 * S)
        rows = S
    return total


def audit_layers(dbn: DBN, X: Any) -> Cost:
    total, rows = deep_bound(dbn, X) + log_likelihood(dbn, X), float(len(X))
    for k, layer in enumerate(dbn.layers):
        n, width = layer.W.shape
        times = 2 + len(dbn.layers) - k
        total += (mixture(layer, rows) + products(n, times * rows)).beside(
            2 * states(n) + rows * (4 * n + width + times)
        )
        rows = states(n)
    return total


def best_factorial(dbn: DBN, X: Any, starts: int, sweeps: int) -> Cost:
    n, cells = dbn.sizes[1], len(X) * states(dbn.sizes[1])
    return posterior(dbn, X) + Cost(starts * min(sweeps, SWEEPS) * cells * (n + 3) * SECONDS_PER_AVERAGE, 8 * cells * 4)


def log_aggregated_posterior(dbn: DBN, X: Any) -> Cost:
    T, n, S = len(X), dbn.sizes[1], states(dbn.sizes[1])
    workers = min(S / BATCH + 1, budget.cores())
    seconds = S * T * (2 * n * SECONDS_PER_FLOP + SECONDS_PER_EXP) + S / BATCH * SECONDS_PER_BATCH
    return Cost(seconds / workers, 8 * (workers * 3 * T * min(BATCH, S) + 2 * S), n, T * S)


def ceiling(dbn: DBN, X: Any) -> Cost:
    total = log_aggregated_posterior(dbn, X) + prior_divergence(dbn, X) + mixture(dbn.layers[0], len(X)) + bound(dbn, X)
    return total.beside(2 * states(dbn.sizes[1]))


def fisher_information(rbm: RBM) -> Cost:
    (hidden, visible), S = rbm.W.shape, states(rbm.W.shape[1])
    P = hidden * visible + hidden + visible
    seconds = S * (2 * P * P * SECONDS_PER_FLOP + 2 * P * SECONDS_PER_EXP)
    return log_marginal(as_dbn(rbm), 0) + Cost(seconds, 8 * (3 * P * P + 4.0 * min(S, BATCH) * P + 2 * S))


def expected_pcd(rbm: RBM, X: Any) -> Cost:
    (hidden, visible), S = rbm.W.shape, states(rbm.W.shape[1])
    moments = Cost(S * (hidden + visible) * SECONDS_PER_CELL, 8 * S * (3 * hidden + visible + 1))
    return log_marginal(as_dbn(rbm), 0) + moments + logits(len(X), hidden) + distinct(X)


def expected_wake(dbn: DBN, X: Any, k: int | None) -> Cost:
    end = expected_pcd(dbn.top, X) if k is None else gibbs(dbn.top, states(dbn.top.W.shape[1]), k)
    return upward(dbn, X) + end


def expected_sleep(dbn: DBN, X: Any, k: int | None) -> Cost:
    dreams = expected_pcd(dbn.top, np.zeros((0, 1))) if k is None else expected_wake(dbn, X, k)
    return sum((table(states(len(layer.W)), layer.W.shape[1]) for layer in dbn.layers), dreams)


def sample(layers: tuple[DirectedLayer, ...], top: AnyRBM, count: int) -> Cost:
    widths = [top.W.shape[0], *(part.W.shape[1] for part in (*layers, top))]
    numbers, side = count * float(sum(widths)), states(enumerated(top)[0])
    held = 8 * (numbers + 3.0 * count * max(widths) + 2 * side)
    return log_smaller_side(top) + Cost(numbers * SECONDS_PER_CELL, held)


def mean_field(dbm: DBM, X: Any) -> Cost:
    sweep = logits(len(X), 2 * sum(dbm.sizes)) + Cost(sum(2 * len(X) * W.size * SECONDS_PER_FLOP for W in dbm.weights))
    searched = Cost(MEAN_FIELD_SWEEPS * sweep.seconds, 8.0 * 4 * len(X) * sum(dbm.sizes))
    return log_partition(dbm.as_rbm()) + searched


def annealed(rbm: RBM, chains: int, temperatures: int) -> Cost:
    hidden, visible = rbm.W.shape
    per_chain = 8.0 * hidden * visible * SECONDS_PER_FLOP + (8 * hidden + 6 * visible) * SECONDS_PER_EXP
    seconds = temperatures * (chains * per_chain + SECONDS_PER_TEMPERATURE)
    return Cost(seconds, 8.0 * chains * 2.2 * (hidden + visible))
