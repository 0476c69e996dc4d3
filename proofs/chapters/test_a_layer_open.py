"""Chapters A and E for all sizes, on shipped code: one layer of the network, for any inputs and any gradient above it.

The layer is the step of every network: `FeedForward.logits` does nothing but apply it, one after the other. So what is
proved of it by induction on layers holds at any depth.
"""

from proofs.harness.theorem import theorem
from proofs.open.network import (
    LAYER,
    RULES,
    layer_is_the_derivative,
    layer_is_the_lectures,
)
from proofs.open.stack import Stack
from tinygrad_dbn.autodiff.differentiate import vjp
from tinygrad_dbn.models import FeedForward

SIZES = (
    "any batch and widths; sigm, tanh, and relu on either side of its branch (a term has no cases: that an element "
    "stays on its side while a weight moves a little is not said)"
)


@theorem(
    "the shipped layer is g(b + W h) ⊙ m, and what the engine sends back through it is the lecture's: "
    "∇_a = ∇ ⊙ g'(a) ⊙ m, ∇_W = ∇_a hᵀ, ∇_b = ∇_a and ∇_h = Wᵀ ∇_a, for any gradient ∇ from above",
    claim="A1, A2, A5, A6, E1, E2",
    level="A",
    sizes=SIZES,
    traced=[FeedForward.hidden_layer, FeedForward.pre_activation, vjp],
    spoiled=[*LAYER, *RULES],
)
def test_layer():
    return [thm for hidden in ("sigmoid", "tanh", "relu", None) for thm in vars(layer_is_the_lectures(hidden)).values()]


@theorem(
    "what the engine sends back through the shipped layer is the derivative of Σ ∇ ⊙ h by each weight, each bias and "
    "along any change of the inputs, for any gradient ∇ from above",
    claim="A5, A6, E2",
    level="A",
    sizes=SIZES,
    traced=[FeedForward.hidden_layer, FeedForward.pre_activation, vjp],
    spoiled=RULES,
)
def test_layer_is_differentiated():
    return [
        thm for hidden in ("sigmoid", "tanh", "relu", None) for thm in vars(layer_is_the_derivative(hidden)[2]).values()
    ]


# --- any depth ------------------------------------------------------------------------------------------------


@theorem(
    "backpropagation through L of the shipped layers is the chain rule: what arrives below is the output's gradient "
    "times the product of the layers' Jacobians",
    claim="A6, E2",
    level="A",
    sizes="any depth, layers of one width, which is any, with any inputs, and so with those that the layers below make "
    "(a fold has no term for what it is after some of its steps, nor for layers of differing widths)",
    uses=(
        "what the engine sends back through the shipped layer is the derivative of Σ ∇ ⊙ h by each weight, each bias "
        "and along any change of the inputs, for any gradient ∇ from above",
    ),
    traced=[FeedForward.hidden_layer, FeedForward.pre_activation, vjp],
    spoiled=[*RULES],
)
def test_any_depth():
    return [Stack(hidden).is_along_each_path() for hidden in ("sigmoid", "tanh", "relu")]
