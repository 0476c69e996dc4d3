"""The deep Boltzmann machine (Salakhutdinov & Hinton 2009), which claim G3 tells from a DBN of the same weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..autodiff import ops
from ..autodiff.operators import Value
from ..randomness import Random, generator
from .arithmetic import Vector
from .rbm import RBM
from .validation import adopt, parameter, whole


@dataclass(frozen=True, eq=False)
class DBM(Vector):
    """E(x, h1, …, hL) = −Σ_k h_kᵀ W_k h_(k−1) − Σ_k b_kᵀ h_k, with h0 = x, over zeros and ones; p ∝ exp(−E).

    weights W1 … WL, W_k (n_k, n_(k−1)); biases b0 … bL, b_k (n_k,), that of x first. Every layer is undirected: a unit
    hears the layer above as well as the one below. Raises ValueError for shapes that do not fit and for NaN or inf.
    """

    weights: tuple[Value, ...]
    biases: tuple[Value, ...]

    def __post_init__(self) -> None:
        weights, biases = tuple(self.weights), tuple(self.biases)
        if not weights or len(biases) != len(weights) + 1:
            raise ValueError(
                f"{len(weights)} weight matrices and {len(biases)} biases: a DBM has at least one matrix, and a bias "
                "for x and for each hidden layer"
            )
        first = parameter("weights[0]", weights[0], (None, None))
        checked, below = [first], first.shape[0]
        for k, W in enumerate(weights[1:], start=1):
            checked.append(parameter(f"weights[{k}]", W, (None, below)))
            below = checked[-1].shape[0]
        sizes = [first.shape[1], *(W.shape[0] for W in checked)]
        named = [parameter(f"biases[{k}]", b, (n,)) for k, (b, n) in enumerate(zip(biases, sizes, strict=True))]
        adopt(self, weights=tuple(checked), biases=tuple(named))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of units of x, h1, …, hL."""
        return (int(self.weights[0].shape[1]), *(int(W.shape[0]) for W in self.weights))

    @classmethod
    def from_rbms(cls, rbms: Sequence[RBM]) -> "DBM":
        """A stack of RBMs put together: each gives its weights, and a layer between two the mean of its two biases.

        That is what RBMs are trained for by `learning.pretrain_dbm`, in which a hidden layer hears twice what it will
        hear from one side. Raises ValueError for an empty stack, for sizes that do not fit, and for RBMs of
        other visible units than zeros and ones.
        """
        if not rbms:
            raise ValueError("a DBM is put together from at least one RBM, none was given")
        for rbm in rbms:
            if rbm.units != "binary":
                raise ValueError(
                    f"a {type(rbm).__name__} has {rbm.units} visible units, and a DBM has none but zeros and ones: "
                    "stack these RBMs by DBN.from_rbms"
                )
        for k, (lower, upper) in enumerate(pairwise(rbms), start=1):
            if lower.W.shape[0] != upper.W.shape[1]:
                raise ValueError(
                    f"h{k} has {lower.W.shape[0]} units in RBM {k}, but W of RBM {k + 1} has {upper.W.shape[1]} "
                    f"columns: it should have {lower.W.shape[0]}"
                )
        between = [(lower.c + upper.b) / 2 for lower, upper in pairwise(rbms)]
        return cls(tuple(rbm.W for rbm in rbms), (rbms[0].b, *between, rbms[-1].c))

    def energy(self, *layers: Value) -> Value:
        """E for arrays x, h1, …, hL, (…, n_k) each: (…,), nats. Linear in each, so of means it is the mean energy."""
        if len(layers) != len(self.biases):
            raise ValueError(f"{len(layers)} of the layers of a DBM of sizes {self.sizes}: give all, x first")
        total = ops.matmul(layers[0], self.biases[0])
        for k, W in enumerate(self.weights, start=1):
            met = ops.sum(layers[k] * ops.matmul(layers[k - 1], W.T), axis=-1)
            total = total + met + ops.matmul(layers[k], self.biases[k])
        return -total

    def logits(self, k: int, layers: Sequence[Value]) -> Value:
        """b_k + W_k h_(k−1) + W_(k+1)ᵀ h_(k+1): the log-odds of layer k given its neighbours, (…, n_k), nats."""
        total = self.biases[k]
        if k > 0:
            total = total + ops.matmul(layers[k - 1], self.weights[k - 1].T)
        if k < len(self.weights):
            total = total + ops.matmul(layers[k + 1], self.weights[k])
        return total

    def as_rbm(self) -> RBM:
        """The same distribution as an RBM: [x, h2, h4, …] on its visible side, [h1, h3, …] on its hidden one.

        Layers meet only their neighbours, so those of even number are independent of each other given the others. What
        an RBM has is then had for a DBM as well: `exact.log_partition`, `exact.annealed`, block Gibbs sampling.
        """
        n, dtype = self.sizes, self.weights[0].dtype

        def block(odd: int, even: int) -> Value:
            if even == odd - 1:
                return self.weights[even]
            return self.weights[odd].T if even == odd + 1 else np.zeros((n[odd], n[even]), dtype)

        evens, odds = range(0, len(n), 2), range(1, len(n), 2)
        rows = [ops.concatenate([block(odd, even) for even in evens], axis=1) for odd in odds]
        return RBM(
            ops.concatenate(rows, axis=0),
            ops.concatenate([self.biases[k] for k in evens]),
            ops.concatenate([self.biases[k] for k in odds]),
        )

    def sample(self, count: int, rng: Random, steps: int = 1000) -> Any:
        """`count` samples of x, (count, D): block Gibbs from random states, even layers and odd ones in turn.

        Raises ValueError for a count below 1 or steps below 0.
        """
        rng, count = generator(rng), whole("count", count, 1)
        rbm = self.as_rbm()
        start = rng.integers(0, 2, (count, rbm.W.shape[1])).astype(rbm.W.dtype)
        return rbm.gibbs(start, rng, steps)[:, : self.sizes[0]]
