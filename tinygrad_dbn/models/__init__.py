"""Models as values: frozen dataclasses of arrays, whose methods are pure functions made of ops."""

from .autoencoder import Autoencoder
from .classes import class_logits
from .dbn import DBN, DirectedLayer
from .feedforward import FeedForward
from .rbm import RBM

__all__ = ["DBN", "RBM", "Autoencoder", "DirectedLayer", "FeedForward", "class_logits"]
