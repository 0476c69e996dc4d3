"""Hessian-free optimisation: its products, its conjugate gradients, its steps."""

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import learning, ops
from tinygrad_dbn.autodiff.trees import flatten
from tinygrad_dbn.lab.claims.newton import sparse_start
from tinygrad_dbn.learning import descent
from tinygrad_dbn.learning.hessian_free import (
    _best,
    conjugate_gradients,
    gauss_newton_product,
    hessian_free,
    reconstruction_loss,
)

RNG = np.random.default_rng(0)
X = td.datasets.bars_and_stripes(3).train
OUTPUT, LOSS = reconstruction_loss()
MODEL = td.Autoencoder.init((9, 6, 2), np.random.default_rng(1), tied=False, code="linear")


def vector(tree):
    return np.concatenate([np.ravel(leaf) for leaf in flatten(tree)[0]])


def tree(v):
    """A model of MODEL's shape from a vector of its parameters."""
    leaves, rebuild = flatten(MODEL)
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return rebuild([p.reshape(leaf.shape) for p, leaf in zip(np.split(v, ends), leaves, strict=True)])


def test_gauss_newton_products_are_those_of_the_matrix():
    """Jᵀ H J formed entry by entry: J by finite differences, H of the cross-entropy by hand."""
    theta, step = vector(MODEL), 1e-6
    J = np.stack(
        [
            (OUTPUT(tree(theta + d), X) - OUTPUT(tree(theta - d), X)).ravel() / (2 * step)
            for d in step * np.eye(len(theta))
        ],
        axis=1,
    )
    p = 1 / (1 + np.exp(-OUTPUT(MODEL, X).ravel()))
    G = J.T @ np.diag(p * (1 - p) / len(X)) @ J
    v = RNG.normal(size=len(theta))
    found = vector(gauss_newton_product(OUTPUT, LOSS, MODEL, tree(v), X))
    np.testing.assert_allclose(found, G @ v, atol=1e-7 * np.abs(G @ v).max())
    assert np.abs(found).max() > 0.01


def test_conjugate_gradients_solve_the_system_and_fall_at_every_iterate():
    A = RNG.normal(size=(12, 12))
    A = A @ A.T + 0.1 * np.eye(12)
    b, start = RNG.normal(size=12), RNG.normal(size=12)
    iterates = conjugate_gradients(lambda v: A @ v, b, start, np.diag(A) ** 0.75, 200)
    values = [p @ A @ p / 2 - b @ p for _, p in iterates]
    assert all(after < before + 1e-12 * (1 + abs(before)) for before, after in pairwise(values))
    np.testing.assert_allclose(iterates[-1][1], np.linalg.solve(A, b), rtol=1e-5)
    assert [n for n, _ in iterates] == sorted({n for n, _ in iterates})


