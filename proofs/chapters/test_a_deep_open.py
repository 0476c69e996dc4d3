"""Chapter A at any depth, on shipped code: a layer for any inputs and any gradient from above, and layers together.

What is proved of one layer of the shipped network holds for any inputs and for any gradient that comes from above. So
it holds in a network for the inputs that the layers below make, and for the gradient that the layers above send back:
the trace of the whole network is the layers' traces, put into one another.
"""

from dataclasses import replace
from itertools import accumulate, pairwise

from proofs.harness.theorem import Spoiled, mutated, theorem
from proofs.kernel.rules import combine, inst, over_sets, rewrite
from proofs.kernel.substitution import put
from proofs.kernel.terms import Index, Set, families
from proofs.open.network import (
    ABOVE,
    ALONG,
    AT,
    BELOW,
    BIAS,
    LAYER,
    LOGIT,
    LOGIT_ALONG,
    LOSS,
    MASK,
    MOVES,
    RULES,
    TARGET,
    WEIGHT,
    C,
    I,
    J,
    Layer,
    T,
    at_i,
    at_j,
    c,
    i,
    j,
    k,
    layer_is_the_derivative,
    layer_is_the_lectures,
    output_is_the_derivative,
    output_is_the_lectures,
    softmax,
    t,
)
from proofs.open.nudge import by_calculus, chain, place, slope
from proofs.open.trace import opened
from tinygrad_dbn.autodiff.differentiate import grad
from tinygrad_dbn.models import FeedForward

D, H, U = map(Set, "DHU")


class Network:
    """The lecture's network on sets of units, from the inputs to the classes, and what is shipped for it.

    Layer n has the weights Wn, the biases bn and, but for that of the logits, the masks mn.
    """

    def __init__(self, hidden, *sets):
        self.hidden = hidden
        self.x, = families("x", T, sets[0])  # fmt: skip
        self.layers = []
        units = self.x
        for n, (below, above) in enumerate(pairwise(sets), 1):
            last = above == sets[-1]
            mask = None if last else families(f"m{n}", T, above)[0]
            own = families(f"W{n}", above, below) + families(f"b{n}", above)
            layer = Layer(None if last else hidden, named_after(below), named_after(above), *own, units, mask, None)
            self.layers.append(layer)
            units = layer.unit

    def lecture(self):
        """Its layers, each with the gradient that the lecture has come from above."""
        logits, found = self.layers[-1].unit, []
        above = lambda t, c: -(TARGET(t, c) - softmax(lambda c: logits(t, c), c))
        for layer in reversed(self.layers):
            found.append(replace(layer, g=above))
            above = found[-1].of_h
        return found[::-1]

    def shipped(self):
        """The shipped loss of a batch, and the engine's gradient: for each layer that by its weights and biases."""

        def run(a):
            given = lambda family: a(family.name, *family.sets)
            weights, biases = (tuple(given(getattr(layer, part)) for layer in self.layers) for part in "Wb")
            x, classes = given(self.x), a.places("y", T, C)
            masks = [given(layer.m) for layer in self.layers[:-1]]
            net = FeedForward(weights, biases, self.hidden)
            loss = lambda net: net.nll(x, classes, masks).sum()
            gradient = grad(loss)(net)
            return loss(net), *gradient.weights, *gradient.biases

        (loss, *found), depth = opened(run), len(self.layers)
        return loss(), list(zip(found[:depth], found[depth:], strict=True))


def named_after(a_set):
    """An index that is called as its set, in small letters."""
    return Index(a_set.name.lower(), a_set)


class Placed:
    """What is proved of one layer, as it is for a layer of a network: over its sets, with its parameters."""

    def __init__(self, layer):
        self.sets = {I: layer.below.set, J: layer.above.set}
        at_i, at_j = self.here(i), self.here(j)
        self.parameters = {self.here(WEIGHT): ((at_j, at_i), layer.W(at_j, at_i))}
        self.parameters[self.here(BIAS)] = (at_j,), layer.b(at_j)
        if layer.hidden:
            self.parameters[self.here(MASK)] = (t, at_j), layer.m(t, at_j)

    def here(self, named):
        """An index or a family of the layer."""
        return over_sets(named, self.sets)

    def term(self, e, units=None):
        """A term of the layer, for units below that are given as a function of indices."""
        below = {self.here(BELOW): ((t, self.here(i)), units(t, self.here(i)))} if units else {}
        return put(over_sets(e, self.sets), self.parameters | below)

    def theorem(self, thm, units=None, above=None):
        """A theorem, for the units below and the gradient from above that are given as functions of indices."""
        values = dict(self.parameters)
        if units:
            values[self.here(BELOW)] = (t, self.here(i)), units(t, self.here(i))
        if above:
            values[self.here(ABOVE)] = (t, self.here(j)), above(t, self.here(j))
        return inst(thm, values, sets=self.sets)


