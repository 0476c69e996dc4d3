"""Greedy modules: what can be trained, without labels, on the output of the layer below (claim C2).

A module is its settings. `module.train(X, hidden, seed)` learns `hidden` features of a matrix and returns a `Layer`,
which encodes matrices, and hands over weights where it has any that a feed-forward layer can start from.
"""

from .autoencoder import AutoencoderModule, masking, salt_and_pepper
from .boltzmann import RBMModule
from .protocol import Layer, Module

__all__ = ["AutoencoderModule", "Layer", "Module", "RBMModule", "masking", "salt_and_pepper"]
