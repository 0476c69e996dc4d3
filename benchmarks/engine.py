"""One training step of sigmoid–softmax nets, SGD update included, float64: this engine beside its peers.

    python benchmarks/engine.py                        whatever is installed here
    python benchmarks/engine.py --python OTHER/bin/python    PyTorch, JAX, autograd and MyGrad from another environment

Every peer runs alone in a process of its own, with the number of threads set, and every figure comes from this one
run: the median of repeated batches of steps in microseconds, and their range. All start from the same weights, and
their loss after a few steps is compared, so that nobody is timed doing something else.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time

import numpy as np
from tables import heading, show, version_of
from timing import seconds

CASES = {
    "16-16-10, 16": ((16, 16, 10), 16),
    "64-128-10, 32": ((64, 128, 10), 32),
    "784-500-10, 32": ((784, 500, 10), 32),
    "784-500-10, 128": ((784, 500, 10), 128),
    "784-1000-1000-1000-10, 32": ((784, 1000, 1000, 1000, 10), 32),
}
RATE = 0.01
BATCHES, BATCH_SECONDS = 11, 0.04


def data(sizes, batch):
    """Weights (n_k, n_(k-1)), biases, a batch and its classes: the same for everyone."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, m**-0.5, (n, m)) for m, n in itertools.pairwise(sizes)]
    return weights, [np.zeros(n) for n in sizes[1:]], rng.random((batch, sizes[0])), rng.integers(0, sizes[-1], batch)


# ---- The peers: each takes the data and returns a function that does one step and returns the loss before it ---------


def compiled(weights, biases, x, y):
    import tinygrad_dbn as td

    return _engine(weights, biases, x, y, td.compile)


def eager(weights, biases, x, y):
    return _engine(weights, biases, x, y, lambda step: step)


def _engine(weights, biases, x, y, wrap):
    import tinygrad_dbn as td
    from tinygrad_dbn.autodiff.trees import tree_map

    @wrap
    def step(net, x, y):
        loss, gradient = td.value_and_grad(lambda net: net.nll(x, y).mean())(net)
        return loss, tree_map(lambda p, g: p - RATE * g, net, gradient)

    net = td.FeedForward(tuple(weights), tuple(biases))

    def run():
        nonlocal net
        loss, net = step(net, x, y)
        return loss

    return run


def numpy(weights, biases, x, y):
    rows = np.arange(len(y))

    def run():
        hs = [x]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            hs.append(1 / (1 + np.exp(-(hs[-1] @ W.T + b))))
        a = hs[-1] @ weights[-1].T + biases[-1]
        a -= a.max(axis=1, keepdims=True)
        e = np.exp(a)
        total = e.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - a[rows, y]).mean()
        g = e / total
        g[rows, y] -= 1
        g /= len(y)
        for k in reversed(range(len(weights))):
            gW, gb = g.T @ hs[k], g.sum(axis=0)
            if k:
                g = (g @ weights[k]) * hs[k] * (1 - hs[k])
            weights[k] -= RATE * gW
            biases[k] -= RATE * gb
        return loss

    return run


def torch(weights, biases, x, y):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    parameters = [torch.tensor(p, requires_grad=True) for p in (*weights, *biases)]
    W, b, x, y = parameters[: len(weights)], parameters[len(weights) :], torch.tensor(x), torch.tensor(y)

    def run():
        h = x
        for k in range(len(W) - 1):
            h = torch.sigmoid(h @ W[k].T + b[k])
        loss = torch.nn.functional.cross_entropy(h @ W[-1].T + b[-1], y)
        with torch.no_grad():
            for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                p -= RATE * g
        return loss.detach()

    return run


def jax(weights, biases, x, y):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    def nll(parameters, x, y):
        W, b = parameters
        h = x
        for k in range(len(W) - 1):
            h = jax.nn.sigmoid(h @ W[k].T + b[k])
        a = jax.nn.log_softmax(h @ W[-1].T + b[-1])
        return -jnp.mean(jnp.take_along_axis(a, y[:, None], 1))

    @jax.jit
    def step(parameters, x, y):
        loss, gradient = jax.value_and_grad(nll)(parameters, x, y)
        return loss, jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient)

    parameters, x, y = jax.tree.map(jnp.asarray, ((weights, biases), x, y))

    def run():
        nonlocal parameters
        loss, parameters = step(parameters, x, y)
        jax.block_until_ready(parameters)
        return loss

    return run


