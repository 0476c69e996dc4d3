"""What every function of `td.exact` promises, in loops over all of them: data, budgets, threads, documentation."""

import inspect
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

import tinygrad_dbn as td
from tests import quantities
from tests.comparing import leaves
from tests.quantities import ENUMERATING, ON_ROWS, OTHERS, RBM_ONLY, WITHOUT_ROWS
from tests.random_models import random_rbm, rows, untied_dbn
from tests.running import THREADS, python
from tinygrad_dbn import exact
from tinygrad_dbn.autodiff.numbers.rational import Exact
from tinygrad_dbn.autodiff.numbers.symbolic import Symbolic
from tinygrad_dbn.exact import budget, costs
from tinygrad_dbn.exact.sums import float64, matrices

DBN, RBM, X = untied_dbn(4, 3, 3, 2), random_rbm(4, 3), rows(4, 7)
CALLS = {**ENUMERATING, **ON_ROWS}


def test_no_public_name_is_missing_from_these_loops():
    assert sorted([*CALLS, *OTHERS]) == sorted(exact.__all__)
    assert not set(CALLS) & set(OTHERS)
    for name, reason in OTHERS.items():
        assert reason
        assert not inspect.isfunction(getattr(exact, name)) or name == "certified"


# ---- Data: right, or refused -----------------------------------------------------------------------------------------

SAME = {
    "a list": lambda: X.tolist(),
    "lists of arrays": lambda: [*X],
    "booleans": lambda: X.astype(bool),
    "int8": lambda: X.astype(np.int8),
    "uint64": lambda: X.astype(np.uint64),
    "float16": lambda: X.astype(np.float16),
    "longdouble": lambda: X.astype(np.longdouble),
    "big-endian": lambda: X.astype(">f8"),
    "big-endian integers": lambda: X.astype(">i4"),
    "columns first": lambda: np.asfortranarray(X),
    "reversed twice": lambda: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda: np.frombuffer(X.tobytes()).reshape(X.shape),
    "a matrix": lambda: np.asmatrix(X),
    "objects that are integers": lambda: X.astype(int).astype(object),
    "objects of several kinds": lambda: np.array(
        [[Fraction(int(x)) if x else False for x in row] for row in X], object
    ),
    "masked, but nothing is": lambda: np.ma.masked_array(X, mask=np.zeros(X.shape, bool)),
    "a data frame": lambda: Frame(X),
}


class Frame:
    """What pandas gives: no array, but it makes one, of objects where its columns differ."""

    def __init__(self, values):
        self.values, self.shape, self.ndim = values, values.shape, 2

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(object if dtype is None else dtype)


REFUSED = {
    "objects that are no bits": (lambda: np.full(X.shape, 2, object), r"\[0, 0\] is 2: the model is over \{0, 1\}"),
    "primes": (lambda: np.array([[2, 3, 5, 7]], object), r"is 2: the model is over \{0, 1\}"),
    "a half": (lambda: np.full(X.shape, 0.5, np.float16), r"is 0\.5: the model is over"),
    "a half, long": (lambda: np.full(X.shape, 0.5, np.longdouble), r"is 0\.5: the model is over"),
    "not a number": (lambda: np.full(X.shape, np.nan), "is nan: the model is over"),
    "nothing at all": (lambda: np.full(X.shape, None, object), "is None, of type NoneType, for a model of floats"),
    "symbols": (lambda: np.array([[Symbolic(1)] * 4], object), "of type Symbolic, for a model of floats"),
    "decimals": (lambda: np.array([[Decimal(1)] * 4], object), "of type Decimal, for a model of floats"),
    "complex": (lambda: X.astype(complex), r"complex128, not real numbers 0 and 1: convert it, for instance .*\.real"),
    "text": (lambda: X.astype(int).astype(str), "<U21, not numbers 0 and 1: convert it, for instance"),
    "bytes": (lambda: X.astype("S1"), r"\|S1, not numbers"),
    "dates": (lambda: X.astype("M8[s]"), "datetime64"),
    "masked": (
        lambda: np.ma.masked_array(X, mask=X == 1),
        r"\[\d, \d\] is masked, one of \d+: .* Write .*\.filled\(0\)",
    ),
    "sparse": (lambda: scipy.sparse.csr_matrix(X), r"sparse csr_matrix: write .*\.toarray\(\)"),
    "a sparse array": (lambda: scipy.sparse.coo_array(X), r"sparse coo_array: write .*\.toarray\(\)"),
    "ragged": (lambda: [[0.0, 1, 0, 1], [1.0]], "no array .* rows of one length"),
    "Tensors in a list": (lambda: [[td.Tensor(0.0)] * 4], r"Tensor.*td\.ops\.stack"),
    "a Tensor that is no bits": (lambda: td.Tensor(X + 0.5), r"is [01]\.5: the model is over"),
    "one row": (lambda: X[0], r"One example: x\[None\]"),
    "no rows": (lambda: X[:0], "empty batch"),
    "None": (lambda: None, r"has shape \(\)"),
}
ON_DATA = sorted(set(CALLS) - WITHOUT_ROWS)


