"""Einstein's sums: axes have letters, factors are multiplied along those that they share, and others are summed.

They are made of rows: of two factors at a time, by `matmul` where a letter is summed and by `multiply` where none is.
"""

import re
from collections import Counter
from math import prod
from typing import TypeAlias

import numpy as np

from ..callers import callers_line
from ..operators import Value
from .elementwise import multiply
from .linear import matmul
from .reductions import sum
from .shapes import index, reshape, transpose

UNDER_DOTS = "αβγδεζηθικλμνξοπρστυφχψω"
"""Letters for the axes under an ellipsis."""

Lengths: TypeAlias = dict[str, int]


def einsum(subscripts: str, *operands: Value) -> Value:
    """The sum of products that the letters say, as `numpy.einsum`: "ij,jk->ik" is A B, "ii" a trace, "...i->..." a sum.

    Factors are multiplied from left to right: write those first whose product is small. Axes of length 1 are lent.
    Raises TypeError where the letters are no string, ValueError where they do not fit the arrays.

    >>> einsum("ij,j->i", np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    """
    if not isinstance(subscripts, str):
        raise TypeError(
            f"einsum: the letters are a {type(subscripts).__name__}; write them first, as one string: "
            f"einsum('ij,jk->ik', a, b)\n  in {callers_line()}"
        )
    shapes = [np.shape(x) for x in operands]
    given, output = _read(subscripts, [len(shape) for shape in shapes])
    lengths = _lengths(subscripts, given, shapes)
    factors = [_own(x, letters, lengths) for x, letters in zip(operands, given, strict=True)]
    total, letters = factors[0]
    for k, (x, others) in enumerate(factors[1:], 2):
        later = output + "".join(letters for _, letters in factors[k:])
        total, letters = _product(
            *_without(total, letters, later + others), *_without(x, others, later + letters), later
        )
    total, letters = _without(total, letters, output)
    return transpose(total, axes=tuple(letters.index(letter) for letter in output))


def _read(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """A letter for every axis of each array, and of the result, which has those that stand once unless it is said."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    parts = left.split(",")
    if not all(re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", part) for part in (*parts, right)):
        raise _wrong(subscripts, "has something else than letters, commas, one -> and one ... for each array")
    if len(parts) != len(ndims):
        raise _wrong(subscripts, f"has letters for {len(parts)} arrays, {len(ndims)} are given")
    under = [ndim - len(part.replace("...", "")) for part, ndim in zip(parts, ndims, strict=True)]
    for part, ndim, dots in zip(parts, ndims, under, strict=True):
        if dots < 0 or (dots and "..." not in part):
            raise _wrong(subscripts, f"says {part!r} of an array of {ndim} axes: give each a letter, or write ...")
    most = max(dots if "..." in part else 0 for part, dots in zip(parts, under, strict=True))
    given = [part.replace("...", UNDER_DOTS[most - dots : most]) for part, dots in zip(parts, under, strict=True)]
    counts = Counter("".join(given))
    once = UNDER_DOTS[:most] + "".join(sorted(c for c, n in counts.items() if n == 1 and c not in UNDER_DOTS[:most]))
    output = right.replace("...", UNDER_DOTS[:most]) if arrow else once
    if len({*output}) < len(output) or not {*output} <= {*counts}:
        raise _wrong(subscripts, f"asks for {right!r}: each letter once, of those before the arrow")
    if not {*UNDER_DOTS[:most]} <= {*output}:
        raise _wrong(
            subscripts, "sums over ...: write it behind the arrow too, or letters for the axes that are summed"
        )
    return given, output


def _lengths(subscripts: str, given: list[str], shapes: list[tuple[int, ...]]) -> Lengths:
    """How long the axis of each letter is."""
    found: dict[str, set[int]] = {}
    for letters, shape in zip(given, shapes, strict=True):
        for letter, n in zip(letters, shape, strict=True):
            found.setdefault(letter, set()).add(n)
    for letter, lengths in found.items():
        if len(lengths - {1}) > 1:
            raise _wrong(
                subscripts, f"has one letter, {letter!r}, for axes of lengths {sorted(lengths)}: shapes {shapes}"
            )
    return {letter: next(iter(lengths - {1}), 1) for letter, lengths in found.items()}


def _wrong(subscripts: str, why: str) -> ValueError:
    return ValueError(f"einsum: {subscripts!r} {why}\n  in {callers_line()}")


def _own(x: Value, letters: str, lengths: Lengths) -> tuple[Value, str]:
    """An array with each of its letters once, without the axes of length 1 that are lent."""
    for letter in dict.fromkeys(letters):
        axes = [i for i, c in enumerate(letters) if c == letter]
        lent = [i for i in axes if np.shape(x)[i] != lengths[letter]]
        if lent:
            x = index(x, at=tuple(0 if i in lent else slice(None) for i in range(len(letters))))
            letters = "".join(c for i, c in enumerate(letters) if i not in lent)
            axes = [i for i, c in enumerate(letters) if c == letter]
        if len(axes) > 1:
            rest = [i for i in range(len(letters)) if i not in axes]
            diagonal = (np.arange(lengths[letter]),) * len(axes)
            x = index(transpose(x, axes=(*axes, *rest)), at=diagonal)
            letters = letter + "".join(letters[i] for i in rest)
    return x, letters


def _without(x: Value, letters: str, wanted: str) -> tuple[Value, str]:
    """An array summed over the letters that nothing else has."""
    gone = tuple(i for i, c in enumerate(letters) if c not in wanted)
    return (sum(x, axis=gone) if gone else x), "".join(c for c in letters if c in wanted)


def _product(a: Value, of_a: str, b: Value, of_b: str, wanted: str) -> tuple[Value, str]:
    """Two arrays multiplied, and summed over the letters that both have and that nothing wants."""
    both = [c for c in of_a if c in of_b and c in wanted]
    summed = [c for c in of_a if c in of_b and c not in wanted]
    left, right = [c for c in of_a if c not in of_b], [c for c in of_b if c not in of_a]
    a = transpose(a, axes=tuple(of_a.index(c) for c in both + left + summed))
    b = transpose(b, axes=tuple(of_b.index(c) for c in both + summed + right))
    kept, rows = np.shape(a)[: len(both)], np.shape(a)[len(both) : len(both + left)]
    columns = np.shape(b)[len(both + summed) :]
    if summed:
        inner = prod(np.shape(b)[len(both) : len(both + summed)])
        y = matmul(reshape(a, shape=(*kept, prod(rows), inner)), reshape(b, shape=(*kept, inner, prod(columns))))
        y = reshape(y, shape=(*kept, *rows, *columns))
    else:
        y = multiply(
            reshape(a, shape=(*kept, *rows, *(1,) * len(right))), reshape(b, shape=(*kept, *(1,) * len(left), *columns))
        )
    return y, "".join(both + left + right)
