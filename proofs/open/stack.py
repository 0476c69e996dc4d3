"""The shipped layer, for each of some layers of one width: what it sends back through all of them, by induction."""

from proofs.kernel.derived import induction, ring, summed
from proofs.kernel.growth import part
from proofs.kernel.rules import combine, inst, over_sets, total
from proofs.kernel.substitution import put
from proofs.kernel.terms import Family, Fold, Index, Same, Set, Sum, families, indices, sum_over
from proofs.open.network import ABOVE, BELOW, BIAS, MASK, WEIGHT, I, J, i, j, shipped_layer, t
from proofs.open.nudge import slope

UNITS, LAYERS = Set("units"), Set("layers")
l, = indices("l", LAYERS)  # fmt: skip
m, n, u = indices("m n u", UNITS)
AT_TOP, BACK = families("g back", UNITS)
PER_LAYER, = families("jacobian", LAYERS, UNITS, UNITS)  # fmt: skip
PRODUCT, = families("product", UNITS, UNITS)  # fmt: skip
ONE_WIDTH = {I: UNITS, J: UNITS}


def backward(step):
    """What arrives at unit m below all layers, from g at the top: the step from a layer's back(j) to that below it."""
    return Fold(BACK, (m,), AT_TOP(m), step, l, (m,))


def along_each_path(jacobian):
    """The sum over the paths from the top to unit m: Σ_n g(n) (the product of the layers' Jacobians)(n, m)."""
    step = Sum(PRODUCT(n, u) * jacobian(u, m), u)
    return Sum(AT_TOP(n) * Fold(PRODUCT, (n, m), Same(n, m), step, l, (n, m)), n)


def any_jacobians():
    """``backward == along_each_path``, whatever the Jacobians are."""
    jacobian = lambda u, m: PER_LAYER(l, u, m)

    def step(more, so_far):
        last = part(PER_LAYER, "n", "", "")
        return ring(more.left, more.right, inst(summed(so_far, m, last(m, n)), indices={n: m}))

    return induction(backward(Sum(BACK(u) * jacobian(u, m), u)), "==", along_each_path(jacobian), LAYERS, step=step)


class Stack:
    """The shipped layer, for each of some layers of one width: its inputs x(l, t, i), its weights W(l, j, i) and so on,
    which are any, and so those that the layers below make."""

    def __init__(self, hidden, masked=True):
        shipped = shipped_layer(hidden, masked)
        self.parameters = [WEIGHT, BIAS, BELOW, MASK, *([shipped.on(t, j).family] if hidden == "relu" else [])]
        self.back = self.here(shipped.of_h(t, i))
        jacobian = slope(shipped.unit(t, j), BELOW, lambda _, at: Same(at, i)).right
        self.jacobian = self.here(jacobian)
        self.linear = inst(ring(shipped.of_h(t, i), Sum(ABOVE(t, j) * jacobian, j)), sets=ONE_WIDTH)

    def here(self, named):
        return over_sets(named, ONE_WIDTH)

    def values(self, mark=None):
        """The parameters of the layer that l is, or of the first one ("0") or one more ("n") in an induction."""
        found = {}
        for family in map(self.here, self.parameters):
            whole = Family(family.name, (LAYERS, *family.sets), family.sign)
            params = tuple(Index(f"p{k}", a_set) for k, a_set in enumerate(family.sets))
            blank = [""] * len(params)
            found[family] = params, part(whole, mark, *blank)(*params) if mark else whole(l, *params)
        return found

    def at(self, term, above, below, mark=None):
        """A term of the layer, from its unit `above` to the unit `below`."""
        found = put(term, self.values(mark))
        return put(found, {}, {self.here(j): above, self.here(i): below})

    def size_of_weights(self, mark=None):
        """‖W‖² = Σ W_um² of the layer."""
        return sum_over(
            u, m, of=put(self.here(WEIGHT(j, i)) ** 2, self.values(mark), {self.here(j): u, self.here(i): m})
        )

    def lemma(self, mark, above):
        """``what a layer sends back to unit m == Σ_u above(u) (its Jacobian)(u, m)``, in an induction."""
        values = self.values(mark) | {self.here(ABOVE): ((t, u), above(u))}
        return inst(self.linear, values, {self.here(i): m})

    def step(self):
        """What the shipped layer sends back to unit m, from back(u)."""
        return put(self.at(self.back, u, m), {self.here(ABOVE): ((t, u), BACK(u))})

    def is_along_each_path(self):
        """``backward == along_each_path``, by induction on layers."""
        jacobian = lambda u, m: self.at(self.jacobian, u, m)
        ours, by_jacobians = backward(self.step()), backward(Sum(BACK(u) * jacobian(u, m), u))

        def base(more):
            return combine(more.left, "==", more.right, (1, self.lemma("0", AT_TOP)))

        def step(more, so_far):
            # So far, at all m, summed with what leads on from there to a unit n; that unit is then called m.
            last = self.at(self.jacobian, m, n, "n")
            sums = total(combine(so_far.left * last, "==", so_far.right * last, (last, so_far)), m)
            sums = inst(sums, indices={n: m})
            here = self.lemma("n", lambda u: put(ours, {}, {m: u}))
            return combine(more.left, "==", more.right, (1, here), (1, sums))

        same = induction(ours, "==", by_jacobians, LAYERS, base, step)
        paths = inst(any_jacobians(), {PER_LAYER: ((l, u, m), jacobian(u, m))})
        return combine(ours, "==", paths.right, (1, same), (1, paths))