@pytest.mark.parametrize("given", SAME)
@pytest.mark.parametrize("name", ON_DATA)
def test_what_holds_the_same_rows_gives_the_same_bits(name, given):
    for mine, theirs in zip(
        leaves(CALLS[name](DBN, RBM, SAME[given]())), leaves(CALLS[name](DBN, RBM, X)), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("given", REFUSED)
@pytest.mark.parametrize("name", ON_DATA)
def test_other_data_is_refused_with_what_to_write(name, given):
    if (name, given) in {("expected_sleep", "None"), ("posterior", "one row")}:
        return  # X=None means dreams of the model's own; x may be a single example
    make, words = REFUSED[given]
    call = CALLS[name] if name != "log_joint" else lambda d, r, X: exact.log_joint(d, X, *quantities.layers_of(d, 1))
    with pytest.raises(ValueError, match=words):
        call(DBN, RBM, make())


@pytest.mark.parametrize("given", REFUSED)
def test_the_other_arrays_that_are_taken_have_the_same_gate(given):
    """Every layer of `log_joint`, the start of a chain, one example of `posterior`."""
    if given in ("None", "one row", "no rows"):
        return
    make, words = REFUSED[given]
    with pytest.raises(ValueError, match=words):
        exact.log_joint(RBM.transposed(), X[:1, :3], make())
    with pytest.raises(ValueError, match=words):
        exact.annealed_backwards(RBM, 7, [0, 1], quantities.rng(), start=make())


def test_objects_stay_where_the_model_is_made_of_them():
    one = Exact.log_of(Fraction(3, 2))
    model = td.RBM(np.full((1, 2), one, object), np.full(2, one, object), np.full(1, one, object))
    found = exact.log_likelihood(model, np.array([[Exact(0), Exact(1)], [1, 0]], object))
    assert found[0] == found[1]
    with pytest.raises(ValueError, match=r"X\[0, 1\] is Exact\(2\): the model is over"):
        exact.log_likelihood(model, np.array([[Exact(0), Exact(2)]], object))
    with pytest.raises(ValueError, match=r"X\[0, 0\] is 3: the model is over"):
        exact.log_likelihood(model, np.array([[3, 0]], object))


Q = np.full((1, 8), 0.125)


@pytest.mark.parametrize("q", [
    Q * 1j, Q.astype(str), Q.astype(str).astype(object), np.full((1, 8), None),
    scipy.sparse.csr_matrix(Q), np.ma.masked_array(Q, True), Q * np.nan,
])  # fmt: skip
def test_tables_q_have_a_gate_too(q):
    for f in (exact.bound, exact.audit):
        with pytest.raises(ValueError, match="q"):
            f(DBN, X[:1], q)


def test_tables_q_of_other_widths():
    for same in (Q.tolist(), Q.astype(np.float16), Q.astype(np.longdouble), Q.astype(">f8"), Q.astype(object)):
        np.testing.assert_array_equal(exact.bound(DBN, X[:1], same), exact.bound(DBN, X[:1], Q))


@pytest.mark.parametrize(
    "units", [[0.7], [True, False, False, True], ["a"], [0j], [None], np.ma.masked_array([0], mask=[1])]
)
def test_units_are_named_by_integers(units):
    with pytest.raises(ValueError, match="given"):
        exact.conditional_likelihood(DBN, X, units)


# ---- Budgets: nothing starts that is not paid for --------------------------------------------------------------------


@pytest.mark.parametrize("name", ENUMERATING)
@pytest.mark.parametrize("limit", ["max_seconds", "max_bytes"])
def test_every_quantity_has_a_budget(name, limit, monkeypatch):
    if (name, limit) == ("states", "max_seconds"):
        return  # a table, and nothing that takes time
    assert limit in inspect.signature(getattr(exact, name)).parameters

    def fail(*_, **__):
        raise AssertionError("something was started")

    for owner, started in ((float64, "sum_chunk"), (matrices, "mixture"), (matrices, "log_weights")):
        monkeypatch.setattr(owner, started, fail)
    with pytest.raises(exact.TooLarge, match=rf"{name}.* or pass {limit}=") as refused:
        ENUMERATING[name](DBN, RBM, X, **{limit: 1e-12})
    assert refused.value.cost.seconds >= 0


WIDE = random_rbm(1200, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: exact.entropy(WIDE),
        lambda: exact.log_marginal(WIDE, 0),
        lambda: exact.unit_means(WIDE, 0),
        lambda: exact.fisher_information(WIDE),
        lambda: exact.expected_cd(WIDE, rows(1200, 2)),
        lambda: exact.expected_pcd(WIDE, rows(1200, 2)),
    ],
)
def test_a_refusal_names_the_layer_whose_states_are_too_many(call):
    with pytest.raises(exact.TooLarge, match=r"sums over 2\^1200 states"):
        call()


