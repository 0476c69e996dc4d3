"""Learning: rules that say where to go, optimisers that go there, and the trainings made of them.

Supervised: `fit`. Layer by layer without labels: `greedy` for a DBN of binary units, and the lecture's loop with any
module, `pretrain`, followed by `fine_tune`.
"""

from ..autodiff.kernels.blas import threads
from .bars import progress_bars
from .boltzmann import pretrain_dbm
from .centred import centred
from .contrastive import cd_loss
from .descent import Descent, Diverged, compiling, descend, steps_per_epoch, uncompiled
from .diagnostics import layer_gradients, reading
from .dropout import Dropout
from .greedy import Progress, greedy, greedy_dbn
from .hessian_free import HessianFree, gauss_newton_product, hessian_free, reconstruction_loss
from .modules import (
    AutoencoderModule,
    Convolution,
    EmbeddingModule,
    GaussianCodeModule,
    KernelPCAModule,
    RBMModule,
    SparseModule,
    SubspaceModule,
    WordsModule,
    masking,
    salt_and_pepper,
)
from .optimisers import Optimiser, Schedule, adam, constant, exponential, hyperbolic, linear, momentum, sgd
from .pretraining import Stack, fine_tune, pretrain
from .rules import contrastive_divergence, maximum_likelihood, persistent_contrastive_divergence
from .semi_supervised import Embedded, Embedding
from .supervised import Epoch, Fit, error_rate, fit
from .tempering import parallel_tempering
from .updown import up_down, up_down_loss

__all__ = [
    "AutoencoderModule", "Convolution", "Descent", "Diverged", "Dropout", "Embedded", "Embedding", "EmbeddingModule",
    "Epoch", "Fit", "GaussianCodeModule", "HessianFree", "KernelPCAModule", "Optimiser", "Progress", "RBMModule",
    "Schedule", "SparseModule", "Stack", "SubspaceModule", "WordsModule", "adam", "cd_loss", "centred", "compiling",
    "constant",
    "contrastive_divergence", "descend", "error_rate", "exponential", "fine_tune", "fit", "gauss_newton_product",
    "greedy", "greedy_dbn", "hessian_free", "hyperbolic", "layer_gradients", "linear", "masking", "maximum_likelihood",
    "momentum", "parallel_tempering", "persistent_contrastive_divergence", "pretrain", "pretrain_dbm", "progress_bars",
    "reading", "reconstruction_loss", "salt_and_pepper", "sgd", "steps_per_epoch", "threads", "uncompiled", "up_down",
    "up_down_loss",
]  # fmt: skip
