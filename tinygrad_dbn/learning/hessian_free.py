"""Hessian-free optimisation (Martens 2010; claim F5): Newton-like steps from products with the Gauss–Newton matrix.

Near θ the loss is modelled by q(p) = f(θ) + g·p + ½ p·G p, with G = Jᵀ H J: J the Jacobian of the model's output, H the
Hessian of the loss in that output. G is never formed: G v is one `jvp`, one product with H, one `vjp`. It is positive
semi-definite where the loss is convex in the output, so conjugate gradients can minimise q + ½ λ |p|².
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import ops
from ..autodiff.differentiate import grad, hvp, jvp, vjp
from ..autodiff.kernels.blas import fixed_threads
from ..autodiff.trees import Rebuild, flatten, not_finite, tree_map
from ..models.validation import whole
from ..randomness import Random, seed_of
from ..showing import Shown
from .bars import bar
from .descent import compiled_unless_told, rows_of
from .optimisers import at_rest, number

# Martens (2010), by section.
FASTER, SLOWER = 3 / 2, 2 / 3  # what the damping is multiplied with (4.1) …
POOR, GOOD = 1 / 4, 3 / 4  # … where the ratio is below the first of these, or above the second
LEAST_PROGRESS = 0.0005  # relative, per iteration of conjugate gradients: below it they stop (4.4) …
LOOK_BACK = 10  # … over so many iterations, or a tenth of those done
SPACING = 1.3  # from one iterate that is kept to the next, as a ratio (4.6)
FLATTENED = 0.75  # the exponent of the preconditioner (4.7)

# Passes through the weights, over all rows; a gradient is the unit, and has three: forward, back to units, to weights.
VALUE, GRADIENT, PRODUCT = 1 / 3, 1.0, 5 / 3  # a product: forward, its tangent (two), and back (two)

REMEMBERED = 0.95  # of the last solution, to start from: an old direction fits the new point less
ENOUGH = 0.01  # the share of the fall promised by the slope that a step has to bring (Armijo's condition)
SHORTER, SHORTEST = 0.8, 1e-8  # the ratio of a step to the one tried before; where the search ends: rounding is left

Vector = NDArray[Any]
Output = Callable[..., Any]
"""output(model, *data): what the loss is convex in, for instance logits."""
OutputLoss = Callable[..., Any]
"""loss(output, *data): a scalar, the mean over the rows of data."""


@dataclass(frozen=True, eq=False)
class HessianFree(Shown):
    """Where an optimisation stands, and what its last step was like. All that is needed to go on, to the same bits."""

    model: Any
    direction: Any
    """The last solution of conjugate gradients, from which the next starts."""
    damping: float
    """λ."""
    step: int
    loss: float
    """What is minimised, after the step: the mean over all of the data, and ½ weight_decay Σ W² over the matrices."""
    iterations: int
    """Of conjugate gradients in this step."""
    ratio: float
    """The fall of the loss over the fall that q promised: near 1 where the model is good. NaN at the start."""
    cost: float = 0.0
    """Of all steps, in gradients over all rows: by the matrix products of what was evaluated, whatever it was."""


def gauss_newton_product(output: Output, loss: OutputLoss, model: Any, v: Any, *data: Any) -> Any:
    """G v = Jᵀ H J v at the model, a tree like it (claim F5).

    >>> line, half_square = lambda w, x: x * w["w"], lambda z, x: (z * z).sum() / 2
    >>> gauss_newton_product(line, half_square, {"w": np.array(5.0)}, {"w": np.array(1.0)}, np.array([1.0, 2.0]))
    {'w': array(5.)}
    """
    z, pullback = vjp(lambda m: output(m, *data), model)
    _, along = jvp(lambda m: output(m, *data), (model,), (v,))
    return pullback(hvp(lambda z: loss(z, *data), z, along))[0]


def hessian_free(
    model: Any,
    output: Output,
    loss: OutputLoss,
    data: Sequence[Any],
    *,
    steps: int,
    damping: float = 45.0,
    weight_decay: float = 0.0,
    most_iterations: int = 250,
    chunks: int = 20,
    curvature: int | None = None,
    seed: Random = 0,
    start: HessianFree | None = None,
) -> Iterator[HessianFree]:
    """Minimise loss(output(model, *data), *data) + ½ weight_decay Σ W², yielding the start and each step's end.

    data: arrays of T rows that belong together, for instance (X,). The sum of squares is over all matrices.

    damping: λ at the start, in the units of the mean loss's curvature times the number of rows; after each step it is
    raised or lowered by a half as the ratio is below ¼ or above ¾ (Levenberg and Marquardt). Conjugate gradients start
    from 0.95 times the last solution, are preconditioned by (Σ g_i² + λ)^0.75 over the gradients of `chunks` parts of
    the data, and stop by Martens' rule of relative progress; the best of some of their iterates is taken, and
    shortened while the loss does not fall enough. Losses and gradients are over all rows of the data; products with G
    over `curvature` of them, which are drawn anew for each step by (seed, step), or over all (Martens 2010, section
    4.3).
    Raises ValueError at once where a number is out of range, and for data of NaN or inf.
    """
    rows, seed = rows_of(data), seed_of(seed)
    if (place := not_finite(list(data))) is not None:
        raise ValueError(f"data{place} has NaN or inf: leave such rows out, or fill them in")
    steps, most_iterations = whole("steps", steps, 0), whole("most_iterations", most_iterations, 1)
    chunks = whole("chunks", chunks, 1, rows, f"there are {rows} rows")
    part = rows if curvature is None else whole("curvature", curvature, 1, rows, f"there are {rows} rows")
    damping = number("damping", damping)
    problem = _Problem(model, output, loss, data, number("weight_decay", weight_decay))

    def stages() -> Iterator[HessianFree]:
        at = start or HessianFree(
            model, at_rest(model), damping / rows, 0, problem.value(problem.vector(model)), 0, nan
        )
        if not isfinite(at.loss):
            raise ValueError(f"the loss at the start is {at.loss}, from which no step goes down: start elsewhere")
        if start is None:
            yield at
        with bar("Hessian-free steps", steps, at.step) as one_more:
            while at.step < steps:
                with fixed_threads():
                    problem.draw(part, np.random.default_rng([seed, at.step + 1]))
                    at = _step(at, problem, most_iterations, chunks)
                one_more()
                yield at

    return stages()


class _Problem:
    """The loss as a function of one long vector of parameters: value, gradient, Gauss–Newton product."""

    def __init__(self, model: Any, output: Output, loss: OutputLoss, data: Sequence[Any], weight_decay: float) -> None:
        leaves, self.rebuild = flatten(tree_map(np.asarray, model))
        self.shapes = [leaf.shape for leaf in leaves]
        self.ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
        self.data = self.some = tuple(data)
        self.share, self.cost = 1.0, 0.0
        # What weight decay adds to the diagonal: matrices only.
        self.decay = np.concatenate(
            [np.full(leaf.size, weight_decay * (leaf.ndim == 2), leaf.dtype) for leaf in leaves]
        )

        def value(m: Any, *data: Any) -> Any:
            return loss(output(m, *data), *data)

        self._value, self._gradient = compiled_unless_told(value), compiled_unless_told(grad(value))
        self._product = compiled_unless_told(lambda m, v, *data: gauss_newton_product(output, loss, m, v, *data))

    def draw(self, count: int, rng: np.random.Generator) -> None:
        """So many rows for the products of a step."""
        rows = len(self.data[0])
        chosen = slice(None) if count == rows else np.sort(rng.permutation(rows)[:count])
        self.some, self.share = tuple(array[chosen] for array in self.data), count / rows

    def vector(self, tree: Any) -> Vector:
        return np.concatenate([np.ravel(leaf) for leaf in flatten(tree)[0]])

    def tree(self, vector: Vector) -> Any:
        rebuild: Rebuild = self.rebuild
        return rebuild([p.reshape(s) for p, s in zip(np.split(vector, self.ends), self.shapes, strict=True)])

    def value(self, theta: Vector) -> float:
        self.cost += VALUE
        return float(self._value(self.tree(theta), *self.data)) + float(theta @ (self.decay * theta)) / 2

    def gradient(self, theta: Vector) -> Vector:
        self.cost += GRADIENT
        return np.asarray(self.vector(self._gradient(self.tree(theta), *self.data)) + self.decay * theta)

    def product(self, theta: Vector, v: Vector) -> Vector:
        self.cost += PRODUCT * self.share
        return np.asarray(self.vector(self._product(self.tree(theta), self.tree(v), *self.some)) + self.decay * v)

    def squared_gradients(self, theta: Vector, chunks: int) -> Vector:
        """Σ g_i² over parts of the data, g_i being a part's share of the gradient."""
        total = np.zeros_like(theta)
        self.cost += GRADIENT
        model, rows = self.tree(theta), len(self.data[0])
        for part in zip(*(np.array_split(array, chunks) for array in self.data), strict=True):
            g = self.vector(self._gradient(model, *part)) * (len(part[0]) / rows)
            total += g * g
        return total


