"""How all data is checked: rows of the model's width and kind of units, in an arithmetic that goes with the model's.

The input is anything that NumPy reads as an array of numbers. The result is an array of float32 or float64; a
Tensor, where something is differentiated; or, for a model of objects (symbols, rationals, balls), an array of objects.
Everything else is refused with what was given, why it will not do, and what to write.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff.numbers.rational import Exact
from ..autodiff.tensor import Tensor
from ..autodiff.trees import flatten
from ..models import DBM, DBN, AnyRBM
from ..models.restricted import Restricted

KEPT = (np.dtype(np.float32), np.dtype(np.float64))  # the widths in which the engine computes


def rows(model: AnyRBM | DBN, X: Any, name: str = "X") -> Any:
    """X as a (T, D) array of zeros and ones for the model's D visible units, or a ValueError that says where not.

    For quantities that enumerate x, or whose sums are of such models alone: others are refused.
    """
    need_binary(model)
    return binary(X, lowest(model).W.shape[1], model, name)


def examples(model: AnyRBM | DBN, X: Any, name: str = "X") -> Any:
    """X as a (T, D) array of what the model's visible units can be, or a ValueError that says where it is not."""
    return CHECKS[units_of(model)](X, lowest(model).W.shape[1], model, name)


def lowest(model: AnyRBM | DBN) -> Any:
    """What x belongs to: an RBM itself, or the lowest layer of a DBN."""
    return model.lowest if isinstance(model, DBN) else model


KINDS = {"RBM": Restricted, "DBN": DBN, "DBM": DBM}
OF_A_DBM = "; of a DBM there are dbm_log_likelihood, dbm_gradient and mean_field"
INSTEAD = {
    ("DBM", "RBM"): OF_A_DBM,
    ("DBM", "DBN"): OF_A_DBM,
    ("DBN", "RBM"): ": its top RBM is dbn.top",
    ("RBM", "DBN"): ": DBN.from_tied(rbm) has the same p(x)",
}
"""What to write, by the model that was given and the last of those that are wanted."""


def of_kind(model: Any, *wanted: str) -> None:
    """Raise TypeError for a model that is none of these `KINDS`."""
    if not isinstance(model, tuple(KINDS[kind] for kind in wanted)):
        given, kinds = type(model).__name__, " or ".join(f"{'an' if kind == 'RBM' else 'a'} {kind}" for kind in wanted)
        raise TypeError(f"this takes {kinds}, not {given}{INSTEAD.get((given, wanted[-1]), '')}")


def units_of(model: Any) -> str:
    """What the visible units of an RBM or a DBN are, or of what stands for one; TypeError for what has none."""
    if not hasattr(model, "units"):
        of_kind(model, "RBM", "DBN")
    units: str = model.units
    return units


def need_binary(model: AnyRBM | DBN) -> None:
    """Raise TypeError for what is no RBM or DBN, and ValueError where its x is not made of zeros and ones."""
    if units_of(model) != "binary":
        raise ValueError(
            f"a {type(model).__name__} of {model.units} visible units: this sums over x of zeros and ones, or is about "
            "their RBM; for others there are log_partition, log_likelihood, gradient and sample, and for a DBN upon "
            "them its hidden layers, bounds and posterior"
        )


def need_linear(model: AnyRBM) -> None:
    """Raise ValueError for an RBM whose energy is not linear in x, h and their products."""
    if model.units not in ("binary", "categorical"):
        raise ValueError(
            f"a {type(model).__name__} of {model.units} visible units: this is for an energy −hᵀWx − cᵀh − bᵀx, that "
            "of an RBM or a CategoricalRBM"
        )


def binary(X: Any, width: int | None = None, model: Any = None, name: str = "X") -> Any:
    """X as a (T, width) array of zeros and ones, or a ValueError that says where it is not. Without width, any.

    model: what the data are for. Beside one of floats, as without any, objects must be numbers and become floats;
    beside one of objects they stay, and are checked to be 0 or 1 where that can be decided, as Tensors' values are.
    """
    return _batch(X, width, model, name, _check)


def real(X: Any, width: int | None = None, model: Any = None, name: str = "X") -> Any:
    """X as a (T, width) array of finite numbers, or a ValueError that says where it is not. As `binary` otherwise."""
    return _batch(X, width, model, name, _check_finite)