def test_conjugate_gradients_stop_where_the_paper_says():
    """φ of every iterate, each the last of a run of so many products; the first i at which it says to stop."""
    diagonal, b = np.geomspace(1, 1e5, 80), np.random.default_rng(4).normal(size=80)
    run = lambda most: conjugate_gradients(lambda v: diagonal * v, b, np.zeros(80), np.ones(80), most)[-1]
    phi = {i: (diagonal * p) @ p / 2 - b @ p for i, p in map(run, range(1, 151))}

    def enough(i):
        k = max(10, i // 10)
        return i > k and phi[i] < 0 and (phi[i] - phi[i - k]) / phi[i] < 0.0005 * k

    assert run(1000)[0] == next(i for i in phi if enough(i)) > 100  # where k is no longer 10


def test_a_start_at_the_minimum_stays_there():
    A, output = RNG.normal(size=(8, 3)), lambda m, A, y: ops.matmul(A, m["w"])
    loss = lambda z, A, y: ops.mean(ops.square(z - y))
    start, *run = hessian_free({"w": np.zeros(3)}, output, loss, (A, np.zeros(8)), steps=2, chunks=2)
    assert [(at.loss, at.ratio) for at in run] == [(0, 0)] * 2
    assert not np.any([at.model["w"] for at in run])
    assert start.damping < run[0].damping < run[1].damping  # the quadratic model is trusted less


@pytest.mark.compiled
def test_a_quadratic_is_minimised_in_one_step_that_the_model_predicts():
    A = RNG.normal(size=(40, 5)).astype(float)
    y = A @ np.arange(5.0) + RNG.normal(size=40)
    output = lambda m, A, y: ops.matmul(A, m["w"])
    loss = lambda z, A, y: ops.mean(ops.square(z - y)) / 2
    start, end = hessian_free({"w": np.zeros(5)}, output, loss, (A, y), steps=1, damping=0.0)
    np.testing.assert_allclose(end.model["w"], np.linalg.lstsq(A, y)[0], rtol=1e-3)
    assert end.ratio == pytest.approx(1, abs=1e-6)
    assert end.loss < 0.5 * start.loss


def test_it_lowers_the_loss_at_every_step_and_goes_on_to_the_same_bits():
    run = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=12, chunks=7))
    losses = [at.loss for at in run]
    assert all(after <= before for before, after in pairwise(losses))
    assert losses[-1] < 0.9 * losses[0]
    assert losses[-1] == pytest.approx(MODEL.__class__.cross_entropy(run[-1].model, X).mean(), rel=1e-12)
    again = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=12, chunks=7, start=run[5]))
    assert vector(again[-1].model).tobytes() == vector(run[-1].model).tobytes()
    assert again[-1].damping == run[-1].damping


def test_each_step_follows_martens(monkeypatch):
    """What conjugate gradients are given, the ratio and the damping of each step, from the formulas."""
    given, factors = [], set()

    def recorded(product, b, start, precondition, most):
        given.append((b, start, precondition, conjugate_gradients(product, b, start, precondition, most)))
        return given[-1][-1]

    monkeypatch.setattr(sys.modules[hessian_free.__module__], "conjugate_gradients", recorded)
    value = lambda m, x: LOSS(OUTPUT(m, x), x)
    slope = lambda m, x: vector(td.grad(value)(m, x))
    for damping in (0.03, 0.15, 0.6, 1000.0):
        given.clear()
        run = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=2, chunks=7, damping=damping))
        assert run[0].damping == damping / len(X)
        for before, after, (b, start, precondition, iterates) in zip(run[:-1], run[1:], given, strict=True):
            g = slope(before.model, X)
            squares = sum((slope(before.model, X[i : i + 2]) / 7) ** 2 for i in range(0, 14, 2))
            np.testing.assert_allclose(b, -g, rtol=1e-9, atol=1e-15)
            np.testing.assert_allclose(start, 0.95 * vector(before.direction), rtol=1e-14)
            np.testing.assert_allclose(precondition, (squares + before.damping) ** 0.75, rtol=1e-9)
            np.testing.assert_array_equal(vector(after.direction), iterates[-1][1])
            # The ratio is that of the iterate chosen, before the step along it was shortened.
            moved = vector(after.model) - vector(before.model)
            size = lambda p, moved=moved: moved @ p / (p @ p)
            p = min((p for _, p in iterates), key=lambda p: np.linalg.norm(moved - size(p) * p))
            curved = vector(gauss_newton_product(OUTPUT, LOSS, before.model, tree(p), X)) @ p
            fall = value(tree(vector(before.model) + p), X) - before.loss
            assert after.ratio == pytest.approx(fall / (g @ p + curved / 2), rel=1e-6)
            factor = 2 / 3 if after.ratio > 3 / 4 else 1 if after.ratio >= 1 / 4 else 3 / 2
            assert after.damping == pytest.approx(factor * before.damping, rel=1e-14)
            factors.add(factor)
    assert factors == {2 / 3, 1, 3 / 2}


