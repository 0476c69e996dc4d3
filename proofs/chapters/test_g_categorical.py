"""Chapter G: the RBM of visible units that take one of K values, from the energy alone."""

import numpy as np
import pytest

from proofs.harness.formulas import equal_formulas
from proofs.harness.models import odds
from proofs.harness.theorem import Spoiled, mutated, theorem
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.kernels.scalar import meanings
from tinygrad_dbn.autodiff.numbers.symbolic import symbols
from tinygrad_dbn.models import CategoricalLayer, CategoricalRBM, categorical, one_hot

SIZES = [(1, 3, 2), (2, 2, 2), (2, 3, 1)]


def model(units, values, hidden):
    """The shipped model, every parameter a symbol; all its visible states, and all its hidden ones."""
    W, b, c = (symbols(n, s) for n, s in (("W", (hidden, units * values)), ("b", (units * values,)), ("c", (hidden,))))
    every = np.array(list(np.ndindex(*[values] * units)))
    return CategoricalRBM(W, b, c, values), one_hot(every, values).astype(int), exact.states(hidden).astype(int)


def weights(rbm, X, H):
    """e^−E(x, h) for every x and h, with −E(x, h) = hᵀWx + cᵀh + bᵀx (G0)."""
    W, b, c = odds(rbm.W), odds(rbm.b), odds(rbm.c)
    return np.array([[np.prod(W ** np.outer(h, x)) * np.prod(b**x) * np.prod(c**h) for h in H] for x in X], object)


def zeros_and_ones(rbm):
    """All zeros and ones, among them those with several ones in a unit, or none."""
    return exact.states(rbm.W.shape[1]).astype(int)


BIASES = [
    Spoiled("visible bias lost", mutated(CategoricalRBM, "visible_logits", " + self.b", "")),
    Spoiled("hidden bias lost", mutated(CategoricalRBM, "hidden_logits", " + self.c", "")),
]


@pytest.mark.parametrize("size", SIZES)
@theorem(
    "with visible units of K values, the shipped energy is −hᵀWx − cᵀh − bᵀx, e^−F(x) = Σ_h e^−E(x,h) and e^−G(h) = "
    "Σ_x e^−E(x,h), x having a single one in each unit",
    claim="G0",
    level="B",
    sizes="(D, K, H) = (1,3,2), (2,2,2), (2,3,1), every x and h",
    spoiled=[
        *BIASES,
        Spoiled("sign of F", mutated(CategoricalRBM, "free_energy", "return -(", "return (")),
        Spoiled("visible bias lost in F", mutated(CategoricalRBM, "free_energy", "ops.matmul(x, self.b) + ", "")),
        Spoiled("sign of E", mutated(CategoricalRBM, "energy", "return -(", "return (")),
        Spoiled("hidden bias lost in G", mutated(CategoricalRBM, "hidden_free_energy", "ops.matmul(h, self.c) + ", "")),
        Spoiled("all zeros and ones summed", over=zeros_and_ones),
    ],
)
def test_free_energies(size, over=None):
    rbm, X, H = model(*size)
    table = weights(rbm, X, H)
    total = weights(rbm, X if over is None else over(rbm), H).sum(axis=0)
    with meanings():
        equal_formulas(np.exp(-rbm.energy(X[:, None], H[None])), table, "e^−E(x, h)")
        equal_formulas(np.exp(-rbm.free_energy(X)), table.sum(axis=1), "e^−F(x)")
        equal_formulas(np.exp(-rbm.hidden_free_energy(H)), total, "e^−G(h)")


@pytest.mark.parametrize("size", SIZES[1:])
@theorem(
    "with visible units of K values, the shipped p(h_j=1|x) and p(x_i=k|h), a softmax, are the conditionals of e^−E, "
    "and log p(x|h) is the logarithm of theirs",
    claim="G0, G1",
    level="B",
    sizes="(D, K, H) = (2,2,2), (2,3,1), every x and h",
    spoiled=[
        *BIASES,
        Spoiled("one softmax for all units", mutated(categorical, "softmax", "by_unit(a, categories)", "a")),
        Spoiled(
            "not normalised",
            mutated(CategoricalLayer, "log_conditional", " - log_normaliser(a, self.categories)", ""),
        ),
    ],
)
def test_conditionals(size):
    rbm, X, H = model(*size)
    table = weights(rbm, X, H)
    with meanings():
        equal_formulas(rbm.hidden_given_visible(X), table @ H / table.sum(axis=1)[:, None], "p(h|x)")
        equal_formulas(rbm.visible_given_hidden(H), table.T @ X / table.sum(axis=0)[:, None], "p(x|h)")
        equal_formulas(np.exp(rbm.directed().log_conditional(X, H)), table / table.sum(axis=0), "p(x|h) of a layer")


@pytest.mark.parametrize("size", SIZES)
@theorem(
    "with visible units of K values, the shipped p(x) is Σ_h e^−E(x,h) over its sum over x",
    claim="G0",
    level="B",
    sizes="(D, K, H) = (1,3,2), (2,2,2), (2,3,1), every x",
    spoiled=[
        *BIASES,
        Spoiled("sign of G in Z", mutated(exact.partition, "log_partition", "(-free_energy", "(free_energy")),
        Spoiled("Z added", mutated(exact.likelihood, "log_likelihood", "(X) - log_partition", "(X) + log_partition")),
    ],
)
def test_likelihood(size):
    rbm, X, H = model(*size)
    table = weights(rbm, X, H)
    with meanings():
        equal_formulas(np.exp(exact.log_likelihood(rbm, X)), table.sum(axis=1) / table.sum(), "p(x)")
