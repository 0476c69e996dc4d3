"""Weights from scikit-learn and PyTorch, and back. Neither is imported unless it is used.

What comes in is read by its attributes: a fitted estimator's, or a state dict's names and arrays. A model that computes
something that ours cannot is refused, never brought over as something else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .extras import needing
from .models import RBM, FeedForward

_HIDDEN = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}  # scikit-learn's name: ours
_OUTPUT = {"softmax": "softmax", "logistic": "sigmoid", "identity": "linear"}

# ---- scikit-learn ---------------------------------------------------------------------------------------------------


def from_sklearn(estimator: Any) -> FeedForward | RBM:
    """The model of a fitted `MLPClassifier`, `MLPRegressor`, `LogisticRegression` or `BernoulliRBM`.

    Of two classes these have a single output, p(class 1), so the network's output is "sigmoid"; of more it is
    "softmax", with the classes in the order of `classes_`. Raises TypeError for another estimator, ValueError for one
    that is not fitted or computes what a `FeedForward` does not.
    """
    read = next((_READ[cls.__name__] for cls in type(estimator).__mro__ if cls.__name__ in _READ), None)
    if read is None:
        raise TypeError(f"from_sklearn: a {type(estimator).__name__} was given; there are {', '.join(_READ)}")
    try:
        return read(estimator)
    except AttributeError as error:
        name = type(estimator).__name__
        raise ValueError(f"from_sklearn: this {name} is not fitted ({error}); call fit first") from error


def _of_layers(mlp: Any) -> FeedForward:
    weights, biases = [W.T for W in mlp.coefs_], list(mlp.intercepts_)
    if len(weights) > 1 and mlp.activation not in _HIDDEN:
        raise ValueError(
            f"from_sklearn: activation={mlp.activation!r}; hidden layers here are {', '.join(_HIDDEN)} in "
            "scikit-learn's names: train with one of them"
        )
    return FeedForward(
        tuple(weights), tuple(biases), _HIDDEN.get(mlp.activation, "sigmoid"), _OUTPUT[mlp.out_activation_]
    )


def _of_logits(regression: Any) -> FeedForward:
    W, b = regression.coef_, regression.intercept_
    one_for_each = getattr(regression, "multi_class", None) == "ovr" or regression.solver == "liblinear"
    if len(regression.classes_) > 2 and one_for_each:
        raise ValueError(
            "from_sklearn: a LogisticRegression of one classifier for each class is no softmax; train it with "
            "solver='lbfgs'"
        )
    return FeedForward((W,), (np.broadcast_to(b, len(W)),), output="softmax" if len(W) > 1 else "sigmoid")


def _of_units(rbm: Any) -> RBM:
    return RBM(rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_)


_READ: dict[str, Callable[[Any], FeedForward | RBM]] = {
    "MLPClassifier": _of_layers,
    "MLPRegressor": _of_layers,
    "LogisticRegression": _of_logits,
    "BernoulliRBM": _of_units,
}


def to_sklearn(model: FeedForward | RBM, classes: Sequence[Any] | None = None) -> Any:
    """A fitted estimator of scikit-learn's that predicts what the model does.

    An RBM becomes a `BernoulliRBM`; a network an `MLPClassifier` of the given classes, 0, 1, … if there are none, or
    with a linear output an `MLPRegressor`. Two softmax outputs become the one sigmoid that is the same.
    Raises TypeError for other models, ValueError for classes that do not fit.
    """
    with needing("to_sklearn", "sklearn"):
        from sklearn import neural_network
        from sklearn.preprocessing import LabelBinarizer

    if isinstance(model, RBM):
        rbm = neural_network.BernoulliRBM(n_components=model.W.shape[0])
        rbm.components_, rbm.intercept_visible_, rbm.intercept_hidden_ = _own(model.W, model.b, model.c)
        rbm.n_features_in_, rbm._n_features_out, rbm.h_samples_ = model.W.shape[1], model.W.shape[0], None
        return rbm
    if not isinstance(model, FeedForward):
        raise TypeError(f"to_sklearn: a {type(model).__name__} was given; an RBM and a FeedForward can be brought over")
    weights, biases, output = _own(*model.weights), _own(*model.biases), model.output
    if output == "softmax" and len(biases[-1]) == 2:  # softmax(a)₂ = σ(a₂ − a₁)
        weights[-1], biases[-1], output = np.diff(weights[-1], axis=0), np.diff(biases[-1]), "sigmoid"
    outputs = len(biases[-1])
    names = {ours: theirs for theirs, ours in (_HIDDEN | _OUTPUT).items()}
    kind = neural_network.MLPRegressor if output == "linear" else neural_network.MLPClassifier
    mlp = kind(hidden_layer_sizes=tuple(len(b) for b in biases[:-1]), activation=names[model.hidden])
    mlp.coefs_, mlp.intercepts_ = [W.T for W in weights], biases
    mlp.n_layers_, mlp.n_outputs_, mlp.n_features_in_ = len(weights) + 1, outputs, weights[0].shape[1]
    mlp.out_activation_ = names[output]
    if output == "linear":
        return mlp
    if output == "sigmoid" and outputs > 1:
        raise ValueError(
            f"to_sklearn: {outputs} sigmoid outputs are not the probabilities of {outputs} classes; give a network "
            "with output='softmax', or with one sigmoid"
        )
    count = max(outputs, 2)
    mlp.classes_ = np.arange(count) if classes is None else np.asarray(classes)
    mlp._label_binarizer = LabelBinarizer().fit(mlp.classes_)
    if mlp._label_binarizer.classes_.tolist() != mlp.classes_.tolist() or len(mlp.classes_) != count:
        raise ValueError(f"to_sklearn: classes={classes!r}; write {count} classes in ascending order")
    return mlp


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def from_torch(state: Mapping[str, Any], *, hidden: str, output: str) -> FeedForward:
    """The network of a state dict: linear layers in its order, with the activations given, which it does not hold.

    state: `module.state_dict()` of a `torch.nn.Sequential` of `Linear` layers, or of any module whose weights and
    biases are listed from input to output. A layer without bias gets zeros. hidden, output: as of `FeedForward`; for a
    module that ends in logits for `CrossEntropyLoss`, output="softmax".
    Raises ValueError for entries that are no linear layer's, or whose sizes do not follow each other.

    >>> from_torch({"0.weight": np.ones((4, 3)), "0.bias": np.zeros(4)}, hidden="relu", output="linear")
    FeedForward(3–4, output linear)
    """
    arrays = {name: _array(value) for name, value in state.items()}
    layers = [name.removesuffix("weight") for name, W in arrays.items() if name.endswith("weight") and W.ndim == 2]
    others = arrays.keys() - {f"{layer}{part}" for layer in layers for part in ("weight", "bias")}
    if others or not layers:
        shapes = ", ".join(f"{name} {arrays[name].shape}" for name in arrays if name in others) or "nothing"
        raise ValueError(
            f"from_torch: {shapes} in the state dict is no linear layer's weight (n, m) or bias (n,); give the state "
            "of a module of Linear layers and activations alone"
        )
    weights = [arrays[f"{layer}weight"] for layer in layers]
    biases = [arrays.get(f"{layer}bias", np.zeros(len(W), W.dtype)) for layer, W in zip(layers, weights, strict=True)]
    return FeedForward(tuple(weights), tuple(biases), hidden, output)


def to_torch(net: FeedForward) -> dict[str, NDArray[Any]]:
    """The state of the `torch.nn.Sequential` that alternates `Linear` layers and activations, as arrays of its own.

    `module.load_state_dict({name: torch.from_numpy(a) for name, a in td.to_torch(net).items()})` loads it. The module's
    float type should be the net's: `module.double()` for float64.

    >>> list(to_torch(FeedForward.init((3, 4, 2), np.random.default_rng(0))))
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """
    state: dict[str, NDArray[Any]] = {}
    for k, (W, b) in enumerate(zip(_own(*net.weights), _own(*net.biases), strict=True)):
        state |= {f"{2 * k}.weight": W, f"{2 * k}.bias": b}
    return state


def _array(value: Any) -> Any:
    """A tensor of PyTorch's, on any device and in any graph, as an array; arrays as they are."""
    for step in ("detach", "cpu", "numpy"):
        value = getattr(value, step)() if hasattr(value, step) else value
    return np.asarray(value)


def _own(*arrays: Any) -> list[Any]:
    """Copies that can be written to."""
    return [np.array(a) for a in arrays]
