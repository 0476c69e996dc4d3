"""Claims G0 and G4 on the shipped samplers of an RBM: every outcome of their draws, weighted and summed."""

from functools import partial

import numpy as np
import sympy

from proofs.harness.chance import UNIFORM, distribution, mean, outcomes
from proofs.harness.evidence import require_equal
from proofs.harness.formulas import derivatives, equal_formulas
from proofs.harness.models import bits, lecture_conditional, symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import symbols
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.exact.distributions import distinct
from tinygrad_dbn.exact.rules.expected import after_gibbs, difference
from tinygrad_dbn.learning import (
    cd_loss,
    contrastive,
    contrastive_divergence,
    persistent_contrastive_divergence,
    rules,
    updown,
)
from tinygrad_dbn.learning.contrastive import decide, gibbs_uniforms
from tinygrad_dbn.learning.updown import up_down_uniforms
from tinygrad_dbn.models import RBM
from tinygrad_dbn.models import restricted as sampler
from tinygrad_dbn.models.restricted import bernoulli

CD, PCD, LOSS = "contrastive_divergence", "persistent_contrastive_divergence", "cd_loss"
CASES = [(1, 1, 1, [1]), (1, 1, 2, [0]), (2, 1, 1, [2]), (1, 2, 1, [1]), (1, 1, 1, [0, 1])]
SIZES = "(D, H, k) = (1,1,1), (1,1,2), (2,1,1), (1,2,1), one example, and (1,1,1) with a batch of two, all weights"
PARTICLES = [(1, 1, 1, [1], [0]), (1, 1, 2, [1], [0]), (2, 1, 1, [3], [1])]  # one for one example …
PARTICLES += [(1, 1, 1, [1], [0, 1]), (1, 1, 1, [0, 1], [1])]  # … two for one, one for two
EACH = "tuple(rng.random(shape, dtype=x.dtype) for shape in shapes)"
ONCE = "(rng.random(shapes[0]),) * len(shapes)"
SAMPLED, PROBABILITIES = "h = bernoulli(self.hidden_given_visible(x), rng)", "h = self.hidden_given_visible(x)"
GIBBS_LOST = Spoiled("Gibbs sampling returns its input", mutated(RBM, "gibbs", "x = clamped(", "clamped("))
ABOVE = Spoiled("on where the uniform is above p", mutated(sampler, "bernoulli", "< p", ">= p"))


def equal_rbms(got, wanted, what):
    """Refuse unless two directions for an RBM are equal for all weights."""
    for name in "Wbc":
        equal_formulas(getattr(got, name), getattr(wanted, name), f"{what}, {name}")


def rounds(rbm, p, k):
    """The probabilities p of all x, (2^D,), after k rounds x → h → x by the lecture's conditionals."""
    for _ in range(k):
        p = lecture_conditional(rbm.W, rbm.b) @ lecture_conditional(rbm.W.T, rbm.c) @ p
    return p


def certainly(state, units):
    """The distribution that has the state of this number for sure: (2^units,)."""
    return np.array([sympy.Integer(s == state) for s in range(2**units)], object)


@theorem(
    "each unit of each row, round and layer is drawn with a uniform of its own",
    claim="G0, I7",
    level="B",
    sizes="two rows: bernoulli for 2 units, the uniforms of two rounds for 1-1, of up-down for 1-1-1; one p for all",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("one for all rows", mutated(sampler, "bernoulli", "(p.shape)", "(p.shape[1:])")),
        Spoiled("one for all rows of CD", mutated(contrastive, "gibbs_uniforms", "len(x), hidden", "1, hidden")),
        Spoiled("one for all rounds of CD", mutated(contrastive, "gibbs_uniforms", EACH, ONCE)),
        Spoiled("one for all rows of up-down", mutated(updown, "up_down_uniforms", "len(x), width", "1, width")),
    ],
)
def test_independent_units():
    p, x = symbols("p")[()], np.zeros((2, 1))
    decided = lambda uniforms: [decide(np.full((2, 1), p), u) for u in uniforms]
    draws = {
        "bernoulli": (4, lambda rng: [bernoulli(np.full((2, 2), p), rng)]),
        "CD-2": (8, lambda rng: decided(gibbs_uniforms(1, 2)(rng, x))),
        "up-down": (8, lambda rng: decided(up_down_uniforms((1, 1, 1))(rng, x))),
    }
    for name, (units, draw) in draws.items():
        found = {tuple(np.ravel(drawn).astype(int)): weight for weight, drawn in outcomes(draw)}
        require_equal(len(found), 2**units, f"{name}: the number of outcomes")
        for drawn, weight in found.items():
            wanted = p.expr ** sum(drawn) * (1 - p.expr) ** (units - sum(drawn))
            equal_formulas(weight, wanted, f"{name}, {drawn}")


