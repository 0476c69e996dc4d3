"""How fast training is: an epoch of each kind beside scikit-learn, PyTorch, and the matrix products it cannot avoid.

    python benchmarks/learning.py                          whatever is installed here
    python benchmarks/learning.py --threads 1 --only rbm   one thread, one part

Every figure is the median of several epochs, and its range; the peers' epochs run in between ours, so that a busy
machine slows all of them, after a rest in which nobody's threads spin. A ratio above 1 says that ours is the faster.
"""

import argparse
import itertools

import numpy as np
from goals import marked
from tables import heading
from timing import REST, in_turns

import tinygrad_dbn as td
from tinygrad_dbn import learning, ops
from tinygrad_dbn.learning.contrastive import gibbs_uniforms
from tinygrad_dbn.learning.descent import descend
from tinygrad_dbn.models.autoencoder import as_width

try:
    import torch
except ImportError:
    torch = None

ROUNDS = 5
EXAMPLES, VISIBLE, HIDDEN, BATCH = 5000, 784, 500, 100


def epochs_of(iterator):
    """A function that trains for one epoch more."""
    next(iterator)  # the start
    return lambda: next(iterator)


def compare(title, ours, peers, goals=None):
    """Medians and ranges of one epoch each, taken in turns. A peer that is None is not installed.

    goals: what a peer's time is to be over ours, at least.
    """
    contenders = {"tinygrad_dbn": ours, **{name: peer for name, peer in peers.items() if peer is not None}}
    in_turns(contenders.values(), 1)  # what is compiled, is compiled now
    found = in_turns(contenders.values(), ROUNDS, REST)
    print(f"\n{title}: seconds per epoch, median (range); peer ÷ ours")
    middles = np.median(found, axis=0)
    for name, times, middle in zip(contenders, found.T, middles, strict=True):
        print(f"  {name:22s} {middle:8.3f} ({min(times):.3f} to {max(times):.3f})   {middle / middles[0]:5.2f}")
    for name, goal in (goals or {}).items():
        if name in contenders:
            marked(f"    {name} ÷ ours", found[:, list(contenders).index(name)] / found[:, 0], at_least=goal)
    for name, peer in peers.items():
        if peer is None:
            print(f"  {name} is left out: not installed here")


def torch_descent(parameters, loss, rows, batch, rate):
    """A function that trains for one epoch: loss(chosen) is of the rows of those numbers."""

    def run():
        for chosen in torch.randperm(rows).split(batch):
            gradients = torch.autograd.grad(loss(chosen), parameters)
            with torch.no_grad():
                for p, g in zip(parameters, gradients, strict=True):
                    p.add_(g, alpha=-rate)

    return run


# ---- CD-1 ------------------------------------------------------------------------------------------------------------


def rbm(threads, dtype):
    X = (np.random.default_rng(0).random((EXAMPLES, VISIBLE)) < 0.3).astype(dtype)
    start = as_width(td.RBM.init(VISIBLE, HIDDEN, np.random.default_rng(0)), dtype)
    ours = descend(
        start, (X,), learning.cd_loss(1), learning.sgd(0.05), epochs=99, batch=BATCH, seed=0,
        draw=gibbs_uniforms(HIDDEN, 1), compile=True,
    )  # fmt: skip
    compare(
        f"CD-1, {EXAMPLES} × {VISIBLE}, {HIDDEN} hidden, batch {BATCH}, {np.dtype(dtype)}, {threads} threads",
        epochs_of(ours),
        {"five products": products(X, start), "scikit-learn": sklearns(X), "PyTorch": torch_cd(X, start)},
        goals={"five products": 0.9, "scikit-learn": 1.5, "PyTorch": 1.5},
    )


def products(X, start):
    """The five matrix products of every batch, and nothing else."""
    H = np.random.default_rng(0).random((BATCH, HIDDEN)).astype(X.dtype)

    def run():
        for i in range(0, EXAMPLES, BATCH):
            x = X[i : i + BATCH]
            x @ start.W.T, H @ start.W, x @ start.W.T, H.T @ x, H.T @ x

    return run


def sklearns(X):
    from sklearn.neural_network import BernoulliRBM

    model = BernoulliRBM(HIDDEN, learning_rate=0.05, batch_size=BATCH, n_iter=1, random_state=0)
    return lambda: model.fit(X)


