"""How the options of a call reach their normal form: by position or by name, each through the function of its row."""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from .operators import shape_of

MISSING = object()
"""The default of an option that must be given."""

Options = dict[str, tuple[Callable[..., Any], Any]]
"""name → the function that brings it into its normal form (see `ops/arguments.py`), and its default."""


def signature_of(function: Callable[..., Any], arity: int | None, options: Options) -> Signature | None:
    """How an op is called: the arrays, under the names that they have in its function, then the options.

    None where the function is one of NumPy's that does not say its arguments.
    """
    try:
        names = list(signature(function).parameters)
    except ValueError:
        return None
    few = arity is not None
    arrays = Parameter.POSITIONAL_ONLY if few else Parameter.VAR_POSITIONAL
    after = Parameter.POSITIONAL_OR_KEYWORD if few else Parameter.KEYWORD_ONLY
    kept = [Parameter(name, arrays) for name in names[: arity or 1]]
    defaults = {k: Parameter.empty if default is MISSING else default for k, (_, default) in options.items()}
    return Signature([*kept, *(Parameter(k, after, default=default) for k, default in defaults.items())])


def normal(
    options: Options, arity: int | None, inputs: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arrays of a call, and every option in its normal form. arity: how many arrays; None for any number.

    Options may follow the arrays by position, as in NumPy. Raises TypeError for another number of arrays and for
    options that are missing, unknown or given twice, and whatever an option's function raises.
    """
    if len(inputs) != arity or not options.keys() >= given.keys():
        inputs, given = _named(options, arity, inputs, given)
    shapes = [shape_of(x) for x in inputs]
    found = {}
    for name, (form, default) in options.items():
        value = given.get(name, default)
        if value is MISSING:
            raise TypeError(f"{name}= is missing; its options are {', '.join(options)}")
        found[name] = form(value, shapes)
    return inputs, found


def _named(
    options: Options, arity: int | None, inputs: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arrays alone, and options that were given by position under their names."""
    arrays, extra = (inputs, ()) if arity is None else (inputs[:arity], inputs[arity:])
    named = dict(zip(options, extra, strict=False))
    known = f"its options are {', '.join(options)}" if options else "it has no options"
    if not arrays or len(arrays) < (arity or 0) or len(extra) > len(named):
        raise TypeError(f"takes {arity or 'one or more'} arrays, {len(inputs)} were given; {known}")
    for name in given:
        if name in named or name not in options:
            raise TypeError(f"{name}= is {'given twice' if name in named else 'not known'}; {known}")
    return arrays, named | given
