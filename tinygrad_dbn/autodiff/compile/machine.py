"""What generated texts are made with, besides NumPy: arrays at addresses. Importing this brings Numba, and BLAS.

A compiled function keeps the addresses of all its arrays in one table. A step is given pointers to those that it works
on, whose shapes and dtypes are part of its text. So one step serves every place of the program where the same is done
to other arrays, and costs no more to call than reading a few integers.
"""

# Compiled code carries no types, and Numba's decorators have none.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"

from typing import Any

import numpy
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from ..kernels import blas, jit

blas.load()


def called(signature: str) -> Any:
    """A function that Python calls, with arguments of these types. All that it depends on is in its file's name."""
    return jit.njit(signatures=[signature], version="text", error_model="numpy")


uncalled: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # from Python or C: soon compiled
step: Any = njit(error_model="numpy", **uncalled)
"""A step is called by compiled code only."""


@njit(forceinline=True, error_model="numpy", fastmath={"reassoc"})
def added(total, x):
    """total + x, where any order will do: so a sum may run in SIMD lanes, within (n - 1) u of the sum of the |x|."""
    return total + x


@intrinsic
def pointer(context, table, number, dtype):
    """The address in the table, as that of an array of a dtype."""

    def code(context, builder, signature, arguments):
        table, number, _ = arguments
        addresses = context.make_array(signature.args[0])(context, builder, table)
        address = builder.load(builder.gep(addresses.data, [number]))
        return builder.inttoptr(address, context.get_value_type(signature.return_type))

    return types.CPointer(dtype.dtype)(table, number, dtype), code


@intrinsic
def at(context, pointer, shape):
    """The array that a pointer points to, row by row. The block it lies in must outlive it: see `keep`."""
    array = types.Array(pointer.dtype, shape.count, "C")

    def code(context, builder, signature, arguments):
        data, shape = arguments
        made = context.make_array(array)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(array.dtype)))
        lengths = cgutils.unpack_tuple(builder, shape, array.ndim)
        strides: list[Any] = []
        stride = size
        for length in reversed(lengths):
            strides.insert(0, stride)
            stride = builder.mul(stride, length)
        populate_array(made, data=data, shape=lengths, strides=strides, itemsize=size, meminfo=None)
        return made._getvalue()

    return array(pointer, shape), code


@intrinsic
def apart(context):
    """Nothing; but it tells LLVM that the pointers which the function is given lead to different places."""

    def code(context, builder, signature, arguments):
        for argument in builder.function.args:
            if argument.type.is_pointer:
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.none(), code


@intrinsic
def address(context, array):
    """Where the first element of an array lies."""

    def code(context, builder, signature, arguments):
        (kind,), (given,) = signature.args, arguments
        data = context.make_array(kind)(context, builder, given).data
        return builder.ptrtoint(data, context.get_value_type(types.int64))

    return types.int64(array), code


@intrinsic
def keep(context, array):
    """Nothing; but an array that is kept at the end of a function lives until then."""
    return types.none(array), lambda context, builder, signature, arguments: context.get_dummy_value()


def entries(program: list[tuple[int, ...]]) -> Any:
    """A program as one array of integers: shorter entries are filled up with zeros."""
    table = numpy.zeros((len(program), max(map(len, [*program, ()]))), numpy.int64)
    for row, entry in enumerate(program):
        table[row, : len(entry)] = entry
    return table