def _step(at: HessianFree, problem: _Problem, most_iterations: int, chunks: int) -> HessianFree:
    theta = problem.vector(at.model)
    problem.cost = at.cost
    g = problem.gradient(theta)
    precondition = (problem.squared_gradients(theta, chunks) + at.damping) ** FLATTENED

    def damped(v: Vector) -> Vector:
        return problem.product(theta, v) + at.damping * v

    iterates = conjugate_gradients(damped, -g, REMEMBERED * problem.vector(at.direction), precondition, most_iterations)
    count, last = iterates[-1]
    p, value = _best(problem, theta, [p for _, p in iterates])
    size, slope = 1.0, float(g @ p)
    while not value <= at.loss + ENOUGH * size * slope and size > SHORTEST:
        size *= SHORTER
        value = problem.value(theta + size * p)
    if not value < at.loss:  # rounding is all that is left: stay, and trust the model less
        return HessianFree(
            at.model, at_rest(at.model), FASTER * at.damping, at.step + 1, at.loss, count, 0.0, problem.cost
        )
    promised = slope + float(p @ problem.product(theta, p)) / 2
    ratio = (problem.value(theta + p) - at.loss) / promised
    factor = FASTER if not ratio >= POOR else SLOWER if ratio > GOOD else 1.0
    model = problem.tree(theta + size * p)
    return HessianFree(model, problem.tree(last), factor * at.damping, at.step + 1, value, count, ratio, problem.cost)


