"""Every function of `td.exact.__all__`, as a call on models and rows of any size: what tests loop over."""

import numpy as np

import tinygrad_dbn as td
from tests.random_models import random_rbm, rows
from tinygrad_dbn import exact


def rng():
    return np.random.default_rng(5)


def layers_of(dbn, count):
    return [rows(n, count, seed) for seed, n in enumerate(dbn.sizes[1:])]


def with_other_top(dbn):
    return td.DBN(dbn.layers, random_rbm(*dbn.top.W.shape[::-1], seed=77))


def as_dbm(dbn):
    """The deep Boltzmann machine of a DBN's generative weights."""
    parts = (*dbn.layers, dbn.top)
    return td.DBM(tuple(part.W for part in parts), (*(part.b for part in parts), dbn.top.c))


# f(dbn, rbm, X, **budget): rbm is for what speaks of RBMs alone, and X (T, D) goes with both.
ENUMERATING = {
    "annealed": lambda d, r, X, **k: exact.annealed(r, max(2, len(X)), np.linspace(0, 1, 9), rng(), **k),
    "annealed_backwards": lambda d, r, X, **k: exact.annealed_backwards(
        r, max(2, len(X)), np.linspace(0, 1, 9), rng(), **k
    ),
    "audit": lambda d, r, X, **k: exact.audit(d, X, **k),
    "audit_layers": lambda d, r, X, **k: exact.audit_layers(d, X, **k),
    "best_factorial": lambda d, r, X, **k: exact.best_factorial(d, X, rng(), 2, sweeps=3, **k),
    "bound": lambda d, r, X, **k: exact.bound(d, X, **k),
    "bound_gain": lambda d, r, X, **k: exact.bound_gain(d, with_other_top(d), X, **k),
    "ceiling": lambda d, r, X, **k: exact.ceiling(d, X, **k),
    "conditional_likelihood": lambda d, r, X, **k: exact.conditional_likelihood(d, X, [0], **k),
    "dbm_gradient": lambda d, r, X, **k: exact.dbm_gradient(as_dbm(d), X, **k),
    "dbm_log_likelihood": lambda d, r, X, **k: exact.dbm_log_likelihood(as_dbm(d), X, **k),
    "deep_bound": lambda d, r, X, **k: exact.deep_bound(d, X, **k),
    "entropy": lambda d, r, X, **k: exact.entropy(d, 1, **k),
    "expected_cd": lambda d, r, X, **k: exact.expected_cd(r, X, 2, **k),
    "expected_pcd": lambda d, r, X, **k: exact.expected_pcd(r, X, **k),
    "expected_sleep": lambda d, r, X, **k: exact.expected_sleep(d, X, 2, **k),
    "expected_wake": lambda d, r, X, **k: exact.expected_wake(d, X, **k),
    "fisher_information": lambda d, r, X, **k: exact.fisher_information(r, **k),
    "gradient": lambda d, r, X, **k: exact.gradient(d, X, **k),
    "kl_from_data": lambda d, r, X, **k: exact.kl_from_data(d, X, **k),
    "log_aggregated_posterior": lambda d, r, X, **k: exact.log_aggregated_posterior(d, X, **k),
    "log_class": lambda d, r, X, **k: exact.log_class(d, X, 2, **k),
    "log_conditional_likelihood": lambda d, r, X, **k: exact.log_conditional_likelihood(d, X, [0], **k),
    "log_joint": lambda d, r, X, **k: exact.log_joint(d, X, *layers_of(d, len(X)), **k),
    "log_likelihood": lambda d, r, X, **k: exact.log_likelihood(d, X, **k),
    "log_marginal": lambda d, r, X, **k: exact.log_marginal(d, 1, **k),
    "log_partition": lambda d, r, X, **k: exact.log_partition(r, **k),
    "log_prior": lambda d, r, X, **k: exact.log_prior(d, **k),
    "mean_field": lambda d, r, X, **k: exact.mean_field(as_dbm(d), X, 20, **k),
    "posterior": lambda d, r, X, **k: exact.posterior(d, X, **k),
    "prior_divergence": lambda d, r, X, **k: exact.prior_divergence(d, X, **k),
    "recognition_gradient": lambda d, r, X, **k: exact.recognition_gradient(d, X, **k),
    "sample": lambda d, r, X, **k: exact.sample(d, len(X), rng(), **k),
    "states": lambda d, r, X, **k: exact.states(d.sizes[1], **{n: b for n, b in k.items() if n != "max_seconds"}),
    "unit_means": lambda d, r, X, **k: exact.unit_means(d, 1, **k),
}

# No enumeration and no long run: a pass over the rows, or over the parameters.
ON_ROWS = {
    "base_rates": lambda d, r, X: exact.base_rates(X),
    "check_optimum": lambda d, r, X: exact.check_optimum(-1e9, X),
    "compare": lambda d, r, X: exact.compare(r, td.RBM(r.W + 1, r.b, r.c)),
    "data_entropy": lambda d, r, X: exact.data_entropy(X),
    "optimum": lambda d, r, X: exact.optimum(X),
}

# Everything else that is public, and why no loop over budgets, threads or dtypes has it.
OTHERS = {
    "OPTIMA": "a table of formulas",
    "AboveOptimum": "an error",
    "TooLarge": "an error",
    **dict.fromkeys(
        ("Annealed", "Audit", "Ceiling", "Comparison", "Factorial", "LayeredAudit", "MeanField"), "a result"
    ),
    "certified": "calls the quantity it is given, which has its own gate and budget",
}

RBM_ONLY = {"annealed", "annealed_backwards", "expected_cd", "expected_pcd", "fisher_information", "log_partition"}
WITHOUT_ROWS = {"annealed", "annealed_backwards", "compare", "entropy", "fisher_information", "log_marginal",
                "log_partition", "log_prior", "sample", "states", "unit_means"}  # fmt: skip
