"""Supervised training: descents that repeat, optimisers that do what their papers say, dropout, early stopping."""

import copy
import inspect
import pickle
from dataclasses import fields

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import assert_close, leaves, same_bits
from tinygrad_dbn import learning, ops
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.learning import descent, supervised
from tinygrad_dbn.learning.descent import descend
from tinygrad_dbn.learning.supervised import bounded
from tinygrad_dbn.models.autoencoder import as_width

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))
Y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
TRAIN, VALID = (X[:60], Y[:60]), (X[60:], Y[60:])
NET = td.FeedForward.init((5, 8, 3), np.random.default_rng(1))


# ---- What is compiled ------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch):
    """The sizes of the batches whose steps went to the compiler, in their order; nothing is compiled."""
    sizes = []

    def compiled(step):
        def run(model, state, rate, decay, x, *rest):
            sizes.append(len(x))
            return step(model, state, rate, decay, x, *rest)

        return run

    monkeypatch.setattr(descent, "compiled", compiled)
    return sizes


@pytest.mark.compiled
def test_a_step_is_compiled_once_there_were_many_of_its_size(machine, monkeypatch):
    """15 rows in batches of 4: three whole batches and one of 3 in every epoch."""
    monkeypatch.setattr(descent, "OFTEN", 5)
    data, settings = (X[:15], Y[:15]), {"batch": 4, "seed": 0}
    learning.fit(NET, data, epochs=1, **settings)
    assert machine == []
    whole = learning.fit(NET, data, epochs=7, **settings)
    assert machine == [4] + [4, 4, 4] * 3 + [4, 4, 4, 3] * 2
    expected = list(machine)
    for pause in (1, 2, 6):  # a training goes on as if it had not stopped
        machine.clear()
        start = learning.fit(NET, data, epochs=pause, **settings)
        assert same_bits(learning.fit(NET, data, epochs=7, start=start, **settings).model, whole.model)
        assert machine == expected


@pytest.mark.compiled
def test_whether_steps_are_compiled_can_be_said(machine):
    data, settings = (X[:6], Y[:6]), {"epochs": 1, "batch": 4}
    embedding = lambda **given: learning.EmbeddingModule(neighbours=2, **given)
    dbn = td.DBN.from_rbms([td.RBM.init(5, 2, RNG), td.RBM.init(2, 2, RNG)])
    runs = [
        lambda c, kind=kind: kind(**settings, compile=c).train(np.abs(X[:6]) / 4, 2, seed=0)
        for kind in (learning.RBMModule, learning.AutoencoderModule, learning.SparseModule, embedding)
    ]
    runs.append(lambda c: learning.fit(NET, data, **settings, compile=c))
    runs.append(lambda c: list(learning.up_down(dbn, X[:6] > 0, **settings, seed=0, compile=c)))
    for run in runs:
        for said, sizes in ((None, []), (False, []), (True, [4, 2])):
            run(said)
            assert machine == sizes
            with learning.uncompiled():
                run(said)
            assert machine == sizes * 2
            machine.clear()


@pytest.mark.compiled
def test_a_descent_is_compiled_as_was_said_where_it_was_called(machine):
    settings = {"epochs": 1, "batch": 4, "seed": 0}
    loss, optimiser = (lambda net, x, y: ops.mean(net.nll(x, y))), learning.sgd(0.1)
    step = descent.stepping(loss, optimiser)
    for call in (
        lambda: descend(NET, (X[:6], Y[:6]), loss, optimiser, **settings),
        lambda: descent.walk(NET, (X[:6], Y[:6]), step, optimiser, **settings),
    ):
        for always, sizes in ((True, [4, 2]), (False, [])):
            machine.clear()
            with learning.compiling(always):
                stages = call()
            list(stages)
            assert machine == sizes


# ---- Optimisers ------------------------------------------------------------------------------------------------------


def quadratic(model, x):
    return ops.mean(ops.sum(ops.square(model["w"] - x), axis=-1)) / 2


@pytest.mark.parametrize("optimiser", [learning.sgd(0.3), learning.momentum(0.1), learning.adam(0.05)])
def test_every_optimiser_finds_the_minimum(optimiser):
    *_, last = descend({"w": np.zeros(5)}, (X,), quadratic, optimiser, epochs=400, batch=90, seed=0)
    np.testing.assert_allclose(last.model["w"], X.mean(axis=0), atol=1e-6)