def proportions(X: Any, width: int | None = None, model: Any = None, name: str = "X") -> Any:
    """X as a (T, width) array of numbers from 0 to 1, grey levels for instance, or a ValueError. As `binary` otherwise.

    >>> proportions([[0.5, 1.5]])
    Traceback (most recent call last):
    ...
    ValueError: X[0, 1] is 1.5: a number from 0 to 1 is wanted; scale X, or write np.clip(X, 0, 1)
    """
    return _batch(X, width, model, name, _check_proportion)


def categorical(X: Any, width: int | None, model: Any, name: str = "X") -> Any:
    """X as a (T, width) array of zeros and ones, a single one among the places of each unit, or a ValueError."""
    return _batch(X, width, model, name, partial(_check_one_hot, categories=lowest(model).categories))


CHECKS = {"binary": binary, "real": real, "categorical": categorical}
"""What a model's visible units are → the check of its data."""


def _batch(X: Any, width: int | None, model: Any, name: str, check: Callable[[Any, str], None]) -> Any:
    """X as a (T, width) array that passes the check, which is given an array, or None where its values are not known.

    Objects stay beside a model of objects, and become floats beside others.
    """
    array = X if isinstance(X, Tensor) else as_array(X, name)
    wanted = "any" if width is None else width
    if array.ndim != 2:
        raise ValueError(
            f"a batch is (T, {wanted}), one example per row; {name} has shape {array.shape}. One example: x[None]"
        )
    if width is not None and array.shape[1] != width:
        raise ValueError(f"{name} has examples of {array.shape[1]} units for a model of {width} such units")
    if array.shape[0] == 0:
        raise ValueError(f"{name} is an empty batch, shape {array.shape}: nothing to average over")
    if isinstance(array, Tensor):
        check(known(array), name)
        return array
    if array.dtype == object:
        objects = model is not None and not are_floats(model)
        check(array if objects else _numbers(array, name), name)  # which shows it as it was given
        if objects:
            return array
        array = array.astype(np.float64)
    check(array, name)
    return array if array.dtype in KEPT else array.astype(np.float64)


def as_array(X: Any, name: str) -> NDArray[Any]:
    """What the user gave as an array of numbers or objects; ValueError for anything in which something would be lost.

    Masks, sparse matrices, ragged lists, lists of Tensors, complex numbers, text and dates are refused.
    """
    if isinstance(X, np.ma.MaskedArray):
        hidden = np.argwhere(np.ma.getmaskarray(X))
        if len(hidden):
            raise ValueError(
                f"{name}{hidden[0].tolist()} is masked, one of {len(hidden)}: there is no exact sum over what is "
                f"missing here. Write {name}.filled(0) for the value meant, or ask for some units given others by "
                "`exact.log_conditional_likelihood`"
            )
        X = X.data
    if hasattr(X, "toarray") and not isinstance(X, np.ndarray):
        raise ValueError(f"{name} is a sparse {type(X).__name__}: write {name}.toarray()")
    try:
        array = np.asarray(X)
    except TypeError as error:  # a Tensor inside a list says what to write
        raise ValueError(f"{name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{name} is no array ({error}): write rows of one length, one example per row") from error
    if array.dtype.kind not in "biufO":
        raise ValueError(
            f"{name} holds {array.dtype}, not real numbers 0 and 1: convert it, for instance {name}.real.astype(float)"
            if array.dtype.kind == "c"
            else f"{name} holds {array.dtype}, not numbers 0 and 1: convert it, for instance {name}.astype(float)"
        )
    if array.dtype == object and any(isinstance(value, Tensor) for value in array.flat):
        raise ValueError(f"{name} is an array with Tensors inside: make one Tensor of them by td.ops.stack")
    return array


def _check(array: Any, name: str) -> None:
    """Raise ValueError at the first element that is known not to be 0 or 1."""
    if array is None:
        return
    if array.dtype == object:
        wrong = np.array([index for index in np.ndindex(array.shape) if not _may_be_a_bit(array[index])])
    else:
        wrong = np.argwhere((array != 0) & (array != 1))
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        raise ValueError(
            f"{name}{list(where)} is {array[where]}: the model is over {{0, 1}}; binarise first, "
            f"for instance ({name} > 0.5).astype(float)"
        )