def _best(problem: _Problem, theta: Vector, candidates: list[Vector]) -> tuple[Vector, float]:
    """Backtracking over iterates: the last, or an earlier one as long as going back lowers the loss."""
    p, value = candidates[-1], problem.value(theta + candidates[-1])
    for earlier in reversed(candidates[:-1]):
        other = problem.value(theta + earlier)
        if not (other < value or isnan(value)):
            break
        p, value = earlier, other
    return p, value


def conjugate_gradients(
    product: Callable[[Vector], Vector], b: Vector, start: Vector, precondition: Vector, most: int
) -> list[tuple[int, Vector]]:
    """Iterates (number, p) of preconditioned conjugate gradients on ½ p·A p − b·p: one in 1.3 as many, and the last.

    precondition: the diagonal that residuals are divided by. Stops at the first i with φ_i < 0 and
    (φ_i − φ_(i−k)) / φ_i < 0.0005 k, k = max(10, i / 10) (Martens 2010, section 4.4), or after `most` products.
    """
    p = start.copy()
    r = product(p) - b
    y = r / precondition
    d, delta = -y, float(r @ y)
    values: list[float] = []
    kept: list[tuple[int, Vector]] = []
    next_kept = 1.0
    for i in range(1, most + 1):
        A_d = product(d)
        curvature = float(d @ A_d)
        if curvature <= 0 or delta == 0:  # only where rounding has the last word
            break
        alpha = delta / curvature
        p = p + alpha * d
        r = r + alpha * A_d
        y = r / precondition
        delta, beta = float(r @ y), float(r @ y) / delta
        d = beta * d - y
        values.append(float(p @ (r - b)) / 2)
        done = _no_longer_worth_it(values)
        if i >= next_kept or done or i == most:
            kept.append((i, p))
            next_kept *= SPACING
        if done:
            break
    return kept or [(0, p)]


def _no_longer_worth_it(values: list[float]) -> bool:
    i = len(values)
    k = max(LOOK_BACK, i // 10)
    return i > k and values[-1] < 0 and (values[-1] - values[-1 - k]) / values[-1] < LEAST_PROGRESS * k


def reconstruction_loss() -> tuple[Output, OutputLoss]:
    """(output, loss) of an autoencoder of sigmoid outputs: its logits, and their mean cross-entropy with x, nats.

    output(model, x) raises ValueError for an autoencoder of other outputs.
    """

    def logits(model: Any, x: Any) -> Any:
        if model.output != "sigmoid":
            raise ValueError(f"cross-entropy needs output='sigmoid', this autoencoder has {model.output!r}")
        return model.logits(x)

    return logits, (lambda a, x: ops.mean(ops.bernoulli_cross_entropy(a, x)))