def test_adam_takes_the_steps_of_its_paper():
    optimiser, model = learning.adam(0.1, 0.8, 0.95, 1e-3), {"w": np.array([1.0, -2.0])}
    state, theta, m, v = optimiser.start(model), model["w"], 0.0, 0.0
    for t in range(1, 6):
        g = np.array([0.3, -4.0]) * t
        model, state = optimiser(model, state, {"w": -g})
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        theta = theta - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
        np.testing.assert_allclose(model["w"], theta, rtol=1e-12)


def test_adam_keeps_float32():
    model = {"w": np.ones(3, np.float32)}
    optimiser = learning.adam()
    model, state = optimiser(model, optimiser.start(model), {"w": np.ones(3, np.float32)})
    assert {leaf.dtype for leaf in leaves((model, state))} == {np.dtype(np.float32)}
    np.testing.assert_allclose(model["w"], 1.001, rtol=1e-6)


SETTINGS = {
    "sgd": lambda number: {"optimiser": learning.sgd(number(0.1))},
    "momentum": lambda number: {"optimiser": learning.momentum(number(0.1))},
    "momentum's decay": lambda number: {"optimiser": learning.momentum(0.1, number(0.5))},
    "adam": lambda number: {"optimiser": learning.adam(number(0.1), number(0.8), number(0.9), number(1e-3))},
    "schedule": lambda number: {"schedule": lambda epoch: number(0.5)},
    "weight_decay": lambda number: {"weight_decay": number(0.1)},
    "max_norm": lambda number: {"max_norm": number(0.3)},
    "dropout": lambda number: {"dropout": learning.Dropout(number(0.3))},
    "dropout of each layer": lambda number: {"dropout": learning.Dropout((number(0.3),))},
    "embedding": lambda number: {"embedding": learning.Embedding(X, number(0.5), margin=number(0.8))},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_number_of_numpys_is_as_good_as_pythons_and_does_not_widen_float32(name):
    net = as_width(NET, np.float32)
    plain, numpys = (
        learning.fit(net, TRAIN, epochs=2, batch=25, **SETTINGS[name](number)).descent for number in (float, np.float64)
    )
    assert {leaf.dtype for leaf in leaves((numpys.model, numpys.state))} == {np.dtype(np.float32)}
    assert same_bits(numpys, plain)


def test_floats_are_leaves_of_what_is_trained():
    for optimiser in (learning.sgd(0.1), learning.momentum(0.1), learning.adam(0.1)):
        of_float, of_array = (
            list(descend({"w": w}, (X,), quadratic, optimiser, epochs=2, batch=30, seed=0))[-1]
            for w in (0.5, np.array(0.5))
        )
        assert same_bits(of_float, of_array)


@pytest.mark.parametrize(
    "make",
    [
        lambda: learning.sgd(0.0),
        lambda: learning.momentum(0.1, 1.0),
        lambda: learning.adam(0.1, square_decay=1.0),
        lambda: learning.adam(0.1, epsilon=0.0),
        lambda: learning.hyperbolic(0),
        lambda: learning.linear(0),
        lambda: learning.exponential(1.1),
        lambda: learning.Dropout(1.0),
        lambda: learning.Dropout([0.5, np.nan]),
        lambda: learning.masking(-0.1),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match=r"positive|below 1|above 0|at least one"):
        make()


def test_schedules_scale_the_rate_epoch_by_epoch():
    assert [learning.hyperbolic(2)(e) for e in (1, 3, 5)] == [1, 1 / 2, 1 / 3]
    assert [learning.linear(4)(e) for e in range(1, 7)] == [1, 3 / 4, 1 / 2, 1 / 4, 0, 0]
    assert [learning.exponential(0.5)(e) for e in (1, 2, 3)] == [1, 0.5, 0.25]
    halved = list(
        descend({"w": np.zeros(5)}, (X,), quadratic, learning.sgd(1.0), epochs=2, batch=90, seed=0,
                schedule=learning.exponential(0.5))
    )  # fmt: skip
    mean = X.mean(axis=0)
    np.testing.assert_allclose(halved[1].model["w"], mean, rtol=1e-12)  # a full step of Newton's
    fixed = list(descend({"w": np.zeros(5)}, (X,), quadratic, learning.sgd(0.5), epochs=1, batch=90, seed=0))
    np.testing.assert_allclose(fixed[1].model["w"], mean / 2, rtol=1e-12)


# ---- Descents --------------------------------------------------------------------------------------------------------


def test_one_epoch_is_what_a_plain_loop_does():
    loss = lambda net, x, y: ops.mean(net.nll(x, y))
    start, end = descend(NET, TRAIN, loss, learning.sgd(0.2), epochs=1, batch=25, seed=4, weight_decay=0.01)
    assert np.isnan(start.loss)
    net, total = NET, 0.0
    order = np.random.default_rng([4, 1]).permutation(60)
    for i in range(0, 60, 25):
        x, y = TRAIN[0][order[i : i + 25]], TRAIN[1][order[i : i + 25]]
        value, g = td.value_and_grad(loss)(net, x, y)
        total += value * len(x)
        net = tree_map(lambda p, g: p - 0.2 * (g + 0.01 * p * (p.ndim == 2)), net, g)
    assert end.loss == pytest.approx(total / 60, rel=1e-12)
    assert_close(end.model, net, rtol=1e-11)


def test_nothing_decays_unless_it_is_asked_for():
    named = {name: getattr(learning, name) for name in learning.__all__}
    defaults = {
        name: inspect.signature(f).parameters["weight_decay"].default
        for name, f in named.items()
        if (inspect.isfunction(f) or inspect.isclass(f)) and "weight_decay" in inspect.signature(f).parameters
    }
    assert defaults.keys() >= {"descend", "fit", "hessian_free", "AutoencoderModule", "RBMModule"}
    assert set(defaults.values()) == {0}


def test_a_descent_goes_on_from_anywhere_to_the_same_bits():
    settings = {"epochs": 4, "batch": 16, "seed": 2, "dropout": learning.Dropout(0.2), "optimiser": learning.adam()}
    seen = []
    whole = learning.fit(NET, TRAIN, VALID, watch=seen.append, **settings)
    assert len(seen) == 5
    for middle in seen[:-1]:
        again = learning.fit(NET, TRAIN, VALID, start=middle, **settings)
        assert same_bits(again, whole)
        assert again.history == whole.history


def test_a_fit_survives_being_saved(tmp_path):
    settings = {"batch": 16, "seed": 2}
    learning.fit(NET, TRAIN, VALID, epochs=2, watch=lambda f: td.save(tmp_path / "fit", f), **settings)
    resumed = learning.fit(NET, TRAIN, VALID, epochs=3, start=td.load(tmp_path / "fit"), **settings)
    assert same_bits(resumed, learning.fit(NET, TRAIN, VALID, epochs=3, **settings))


def test_divergence_names_the_epoch_and_what_to_lower_and_keeps_the_last_good_model():
    said = r"diverged in epoch \d+: .* is \['w'\], of shape \(5,\); lower the rate"
    with pytest.raises(learning.Diverged, match=said) as e:
        list(descend({"w": np.ones(5)}, (X,), quadratic, learning.sgd(1e60), epochs=9, batch=90, seed=0))
    assert e.value.last.epoch >= 1
    assert np.isfinite(e.value.last.model["w"]).all()


def test_what_diverged_can_leave_its_process():
    last = descent.Descent({"w": np.ones(2)}, (), 3, 0.5)
    error = learning.Diverged("in epoch 4", last)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(again), str(again), again.last.epoch) == (learning.Diverged, "in epoch 4", 3)
        assert same_bits(again.last, last)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": -1}, "epochs=-1: write a whole number from 0"),
        ({"epochs": 2.5}, r"epochs=2\.5"),
        ({"batch": 0}, "batch=0: write a whole number from 1"),
        ({"batch": 2.5}, r"batch=2\.5"),
        ({"weight_decay": -0.1}, r"weight_decay=-0\.1: write a finite number of at least 0"),
        ({"weight_decay": np.nan}, "weight_decay=nan"),
        ({"max_norm": 0}, "max_norm=0: write a finite number above 0"),
        ({"max_norm": -1.0}, r"max_norm=-1\.0"),
        ({"max_norm": np.nan}, "max_norm=nan"),
        ({"max_norm": np.inf}, "max_norm=inf"),
        ({"patience": 0}, "patience=0: write a whole number from 1"),
        ({"patience": -1}, "patience=-1"),
        ({"patience": 1.5}, r"patience=1\.5"),
        ({"patience": 1, "least": -1}, "least=-1"),
        ({"patience": 3, "valid": None}, "patience=3 without validation: give `valid`"),
        ({"least": 3}, "least=3 without patience"),
    ],
)
def test_settings_of_a_training_that_make_no_sense_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        learning.fit(NET, TRAIN, **{"valid": VALID, "epochs": 1, **change})
    if change.keys() <= {"epochs", "batch", "weight_decay"}:  # those of every descent, which is not iterated here
        settings = {"epochs": 1, "batch": 9, "seed": 0, **change}
        with pytest.raises(ValueError, match=words):
            descend({"w": np.zeros(5)}, (X,), quadratic, learning.sgd(0.1), **settings)