def left_of(equation):
    """The left side of an equation that is a function of indices, as such a function."""
    return lambda *at: equation(*at).left


class Composed:
    """The layers' equations `shipped == lecture`, put into one another: those of each layer's gradients.

    Equations are functions of indices.
    """

    def __init__(self, net):
        hidden, logits, at_top = (
            layer_is_the_lectures(net.hidden),
            layer_is_the_lectures(None),
            output_is_the_lectures(),
        )
        layers = [(hidden if layer.hidden else logits, Placed(layer)) for layer in net.layers]
        units = [lambda t, d: combine(net.x(t, d), "==", net.x(t, d))]
        for equations, there in layers:
            units.append(self.part(equations, "unit", there, units[-1], None))
        above = self.at_top(at_top, units.pop())
        self.gradients = []
        for (equations, there), below in zip(reversed(layers), reversed(units), strict=True):
            by = [self.part(equations, name, there, below, above) for name in ("of_w", "of_b")]
            self.gradients.insert(0, [by[0](*map(there.here, (j, i))), by[1](there.here(j))])
            above = self.part(equations, "of_h", there, below, above)

    @staticmethod
    def part(equations, name, there, below, above):
        """The equation of a part of a layer, for the inputs and the gradient that two equations speak of."""
        at_i, at_j = there.here(i), there.here(j)
        known = [below(t, at_i)] + ([above(t, at_j)] if above else [])
        thm = there.theorem(getattr(equations, name), left_of(below), above and left_of(above))
        lectures = rewrite(thm.right, *known)
        thm = combine(thm.left, "==", lectures.right, (1, thm), (1, lectures))
        return lambda *at: inst(thm, indices=dict(zip(map(there.here, AT[name]), at, strict=True)))

    @staticmethod
    def at_top(equation, logits):
        """The equation of the gradient by the logits, for the logits that an equation speaks of."""
        thm = inst(equation, {LOGIT: ((t, c), logits(t, c).left)})
        lectures = rewrite(thm.right, logits(t, c), logits(t, k))
        thm = combine(thm.left, "==", lectures.right, (1, thm), (1, lectures))
        return lambda *at: inst(thm, indices=dict(zip((t, c), at, strict=True)))


class Descent:
    """From the top down: the shipped loss as a term in the units of a layer, and its derivative along any change of
    them. That is Σ_tj g(t, j) along(t, j), g being what the layers above send back."""

    def __init__(self, hidden):
        self.layers = {name: layer_is_the_derivative(name) for name in (hidden, None)}
        self.loss, gradient, self.thm = output_is_the_derivative()
        self.units, self.along, self.at, self.g = LOGIT, LOGIT_ALONG, (t, c), gradient(t, c)

    def through(self, layer):
        """Go down one layer. Gives the derivatives of the loss by the weights and biases of that layer."""
        shipped, received, derivatives = self.layers[layer.hidden]
        there = Placed(layer)
        inner = (t, there.here(j)), there.term(shipped.unit(t, j))
        sent = put(self.g, {self.units: inner})
        above = lambda *at: put(sent, {}, dict(zip(self.at, at, strict=True)))
        found = {}
        for name, (moving, direction) in MOVES.items():
            by = there.theorem(by_calculus(getattr(derivatives, name), received, moving, direction), None, above)
            moved = {WEIGHT: layer.W, BIAS: layer.b}.get(moving) or there.here(moving)
            along = there.here(ALONG) if moving == BELOW else place(*map(there.here, (at_j, at_i)[: len(moving.sets)]))
            thm = chain(self.thm, self.loss, self.units, self.along, inner, moved, along)
            found[name] = combine(thm.left, "==", by.right, (1, thm), (1, by))
        self.g = put(there.term(shipped.of_h(t, i)), {there.here(ABOVE): ((t, there.here(j)), above(t, there.here(j)))})
        self.loss, self.thm = put(self.loss, {self.units: inner}), found["of_h"]
        self.units, self.along, self.at = there.here(BELOW), there.here(ALONG), (t, there.here(i))
        return found["of_w"], found["of_b"]


