"""Models as values: frozen dataclasses of arrays, whose methods are pure functions made of ops."""

from .autoencoder import Autoencoder
from .categorical import CategoricalLayer, CategoricalRBM, one_hot
from .classes import class_logits
from .dbm import DBM
from .dbn import DBN
from .feedforward import FeedForward
from .gaussian import GaussianLayer, GaussianRBM
from .kinds import AnyRBM
from .rbm import RBM, DirectedLayer

__all__ = [
    "DBM", "DBN", "RBM", "AnyRBM", "Autoencoder", "CategoricalLayer", "CategoricalRBM", "DirectedLayer", "FeedForward",
    "GaussianLayer", "GaussianRBM", "class_logits", "one_hot",
]  # fmt: skip