# ---- fit -------------------------------------------------------------------------------------------------------------


def test_fit_learns_and_keeps_the_best_model():
    fit = learning.fit(NET, TRAIN, VALID, epochs=200, batch=10)
    assert fit.history[-1].loss < 0.5 * fit.history[1].loss
    assert fit.history[-1].train_error < 0.1 < fit.history[0].train_error
    losses = [line.valid_nll for line in fit.history]
    assert fit.best_epoch == int(np.argmin(losses))
    assert learning.error_rate(fit.model, *VALID) == fit.best.valid_error
    assert np.mean(fit.model.nll(*VALID)) == pytest.approx(min(losses), rel=1e-12)


def test_of_equal_errors_the_lower_nll_is_kept():
    """Errors stay while the nll falls: the first epoch has the fewest errors, a later one the better model."""
    fit = learning.fit(NET, TRAIN, (VALID[0][:4], VALID[1][:4]), epochs=60, batch=10)
    equal = [line for line in fit.history if line.valid_error == fit.best.valid_error]
    assert equal[0].epoch < fit.best_epoch
    assert fit.best.valid_nll == min(line.valid_nll for line in equal) < equal[0].valid_nll


def test_patience_stops_after_so_many_epochs_without_a_better_model_but_not_before_the_least():
    fit = learning.fit(NET, TRAIN, VALID, epochs=500, batch=10, patience=3)
    assert len(fit.history) - 1 == fit.best_epoch + 3 < 300
    longer = learning.fit(NET, TRAIN, VALID, epochs=500, batch=10, patience=3, least=300)
    assert len(longer.history) - 1 == 300 > longer.best_epoch + 3
    for more in ({"epochs": 500, "patience": 3}, {"epochs": 3}):  # by patience, by epochs: both are over
        assert learning.fit(NET, TRAIN, VALID, batch=10, start=fit, **more) is fit