LOOP = [
    Spoiled("input's sign", mutated(FeedForward, "logits", "h = x", "h = -x")),
    Spoiled(
        "masks not handed on",
        mutated(FeedForward, "logits", "None if masks is None else masks[k - 1]", "None"),
    ),
]
SIZES = (
    "any batch, widths and number of classes; one hidden layer and two, sigm and tanh (relu: in each layer by itself); "
    "a mask for each example"
)
NETS = [(hidden, sets) for sets in ((D, H, C), (D, H, U, C)) for hidden in ("sigmoid", "tanh")]


def with_one_layer(*versions):
    """The spoiled versions, each looked at with one hidden layer, for time's sake."""
    return [Spoiled(version.name, version.patch, nets=NETS[:1]) for version in versions]


@theorem(
    "the engine's gradient of the shipped loss is the lecture's in every layer: ∇_a = −(e(y) − f(x)) at the top, "
    "∇_W = ∇_a hᵀ, ∇_b = ∇_a, ∇_h = Wᵀ∇_a and ∇_a = ∇_h ⊙ g'(a) ⊙ m below",
    claim="A4-A6, E2",
    level="A",
    sizes=SIZES,
    traced=[FeedForward.nll, FeedForward.logits, FeedForward.hidden_layer, FeedForward.pre_activation, grad],
    spoiled=with_one_layer(*LAYER, *RULES, *LOOP, LOSS),
)
def test_gradient_is_the_lectures(nets=tuple(NETS)):
    return [thm for hidden, sets in nets for thm in gradient_is_the_lectures(hidden, *sets)]


def gradient_is_the_lectures(hidden, *sets):
    net, found = Network(hidden, *sets), []
    _, gradients = net.shipped()
    for layer, shipped, equations in zip(net.lecture(), gradients, Composed(net).gradients, strict=True):
        at = layer.above, layer.below
        names = dict(zip(map(Placed(layer).here, (j, i)), at, strict=True))
        for gradient, lecture, n, equation in zip(shipped, (layer.of_w, layer.of_b), (2, 1), equations, strict=True):
            found.append(combine(gradient(*at[:n]), "==", lecture(*at[:n]), (1, inst(equation, indices=names))))
    return found


@theorem(
    "the engine's gradient of the shipped loss is its derivative by every weight and bias of every layer",
    claim="A5, A6, E2",
    level="A",
    sizes=SIZES,
    traced=[FeedForward.nll, FeedForward.logits, FeedForward.hidden_layer, FeedForward.pre_activation, grad],
    spoiled=with_one_layer(*RULES),
)
def test_gradient_is_the_derivative(nets=tuple(NETS)):
    return [thm for hidden, sets in nets for thm in gradient_is_the_derivative(hidden, *sets)]


def gradient_is_the_derivative(hidden, *sets):
    """``d loss / dW == the engine's`` for each W and b, the units of each layer being what the layers below make."""
    net, descent, found = Network(hidden, *sets), Descent(hidden), []
    loss, gradients = net.shipped()
    units = made_by_layers(net, descent.layers[hidden][0].unit(t, j))
    for layer, gradient, below in zip(*map(reversed, (net.layers, gradients, units)), strict=True):
        there = Placed(layer)
        made = {there.here(BELOW): ((t, there.here(i)), below(t, there.here(i)))}
        for thm, by, moved in zip(descent.through(layer), gradient, (layer.W, layer.b), strict=True):
            at = [there.here(at_j), there.here(at_i)][: len(moved.sets)]
            asked = slope(loss, moved, place(*at))
            found.append(combine(asked.left, "==", by(*at), (1, inst(thm, made))))
    return found


def made_by_layers(net, unit):
    """What goes into each layer, as functions of indices: the inputs, and the units of the shipped layers."""

    def through(layer, below):
        there = Placed(layer)
        term = there.term(unit, below)
        return lambda t, at: put(term, {}, {there.here(j): at})

    return list(accumulate(net.layers[:-1], lambda below, layer: through(layer, below), initial=net.x))