ROUNDS = "k rounds of the Gibbs sampler end in x_k as often as p(h|x), and then p(x|h), k times over, say"


@theorem(
    ROUNDS,
    claim="G0",
    level="B",
    sizes="(D, H, k) = (1,1,0), (1,1,1), (1,1,2), (2,1,1), (1,2,1), every start, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        GIBBS_LOST,
        ABOVE,
        Spoiled("hidden probabilities in place of samples", mutated(RBM, "gibbs", SAMPLED, PROBABILITIES)),
        Spoiled("one round whatever k", mutated(RBM, "gibbs", "range(steps)", "range(1)")),
    ],
)
def test_gibbs_sampling():
    for D, H, k in [(1, 1, 0), (1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1)]:
        rbm = symbolic_rbm(D, H)
        for s, x in enumerate(exact.states(D)):
            with meanings():
                drawn = distribution(partial(rbm.gibbs, x[None], steps=k), D)
            equal_formulas(drawn, rounds(rbm, certainly(s, D), k), f"p(x_{k} | x)")


@theorem(
    "a clamped Gibbs round leaves clamped units at their value and draws the others as without a clamp, and keeps "
    "p(free units | clamped units)",
    claim="G4",
    level="B",
    sizes="(D, H) = (2, 1), either unit clamped to 0 or to 1, one round, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        GIBBS_LOST,
        Spoiled("the clamp is ignored", mutated(sampler, "clamped", "np.isnan(clamp), x, clamp", "True, x, clamp")),
        Spoiled(
            "free and clamped exchanged",
            mutated(sampler, "clamped", "np.isnan(clamp), x, clamp", "np.isnan(clamp), 0.0, x"),
        ),
    ],
)
def test_clamping():
    rbm, X = symbolic_rbm(2, 1), exact.states(2)
    with meanings():
        p = np.exp(exact.log_likelihood(rbm, X))
    for unit, value in ((0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)):
        clamp = np.where(np.arange(2) == unit, value, np.nan)
        allowed, kept = X[:, unit] == value, 0
        for s in np.flatnonzero(allowed):
            with meanings():
                drawn = distribution(partial(rbm.gibbs, X[[s]], clamp=clamp), 2)
            free = rounds(rbm, certainly(s, 2), 1).reshape(2, 2).sum(axis=1 - unit)  # unit 1 leads
            moved = np.where(allowed, free[X[:, 1 - unit].astype(int)], 0)
            equal_formulas(drawn, moved, f"from state {s}, unit {unit} clamped to {value}")
            kept = kept + p[s] * drawn
        equal_formulas(kept, np.where(allowed, p, 0), f"p(x), unit {unit} clamped to {value}")


@theorem(
    "the mean of contrastive_divergence over all its draws is expected_cd",
    claim="G0",
    level="B",
    sizes=SIZES,
    trusts=(UNIFORM,),
    spoiled=[
        GIBBS_LOST,
        ABOVE,
        Spoiled("the sign of the data's part flipped", mutated(rules, CD, "(x_k) - m", "(x_k) + m")),
        Spoiled("the sign flipped", mutated(rules, CD, "return grad(lambda m: ", "return grad(lambda m: -")),
        Spoiled("a batch's sum", mutated(rules, CD, ".mean()", ".sum()")),
        Spoiled("one round whatever k", mutated(rules, CD, "rng, k)", "rng, 1)")),
    ],
)
def test_cd():
    for D, H, k, examples in CASES:
        rbm, X = symbolic_rbm(D, H), exact.states(D)[examples]
        with meanings():
            found, wanted = mean(partial(contrastive_divergence, rbm, X, k=k)), exact.expected_cd(rbm, X, k)
        equal_rbms(found, wanted, f"CD-{k}")