@pytest.mark.parametrize(
    ("nlls", "best"), [([0.5, np.nan, 0.4, np.nan], 2), ([np.nan, 0.9, np.nan], 1), ([np.nan] * 4, 0)]
)
def test_a_model_that_cannot_be_judged_is_not_a_better_one(monkeypatch, nlls, best):
    given = iter([*nlls, *[np.nan] * 9])
    monkeypatch.setattr(supervised, "scores", lambda *examples: (0.5, next(given)))
    fit = learning.fit(NET, TRAIN, VALID, epochs=9, batch=60, patience=2)
    assert (fit.best_epoch, fit.descent.epoch) == (best, best + 2)


def test_without_validation_the_model_is_the_latest():
    fit = learning.fit(NET, TRAIN, epochs=2)
    assert fit.best_epoch == 2
    assert np.isnan([fit.best.valid_error, fit.best.valid_nll]).all()
    assert same_bits(fit.model, fit.descent.model)


def test_error_rate_counts_mistakes_and_gives_ties_to_the_lower_class():
    net = td.FeedForward((np.eye(3),), (np.zeros(3),))
    assert learning.error_rate(net, np.array([[1.0, 0, 0], [0, 0, 1], [1, 1, 0]]), np.array([0, 1, 0])) == 1 / 3


