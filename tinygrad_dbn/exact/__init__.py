"""Exact quantities of small models, by enumeration of hidden states. Everything is in nats.

Likelihoods, marginals, bounds and divergences are made of ops: they can be differentiated, and run on symbols and
rationals as well as on floats. Samples, searches and expected updates are for floats.

Four ideas have a folder each. The files beside this one define the quantities; `sums` adds them up for plain arrays of
floats, by compiled products of odds and by matrix products, and bounds the error of what it added; `variational` is the
bound and what is lost by it; `rules` are the expected updates of the learning rules. `log_partition`, `log_likelihood`
and `gradient` bound their error on request (`with_error=True`); `certified` bounds any other quantity's.

What holds for every function is said here alone. X is (T, D), one example of zeros and ones in each row, for a model of
D visible units: ValueError says where it is not (`data.py`). Its cost is predicted before it starts: beyond
`max_seconds` or `max_bytes` it raises `TooLarge` (`budget.py`). Layers are numbered from x = h0 upwards, states as in
`states`. The bits are the same on any number of threads.
"""

from .annealing import Annealed, annealed, annealed_backwards, base_rates
from .budget import TooLarge
from .classes import log_class
from .conditionals import conditional_likelihood, log_conditional_likelihood
from .deep_boltzmann import MeanField, dbm_gradient, dbm_log_likelihood, mean_field
from .enclosure import certified
from .fisher import fisher_information
from .information import data_entropy, entropy, kl_from_data
from .likelihood import gradient, log_likelihood
from .marginals import log_joint, log_marginal, log_prior, unit_means
from .optima import OPTIMA, AboveOptimum, check_optimum, optimum
from .partition import log_partition
from .rules.comparison import Comparison, compare
from .rules.expected import expected_cd, expected_pcd
from .rules.updown import expected_sleep, expected_wake, recognition_gradient
from .samples import sample
from .states import states
from .variational.bound import Audit, audit, bound, posterior
from .variational.ceilings import Ceiling, bound_gain, ceiling, log_aggregated_posterior, prior_divergence
from .variational.factorial import Factorial, best_factorial
from .variational.layers import LayeredAudit, audit_layers, deep_bound

__all__ = [
    "OPTIMA", "AboveOptimum", "Annealed", "Audit", "Ceiling", "Comparison", "Factorial", "LayeredAudit", "MeanField",
    "TooLarge", "annealed", "annealed_backwards", "audit", "audit_layers", "base_rates", "best_factorial", "bound",
    "bound_gain", "ceiling", "certified", "check_optimum", "compare", "conditional_likelihood", "data_entropy",
    "dbm_gradient", "dbm_log_likelihood", "deep_bound", "entropy", "expected_cd", "expected_pcd", "expected_sleep",
    "expected_wake", "fisher_information", "gradient", "kl_from_data", "log_aggregated_posterior", "log_class",
    "log_conditional_likelihood", "log_joint", "log_likelihood", "log_marginal", "log_partition", "log_prior",
    "mean_field", "optimum", "posterior", "prior_divergence", "recognition_gradient", "sample", "states", "unit_means",
]  # fmt: skip
