"""A DBN with a unit for each class beside its highest directed layer: what it says of the class of x (claim G4).

The class units are the last units of h(L−1), as `DBN.with_classes` puts them there. Source: Hinton, Osindero & Teh
(2006), whose class units are one choice among C. These are C units of the top RBM, so whatever is said here is given
that exactly one of them is on, which makes the two the same.
"""

from dataclasses import replace

from ..autodiff import ops
from ..autodiff.operators import Value
from .dbn import DBN
from .rbm import RBM


def class_logits(dbn: DBN, x: Value, classes: int) -> Value:
    """−F([h, y]) of the top RBM for every class y, h(L−1) = h being the recognition model's means for x (…, D): (…, C).

    Their softmax is p(y | h), exactly; it is p(y | x) as far as q(h | x) is the posterior. `exact.log_class` sums over
    h instead. Nats, up to a constant that all classes share. Raises ValueError where `classes` does not fit.
    """
    check_classes(dbn, classes)
    h = dbn.recognise(x)[-2][..., :-classes]
    a = ops.matmul(h, dbn.top.W[:, :-classes].T) + dbn.top.c
    with_class = ops.stack([a + dbn.top.W[:, -classes + y] for y in range(classes)], axis=-2)
    return ops.sum(ops.softplus(with_class), axis=-1) + dbn.top.b[-classes:]


def of_class(dbn: DBN, y: int, classes: int) -> DBN:
    """The DBN that has p(x | class y's unit is on, the others off) as its p(x): without the class units."""
    check_classes(dbn, classes)
    if not 0 <= y < classes:
        raise ValueError(f"class {y} of {classes}: write a number from 0 to {classes - 1}")
    *below, last = dbn.layers
    at = last.W.shape[0] - classes + y
    lower = replace(last, W=last.W[:-classes], b=last.b + last.W[at], R=last.R[:-classes], c=last.c[:-classes])
    top = RBM(dbn.top.W[:, :-classes], dbn.top.b[:-classes], dbn.top.c + dbn.top.W[:, at])
    return DBN((*below, lower), top)


def check_classes(dbn: DBN, classes: int) -> None:
    """Raise ValueError where h(L−1) of a DBN cannot end in so many class units."""
    if not dbn.layers:
        raise ValueError(
            "an RBM's classes are among its visible units: exact.log_conditional_likelihood gives them; class units "
            "beside a hidden layer need a directed layer below (DBN.with_classes)"
        )
    if not 1 <= classes < dbn.sizes[-2]:
        raise ValueError(
            f"{classes} class units of a layer of {dbn.sizes[-2]}: write 1 to {dbn.sizes[-2] - 1}, as many as "
            "DBN.with_classes was told"
        )
