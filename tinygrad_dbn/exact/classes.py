"""The class of x under a DBN with class units, summed over every hidden layer (claim G4)."""

from ..autodiff import ops
from ..autodiff.operators import Value
from ..models import DBN
from ..models.classes import check_classes, of_class
from ..models.validation import whole
from . import costs
from .budget import MAX_BYTES, MAX_SECONDS, spending
from .data import of_kind, rows
from .likelihood import log_likelihood
from .partition import log_partition


def log_class(
    dbn: DBN, X: Value, classes: int, *, max_seconds: float = MAX_SECONDS, max_bytes: float = MAX_BYTES
) -> Value:
    """log p(y | x) of every class y for the rows of X (T, D), given that one class unit is on: (T, C), nats.

    The class units are the last C of h(L−1), as `DBN.with_classes` has them. With class y's unit on, the model is
    another DBN without class units, of partition function Z_y, and p(x, y) = e^(b_y) Z_y p_y(x) / Z. So the time is C
    times that of `log_likelihood`. `models.class_logits` has h from the recognition model instead. Raises ValueError
    where `classes` does not fit.
    """
    of_kind(dbn, "DBN")
    check_classes(dbn, whole("classes", classes, 1))
    X = rows(dbn, X)
    with spending("log_class", costs.of(costs.log_class, dbn, X, classes), max_seconds, max_bytes):
        each = [of_class(dbn, y, classes) for y in range(classes)]
        biases = dbn.top.b[-classes:]
        joint = [log_likelihood(m, X) + log_partition(m.top) + biases[y] for y, m in enumerate(each)]
        return ops.log_softmax(ops.stack(joint, axis=1), axis=1)
