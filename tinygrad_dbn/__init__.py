"""tinygrad_dbn: a small autodiff engine whose every rule is proved, and an exact laboratory for toy deep belief
networks built on it."""

from importlib import import_module
from typing import Any

from . import datasets, exact, learning, models
from .autodiff import ops
from .autodiff.compile import compile
from .autodiff.differentiate import grad, hvp, jvp, value_and_grad, vjp
from .autodiff.inspect.check import check_grads
from .autodiff.jacobians import hessian, jacobian
from .autodiff.mapping import vmap
from .autodiff.strict import nan_hunt, strict
from .autodiff.tensor import Tensor
from .autodiff.trees import tree_map
from .exchange import from_sklearn, from_torch, to_sklearn, to_torch
from .models import DBM, DBN, RBM, Autoencoder, CategoricalRBM, DirectedLayer, FeedForward, GaussianRBM
from .storage import load, save

__version__ = "0.1.0"

__all__ = [
    "DBM",
    "DBN",
    "RBM",
    "Autoencoder",
    "CategoricalRBM",
    "DirectedLayer",
    "FeedForward",
    "GaussianRBM",
    "Tensor",
    "check_grads",
    "compile",
    "datasets",
    "estimators",
    "exact",
    "from_sklearn",
    "from_torch",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "learning",
    "load",
    "models",
    "nan_hunt",
    "ops",
    "save",
    "strict",
    "symbolic",
    "to_sklearn",
    "to_torch",
    "tree_map",
    "value_and_grad",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    """`symbolic` brings SymPy, `estimators` scikit-learn, which take a second to import: they come when asked for."""
    if name == "symbolic":
        return import_module(".autodiff.numbers.symbolic", __name__)
    if name == "estimators":
        return import_module(".estimators", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