def autograd(weights, biases, x, y):
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    rows = np.arange(len(y))

    def nll(parameters):
        W, b = parameters
        h = x
        for k in range(len(W) - 1):
            h = 0.5 * (anp.tanh((anp.dot(h, W[k].T) + b[k]) / 2) + 1)
        a = anp.dot(h, W[-1].T) + b[-1]
        return anp.mean(logsumexp(a, axis=1) - a[rows, y])

    both = autograd.value_and_grad(nll)

    def run():
        loss, (gW, gb) = both((weights, biases))
        for p, g in zip((*weights, *biases), (*gW, *gb), strict=True):
            p -= RATE * g
        return loss

    return run


def mygrad(weights, biases, x, y):
    import mygrad

    W, b = [mygrad.tensor(p) for p in weights], [mygrad.tensor(p) for p in biases]

    def run():
        h = x
        for k in range(len(W) - 1):
            h = 1 / (1 + mygrad.exp(-(mygrad.matmul(h, W[k].T) + b[k])))
        loss = mygrad.nnet.losses.softmax_crossentropy(mygrad.matmul(h, W[-1].T) + b[-1], y)
        loss.backward()
        for p in (*W, *b):
            p.data -= RATE * p.grad
        return loss.item()

    return run


PEERS = {f.__name__: f for f in (compiled, eager, numpy, torch, jax, autograd, mygrad)}
OURS = ("compiled", "eager")


# ---- Timing ---------------------------------------------------------------------------------------------------------


def measure(peer, cases):
    """In the peer's own process: for each case the loss after three steps, and its batches' microseconds per step."""
    for case in cases:
        try:
            start = time.perf_counter()
            step = PEERS[peer](*data(*CASES[case]))
            step()
            first = time.perf_counter() - start
        except ImportError as missing:
            print(json.dumps({"missing": str(missing)}))
            return
        step()
        loss = float(step())
        count = max(1, int(BATCH_SECONDS / seconds(step)))
        times = [seconds(lambda: [step() for _ in range(count)]) / count * 1e6 for _ in range(BATCHES)]  # noqa: B023
        made_by = version_of("tinygrad_dbn" if peer in OURS else peer)
        print(json.dumps({"case": case, "loss": loss, "first": first, "times": times, "version": made_by}), flush=True)


def in_own_process(peer, python, threads, cases):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [python, __file__, "--worker", peer, "--cases", *cases]
    if hasattr(os, "sched_setaffinity"):  # the one way to hold every library to its threads
        cores = sorted(os.sched_getaffinity(0))[:threads]
        pin = {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}
    else:
        pin = {}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, **pin)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        lines.append({"missing": done.stderr.strip().splitlines()[-1]})
    return lines


def report(threads, python, cases, peers):
    found = {peer: in_own_process(peer, sys.executable if peer in (*OURS, "numpy") else python, threads, cases)
             for peer in peers}  # fmt: skip
    for case in cases:
        rows = {peer: line for peer, lines in found.items() for line in lines if line.get("case") == case}
        if "compiled" not in rows:
            raise SystemExit(f"the compiled step failed: {found['compiled'][-1]['missing']}")
        ours = np.median(rows["compiled"]["times"])
        cells = []
        for peer, row in rows.items():
            assert np.isclose(row["loss"], rows["compiled"]["loss"], rtol=1e-6), (peer, row["loss"])
            middle, low, high = np.median(row["times"]), min(row["times"]), max(row["times"])
            times = (f"{middle:.1f}", f"{low:.1f} to {high:.1f}", f"{middle / ours:.2f}", f"{row['first']:.2f}")
            cells.append((f"{peer} {row['version']}", *times))
        title = f"{case}, {threads} thread{'s' * (threads > 1)}"
        show(title, ("", "µs per step", "range", "÷ compiled", "first step, s"), cells)
    for peer, lines in found.items():
        for line in lines:
            if "missing" in line:
                print(f"  {peer} is left out: {line['missing']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tinygrad-dbn bench engine", description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cases", nargs="+", choices=list(CASES), help="sizes and batch; all unless said")
    parser.add_argument("--peers", nargs="+", default=list(PEERS)[1:], choices=list(PEERS)[1:])
    parser.add_argument("--quick", action="store_true", help="the two smallest cases, one thread")
    parser.add_argument("--worker", choices=list(PEERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = options.cases or list(CASES)[: 2 if options.quick else None]
    if options.worker:
        measure(options.worker, cases)
    else:
        heading()
        for threads in options.threads[:1] if options.quick else options.threads:
            report(threads, options.python, cases, ["compiled", *options.peers])