def torch_cd(X, start):
    if torch is None:
        return None
    W, b, c = (torch.tensor(p) for p in (start.W, start.b, start.c))
    data = torch.tensor(X)

    def run():
        with torch.no_grad():
            for _ in range(0, EXAMPLES, BATCH):
                x = data[torch.randperm(EXAMPLES)[:BATCH]]
                h = torch.sigmoid(x @ W.T + c)
                y = torch.bernoulli(torch.sigmoid(torch.bernoulli(h) @ W + b))
                g = torch.sigmoid(y @ W.T + c)
                W.add_(h.T @ x - g.T @ y, alpha=0.05 / BATCH)
                b.add_((x - y).mean(0), alpha=0.05)
                c.add_((h - g).mean(0), alpha=0.05)

    return run


# ---- Networks --------------------------------------------------------------------------------------------------------


def supervised(threads, dtype, sizes=(784, 1000, 1000, 1000, 10), examples=1600, batch=32):
    rng = np.random.default_rng(0)
    X, y = rng.random((examples, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], examples)
    net = as_width(td.FeedForward.init(sizes, rng), dtype)
    loss = lambda net, x, y: ops.mean(net.nll(x, y))
    ours = descend(net, (X, y), loss, learning.sgd(0.01), epochs=99, batch=batch, seed=0, compile=True)
    compare(
        f"supervised, {'-'.join(map(str, sizes))}, {examples} examples, batch {batch}, {np.dtype(dtype)}, "
        f"{threads} threads",
        epochs_of(ours),
        {"PyTorch": torch_net(net, X, y, batch)},
    )


def torch_net(net, X, y, batch):
    if torch is None:
        return None
    parameters = [torch.tensor(p, requires_grad=True) for p in (*net.weights, *net.biases)]
    W, b = parameters[: len(net.weights)], parameters[len(net.weights) :]
    data, classes = torch.tensor(X), torch.tensor(y)

    def loss(chosen):
        h = data[chosen]
        for k in range(len(W) - 1):
            h = torch.sigmoid(h @ W[k].T + b[k])
        return torch.nn.functional.cross_entropy(h @ W[-1].T + b[-1], classes[chosen])

    return torch_descent(parameters, loss, len(X), batch, 0.01)


def denoising(threads, dtype, batch=20):
    """A layer of a stacked denoising autoencoder: tied weights, masking noise, cross-entropy."""
    X = np.random.default_rng(0).random((EXAMPLES // 2, VISIBLE)).astype(dtype)
    module = learning.AutoencoderModule(corruption=learning.masking(0.25), batch=batch)
    start = as_width(td.Autoencoder.init((VISIBLE, HIDDEN), np.random.default_rng(0)), dtype)
    ours = descend(
        start, (X,), module._loss, learning.sgd(0.05), epochs=99, batch=batch, seed=0, draw=module._draw, compile=True
    )
    compare(
        f"denoising autoencoder, {len(X)} × {VISIBLE}, {HIDDEN} hidden, batch {batch}, {np.dtype(dtype)}, "
        f"{threads} threads",
        epochs_of(ours),
        {"PyTorch": torch_denoising(X, start, batch)},
    )


def torch_denoising(X, start, batch):
    if torch is None:
        return None
    encoder = start.encoder
    given = (encoder.weights[0], encoder.biases[0], start.decoder_biases[0])
    W, c, b = parameters = [torch.tensor(p, requires_grad=True) for p in given]
    data = torch.tensor(X)

    def loss(chosen):
        x = data[chosen]
        h = torch.sigmoid((x * (torch.rand_like(x) >= 0.25)) @ W.T + c)
        return torch.nn.functional.binary_cross_entropy_with_logits(h @ W + b, x, reduction="sum") / batch

    return torch_descent(parameters, loss, len(X), batch, 0.05)


PARTS = {"rbm": rbm, "supervised": supervised, "denoising": denoising}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tinygrad-dbn bench learning", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS))
    options = parser.parse_args()
    heading()
    if torch is not None:
        torch.set_num_threads(options.threads)
    with learning.threads(options.threads):
        for part, dtype in itertools.product(options.only, (np.float32, np.float64)):
            PARTS[part](options.threads, dtype)
