"""Chapter I for all sizes: the data's average, what a second layer is trained on, and what a tied start keeps.

Notation: the index i runs over the hidden states h, t over the examples; w[t] > 0 is an example's share of the data,
q[i,t] = q(h|x_t), L[i,t] = log p(x_t|h), and π[i], ρ[i] > 0 are priors p(h) of h before and after the second layer's
training.
"""

from sympy import Rational, log

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import (
    Loop,
    Sigma,
    Sigma_t,
    add,
    assume,
    family,
    fubini,
    induction,
    nonneg,
    real,
    ring,
    scale,
    sequence,
    total,
    transport,
)

(q,) = family("q", over="i,t")
(L,) = family("L", positive=False, over="i,t")
(w,) = family("w", over="t")
pi, rho, qbar = family("pi rho qbar")
HALF, THIRDS = Rational(1, 2), (Rational(1, 3), Rational(2, 3))
DATA = {w: (HALF, HALF), q: ((1, HALF), (0, HALF)), L: ((-1, -2), (-3, -1)), pi: THIRDS, rho: THIRDS[::-1],
        qbar: (Rational(3, 4), Rational(1, 4))}  # fmt: skip


def aggregated():
    """q̄[i] = Σ_t w q: what the second layer's RBM is trained on."""
    return assume(qbar - Sigma_t(w * q))


@theorem(
    "Σ over data of Σ q(h|x) log p(h) is Σ q̄(h) log p(h): the second layer sees the aggregated posterior",
    claim="I2",
    level="A",
    sizes="any finite set of hidden states, any data",
    spoiled=[Spoiled("examples not weighted", weight=1), Spoiled("one example's posterior", other=q)],
)
def test_aggregation(weight=w, other=qbar):
    per_state = total(ring((qbar - Sigma_t(weight * q)) * log(pi), aggregated()))
    thm = ring(Sigma_t(weight * Sigma(q * log(pi))) - Sigma(other * log(pi)), fubini(weight * q * log(pi)), per_state)
    return require_model(thm, DATA)


def bound(prior, entropy=1):
    """The bound's average over the data, the prior of h being ``prior``."""
    return Sigma_t(w * Sigma(q * (L + log(prior) - entropy * log(q))))


@theorem(
    "with the first layer fixed, the bound's average changes by Σ q̄ log p(h) alone",
    claim="I2",
    level="A",
    sizes="any finite set of hidden states, any data",
    uses=("Σ over data of Σ q(h|x) log p(h) is Σ q̄(h) log p(h): the second layer sees the aggregated posterior",),
    spoiled=[
        Spoiled("the entropy changes too", entropy=2),
        Spoiled("the sign turned", sign=-1),
        Spoiled("the posterior is not aggregated", other=rho),
    ],
)
def test_only_the_prior_term_moves(entropy=1, sign=1, other=qbar):
    per_state = total(ring((qbar - Sigma_t(w * q)) * (log(rho) - log(pi)), aggregated()))
    gain = Sigma(other * (log(rho) - log(pi)))
    moved = bound(rho, entropy) - bound(pi)
    exchange = fubini(w * q * (log(rho) - log(pi)))
    return require_model(ring(moved - sign * gain, exchange, per_state), {**DATA, q: ((HALF, HALF), (HALF, HALF)),
                                                                           qbar: (HALF, HALF)})  # fmt: skip


p_new, p_old, b_new, b_old = family("p_new p_old b_new b_old", positive=False, over="t")


@theorem(
    "where the bound starts at log p and is above its start, the data's average log p is above its start",
    claim="I5",
    level="A",
    sizes="any data, any layer sizes",
    uses=(
        "log p(x) >= Σ q log p(x,h) − Σ q log q for every q",
        "tied, the DBN has the RBM's joint p(x, h^(1)), so q is its posterior and the bound is tight",
    ),
    spoiled=[
        Spoiled("the start is not tight", tight=False),
        Spoiled("no bound", bounded=False),
        Spoiled("the bound fell", risen=False),
        Spoiled("every single example stays above", average=False),
    ],
)
def test_started_tied(tight=True, bounded=True, risen=True, average=True):
    parts = [total(scale(assume(p_new - b_new, ">="), w), over=Sigma_t)] * bounded
    parts += [assume(Sigma_t(w * b_new) - Sigma_t(w * b_old), ">=")] * risen
    start = [total(ring(w * (b_old - p_old), assume(b_old - p_old)), over=Sigma_t)] * tight
    above = p_new - p_old if not average else Sigma_t(w * p_new) - Sigma_t(w * p_old)
    thm = transport(above, add(*parts, *start))
    return require_model(thm, {w: (HALF, HALF), p_new: (-1, -3), b_new: (-2, -3), b_old: (-3, -3), p_old: (-3, -3)})


top, B, G = real("top B G")


@theorem(
    "if every layer lowers the bound by its gap, log p(x) is the bound and all gaps, and no less than the bound",
    claim="I5",
    level="A",
    sizes="any number of layers, gaps >= 0",
    uses=("KL(q‖r) >= 0",),
    spoiled=[Spoiled("a layer's gap counted twice", counted=2), Spoiled("gaps of either sign", signed=True)],
)
def test_any_number_of_layers(counted=1, signed=False):
    # Each layer replaces the log-likelihood of what is above by a bound that is lower by its gap, averaged over q.
    (gap,) = real("gap") if signed else real("gap", positive=True)
    loop = Loop("layers", (B, G), (top, 0), (gap,), (B - gap, G + counted * gap))
    ever = sequence("gap", positive=not signed)
    induction(loop, top - B - G, ever)
    step = transport(top - loop.step[0], add(assume(top - B, ">="), nonneg(gap)))
    return induction(loop, top - B, ever, step=step)
