"""Learning: rules that say where to go, optimisers that go there, and the greedy stacking of a DBN."""

from .greedy import Progress, greedy, pretrain
from .optimisers import momentum, sgd
from .rules import contrastive_divergence, maximum_likelihood

__all__ = ["Progress", "contrastive_divergence", "greedy", "maximum_likelihood", "momentum", "pretrain", "sgd"]
