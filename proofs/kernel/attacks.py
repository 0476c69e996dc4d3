"""Attempts to prove something false with the kernel, or to get a theorem without proving it; each must be refused.

An attack ends with the false theorem. Where it is not obvious, a comment names the values that refute what it tries to
prove. They are the holes that this kernel and the one before it had, and those that a reader would try first; what
nobody thought of is the business of `proofs.kernel.machine`. Here: attacks on Python, not on mathematics.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace

from proofs.kernel import rules as K
from proofs.kernel.terms import (
    NONNEGATIVE,
    ONE,
    POSITIVE,
    REAL,
    ZERO,
    Add,
    App,
    Cube,
    Family,
    Fold,
    Index,
    Num,
    Set,
    Sum,
    families,
    indices,
    numbers,
)

ATTACKS = {}


def attack(function):
    """Register an attack by its name in words."""
    ATTACKS[function.__name__.replace("_", " ")] = function
    return function


I, J = Set("I"), Set("J")
STATES = Cube(J)
i, j = indices("i j", I)
t, u = indices("t u", J)
(s,) = indices("s", STATES)
X, Y = numbers("x y")
A, P, T = numbers("A P T", sign=POSITIVE)
(Z,) = numbers("z", sign=NONNEGATIVE)
x, y, a, p_, z = X.family, Y.family, T.family, P.family, Z.family
p, q = families("p q", I, sign=POSITIVE)
(r,) = families("r", I)
(zi,) = families("z", I, sign=NONNEGATIVE)
zi_positive = Family("z", (I,), POSITIVE)
(v,) = families("v", J)
(w,) = families("w", J, sign=POSITIVE)
(g,) = families("g", I, J)
(c,) = families("c", I, I)
TRUE = K.combine(ONE, "==", ONE)


# --- odd objects --------------------------------------------------------------------------------------------


class Name(str):
    """A name that can be changed."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return getattr(other, "text", other) == self.text

    def __hash__(self):
        return 0


class Place:
    """An index that can be changed."""

    set = Set("I")

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return getattr(other, "name", None) == self.name

    def __hash__(self):
        return hash(Index(self.name, self.set))


class Many(list):
    """A list that equals a tuple, and has a hash."""

    def __eq__(self, other):
        return tuple(self) == tuple(other)

    def __hash__(self):
        return 0


class Everything(str):
    """A relation that is whatever one asks for."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


def lookalike(left=ZERO, rel="==", right=ONE):
    """All that a theorem has, but it is none."""
    conclusion = K.Statement(left, rel, right)
    return SimpleNamespace(
        conclusion=conclusion, left=left, rel=rel, right=right, hyps=frozenset(), free=conclusion.free
    )


@dataclass(frozen=True)
class Liar(Family):
    """A family of another class, of which nothing is known."""


class Minus(Num):
    """A number of another class, that claims to be positive."""

    sign = POSITIVE


# --- the abstract type, and what can be changed later -------------------------------------------------------


@attack
def forge_a_theorem():
    return K.Thm(object(), K.says(ZERO, "==", 1), frozenset(), "forged", {}, ())


@attack
def copy_a_theorem_with_another_conclusion():
    return replace(TRUE, conclusion=K.says(ZERO, "==", 1))


@attack
def change_a_theorem():
    TRUE.conclusion = K.says(ZERO, "==", 1)
    return TRUE


@attack
def change_a_term():
    X.family = T.family
    return K.evident(X)


@attack
def delete_a_hypothesis():
    thm = K.assume(X, "==", 1)
    del thm.hyps
    return thm


@attack
def add_up_a_lookalike():
    return K.combine(ZERO, "==", 1, (1, lookalike()))


@attack
def sum_a_lookalike():
    return K.total(lookalike(), i)


@attack
def rewrite_by_a_lookalike():
    return K.rewrite(ZERO, lookalike())


@attack
def instantiate_a_lookalike():
    return K.inst(lookalike(X, ">", ZERO), {x: ZERO})


@attack
def pass_a_subclass_of_theorem():
    fake = type("Fake", (K.Thm,), {"__init__": lambda self: None, **vars(lookalike())})
    return K.total(object.__new__(fake), i)


def _renamed(make):
    """A theorem about two variables of one name, one of which is renamed then."""
    first, second = Name("x"), Name("x")
    thm = K.combine(make(first), "==", make(second))
    second.text = "y"
    return thm


@attack
def rename_a_family_under_a_theorem():
    return _renamed(lambda name: Family(name, (), REAL)())


@attack
def rename_an_index_under_a_theorem():
    return _renamed(lambda name: r(Index(name, I)))


@attack
def rename_a_set_under_a_theorem():
    return _renamed(lambda name: Sum(ONE, Index("i", Set(name))))


@attack
def rename_an_index_of_another_class():
    place = Place("i")
    thm = K.combine(App(r, (place,)), "==", r(i))
    place.name = "j"
    return thm


@attack
def a_set_that_can_be_changed():
    return _renamed(lambda name: Sum(ONE, Index("i", name)))


@attack
def states_of_a_set_that_can_be_changed():
    return _renamed(lambda name: Sum(ONE, Index("i", Cube(name))))


def _changed(many, make, same):
    """A theorem about a list, which is changed then."""
    thm = K.combine(make(many), "==", same)
    many[0] = {r(i): r(j), i: j, I: J}[many[0]]
    return thm


@attack
def change_the_parts_of_a_sum():
    return _changed(Many([r(i), X]), Add, r(i) + X)


@attack
def change_the_indices_of_a_family():
    return _changed(Many([i]), lambda many: App(r, many), r(i))


@attack
def change_the_sets_of_a_family():
    return _changed(Many([I]), lambda many: Family("r", many, REAL)(i), r(i))


@attack
def change_the_parameters_of_a_fold():
    fold = lambda params: Fold(r, params, r(i), r(i), t, (j,))
    return _changed(Many([i]), fold, fold((i,)))


@attack
def values_that_change_between_two_readings():
    values = type("Changing", (dict,), {"items": lambda self, left=[T]: [(a, left.pop() if left else -T)]})()
    return K.evident(K.inst(K.evident(T), values).left - 2 * T)


@attack
def parameters_that_change_between_two_readings():
    class Twice:
        first = True

        def __iter__(self):
            self.first, first = False, self.first
            return iter((i, j) if first else (j, i))

    thm = K.inst(K.combine(c(i, j), "==", c(i, j)), {c: (Twice(), p(i) - p(j))})
    return K.combine(thm.left, "==", p(j) - p(i), (1, thm))


@attack
def an_unknown_relation():
    return K.assume(A, "!=", 0)


@attack
def a_relation_that_is_each_of_them():
    return K.combine(ONE, Everything("!="), ONE)


TAMPERING = tuple(f for f in ATTACKS.values() if not f.__name__.startswith(("change_a_", "copy_", "delete_")))
"""Those that checks of the kernel refuse, and not Python itself."""
