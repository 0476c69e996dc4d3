"""Greedy modules: what can be trained, without labels, on the output of the layer below (claim C2).

A module is its settings. `module.train(X, hidden, seed)` learns `hidden` features of a matrix and returns a `Layer`,
which encodes matrices, and hands over weights where it has any that a feed-forward layer can start from.
"""

from .autoencoder import AutoencoderModule, masking, salt_and_pepper
from .boltzmann import GaussianCodeModule, RBMModule
from .convolution import Convolution, ConvolvedLayer
from .embedding import EmbeddingModule
from .kernel import KernelPCAModule, arc_cosine, mutual_information
from .protocol import Layer, Module
from .sparse import SparseCoder, SparseModule
from .subspace import SubspaceModule
from .words import WordsModule

__all__ = [
    "AutoencoderModule", "Convolution", "ConvolvedLayer", "EmbeddingModule", "GaussianCodeModule", "KernelPCAModule",
    "Layer", "Module", "RBMModule", "SparseCoder", "SparseModule", "SubspaceModule", "WordsModule", "arc_cosine",
    "masking",
    "mutual_information", "salt_and_pepper",
]  # fmt: skip