def test_it_gets_further_than_gradient_descent_from_the_same_start():
    *_, newton = hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=25, chunks=7)
    loss = lambda m, x: LOSS(OUTPUT(m, x), x)
    *_, plain = learning.descend(MODEL, (X,), loss, learning.sgd(0.05), epochs=500, batch=14, seed=0)
    assert newton.loss < plain.loss - 1


def test_weight_decay_pulls_on_matrices_only():
    decayed = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=10, chunks=7, weight_decay=0.5))[-1].model
    free = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=10, chunks=7))[-1].model
    norm = lambda m: sum(float((W**2).sum()) for W in m.encoder.weights)
    assert norm(decayed) < 0.5 * norm(free)


def test_products_over_some_rows_are_drawn_by_step_and_counted():
    """The same rows for the same seed and step, from wherever a run goes on."""
    run = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=3, chunks=7, curvature=5, seed=1))
    again = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=3, chunks=7, curvature=5, seed=1, start=run[1]))
    other = list(hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=3, chunks=7, curvature=5, seed=2))
    assert vector(again[-1].model).tobytes() == vector(run[-1].model).tobytes()
    assert again[-1].cost == run[-1].cost
    assert vector(other[-1].model).tobytes() != vector(run[-1].model).tobytes()
    assert all(after.loss <= before.loss for before, after in pairwise(run))