@pytest.mark.parametrize("name", ENUMERATING)
def test_what_a_budget_allows_is_computed(name):
    """Quantities are made of others, whose budgets are not asked again."""
    unlimited = {"max_seconds": np.inf, "max_bytes": np.inf}
    for mine, theirs in zip(
        leaves(ENUMERATING[name](DBN, RBM, X, **unlimited)), leaves(ENUMERATING[name](DBN, RBM, X)), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "call",
    [
        # Each ran, or ran out of memory, when a budget knew the prior's cost alone.
        lambda: exact.audit(untied_dbn(64, 27, 10), rows(64, 1797)),
        lambda: exact.posterior(untied_dbn(64, 20, 10), rows(64, 1797)),
        lambda: exact.best_factorial(untied_dbn(64, 20, 10), rows(64, 1797), quantities.rng()),
        lambda: exact.log_aggregated_posterior(untied_dbn(64, 26, 4), rows(64, 1797)),
        lambda: exact.expected_cd(random_rbm(20, 20), rows(20, 5)),
        lambda: exact.states(26),
        lambda: td.grad(lambda m: exact.log_partition(m))(random_rbm(24, 24)),
        lambda: exact.certified(exact.log_partition, random_rbm(24, 24)),
    ],
)
def test_what_was_begun_and_never_ended_is_refused(call):
    with pytest.raises(exact.TooLarge, match="the budget is"):
        call()


def differentiated(f):
    return lambda model, **budget: td.grad(lambda m: f(m, **budget))(model)


TRACED = {
    "log_partition": (differentiated(exact.log_partition), random_rbm(12, 200)),
    "log_likelihood": (differentiated(lambda m, **k: exact.log_likelihood(m, rows(12, 300), **k).mean()), None),
    "bound": (differentiated(lambda m, **k: exact.bound(m, rows(12, 300), **k).mean()), None),
    "deep_bound": (differentiated(lambda m, **k: exact.deep_bound(m, rows(12, 300), **k).mean()), None),
    "entropy": (differentiated(lambda m, **k: exact.entropy(m, 1, **k)), None),
    "posterior": (differentiated(lambda m, **k: exact.posterior(m, rows(12, 300), **k)[0, 0]), None),
}


