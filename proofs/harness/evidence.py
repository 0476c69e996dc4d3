"""What counts as refused as false: a comparison that fails keeps what it found.

Each function here refuses by raising `Refuted`, with a witness: values, an index, a point, that show the statement to
be false. What cannot be decided, or compared at all, is another error, and no refutation.
"""

import numpy as np

from proofs.harness.record import Refusal

LONGEST = 240  # characters of a witness


class Refuted(AssertionError):
    """The statement was examined and is false.  Anything else that goes wrong is not a refutation."""

    def __init__(self, kind, what, witness):
        super().__init__(f"{what}: {witness}")
        self.refusal = Refusal(kind, what, witness if len(witness) <= LONGEST else witness[: LONGEST - 1] + "…")


def require(condition, what, **witness):
    """Raise `Refuted` unless the condition is True (a NumPy bool counts; an array or None is a mistake).

    The keywords are what was found: they are to show that the condition is false.
    """
    if bool(condition) is not True:
        raise Refuted("value", what, ", ".join(f"{name} = {value}" for name, value in witness.items()))


def require_equal(found, wanted, what):
    """Refuse unless two exact values, or arrays of them, are the same, entry by entry.

    Raises ValueError for balls of which neither can be said.
    """
    found, wanted = alike(found, wanted, what)
    same, other = np.asarray(found == wanted, bool), np.asarray(found != wanted, bool)
    if (same == other).any():
        raise ValueError(f"{what}: whether {found} is {wanted} cannot be decided")
    for index in map(tuple, np.argwhere(other)):
        raise Refuted("value", entry(what, index), f"{found[index]}, not {wanted[index]}")


def require_different(found, other, what):
    """Refuse if two arrays of exact values are the same in every entry."""
    found, other = alike(found, other, what)
    if np.asarray(found == other, bool).all():
        raise Refuted("agreement", what, f"all {found.size} entries agree: {', '.join(map(str, found.flat))}")


def require_at_most(found, most, what):
    """Refuse if a value is beyond its bound. Raises ValueError for balls, or NaN, of which neither can be said."""
    if found <= most:
        return
    if not found > most:
        raise ValueError(f"{what}: whether {found} is at most {most} cannot be decided")
    raise Refuted("bound", what, f"{_brief(found)} is more than {_brief(most)}")


def alike(found, wanted, what):
    """Two arrays of one shape. Raises ValueError where their shapes differ."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape:
        raise ValueError(f"{what}: shape {found.shape} cannot be compared with {wanted.shape}")
    return found, wanted


def entry(what, index):
    """The name of an entry of what is compared."""
    return f"{what}{[int(i) for i in index]}" if len(index) else what


def _brief(value):
    """A ball to six digits; another value as it is."""
    return value.str(6, more=True) if hasattr(value, "str") else value
