"""Claim C2 on shipped code: the mean step of the greedy modules that draw, over every outcome, for all weights."""

import sys
from fractions import Fraction
from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
import sympy

from proofs.chapters.test_g_sampled import ROUNDS
from proofs.harness.chance import RATE, UNIFORM, mean, one_step
from proofs.harness.formulas import derivatives, equal_formulas, formulas, over, sigm
from proofs.harness.models import symbolic_rbm
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import symbols
from tinygrad_dbn.exact.distributions import bernoulli_table
from tinygrad_dbn.exact.rules.expected import after_gibbs, difference, equilibrium
from tinygrad_dbn.learning import (
    AutoencoderModule,
    Progress,
    RBMModule,
    contrastive,
    greedy_dbn,
    masking,
    modules,
    optimisers,
)
from tinygrad_dbn.models import RBM

LOOP = sys.modules[greedy_dbn.__module__]
NOISE, SHOWN = Fraction(1, 4), "x if seen is None else seen"


def reconstruction(W, c, V, b, seen, x):
    """−Σ_i x_i log x̂_i + (1 − x_i) log(1 − x̂_i), x̂ = sigm(b + Vᵀ sigm(c + W seen)), for formulas (C2)."""
    back = over(sigm, over(sigm, seen @ W.T + c) @ V + b)
    return -(x * over(sympy.log, back) + (1 - x) * over(sympy.log, 1 - back)).sum()


@theorem(
    "the mean step of a denoising autoencoder is θ − α∇ of the true input's mean cross-entropy, each input of what the "
    "encoder sees set to 0 with probability ν",
    claim="C2",
    level="B",
    sizes="2-1, tied and untied, ν = 1/4, one example, every weight (biases start at 0), input and α",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the corrupted input is reconstructed", mutated(AutoencoderModule, "_loss", "(a, x)", "(a, seen)")),
        Spoiled("the true input is shown", mutated(AutoencoderModule, "_loss", SHOWN, "x")),
        Spoiled("no noise drawn", mutated(AutoencoderModule, "_draw", "if self.corruption is None", "if True")),
        Spoiled("kept in place of masked", mutated(modules.autoencoder, "masking", ">= level", "< level")),
    ],
)
def test_denoising():
    x = symbols("x", (1, 2))
    W, c, b = (formulas(symbols(name, shape)) for name, shape in (("drawn1", (1, 2)), ("c", (1,)), ("b", (2,))))
    at_start = lambda e: e.subs([(bias, 0) for bias in (*c, *b)])
    for tied in (True, False):
        module = partial(AutoencoderModule, tied=tied, corruption=masking(NOISE))
        found = mean(one_step(lambda module=module, **settings: module(**settings).train(x, 1, seed=0)))
        V = W if tied else formulas(symbols("drawn2", (2, 1)).T)
        loss = sympy.Integer(0)
        for keep in product((0, 1), repeat=2):
            chance = sympy.Mul(*(1 - NOISE if bit else NOISE for bit in keep))
            loss += chance * reconstruction(W, c, V, b, formulas(x)[0] * np.array(keep), formulas(x)[0])
        parts = [("W", W, found.encoder.weights), ("c", c, found.encoder.biases), ("b", b, found.decoder_biases)]
        for name, old, new in parts if tied else [*parts, ("V", V, found.decoder_weights)]:
            equal_formulas(new[0], over(at_start, old - RATE.expr * derivatives(loss, old)), name)


@theorem(
    "the mean step of an RBMModule is α expected_cd",
    claim="C2, G0",
    level="B",
    sizes="1-1, both examples, k = 1, every weight (biases start at 0) and α",
    trusts=(UNIFORM,),
    spoiled=[
        Spoiled("the sign flipped", mutated(contrastive, "cd_loss", "ops.mean(", "-ops.mean(")),
        Spoiled("the expectation of CD-2", None, k=2),
    ],
)
def test_rbm_module(k=1):
    X = exact.states(1).astype(int).astype(object)
    found = mean(one_step(lambda **settings: RBMModule(**settings).train(X, 1, seed=0)))
    start = RBM(symbols("drawn1", (1, 1)), np.zeros(1), np.zeros(1))
    with meanings():
        step = exact.expected_cd(start, exact.states(1), k)
    for name in "Wbc":
        wanted = formulas(getattr(start, name)) + RATE.expr * formulas(getattr(step, name))
        equal_formulas(getattr(found, name), wanted, name)


@theorem(
    "the mean step of greedy training in the second layer is its rule's mean direction on h1 drawn from p(h1|x)",
    claim="C1, I5",
    level="B",
    sizes="1-1-1, one example, CD-1, CD-2, maximum likelihood, PCD from one particle; rate 1/2, every weight",
    trusts=(UNIFORM,),
    uses=(ROUNDS,),
    spoiled=[
        Spoiled("the data itself", mutated(LOOP, "_epoch", "_upward(at.rbms[:-1], X, rng)", "X")),
        Spoiled("the layer in training among those below", mutated(LOOP, "_epoch", "at.rbms[:-1], X", "at.rbms, X")),
        Spoiled("downhill", mutated(optimisers, "momentum", "+ rate * d", "- rate * d")),
        Spoiled("CD-1 whatever k", mutated(LOOP, "greedy", "(rbm, x, rng, k), kept", "(rbm, x, rng, 1), kept")),
    ],
)
def test_greedy():
    below, rbm, every = symbolic_rbm(1, 1, "1_"), symbolic_rbm(1, 1), exact.states(1)
    at_rest = RBM(*(np.zeros_like(getattr(rbm, name)) for name in "Wbc"))
    with meanings():
        data = every, np.asarray(bernoulli_table(below.hidden_logits(every[[1]])))[0]
        negative = {("cd", k): after_gibbs(rbm, data, k) for k in (1, 2)}
        negative |= {("ml", 1): equilibrium(rbm), ("pcd", 2): after_gibbs(rbm, (every[[0]], np.ones(1)), 2)}
        wanted = {which: difference(rbm, data, end) for which, end in negative.items()}
    for (rule, k), direction in wanted.items():
        start = Progress(2, 0, (below, rbm), at_rest, every[[0]] if rule == "pcd" else None)

        def training(epochs, batch, optimiser, rule=rule, k=k, start=start):
            settings = {"seed": 0, "epochs": epochs, "batch": batch, "rate": 0.5, "rule": rule, "k": k, "start": start}
            return SimpleNamespace(model=greedy_dbn(every[[1]], (1, 1, 1), **settings).top)

        found = mean(one_step(training))
        for name in "Wbc":
            after = formulas(getattr(rbm, name)) + formulas(getattr(direction, name)) / 2
            equal_formulas(getattr(found, name), after, f"{name} by {rule}")
