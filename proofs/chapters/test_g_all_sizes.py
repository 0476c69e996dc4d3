"""Chapter G for all sizes: Gibbs sampling keeps the distribution, and layers put on top keep it normalised.

Notation: the index i runs over the states x, t over the states h; J[i,t] > 0 is p(x, h), X[i] and H[t] its marginals.
"""

from proofs.harness.theorem import Spoiled, theorem
from proofs.kernel.model import require_model
from proofs.kernel.rules import Sigma, Sigma_t, assume, family, fubini, real, ring, total

J, c = family("J c", over="i,t")
(X,) = family("X")
H, K, prior = family("H K prior", over="t")
(own,) = real("own", positive=True)  # p(x')
SQUARE = {J: ((1, 2), (3, 4)), X: (3, 7), H: (4, 6), K: (5, 1)}


def marginals():
    """X[i] = Σ_h p(x, h) and H[t] = Σ_x p(x, h)."""
    return assume(Sigma_t(J) - X), assume(Sigma(J) - H)


@theorem(
    "half a round of Gibbs sampling, x' drawn given h, leaves p(x, h) as it is",
    claim="G0",
    level="A",
    sizes="any finite sets of x and h, p > 0",
    spoiled=[
        Spoiled("x is drawn from p(x), not from p(x|h)", given=1),
        Spoiled("weighted by the other marginal", weights=X),
    ],
)
def test_stationary(given=H, weights=J):
    # K[t] is p(x', h) for a state x' of its own. Drawing x' given h from p: Σ_x p(x, h) p(x'|h) = p(x', h).
    _, of_h = marginals()
    thm = ring(Sigma(weights * K / given) - K, of_h)
    return require_model(thm, SQUARE)


@theorem(
    "Gibbs sampling from x to x' by way of h satisfies detailed balance: p(x) P(x → x') = p(x') P(x' → x)",
    claim="G0",
    level="A",
    sizes="any finite sets of x and h, p > 0",
    spoiled=[
        Spoiled("h is drawn from its marginal on the way", forth=H * X),
        Spoiled("or on the way back", back=H * own),
    ],
)
def test_detailed_balance(forth=J, back=K):
    # From x by way of h to x', and back: p(x) Σ_h p(h|x) p(x'|h) = p(x') Σ_h p(h|x') p(x|h).
    there = Sigma_t(X * (forth / X) * (K / H))
    and_back = Sigma_t(own * (back / own) * (J / H))
    return ring(there - and_back)


@theorem(
    "a directed layer under a distribution makes a distribution",
    claim="G2",
    level="A",
    sizes="any finite sets, one layer",
    spoiled=[
        Spoiled("a conditional that is not normalised", conditional=2),
        Spoiled("a prior that is not", total_of_prior=2),
    ],
)
def test_layers_stay_normalised(conditional=1, total_of_prior=1):
    # c[i,t] is p(x|h): Σ_x Σ_h p(h) p(x|h) = 1.
    given = assume(Sigma(c) - conditional), assume(Sigma_t(prior) - total_of_prior)
    per_state = total(ring(prior * Sigma(c) - prior, given[0]) if conditional == 1 else given[0], over=Sigma_t)
    thm = ring(Sigma(Sigma_t(prior * c)) - 1, fubini(prior * c), per_state, given[1])
    return require_model(thm, {c: ((1, 0), (0, 1)), prior: (1, 0)})
