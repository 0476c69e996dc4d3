"""The library's models as scikit-learn estimators: for pipelines, grid searches, and a fair comparison.

Features are probabilities of being on. `BernoulliRBM` takes X as it is, as scikit-learn's own does, and wants it in
[0, 1]; `DBNClassifier` first scales every feature by its range in the training data.
"""

from ..extras import needing

with needing("td.estimators", "sklearn"):
    from .classifier import DBNClassifier
    from .rbm import BernoulliRBM

__all__ = ["BernoulliRBM", "DBNClassifier"]
