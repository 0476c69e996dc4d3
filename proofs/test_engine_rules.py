"""The engine: every op of the table computes its meaning, and is differentiated as calculus would.

Each op runs on symbols, on every branch of its comparisons, through the same `vjp` and `jvp` that users call, on small
arrays that share, broadcast and reduce. SymPy differentiates the op's meaning.
"""

import numpy as np
import pytest
import sympy

from proofs.shipped import derivatives, equal_formulas
from proofs.theorem import Spoiled, theorem
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.differentiate import jvp, vjp
from tinygrad_dbn.autodiff.kernels import meanings
from tinygrad_dbn.autodiff.symbolic import branches, symbols
from tinygrad_dbn.autodiff.tensor import Op

# How an op with parameters is called: a function of the arrays whose shapes are listed.
CALLS = {
    "clip": (lambda x, y: ops.clip(x, y, 3 * y), [(2,), (1,)]),
    "where": (lambda x, y: ops.where(ops.greater(x, y), x, y * y), [(2,), (1,)]),
    "sum": (lambda x: ops.sum(x, axis=0), [(2, 2)]),
    "mean": (lambda x: ops.mean(x, axis=1, keepdims=True), [(2, 3)]),
    "max": (lambda x: ops.max(x, axis=-1), [(1, 3)]),
    "min": (lambda x: ops.min(x, axis=0), [(3,)]),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=0), [(3,)]),
    "softmax": (ops.softmax, [(3,)]),
    "log_softmax": (ops.log_softmax, [(1, 3)]),
    "matmul": (ops.matmul, [(2, 1, 2), (2, 2, 2)]),
    "reshape": (lambda x: ops.reshape(x, shape=(3, -1)), [(2, 3)]),
    "transpose": (lambda x: ops.transpose(x, axes=(2, 0, 1)), [(2, 3, 1)]),
    "broadcast_to": (lambda x: ops.broadcast_to(x, shape=(2, 2, 2)), [(2, 1)]),
    "index": (lambda x: ops.index(x, at=np.array([0, 2, 2])), [(3,)]),
    "place": (lambda x: ops.place(x, at=np.array([0, 2, 2]), shape=(4,)), [(3,)]),
    "concatenate": (lambda x, y: ops.concatenate([x, y, x], axis=1), [(2, 1), (2, 2)]),
    "stack": (lambda x, y: ops.stack([x, y], axis=-1), [(2,), (2,)]),
}
BOOLEAN = {"greater", "greater_equal", "equal"}  # nothing to differentiate
FLAT = {"step", "sign"}  # constant on every branch
DIFFERENTIABLE = [name for name in ops.TABLE if name not in BOOLEAN | FLAT | {"stop_gradient"}]


def case(name):
    """An op as a function of arrays, and arrays of symbols from its domain."""
    op = ops.TABLE[name]
    f, shapes = CALLS[name] if name in CALLS else (op, [(1, 2), (2, 1)] if len(op.vjps) == 2 else [(2,)])
    low, high = op.domain
    if (low, high) == (-np.inf, 0):
        below_zero = f
        f = lambda x: below_zero(-x)  # a positive symbol with its sign turned
    positive = np.isfinite(low) or np.isfinite(high)
    arrays = [symbols(letter, shape, positive=positive or None) for letter, shape in zip("xy", shapes, strict=False)]
    return f, arrays


def on_every_branch(f):
    """f's results, each with what the ops' meanings give on the same branch."""
    for _, (by_kernels, by_meanings) in branches(lambda: (f(), in_meanings(f))):
        yield by_kernels, by_meanings


def in_meanings(f):
    with meanings():
        return f()


def off_by(factor, method):
    """Spoil one op's share in `pull` or `push` – whichever op the theorem is looking at – by a factor."""

    def patch(monkeypatch):
        honest = getattr(Op, method)

        def wrong(self, *args):
            result = honest(self, *args)
            spoil = self.name == LOOKED_AT[-1] and result is not None
            return result * factor if spoil else result

        monkeypatch.setattr(Op, method, wrong)

    return patch