@theorem(
    "the mean gradient of cd_loss over all its uniforms is minus expected_cd",
    claim="G0",
    level="B",
    sizes=SIZES,
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the sign of x_k's part flipped", mutated(contrastive, LOSS, "(x) - rbm", "(x) + rbm")),
        Spoiled("the sign flipped", mutated(contrastive, LOSS, "ops.mean(", "-ops.mean(")),
        Spoiled("on where the uniform is above p", mutated(contrastive, "decide", "(p, uniform)", "(uniform, p)")),
        Spoiled("every round from the data", mutated(contrastive, LOSS, "visible(x_k)", "visible(x)")),
        Spoiled("x_k is not used", mutated(contrastive, LOSS, "stop_gradient(x_k)", "stop_gradient(x)")),
    ],
)
def test_cd_as_a_loss():
    for D, H, k, examples in CASES:
        rbm, X = symbolic_rbm(D, H), exact.states(D)[examples]
        slope, draw = grad(cd_loss(k)), gibbs_uniforms(H, k)
        with meanings():
            found = mean(lambda rng, rbm=rbm, X=X, slope=slope, draw=draw: slope(rbm, X, *draw(rng, X)))
            wanted = exact.expected_cd(rbm, X, k)
        equal_rbms(tree_map(np.negative, found), wanted, f"−∇ of the loss of CD-{k}")


@theorem(
    "the mean PCD step is the data's statistics less those of its particles k rounds on, and there it leaves them",
    claim="G0",
    level="B",
    sizes="(D, H, k) = (1,1,1), (1,1,2), (2,1,1); one particle for one example, two for one, one for two; all weights",
    trusts=(UNIFORM,),
    uses=(ROUNDS,),
    spoiled=[
        GIBBS_LOST,
        Spoiled("chains set back to the data", mutated(rules, PCD, "rbm.gibbs(particles,", "rbm.gibbs(X,")),
        Spoiled("one round whatever k", mutated(rules, PCD, "rng, k)", "rng, 1)")),
        Spoiled("the sign of the data's part flipped", mutated(rules, PCD, ".mean() - m", ".mean() + m")),
        Spoiled("other particles are handed on", mutated(rules, PCD, "(rbm), particles", "(rbm), 1 - particles")),
    ],
)
def test_pcd():
    for D, H, k, examples, chains in PARTICLES:
        rbm, X, start = symbolic_rbm(D, H), exact.states(D)[examples], exact.states(D)[chains]
        with meanings():
            found, particles = mean(partial(persistent_contrastive_divergence, rbm, X, particles=start, k=k))
            wanted = difference(rbm, distinct(X), after_gibbs(rbm, distinct(start), k))
        equal_rbms(found, wanted, f"PCD of {k} rounds")
        for particle, chain in zip(particles, chains, strict=True):
            equal_formulas(particle, rounds(rbm, certainly(chain, D), k) @ np.array(bits(D)), "where a particle stands")


@theorem(
    "the mean PCD step is the gradient of the mean log-likelihood when its particles are distributed as the model",
    claim="G0",
    level="B",
    sizes="(D, H, k) = (1, 1, 1) and (2, 1, 1), one example, all weights",
    trusts=(UNIFORM,),
    spoiled=[
        ABOVE,
        Spoiled("the sign of the data's part flipped", mutated(rules, PCD, ".mean() - m", ".mean() + m")),
        Spoiled("particles distributed evenly", None, as_the_model=False),
    ],
)
def test_pcd_at_rest(as_the_model=True):
    for D in (1, 2):
        rbm, every, x = symbolic_rbm(D, 1), exact.states(D), exact.states(D)[[1]]
        step = partial(persistent_contrastive_divergence, rbm, x)
        with meanings():
            p = (
                np.exp(exact.log_likelihood(rbm, every))
                if as_the_model
                else [sympy.Rational(1, len(every))] * len(every)
            )
            steps = [mean(partial(step, particles=start[None]))[0] for start in every]
            log_p = exact.log_likelihood(rbm, x)[0]
        for name in "Wbc":
            found = sum(weight * getattr(one, name) for weight, one in zip(p, steps, strict=True))
            equal_formulas(found, derivatives(log_p, getattr(rbm, name)), f"∂ log p(x) / ∂{name}")
