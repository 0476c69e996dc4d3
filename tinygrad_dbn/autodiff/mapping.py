"""`vmap`: a function of one example, run once for all of them. No loop, and every op works on the whole batch.

Inside, a Tensor has the shape of one example, and its value one level down has an axis more, the first, along which the
examples lie. An op on such Tensors is the same op on those values, once they are brought into line: what its row says
of its options (`Op.mapped`) is all that differs from op to op.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .accepts import returned
from .callers import callers_line
from .inputs import given, items_of, kept, owned
from .kernels.scalar import native
from .operators import TABLE, Value
from .ops.arguments import positions
from .ops.mapped import Each, everywhere
from .tensor import MAPPED, Params, Tensor, new_level
from .trees import flatten


class Example(Tensor):
    """A Tensor that stands for one example of many: `value` is (T, …) where `shape` is …."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape[1:])

    def numpy(self) -> Any:
        raise self.refused("x.numpy()", "in td.vmap it stands for many examples at once", "return it from the function")

    def __bool__(self) -> bool:
        raise self.refused(
            "a branch (if, while, and, or, in)", "each example of td.vmap would go its own way",
            "write td.ops.where(condition, x, y)",
        )  # fmt: skip

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise self.refused(
            "np.asarray(x), or a[x] of an array a,", "in td.vmap it stands for many examples at once",
            "write td.ops.index(a, at=x) to pick, and td.ops.stack([x, y])",
        )  # fmt: skip

    def __getitem__(self, index: Any) -> Value:
        if self.dtype.kind not in "biu":
            return super().__getitem__(index)
        at = _of_each(positions(index, [self.shape]), self.level)  # integers stay integers, as no op's do
        return Example.leaf(self.value[everywhere(at, self.shape, len(self.value))], self.level)


def vmap(f: Callable[..., Any], in_axes: Any = 0) -> Callable[..., Any]:
    """The function that does for each of T examples what f does for one, in one run: results have a first axis of T.

    in_axes: 0 for an argument whose arrays have the examples along their first axis, None for one that is the same for
    all, such as a model; or a tuple of these, one for each argument. Arguments and result are trees. Integers and
    booleans along the examples are positions, x[y], classes and masks; what is computed from them is floats.
    `td.vmap(td.grad(loss), (None, 0, 0))(net, X, classes)` gives the gradient of every example, for instance where
    loss(net, x, y) is net.nll(x[None], y[None]).sum().
    Raises TypeError and ValueError where nothing is mapped, lengths differ, or f chooses by an example's value.

    >>> vmap(lambda x: (x * x).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([ 5., 25.])
    >>> vmap(lambda x, k: x[k])(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    array([2., 3.])
    """

    def mapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        if len(axes) != len(args) or any(axis not in (0, None) for axis in axes):
            raise ValueError(
                f"vmap: in_axes is {in_axes!r} for {len(args)} arguments; write 0 or None for each\n"
                f"  in {callers_line()}"
            )
        along, rebuild = flatten(tuple(arg for arg, axis in zip(args, axes, strict=True) if axis == 0))
        count = _count(along)
        with new_level() as level:
            MAPPED[level] = apply_to_all
            try:
                examples = iter(rebuild([Example.leaf(_mappable(x), level) for x in along]))
                result = f(*[next(examples) if axis == 0 else arg for arg, axis in zip(args, axes, strict=True)])
                outputs, tree = returned("vmap", result)
                return tree(owned([_for_all(y, level, count) for y in outputs], along))
            finally:
                del MAPPED[level]

    return mapped


def _count(leaves: list[Any]) -> int:
    """How many examples there are."""
    counts = {np.shape(x)[0] if np.ndim(x) else None for x in leaves}
    if len(counts) != 1 or None in counts:
        shapes = [np.shape(x) for x in leaves]
        raise ValueError(
            f"vmap: arrays of shapes {shapes} have no common first axis of examples; give in_axes=None for an argument "
            f"that is the same for all\n  in {callers_line()}"
        )
    return counts.pop()  # type: ignore[return-value]


def _mappable(x: Any) -> Value:
    array = x.live() if isinstance(x, Tensor) else native(np.asarray(given(x)))
    if array.dtype.kind not in "biu" and array.dtype not in (np.float64, np.float32, np.object_):
        raise TypeError(
            f"vmap: {array.dtype} of shape {array.shape} is neither float64, float32, integer nor boolean; write "
            f"x.astype(float)\n  in {callers_line()}"
        )
    return array if isinstance(array, Tensor) else kept(array)


def _for_all(y: Value, level: int, count: int) -> Value:
    """A result with its axis of examples; one that does not depend on them is the same for each."""
    if isinstance(y, Tensor) and y.level == level:
        return y.value
    return TABLE["broadcast_to"](y, shape=(count, *np.shape(y)))


def apply_to_all(op: Any, inputs: tuple[Value, ...], level: int, params: Params) -> Value:
    """An op on Tensors of a level that maps: on the values of all examples at once."""
    if op.mapped is None:
        raise TypeError(f"vmap: the row of {op.name} does not say how it takes many examples; write mapped= in it")
    mine = [x for x in inputs if isinstance(x, Tensor) and x.level == level]
    if "at" in params:
        params = {**params, "at": _of_each(params["at"], level)}
    picked = [item for item in items_of(params.get("at")) if isinstance(item, Each)]
    count = len((mine or picked)[0].value)
    shapes = [np.shape(x) for x in inputs]
    options, width = op.mapped(params, count, shapes)
    ready = []
    for x, shape in zip(inputs, shapes, strict=True):
        new = (1,) * (width - len(shape))  # axes that stand between that of the examples and the example's own
        if isinstance(x, Tensor) and x.level == level:
            ready.append(_lined(x.value, len(new)))
        elif op.arity is None or picked:  # arrays that are joined have one shape; positions are those of an example
            ready.append(TABLE["broadcast_to"](x, shape=(count, *new, *shape)))
        else:
            ready.append(x)
    return Example.output(op(*ready, **options), level, op, (), [], params)


def _lined(value: Value, new: int) -> Value:
    """The value of all examples, with so many axes of length 1 behind the first."""
    if not new:
        return value
    if value.dtype.kind in "biu":  # which `reshape` would make floats
        return value[(slice(None), *(None,) * new)]
    return TABLE["reshape"](value, shape=(value.shape[0], *(1,) * new, *value.shape[1:]))


def _of_each(at: Any, level: int) -> Any:
    """An index in which the positions of a level that maps are told apart from those that are the same for all."""
    found = tuple(Each(x.value) if isinstance(x, Tensor) and x.level == level else x for x in items_of(at))
    return found if isinstance(at, tuple) else found[0]