LOOKED_AT = [""]


@pytest.fixture
def looked_at(name):
    LOOKED_AT.append(name)
    yield name
    LOOKED_AT.pop()


HAS_A_MEANING_OF_ITS_OWN = [
    n for n in DIFFERENTIABLE if ops.TABLE[n].kernel or n in ("logsumexp", "softmax", "log_softmax")
]


@pytest.mark.parametrize("name", [*HAS_A_MEANING_OF_ITS_OWN, *sorted(FLAT)])
@theorem(
    "every kernel computes its op's meaning, on every branch",
    claim="ops",
    level="B",
    sizes="every op with a kernel, 2 to 4 elements",
    spoiled=[Spoiled("kernel off by 1.001", None, factor=sympy.Rational(1001, 1000)), Spoiled("zero", None, factor=0)],
)
def test_kernels(name, factor=1):
    f, arrays = case(name)
    for got, wanted in on_every_branch(lambda: f(*arrays)):
        equal_formulas(got * factor, wanted, name)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "every vjp is the transpose of the meaning's derivative",
    claim="ops",
    level="B",
    sizes="every op, shared, broadcast and reduced, 2 to 8 elements",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("zero backward", off_by(0, "pull")),
        Spoiled("backward off by 1.001", off_by(sympy.Rational(1001, 1000), "pull")),
        Spoiled("sign flipped", off_by(-1, "pull")),
    ],
)
def test_vjps(looked_at):
    f, arrays = case(looked_at)

    def run():
        y, pullback = vjp(f, *arrays)
        g = symbols("g", np.shape(y))
        return np.sum(in_meanings(lambda: f(*arrays)) * g), pullback(g)

    for _, (loss, gradients) in branches(run):
        for x, gradient in zip(arrays, gradients, strict=True):
            equal_formulas(gradient, derivatives(loss, x), looked_at)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@theorem(
    "every jvp is the meaning's derivative",
    claim="ops",
    level="B",
    sizes="every op, shared, broadcast and reduced, 2 to 8 elements",
    uses=("every kernel computes its op's meaning, on every branch",),
    spoiled=[
        Spoiled("zero forward", off_by(0, "push")),
        Spoiled("forward off by 1.001", off_by(sympy.Rational(1001, 1000), "push")),
        Spoiled("sign flipped", off_by(-1, "push")),
    ],
)
def test_jvps(looked_at):
    f, arrays = case(looked_at)
    tangents = tuple(symbols(f"d{letter}", x.shape) for letter, x in zip("xy", arrays, strict=False))

    def run():
        _, pushed = jvp(f, tuple(arrays), tangents)
        return in_meanings(lambda: f(*arrays)), pushed

    for _, (y, pushed) in branches(run):
        wanted = np.empty(np.shape(y), object)
        for index in np.ndindex(wanted.shape):
            wanted[index] = sum(
                (derivatives(np.asarray(y)[index], x) * t).sum() for x, t in zip(arrays, tangents, strict=True)
            )
        equal_formulas(pushed, wanted, looked_at)


@pytest.mark.parametrize("name", sorted(FLAT))
@theorem(
    "ops without a derivative are constant on every branch",
    claim="ops",
    level="B",
    sizes="step, sign",
    spoiled=[Spoiled("a slope added", None, slope=1)],
)
def test_flat_ops(name, slope=0):
    f, arrays = case(name)
    for _, y in branches(lambda: f(*arrays)):
        equal_formulas(
            derivatives(np.sum(y + slope * arrays[0]), arrays[0]), np.zeros(arrays[0].shape, int).astype(object), name
        )


def test_every_op_is_proved_or_has_nothing_to_prove():
    assert set(DIFFERENTIABLE) | FLAT | BOOLEAN | {"stop_gradient"} == set(ops.TABLE)