@pytest.mark.parametrize("cores", [1, 2])
def test_seconds_of_products_of_odds_are_predicted(cores, monkeypatch):
    """On every core a factor for each of 64 units and eight around them; on one a logarithm and an exponential."""
    monkeypatch.setattr(budget, "cores", lambda: cores)
    factors = 2.0**20 * (64 + 8) * budget.SECONDS_PER_FACTOR / cores
    logarithms = 2.0**20 * 2 * budget.SECONDS_PER_EXP
    assert costs.log_weights(20, 64).seconds == pytest.approx(factors + logarithms)
    assert costs.moments(20, 64).seconds == pytest.approx(4 * factors)


@pytest.mark.parametrize("name", TRACED)
def test_bytes_of_a_graph_are_predicted(name):
    """In a trace the sums are made of ops, and everything is kept for the way back."""
    f, model = TRACED[name]
    assert_bytes(lambda **k: f(model or untied_dbn(12, 10, 8, 5), **k))


def assert_bytes(call):
    with pytest.raises(exact.TooLarge) as refused:
        call(max_bytes=0)
    held = refused.value.cost.held
    if held > 1e8:
        return
    call()  # what is imported and compiled once is not counted
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if peak > 1e6:  # below, a few kilobytes of Python's own decide
        assert 0.5 < held / peak < 2, (held, peak)


