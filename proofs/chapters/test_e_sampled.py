"""Claim E1 on shipped code: dropout's draws, and a step of training with them, over all masks."""

from itertools import product

import numpy as np
import sympy

from proofs.chapters.test_c_fine_tuning import UPHILL, equal_step, lecture_loss
from proofs.harness.chance import UNIFORM, mean, one_step, outcomes
from proofs.harness.evidence import require_equal
from proofs.harness.formulas import equal_formulas
from proofs.harness.models import symbolic_network
from proofs.harness.theorem import Spoiled, mutated, require, theorem
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic, expression, symbols
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.learning import Dropout, fit, supervised

P = sympy.Symbol("p", real=True)
SQUARED = Spoiled("dropped with probability p²", mutated(Dropout, "draw", ">= p", ">= p * p"))
EXCHANGED = Spoiled("dropped in place of kept", mutated(Dropout, "draw", ">= p", "< p"))
UNDIVIDED = Spoiled("inverted masks not divided by 1 − p", mutated(Dropout, "draw", "1 / (1 - p) if", "1 if"))


def dropout(inverted):
    """Dropout whose rate is the symbol p, in (0, 1)."""
    return tree_map(lambda rate: Symbolic(P), Dropout(0.5, inverted))


def every_mask(shapes, inverted):
    """All masks of these shapes, one list for each, and the probability of each list."""
    kept = 1 / (1 - P) if inverted else sympy.Integer(1)
    for bits in product((0, 1), repeat=sum(map(np.prod, shapes))):
        parts = np.split(np.array(bits, object) * kept, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
        masks = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        yield masks, sympy.Mul(*(1 - P if bit else P for bit in bits))


DRAW = "Dropout.draw drops each unit for each example with probability p, independently of all others"


@theorem(
    DRAW,
    claim="E1",
    level="B",
    sizes="1-1-1-2 and 1-2-2, one and two examples, classical and inverted, every p in (0, 1)",
    trusts=(UNIFORM,),
    spoiled=[
        SQUARED,
        EXCHANGED,
        UNDIVIDED,
        Spoiled("one mask for all examples", mutated(Dropout, "draw", "random((count,", "random((1,")),
    ],
)
def test_draw():
    for sizes, count, inverted in product([(1, 1, 1, 2), (1, 2, 2)], (1, 2), (False, True)):
        net, _, _ = symbolic_network(sizes, "sigmoid")
        found = {}
        for weight, masks in outcomes(
            lambda rng, net=net, count=count, inverted=inverted: dropout(inverted).draw(net, count, rng)
        ):
            found[tuple(expression(value) for mask in masks for value in np.ravel(mask))] = weight
        wanted = list(every_mask([(count, n) for n in sizes[1:-1]], inverted))
        require_equal(len(found), len(wanted), "the number of outcomes")
        for masks, chance in wanted:
            place = tuple(value for mask in masks for value in np.ravel(mask))
            require(place in found, "every list of masks is drawn", never=place)
            equal_formulas(found[place], chance, f"probability of {place}")


@theorem(
    "the mean step of fit with dropout is θ − α∇ of the mean loss over all masks, units dropped with probability p",
    claim="E1",
    level="B",
    sizes="1-2-2 and 1-1-1-2 with one example, 1-1-2 with two; classical and inverted; every weight, input, rate and p "
    "in (0, 1), sigm",
    trusts=(UNIFORM,),
    uses=(DRAW,),
    spoiled=[
        UPHILL,
        Spoiled("masks not used", mutated(supervised, "supervised_loss", "masks or None", "None")),
        Spoiled("no masks drawn", mutated(supervised, "fit", "() if dropout is None else", "() if True else")),
        SQUARED,
        EXCHANGED,
        UNDIVIDED,
    ],
)
def test_dropout():
    for sizes, y in (((1, 2, 2), [1]), ((1, 1, 2), [0, 1]), ((1, 1, 1, 2), [1])):
        net, _, _ = symbolic_network(sizes, "sigmoid")
        x, shapes = symbols("x", (len(y), sizes[0])), [(len(y), n) for n in sizes[1:-1]]
        for inverted in (False, True):
            found = mean(one_step(fit, net, (x, y), dropout=dropout(inverted)))
            losses = [chance * lecture_loss(net, x, y, masks) for masks, chance in every_mask(shapes, inverted)]
            equal_step(found, net, sum(losses))