def test_the_cost_is_that_of_what_is_evaluated(monkeypatch):
    """Recorded where it is evaluated: a gradient 1, a loss ⅓, a product 5/3 of the share of rows that it is over."""
    problem, spent = sys.modules[hessian_free.__module__]._Problem, []
    for name, price in (("value", 1 / 3), ("gradient", 1), ("product", 5 / 3 * 5 / 14), ("squared_gradients", 1)):
        honest = getattr(problem, name)
        recorded = lambda self, *a, honest=honest, price=price: spent.append(price) or honest(self, *a)
        monkeypatch.setattr(problem, name, recorded)
    start, *run = hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=4, chunks=7, curvature=5)
    assert start.cost == 0
    assert run[-1].cost == pytest.approx(sum(spent[1:]))  # the first is the start's loss
    assert sum(at.iterations for at in run) * 5 / 3 * 5 / 14 < run[-1].cost


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": -1}, "steps=-1: write a whole number from 0"),
        ({"steps": 1.5}, r"steps=1\.5"),
        ({"damping": -1.0}, r"damping=-1\.0: write a finite number of at least 0"),
        ({"damping": np.nan}, "damping=nan"),
        ({"weight_decay": np.nan}, "weight_decay=nan"),
        ({"most_iterations": 0}, "most_iterations=0: write a whole number from 1"),
        ({"most_iterations": 1.5}, r"most_iterations=1\.5"),
        ({"chunks": 15}, "chunks=15: write a whole number from 1 to 14; there are 14 rows"),
        ({"curvature": 15}, "curvature=15: write a whole number from 1 to 14"),
        ({"data": ()}, r"arrays of \[\] rows: give arrays of one number of rows"),
        ({"data": (X, X[:3])}, r"arrays of \[3, 14\] rows"),
        ({"data": (X[:0],)}, r"arrays of \[0\] rows"),
        ({"data": (X, X * np.nan)}, r"data\[1\] has NaN or inf"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_call(change, words):
    with pytest.raises(ValueError, match=words):
        hessian_free(MODEL, OUTPUT, LOSS, **{"data": (X,), "steps": 1, "chunks": 7, **change})


@pytest.mark.parametrize("output", ["linear", "softmax"])
def test_the_reconstruction_loss_is_that_of_sigmoids(output):
    model = td.Autoencoder.init((9, 2), 0, output=output)
    with pytest.raises(ValueError, match="cross-entropy needs output='sigmoid'"):
        next(hessian_free(model, OUTPUT, LOSS, (X,), steps=1, chunks=7))


@pytest.mark.compiled
def test_it_is_compiled_as_was_said_where_it_was_called(monkeypatch):
    compiled = []
    monkeypatch.setattr(descent, "compiled", lambda f: compiled.append(f) or f)
    for always, some in ((True, True), (False, False)):
        compiled.clear()
        with learning.compiling(always):
            steps = hessian_free(MODEL, OUTPUT, LOSS, (X,), steps=1, chunks=7)
        list(steps)
        assert bool(compiled) == some


@pytest.mark.parametrize(("rows", "chunks"), [(14, 7), (21, 20), (21, 4), (3, 3)])
def test_there_are_as_many_chunks_as_were_asked_for(rows, chunks):
    """The rows of each gradient of a part, of the one step."""
    sizes, A = [], RNG.normal(size=(rows, 3))
    output, square = lambda m, A: ops.matmul(A, m["w"]), lambda z, A: ops.mean(ops.square(z - 1))
    loss = lambda z, A: sizes.append(len(A)) or square(z, A)
    list(hessian_free({"w": np.zeros(3)}, output, loss, (A,), steps=1, chunks=chunks))
    parts = [size for size in sizes if size < rows]
    assert (len(parts), sum(parts)) == (chunks, rows)
    assert max(parts) - min(parts) <= 1


def test_a_step_to_where_the_loss_is_no_number_is_shortened():
    """z − log z from z = 3: Newton's step of −6 leads below 0, half of it does not."""
    loss = lambda z, x: ops.mean(z - ops.log(z))
    with np.errstate(invalid="ignore"):
        start, end = hessian_free(
            {"w": np.array(3.0)}, lambda m, x: x * m["w"], loss, (np.ones(2),), steps=1, chunks=2, damping=0.0
        )
    assert 0 < end.model["w"] < 3
    assert end.loss < start.loss


@pytest.mark.parametrize(
    ("values", "best"), [([np.nan, 2.0], 2.0), ([1.0, np.nan], 1.0), ([1.0, np.nan, np.nan], 1.0), ([1.0, 2.0], 1.0)]
)
def test_going_back_ends_at_no_iterate_whose_loss_is_no_number(values, best):
    problem = SimpleNamespace(value=lambda theta: values[int(theta[0])])
    candidates = [np.array([i]) for i in range(len(values))]
    assert _best(problem, np.array([0]), candidates)[1] == best


def test_a_start_whose_loss_is_no_number_is_refused():
    steps = hessian_free(MODEL, OUTPUT, lambda z, x: LOSS(z, x) + np.inf, (X,), steps=1, chunks=7)
    with pytest.raises(ValueError, match="the loss at the start is inf"):
        next(steps)


def test_floats_are_leaves_and_numpys_numbers_do_not_widen_float32():
    output, loss = (lambda m, x: x * m["w"]), (lambda z, x: ops.mean(ops.square(z - 1)))
    x = np.linspace(1, 2, 4)
    ends = [list(hessian_free({"w": w}, output, loss, (x,), steps=2, chunks=2))[-1] for w in (0.5, np.array(0.5))]
    assert ends[0].model["w"] == ends[1].model["w"] != 0.5
    model = {"w": np.float32([0.5])}
    for number in (float, np.float64):
        settings = {"steps": 2, "chunks": 2, "damping": number(1.0), "weight_decay": number(0.1)}
        *_, end = hessian_free(model, output, loss, (x.astype(np.float32),), **settings)
        assert end.model["w"].dtype == np.float32


def test_a_sparse_start_has_fifteen_links_a_unit():
    model = sparse_start((40, 20, 3), np.random.default_rng(0))
    into = [*model.encoder.weights, *(V.T for V in model.decoder_weights)]  # the rows are what a unit is fed by
    assert [W.shape for W in into] == [(20, 40), (3, 20), (40, 20), (20, 3)]
    assert [set((W != 0).sum(axis=1)) for W in into] == [{15}, {15}, {15}, {3}]
    entries = np.concatenate([W[W != 0] for W in into])
    assert abs(entries.mean()) < 0.1
    assert abs(entries.std() - 1) < 0.1
