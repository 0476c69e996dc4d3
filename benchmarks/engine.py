"""One training step of sigmoid–softmax nets, SGD update included, float64: this engine beside its peers.

    python benchmarks/engine.py                        whatever is installed here
    python benchmarks/engine.py --python OTHER/bin/python    PyTorch, JAX, autograd and MyGrad from another environment

Every peer has a process of its own, held to the number of threads, and they take turns, a batch of steps each, after a
rest in which nobody's threads spin. Every figure comes from this one run: medians in microseconds, ranges, and the
median of the ratios within a turn. All start from the same weights, and their loss after a few steps is compared, so
that nobody is timed doing something else.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from goals import marked
from tables import heading, show, version_of
from timing import in_turns, seconds

CASES = {
    "16-16-10, 16": ((16, 16, 10), 16),
    "64-128-10, 32": ((64, 128, 10), 32),
    "784-500-10, 32": ((784, 500, 10), 32),
    "784-500-10, 128": ((784, 500, 10), 128),
    "784-1000-1000-1000-10, 32": ((784, 1000, 1000, 1000, 10), 32),
}
GOALS = {  # a peer's time ÷ ours, at least
    ("16-16-10, 16", "eager", "torch"): 1.2,
    ("784-500-10, 32", "compiled", "jax"): 1.2,
    ("784-500-10, 128", "compiled", "jax"): 1.2,
    ("784-1000-1000-1000-10, 32", "compiled", "jax"): 1.0,
}
RATE = 0.01
BATCHES, BATCH_SECONDS, REST = 11, 0.04, 0.1


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


def serve(peer):
    """In the peer's own process: for each case that is asked for, one line of JSON.

    Where it is asked for first, the loss after three steps and the seconds of the first; then microseconds per step.
    """
    steps = {}
    for case in map(str.strip, sys.stdin):
        try:
            print(json.dumps(batch_of(*steps[case]) if case in steps else begin(peer, case, steps)), flush=True)
        except ImportError as missing:
            print(json.dumps({"missing": str(missing)}), flush=True)


def begin(peer, case, steps):
    """Make the peer's step, and find out how many of them take BATCH_SECONDS."""
    start = time.perf_counter()
    step = PEERS[peer](*data(*CASES[case]))
    step()
    first = time.perf_counter() - start
    step()
    loss = float(step())
    steps[case] = step, max(1, int(BATCH_SECONDS / seconds(step)))
    return {"loss": loss, "first": first, "version": version_of("tinygrad_dbn" if peer in OURS else peer)}


def batch_of(step, count):
    """Microseconds per step of so many."""
    return seconds(lambda: [step() for _ in range(count)]) / count * 1e6


class Worker:
    """A peer in a process of its own, held to so many threads."""

    def __init__(self, peer, python, threads):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, str(threads))}
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        pin = {}
        if hasattr(os, "sched_setaffinity"):  # the one way to hold every library to its threads
            cores = sorted(os.sched_getaffinity(0))[:threads]
            pin = {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # not a pipe: full and not read, it stops the peer
        self.process = subprocess.Popen(
            [python, __file__, "--worker", peer],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, env=environment, **pin,
        )  # fmt: skip

    def ask(self, case):
        """What `serve` says; where the process has died, its last words."""
        try:
            self.process.stdin.write(case + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while line := self.process.stdout.readline():
            if line[0] in "{0123456789":  # not what a library prints
                return json.loads(line)
        self.said.seek(0)
        return {"missing": (self.said.read().strip() or "no word of why").splitlines()[-1]}

    def close(self):
        self.process.communicate()
        self.said.close()


def report(threads, python, cases, peers):
    """Show a table for each case, and return the microseconds of every batch, by case and peer."""
    workers = {peer: Worker(peer, sys.executable if peer in (*OURS, "numpy") else python, threads) for peer in peers}
    found, missing = {}, {}
    for case in cases:
        begun = {peer: worker.ask(case) for peer, worker in workers.items() if peer not in missing}
        missing |= {peer: line["missing"] for peer, line in begun.items() if "missing" in line}
        if "compiled" in missing:
            raise SystemExit(f"the compiled step failed: {missing['compiled']}")
        begun = {peer: line for peer, line in begun.items() if peer not in missing}
        for peer, line in begun.items():
            assert np.isclose(line["loss"], begun["compiled"]["loss"], rtol=1e-6), (peer, line["loss"])
        asked = [lambda peer=peer: workers[peer].ask(case) for peer in begun]  # noqa: B023
        found[case] = dict(zip(begun, in_turns(asked, BATCHES, REST, lambda f: f()).T, strict=True))
        cells = []
        for peer, times in found[case].items():
            ratio = np.median(times / found[case]["compiled"])
            shown = (f"{np.median(times):.1f}", f"{min(times):.1f} to {max(times):.1f}", f"{ratio:.2f}")
            cells.append((f"{peer} {begun[peer]['version']}", *shown, f"{begun[peer]['first']:.2f}"))
        title = f"{case}, {threads} thread{'s' * (threads > 1)}"
        show(title, ("", "µs per step", "range", "÷ compiled", "first step, s"), cells)
    for worker in workers.values():
        worker.close()
    for peer, why in missing.items():
        print(f"  {peer} is left out: {why}")
    return found


def mark_goals(by_threads):
    """Each goal, with everyone at the number of threads that is faster for them."""
    print("\na peer's time ÷ ours, each at its faster number of threads")
    for (case, ours, peer), goal in GOALS.items():
        sides = []
        for name in (peer, ours):
            runs = [found[case][name] for found in by_threads.values() if name in found.get(case, {})]
            sides += [min(runs, key=np.median)] if runs else []
        if len(sides) == 2:
            marked(f"    {case}, {peer} ÷ {ours}", sides[0] / sides[1], at_least=goal)


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
        serve(options.worker)
    else:
        heading()
        threads = options.threads[:1] if options.quick else options.threads
        mark_goals({n: report(n, options.python, cases, ["compiled", *options.peers]) for n in threads})
