"""An op of your own: declared like those of the library, and from then on differentiated, compiled, printed and proved
like them.

    python examples/your_own_op.py
    cd examples && tinygrad-dbn explain your_own_op:silu
    pytest proofs/engine --ops examples/your_own_op.py -k silu
"""

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn import ops


@ops.row(
    lambda y, x: ops.sigmoid(x) + x * ops.sigmoid_slope(x),  # the derivative, made of ops
    meaning=lambda x: x / (1 + np.exp(-x)),
    edges=[(np.inf, np.inf), (0.0, 0.0)],
    ulp=4,
    slope_ulp=np.inf,  # it cancels beside its root, near x = −1.28
    curvature_ulp=np.inf,
)
def silu(x):
    """x σ(x) (Elfwing, Uchibe & Doya 2018)"""
    h = np.exp(-np.abs(x) / 2)  # e^−x would overflow; and e^−|x|, which is h², would have few digits at −700
    return (x if x >= 0 else x * h * h) / (1 + h * h)


if __name__ == "__main__":
    x = np.array([-3.0, 0.5, 1.0])
    print("silu            ", silu(x))
    print("its derivative  ", td.grad(lambda x: silu(x).sum())(x))
    print("as a formula    ", td.symbolic.express(td.grad(silu), ()))

    td.check_grads(silu, [x])  # orders 1 and 2, both modes; it raises where a rule is wrong

    step = td.compile(lambda x: x - 0.1 * td.grad(lambda x: silu(x).sum())(x))
    print("a compiled step ", step(x))