def _check_finite(array: Any, name: str) -> None:
    """Raise ValueError at the first element that is known not to be a finite number."""
    if array is None or array.dtype == object:
        return
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        raise ValueError(
            f"{name}{list(where)} is {array[where]}: the model is over finite real numbers; leave such rows out, or "
            f"fill them, for instance np.nan_to_num({name})"
        )


def _check_proportion(array: Any, name: str) -> None:
    """Raise ValueError at the first element that is known not to be a number from 0 to 1."""
    _check_finite(array, name)
    if array is None or array.dtype == object:
        return
    wrong = np.argwhere((array < 0) | (array > 1))
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        raise ValueError(
            f"{name}{list(where)} is {array[where]}: a number from 0 to 1 is wanted; scale {name}, or write "
            f"np.clip({name}, 0, 1)"
        )


def _check_one_hot(array: Any, name: str, categories: int) -> None:
    """Raise ValueError at the first unit of which not a single one of its places is 1, where that is known."""
    _check(array, name)
    if array is None or array.dtype == object:
        return
    on = array.reshape(len(array), -1, categories).sum(axis=-1)
    if not (on == 1).all():
        row, unit = (int(i) for i in np.argwhere(on != 1)[0])
        raise ValueError(
            f"{name}[{row}] has {on[row, unit]:g} ones among the {categories} places of unit {unit}, which takes one "
            f"value: write td.models.one_hot(values, {categories})"
        )


def _may_be_a_bit(value: Any) -> bool:
    """Whether an object is 0 or 1, or one of which that cannot be told: a formula, a ball, of symbols."""
    formula = getattr(value, "expr", None)  # a Symbolic
    if formula is not None and not formula.is_number:
        return True
    if isinstance(value, Exact) and not isinstance(value.p, Fraction):  # a rational function
        return True
    try:
        return bool(value == 0) or bool(value == 1)
    except (TypeError, ValueError):  # among them UndecidedError, of balls
        return True


def _numbers(array: NDArray[Any], name: str) -> NDArray[Any]:
    """An array of objects, if all of them are plain numbers."""
    for index in np.ndindex(array.shape):
        if not isinstance(array[index], bool | int | float | Fraction | np.number | np.bool_):
            raise ValueError(
                f"{name}{list(index)} is {array[index]!r}, of type {type(array[index]).__name__}, for a model of "
                f"floats: give numbers 0 and 1, for instance {name}.astype(float)"
            )
    return array


def known(X: Tensor) -> Any:
    """The array that a Tensor stands for, or None where it stands for none yet, inside `compile`."""
    value: Any = X
    while type(value) is Tensor:
        value = value.value
    return None if isinstance(value, Tensor) else np.asarray(value)


def plain_numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Real numbers, such as probabilities, logits or temperatures, as float64."""
    array = as_array(values, name)
    return np.asarray(_numbers(array, name) if array.dtype.hasobject else array, np.float64)


def units(name: str, chosen: Any, count: int) -> list[int]:
    """The numbers of some of a model's `count` units; ValueError for one that it lacks, named twice, or no integer."""
    array = np.ravel(as_array(chosen, name))
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(
            f"{name} holds {array.dtype}, and names units by their numbers: write integers, "
            "np.flatnonzero(mask) for a mask"
        )
    found = [int(i) for i in array]
    wrong = [i for i in found if not 0 <= i < count]
    if wrong:
        raise ValueError(f"{name} names visible unit {wrong[0]}: this model has units 0 to {count - 1}")
    if len(set(found)) < len(found):
        raise ValueError(f"{name}={found} names a unit twice: name each once")
    return found


def are_floats(*values: Any) -> bool:
    """True where every leaf of every value is a plain array of floats: the compiled sums are for those.

    Tensors and arrays of objects (symbols, rationals) have their own arithmetic, and take the sums made of ops.
    """
    leaves = [leaf for value in values for leaf in flatten(value)[0]]
    return all(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" for leaf in leaves)


def have_compiled_sums(*values: Any) -> bool:
    """True for plain arrays of floats and models of them over zeros and ones: what `sums` computes.

    Everything else takes the sums made of ops.
    """
    return are_floats(*values) and all(getattr(value, "units", "binary") == "binary" for value in values)


def as_float64(model: Any) -> Any:
    """The same model of contiguous float64 arrays, in which the compiled sums compute whatever the model's width."""
    leaves, rebuild = flatten(model)
    return rebuild([np.ascontiguousarray(leaf, np.float64) for leaf in leaves])
