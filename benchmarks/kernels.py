"""The elementwise kernels that everything else is made of, beside NumPy's and, where it is installed, PyTorch's.

Run it: python benchmarks/kernels.py. 10⁵ float64 elements (1000 rows of 100), one thread, results in new arrays.
Medians of runs that take turns, in nanoseconds per element, with their range.
NumPy's side is its own function, or the composition that a careful reader would write.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from timing import in_turns

from tinygrad_dbn import ops

TURNS = 60


def log_softmax(x):
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


BY_NUMPY = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": lambda x: np.log(np.abs(x)),
    "log1p": lambda x: np.log1p(np.abs(x)),
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "log_sigmoid": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
    "log_softmax": log_softmax,
}


def by_torch():
    """name → function of a tensor, or nothing where PyTorch is not installed."""
    try:
        import torch
        from torch.nn import functional
    except ImportError:
        return {}, None
    torch.set_num_threads(1)
    named = {name: getattr(torch, name) for name in ("exp", "expm1", "tanh", "sigmoid")}
    named |= {"log": lambda x: torch.log(torch.abs(x)), "log1p": lambda x: torch.log1p(torch.abs(x))}
    named |= {"softplus": functional.softplus, "log_sigmoid": functional.logsigmoid}
    named["log_softmax"] = lambda x: torch.log_softmax(x, -1)
    return named, torch.from_numpy


if __name__ == "__main__":
    torch_functions, tensor = by_torch()
    x = np.random.default_rng(0).normal(0, 3, (1000, 100))
    print("op             ours (ns)               numpy / ours   torch / ours")
    for name, numpys in BY_NUMPY.items():
        op = ops.TABLE[name]
        ours = (lambda a, f=op: f(np.abs(a))) if name in ("log", "log1p") else op
        assert np.allclose(ours(x), numpys(x), rtol=1e-13)
        sides = [(ours, x), (numpys, x)]
        if name in torch_functions:
            sides.append((torch_functions[name], tensor(x)))
        t, *peers = 1e9 / x.size * in_turns([lambda f=f, given=given: f(given) for f, given in sides], TURNS).T
        ratios = "".join(f"{np.median(peer) / np.median(t):6.2f}         " for peer in peers)
        print(f"{name:12s}  {np.median(t):5.2f} ({min(t):.2f} to {max(t):.2f})".ljust(40), ratios)