def test_max_norm_shortens_the_long_rows_only():
    rows = np.array([[3.0, 4.0], [0.3, 0.4]])
    short = bounded(td.FeedForward((rows,), (np.array([9.0, 9.0]),)), 1.0)
    np.testing.assert_allclose(short.weights[0], [[0.6, 0.8], [0.3, 0.4]], rtol=1e-15)
    np.testing.assert_array_equal(short.biases[0], [9, 9])
    fit = learning.fit(NET, TRAIN, epochs=5, max_norm=0.5)
    assert max(np.linalg.norm(W, axis=1).max() for W in fit.model.weights) <= 0.5 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X[:, :4], Y), "a net of 5 inputs wants"),
        ((X, Y[:5]), "a net of 5 inputs wants"),
        ((X, Y.astype(float)), "of integers"),
        ((X, Y + 1), "outputs 0 to 2"),
        ((X, Y[:, None]), "a net of 5 inputs wants"),
        ((X * np.nan, Y), "NaN"),
        ((X[:0], Y[:0]), "T at least 1"),
    ],
)
def test_data_that_does_not_fit_the_net_is_refused(given, message):
    for call in (
        lambda: learning.fit(NET, given, epochs=1),
        lambda: learning.fit(NET, TRAIN, given, epochs=1),
        lambda: learning.error_rate(NET, *given),
        lambda: learning.layer_gradients(NET, given),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("given", [X, X[:2], (X, Y, Y)])
def test_examples_without_their_classes_are_refused(given):
    with pytest.raises(ValueError, match=r"X \(T, D\) and their classes y \(T,\), not .*: write \(X, y\)"):
        learning.fit(NET, given)


# ---- Dropout ---------------------------------------------------------------------------------------------------------


def test_masks_have_their_rates_and_their_expectation():
    net = td.FeedForward.init((2, 300, 200, 2), np.random.default_rng(0))
    for inverted in (False, True):
        dropout = learning.Dropout((0.2, 0.7), inverted)
        masks = dropout.draw(net, 400, np.random.default_rng(0))
        kept = [m != 0 for m in masks]
        np.testing.assert_allclose([k.mean() for k in kept], [0.8, 0.3], atol=0.01)
        for mask, p in zip(masks, (0.2, 0.7), strict=True):
            assert set(np.unique(mask)) == {0.0, 1 / (1 - p) if inverted else 1.0}
        expected = dropout.expected(net)
        if inverted:
            assert expected is None
        else:
            np.testing.assert_allclose([m[0] for m in expected], [0.8, 0.3])
    for rates in ((0.2, 0.7), [0.2, 0.7], np.array([0.2, 0.7])):
        assert learning.Dropout(rates) == learning.Dropout((0.2, 0.7))
        with pytest.raises(ValueError, match="2 rates for 1 hidden"):
            learning.Dropout(rates).rates(NET)


def test_the_errors_of_a_training_with_dropout_are_those_of_the_test_time_network():
    """Logits 2 h and 3/2, and h = 1: with the mask 1 − p = 1/2 the second class wins, without it the first."""
    net = td.FeedForward((np.zeros((1, 1)), np.array([[2.0], [0.0]])), (np.full(1, 40.0), np.array([0.0, 1.5])))
    examples = np.zeros((4, 1)), np.array([1, 1, 1, 0])
    for dropout, error in ((learning.Dropout(0.5), 1 / 4), (learning.Dropout(0.5, inverted=True), 3 / 4)):
        (line,) = learning.fit(net, examples, examples, epochs=0, dropout=dropout).history
        assert (line.train_error, line.valid_error) == (error, error)
        assert learning.error_rate(net, *examples, dropout.expected(net)) == error


def test_a_training_that_counts_no_training_errors_is_the_same_training():
    counted, not_counted = (
        learning.fit(NET, TRAIN, TRAIN, epochs=2, seed=0, train_errors=train_errors) for train_errors in (True, False)
    )
    for line, other in zip(counted.history, not_counted.history, strict=True):
        assert np.isnan(other.train_error)
        assert line.train_error == line.valid_error == other.valid_error
        np.testing.assert_equal((line.loss, line.valid_nll), (other.loss, other.valid_nll))
    np.testing.assert_array_equal(counted.model.weights[0], not_counted.model.weights[0])


def test_a_net_without_softmax_is_refused_before_it_is_trained():
    net = td.FeedForward(NET.weights, NET.biases, output="linear")
    with pytest.raises(ValueError, match="needs output='softmax'"):
        learning.fit(net, TRAIN, epochs=0)


def test_classical_and_inverted_dropout_are_one_training_up_to_a_scaling():
    """Inverted masks with weights W are classical masks with weights W / (1 − p) above them (claim E3)."""
    p, net = 0.5, NET
    scaled = td.FeedForward((net.weights[0], net.weights[1] * (1 - p)), net.biases)
    masks = learning.Dropout(p).draw(net, 60, np.random.default_rng(0))
    inverted = learning.Dropout(p, True).draw(net, 60, np.random.default_rng(0))
    np.testing.assert_allclose(net.logits(TRAIN[0], masks), scaled.logits(TRAIN[0], inverted), rtol=1e-14)
    np.testing.assert_allclose(
        net.logits(TRAIN[0], learning.Dropout(p).expected(net)), scaled.logits(TRAIN[0], None), rtol=1e-14
    )


@pytest.mark.compiled
def test_models_in_float32_stay_in_float32():
    net = as_width(NET, np.float32)
    fit = learning.fit(
        net, TRAIN, VALID, epochs=2, compile=True, dropout=learning.Dropout(0.5), max_norm=2.0, weight_decay=0.1
    )
    assert {leaf.dtype for leaf in leaves(fit.model)} == {np.dtype(np.float32)}
    assert [f.name for f in fields(fit)] == ["descent", "model", "best_epoch", "history"]