def test_the_bytes_of_a_table_of_states_are_known():
    with pytest.raises(exact.TooLarge) as refused:
        exact.states(16, max_bytes=0)
    tracemalloc.start()
    exact.states(16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.cost.held == pytest.approx(peak, rel=0.01)


MIDDLING = [
    (untied_dbn(24, 13, 8), random_rbm(12, 11), 200),
    (untied_dbn(16, 10, 9, 8), random_rbm(10, 9), 1000),
    (untied_dbn(8, 16, 7), random_rbm(11, 9), 5),
]


@pytest.mark.parametrize("name", sorted(set(ENUMERATING) - {"best_factorial"}))
def test_bytes_are_predicted(name, monkeypatch):
    """Peak of all arrays beside the prediction; on one thread, so that no chance decides how many are there at once."""
    monkeypatch.setattr(budget, "cores", lambda: 1)
    for dbn, rbm, count in MIDDLING:
        data = rows(rbm.W.shape[1] if name in RBM_ONLY else dbn.sizes[0], count)
        assert_bytes(lambda dbn=dbn, rbm=rbm, data=data, **k: ENUMERATING[name](dbn, rbm, data, **k))


@pytest.mark.parametrize(
    "name", ["audit", "conditional_likelihood", "dbm_log_likelihood", "gradient", "log_likelihood", "posterior"]
)
def test_bytes_are_predicted_where_the_examples_take_most_of_them(name, monkeypatch):
    monkeypatch.setattr(budget, "cores", lambda: 1)
    dbn, rbm, data = untied_dbn(6, 5, 4), random_rbm(6, 5), rows(6, 20_000)
    for one in (dbn, td.DBN((), rbm)) if name == "gradient" else (dbn,):
        assert_bytes(lambda one=one, **k: ENUMERATING[name](one, rbm, data, **k))


# ---- Threads: the same bits on any number of them --------------------------------------------------------------------

HASHES = """
    import hashlib, sys
    from tests.test_exact_all import *
    cores = int(sys.argv[1])
    budget.cores = lambda: cores
    dbn, rbm, large = untied_dbn(13, 8, 10, 7), random_rbm(13, 9), random_rbm(300, 200)
    for name, f in CALLS.items():
        data = rows(rbm.W.shape[1] if name in RBM_ONLY else dbn.sizes[0], 701)  # BLAS cuts odd sizes elsewhere
        found = leaves(f(dbn, large if name == "compare" else rbm, data))
        bits = b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in found)
        print(name, hashlib.sha256(bits).hexdigest(), len(bits))
"""


def test_same_bits_for_any_number_of_threads():
    outputs = [python(HASHES, n, **dict.fromkeys(THREADS, n)).splitlines() for n in ("1", "3")]
    assert [line.split()[0] for line in outputs[0]] == list(CALLS)
    for first, other in zip(*outputs, strict=True):
        assert other == first
        assert int(first.split()[2]) > 0
    assert len({line.split()[1] for line in outputs[0]}) > 25  # not one and the same hash of nothing


# ---- Models ----------------------------------------------------------------------------------------------------------


NO_MODEL = {"base_rates", "check_optimum", "compare", "data_entropy", "optimum", "states"}


@pytest.mark.parametrize("name", sorted(set(CALLS) - NO_MODEL))
def test_other_models_are_refused_by_what_they_are(name):
    of_a_dbm = name in ("dbm_gradient", "dbm_log_likelihood", "mean_field")
    net, dbm = td.FeedForward.init((4, 3, 2), 0), quantities.as_dbm(DBN)
    others = {"bound_gain": lambda model, _, X: exact.bound_gain(model, DBN, X)}  # its call makes a model of the model
    if of_a_dbm:
        others[name] = lambda model, _, X: getattr(exact, name)(model, X)
    call = {**CALLS, **others}[name]
    with pytest.raises(TypeError, match=r"this takes an? .*, not FeedForward"):
        call(net, net, X)
    if of_a_dbm:
        with pytest.raises(TypeError, match="this takes a DBM, not DBN"):
            call(DBN, RBM, X)
    else:
        with pytest.raises(TypeError, match="not DBM; of a DBM there are dbm_log_likelihood"):
            call(dbm, dbm, X)
    taken = next(iter(inspect.signature(getattr(exact, name)).parameters))
    other = {"dbn": RBM, "rbm": DBN}.get(taken)  # those named `model` take both
    if other is not None:
        with pytest.raises(TypeError, match=f"this takes an? {taken.upper()}, not {type(other).__name__}: "):
            call(other, other, X)


def test_what_would_do_instead_is_named():
    with pytest.raises(TypeError, match=r"this takes an RBM, not DBN: its top RBM is dbn\.top"):
        exact.log_partition(DBN)
    with pytest.raises(TypeError, match=r"not RBM: DBN\.from_tied\(rbm\) has the same"):
        exact.expected_sleep(RBM)


# ---- Whole numbers ---------------------------------------------------------------------------------------------------

WHOLE = {
    "annealed chains": lambda n: exact.annealed(RBM, n, [0, 0.5, 1], quantities.rng()),
    "annealed_backwards chains": lambda n: exact.annealed_backwards(RBM, n, [0, 0.5, 1], quantities.rng()),
    "best_factorial starts": lambda n: exact.best_factorial(DBN, X, quantities.rng(), n),
    "best_factorial sweeps": lambda n: exact.best_factorial(DBN, X, quantities.rng(), 2, sweeps=n),
    "compare worst": lambda n: exact.compare(RBM, RBM, n),
    "entropy layer": lambda n: exact.entropy(DBN, n),
    "expected_cd k": lambda n: exact.expected_cd(RBM, X, n),
    "expected_sleep k": lambda n: exact.expected_sleep(DBN, X, n),
    "expected_wake k": lambda n: exact.expected_wake(DBN, X, n),
    "log_class classes": lambda n: exact.log_class(DBN, X, n),
    "log_marginal layer": lambda n: exact.log_marginal(DBN, n),
    "mean_field sweeps": lambda n: exact.mean_field(quantities.as_dbm(DBN), X, n),
    "sample count": lambda n: exact.sample(DBN, n, quantities.rng()),
    "states n": exact.states,
    "unit_means layer": lambda n: exact.unit_means(DBN, n),
}


@pytest.mark.parametrize("argument", WHOLE)
def test_whole_numbers_are_whole(argument):
    call = WHOLE[argument]
    call(np.int64(2))
    for wrong in (-1, 2.0, 1.5, True, "2", np.nan, np.array([2])):
        with pytest.raises(ValueError, match=rf"{argument.split()[1]}=.*write a whole number from \d"):
            call(wrong)


def test_every_whole_number_is_tried():
    """Every argument of td.exact that its signature calls an int."""
    found = {
        f"{name} {parameter.name}"
        for name in exact.__all__
        if callable(getattr(exact, name)) and not isinstance(getattr(exact, name), type)
        for parameter in inspect.signature(getattr(exact, name)).parameters.values()
        if parameter.annotation in (int, int | None)
    }
    assert found == set(WHOLE)
